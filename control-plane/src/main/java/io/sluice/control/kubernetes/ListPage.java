package io.sluice.control.kubernetes;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.sluice.control.manifest.YamlValue;
import java.io.IOException;
import java.util.function.Consumer;

/**
 * What one answer to a list says besides its objects.
 *
 * @param version resource version of the list: where a watch goes on
 * @param next token of the next page, empty on the last
 */
record ListPage(String version, String next) {
  /** Longest object in bytes: etcd takes 1.5 MiB of a denser encoding. */
  static final long LONGEST_OBJECT_BYTES = 4L << 20;

  /** Hands each object to {@code items} as soon as it has arrived. */
  static ListPage read(AnswerStream in, Consumer<YamlValue.Mapping> items) throws IOException {
    in.allow(LONGEST_OBJECT_BYTES);
    String version = "";
    String next = "";
    try (JsonParser parser = JsonTree.parser(in)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("the answer is no list of Kubernetes objects");
      }
      for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
        JsonToken token = parser.nextToken();
        if (name.equals("items") && token == JsonToken.START_ARRAY) {
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            items.accept(JsonTree.object(parser));
            in.allow(LONGEST_OBJECT_BYTES);
          }
        } else if (name.equals("metadata")) {
          YamlValue.Mapping metadata = JsonTree.object(parser);
          version = JsonTree.text(metadata, "resourceVersion");
          next = JsonTree.text(metadata, "continue");
        } else {
          parser.skipChildren();
        }
      }
      if (!parser.hasToken(JsonToken.END_OBJECT)) {
        throw new IOException("the list ends in the middle");
      }
    }
    if (version.isEmpty()) {
      throw new IOException("the list has no resource version");
    }
    return new ListPage(version, next);
  }
}

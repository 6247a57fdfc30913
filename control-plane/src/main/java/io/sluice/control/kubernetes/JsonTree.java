package io.sluice.control.kubernetes;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.sluice.control.manifest.YamlDocuments;
import io.sluice.control.manifest.YamlValue;
import io.sluice.control.manifest.YamlValue.Kind;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.ReadableKind;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** Reads JSON of the API server into the tree that manifests are read into. It has no lines. */
final class JsonTree {
  /** Who wrote which field: most of many objects, and nothing that the mesh reads. */
  private static final String MANAGED_FIELDS = "managedFields";

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(StreamReadFeature.AUTO_CLOSE_SOURCE)
          .streamReadConstraints(
              StreamReadConstraints.builder().maxNestingDepth(YamlDocuments.MAX_DEPTH).build())
          .build();

  private JsonTree() {}

  static JsonParser parser(InputStream in) throws IOException {
    return JSON.createParser(in);
  }

  /** The value that begins at the parser's present token. */
  static YamlValue read(JsonParser parser) throws IOException {
    JsonToken token = parser.currentToken();
    return switch (token) {
      case START_OBJECT -> object(parser);
      case START_ARRAY -> {
        List<YamlValue> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          items.add(read(parser));
        }
        yield new YamlValue.Sequence(items, 0);
      }
      case VALUE_STRING -> scalar(parser, Kind.STRING);
      case VALUE_NUMBER_INT -> scalar(parser, Kind.INTEGER);
      case VALUE_NUMBER_FLOAT -> scalar(parser, Kind.FLOAT);
      case VALUE_TRUE, VALUE_FALSE -> scalar(parser, Kind.BOOLEAN);
      case VALUE_NULL -> scalar(parser, Kind.NULL);
      case null, default -> throw new IOException("the JSON ends in the middle of a value");
    };
  }

  /** The object that begins at the parser's present token. */
  static YamlValue.Mapping object(JsonParser parser) throws IOException {
    if (!parser.hasToken(JsonToken.START_OBJECT)) {
      throw new IOException("the answer is no Kubernetes object");
    }
    Map<String, YamlValue> entries = new LinkedHashMap<>();
    for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
      parser.nextToken();
      if (name.equals(MANAGED_FIELDS)) {
        parser.skipChildren();
      } else {
        entries.put(name, read(parser));
      }
    }
    if (!parser.hasToken(JsonToken.END_OBJECT)) {
      throw new IOException("the JSON ends in the middle of an object");
    }
    return new YamlValue.Mapping(entries, 0);
  }

  private static YamlValue scalar(JsonParser parser, Kind kind) throws IOException {
    return new YamlValue.Scalar(parser.getText(), kind, 0);
  }

  /** The text at a path of field names, empty where there is none. */
  static String text(YamlValue.Mapping object, String... path) {
    YamlValue at = object;
    for (String name : path) {
      if (!(at instanceof YamlValue.Mapping mapping) || !mapping.entries().containsKey(name)) {
        return "";
      }
      at = mapping.entries().get(name);
    }
    return at instanceof YamlValue.Scalar scalar && !scalar.isNull() ? scalar.text() : "";
  }

  /** Which object of {@code kind} it is. */
  static ObjectRef ref(ReadableKind kind, YamlValue.Mapping object) {
    return new ObjectRef(
        kind.group(),
        kind.kind(),
        text(object, "metadata", "namespace"),
        text(object, "metadata", "name"));
  }

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

  /** The events of one watch, in the order of the server. Confined to one thread. */
  static final class WatchEvents {
    private final AnswerStream in;
    private final JsonParser parser;

    /** Waits for the first bytes: the parser looks at once which encoding they have. */
    WatchEvents(AnswerStream in) throws IOException {
      this.in = in;
      in.allow(JsonTree.ListPage.LONGEST_OBJECT_BYTES);
      this.parser = JsonTree.parser(in);
    }

    /** The next event; empty when the server has ended the watch. */
    Optional<WatchEvent> next() throws IOException {
      in.allow(JsonTree.ListPage.LONGEST_OBJECT_BYTES);
      if (parser.nextToken() == null) {
        return Optional.empty();
      }
      YamlValue.Mapping event = JsonTree.object(parser);
      if (!(event.entries().get("object") instanceof YamlValue.Mapping object)) {
        throw new IOException("an event of the watch has no object");
      }
      return Optional.of(new WatchEvent(JsonTree.text(event, "type"), object));
    }

    /**
     * What happened to an object.
     *
     * @param type as the server writes it
     * @param object as it is now; as it was last, where it was removed
     */
    record WatchEvent(String type, YamlValue.Mapping object) {
      String version() {
        return JsonTree.text(object, "metadata", "resourceVersion");
      }
    }
  }
}

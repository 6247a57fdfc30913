package io.sluice.control.kubernetes;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.sluice.control.manifest.YamlDocuments;
import io.sluice.control.manifest.YamlValue;
import io.sluice.control.manifest.YamlValue.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
        yield new YamlValue.Sequence(items, 0, 0);
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
    return new YamlValue.Mapping(entries, 0, 0);
  }

  private static YamlValue scalar(JsonParser parser, Kind kind) throws IOException {
    return new YamlValue.Scalar(parser.getText(), kind, 0, 0);
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
}

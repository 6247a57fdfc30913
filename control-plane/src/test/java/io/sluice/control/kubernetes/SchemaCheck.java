package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Checks an object against the structural schema of a custom resource, without its CEL rules. Knows
 * every keyword that our schemas use and refuses others; fields that a schema does not know are
 * wrong, since the API server would drop them.
 */
final class SchemaCheck {
  private static final Set<String> KEYWORDS =
      Set.of(
          "type",
          "description",
          "properties",
          "additionalProperties",
          "items",
          "required",
          "enum",
          "pattern",
          "format",
          "minimum",
          "maximum",
          "minLength",
          "maxLength",
          "minItems",
          "maxItems",
          "maxProperties",
          "x-kubernetes-preserve-unknown-fields",
          "x-kubernetes-validations",
          "x-kubernetes-list-type",
          "x-kubernetes-list-map-keys");

  private final List<String> problems = new ArrayList<>();

  private SchemaCheck() {}

  /** Problems as {@code path: what}, in order; empty where the object is valid. */
  static List<String> problems(JsonNode schema, JsonNode object) {
    SchemaCheck check = new SchemaCheck();
    check.value("", schema, object);
    return check.problems;
  }

  private void value(String path, JsonNode schema, JsonNode value) {
    schema
        .fieldNames()
        .forEachRemaining(keyword -> {
          if (!KEYWORDS.contains(keyword)) {
            throw new IllegalArgumentException(path + ": unknown keyword " + keyword);
          }
        });
    switch (schema.path("type").asText()) {
      case "object" -> object(path, schema, value);
      case "array" -> array(path, schema, value);
      case "string" -> string(path, schema, value);
      case "integer" -> integer(path, schema, value);
      case "boolean" -> require(value.isBoolean(), path, "is no boolean");
      default -> throw new IllegalArgumentException(path + ": a structural schema has a type");
    }
    if (schema.has("enum")) {
      boolean isListed = false;
      for (JsonNode allowed : schema.get("enum")) {
        isListed |= allowed.equals(value);
      }
      require(isListed, path, "is not one of " + schema.get("enum"));
    }
  }

  private void object(String path, JsonNode schema, JsonNode value) {
    if (!value.isObject()) {
      problems.add(path + ": is no object");
      return;
    }
    for (JsonNode name : schema.path("required")) {
      require(value.has(name.asText()), path + "." + name.asText(), "is required");
    }
    if (schema.has("maxProperties")) {
      require(value.size() <= schema.get("maxProperties").asInt(), path, "has too many fields");
    }
    boolean isOpen =
        schema.path("x-kubernetes-preserve-unknown-fields").asBoolean() || path.equals(".metadata");
    value
        .fields()
        .forEachRemaining(field -> {
          String fieldPath = path + "." + field.getKey();
          JsonNode known = schema.path("properties").path(field.getKey());
          if (!known.isMissingNode()) {
            value(fieldPath, known, field.getValue());
          } else if (schema.has("additionalProperties")) {
            value(fieldPath, schema.get("additionalProperties"), field.getValue());
          } else {
            require(isOpen, fieldPath, "is not known");
          }
        });
  }

  private void array(String path, JsonNode schema, JsonNode value) {
    if (!value.isArray()) {
      problems.add(path + ": is no list");
      return;
    }
    require(value.size() >= schema.path("minItems").asInt(0), path, "has too few items");
    require(
        value.size() <= schema.path("maxItems").asInt(Integer.MAX_VALUE),
        path,
        "has too many items");
    Set<String> keys = new HashSet<>();
    for (int i = 0; i < value.size(); i++) {
      String itemPath = path + "[" + i + "]";
      value(itemPath, schema.path("items"), value.get(i));
      String listType = schema.path("x-kubernetes-list-type").asText();
      if (listType.equals("set")) {
        require(keys.add(value.get(i).toString()), itemPath, "is there twice");
      } else if (listType.equals("map")) {
        StringBuilder key = new StringBuilder();
        for (JsonNode name : schema.path("x-kubernetes-list-map-keys")) {
          key.append(value.get(i).path(name.asText())).append('|');
        }
        require(keys.add(key.toString()), itemPath, "is there twice");
      }
    }
  }

  private void string(String path, JsonNode schema, JsonNode value) {
    if (!value.isTextual()) {
      problems.add(path + ": is no string");
      return;
    }
    String text = value.asText();
    require(text.length() >= schema.path("minLength").asInt(0), path, "is too short");
    require(
        text.length() <= schema.path("maxLength").asInt(Integer.MAX_VALUE), path, "is too long");
    if (schema.has("pattern")) {
      require(
          Pattern.compile(schema.get("pattern").asText()).matcher(text).find(),
          path,
          "does not match " + schema.get("pattern").asText());
    }
  }

  private void integer(String path, JsonNode schema, JsonNode value) {
    if (!value.isIntegralNumber()) {
      problems.add(path + ": is no integer");
      return;
    }
    BigDecimal number = value.decimalValue();
    if (schema.has("minimum")) {
      require(number.compareTo(schema.get("minimum").decimalValue()) >= 0, path, "is too small");
    }
    if (schema.has("maximum")) {
      require(number.compareTo(schema.get("maximum").decimalValue()) <= 0, path, "is too large");
    }
  }

  private void require(boolean holds, String path, String problem) {
    if (!holds) {
      problems.add(path + ": " + problem);
    }
  }
}

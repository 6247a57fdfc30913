package io.sluice.control.validate;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.lang.reflect.Field;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Predicate;

/** Every field that an object can have, with a value for it, from where its kind is defined. */
final class FieldPaths {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private FieldPaths() {}

  /**
   * Those of one of fabric8's classes, which are made from the API of Kubernetes.
   *
   * @param isLeftOut whether nothing below a path is of interest; the path itself is given
   */
  static void ofClass(
      Class<?> type, String path, Predicate<String> isLeftOut, BiConsumer<String, JsonNode> each) {
    for (Field field : type.getDeclaredFields()) {
      JsonProperty property = field.getAnnotation(JsonProperty.class);
      if (property != null) {
        String inside = path.isEmpty() ? property.value() : path + "." + property.value();
        ofType(field.getGenericType(), inside, isLeftOut, each);
      }
    }
  }

  private static void ofType(
      Type type, String path, Predicate<String> isLeftOut, BiConsumer<String, JsonNode> each) {
    if (isLeftOut.test(path)) {
      each.accept(path, JSON.nullNode());
    } else if (type instanceof ParameterizedType list && list.getRawType() == List.class) {
      ofType(list.getActualTypeArguments()[0], path + "[]", isLeftOut, each);
    } else if (type instanceof ParameterizedType map && map.getRawType() == Map.class) {
      each.accept(path, JSON.objectNode().put("app", "other"));
    } else if (type == Boolean.class) {
      each.accept(path, JSON.booleanNode(true));
    } else if (type == Integer.class || type == Long.class) {
      each.accept(path, JSON.numberNode(81));
    } else if (type == String.class) {
      each.accept(path, JSON.textNode("other"));
    } else if (((Class<?>) type).getSimpleName().equals("IntOrString")) {
      each.accept(path, JSON.numberNode(81));
    } else {
      ofClass((Class<?>) type, path, isLeftOut, each);
    }
  }

  /** Those of a schema in a CustomResourceDefinition. */
  static void ofSchema(JsonNode schema, String path, BiConsumer<String, JsonNode> each) {
    switch (schema.path("type").asText()) {
      case "object" -> {
        if (!schema.has("properties")) {
          each.accept(path, JSON.objectNode().put("app", "other"));
        }
        schema
            .path("properties")
            .properties()
            .forEach(one ->
                ofSchema(
                    one.getValue(),
                    path.isEmpty() ? one.getKey() : path + "." + one.getKey(),
                    each));
      }
      case "array" -> ofSchema(schema.path("items"), path + "[]", each);
      case "boolean" -> each.accept(path, JSON.booleanNode(true));
      case "integer" -> each.accept(path, JSON.numberNode(81));
      default -> each.accept(path, JSON.textNode("other"));
    }
  }
}

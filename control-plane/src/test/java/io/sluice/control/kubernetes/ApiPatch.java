package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.zjsonpatch.JsonPatch;
import java.util.Optional;
import java.util.stream.StreamSupport;

/**
 * Changes as an API server takes them: JSON patches, merge patches, and of strategic ones what
 * concerns lists whose elements have names.
 */
final class ApiPatch {
  private ApiPatch() {}

  static ObjectNode applied(String contentType, JsonNode patch, ObjectNode object) {
    if (contentType.startsWith("application/json-patch")) {
      return (ObjectNode) JsonPatch.apply(patch, object);
    }
    ObjectNode changed = object.deepCopy();
    merge(changed, patch, contentType.startsWith("application/strategic"));
    return changed;
  }

  private static void merge(ObjectNode object, JsonNode patch, boolean isStrategic) {
    patch
        .properties()
        .forEach(member -> {
          String name = member.getKey();
          JsonNode value = member.getValue();
          JsonNode old = object.path(name);
          if (value.isNull()) {
            object.remove(name);
          } else if (value.isObject()) {
            merge(object.withObject("/" + escaped(name)), value, isStrategic);
          } else if (isStrategic && hasNames(value) && hasNames(old)) {
            mergeNamed((ArrayNode) old, value);
          } else if (!name.startsWith("$")) {
            object.set(name, value);
          }
        });
  }

  private static String escaped(String name) {
    return name.replace("~", "~0").replace("/", "~1");
  }

  private static boolean hasNames(JsonNode list) {
    return list.isArray() && !list.isEmpty() && list.get(0).has("name");
  }

  private static void mergeNamed(ArrayNode old, JsonNode patches) {
    for (JsonNode patch : patches) {
      Optional<JsonNode> known =
          StreamSupport.stream(old.spliterator(), false)
              .filter(each -> each.path("name").equals(patch.path("name")))
              .findFirst();
      if (known.isEmpty()) {
        old.add(patch);
      } else if (patch.path("$patch").asText().equals("delete")) {
        old.removeIf(each -> each == known.get());
      } else {
        merge((ObjectNode) known.get(), patch, true);
      }
    }
  }
}

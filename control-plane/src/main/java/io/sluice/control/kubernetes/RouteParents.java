package io.sluice.control.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.kubernetes.ReportedObject.Condition;
import io.sluice.control.manifest.YamlValue;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/**
 * What {@code status.parents} of a route of the Gateway API says, of which each controller keeps
 * its own part. Fields are in order of name, so that equal parents have equal texts.
 */
final class RouteParents {
  /** As many as the definition lets one have. */
  private static final int MOST = 32;

  private RouteParents() {}

  /** The Services that it names for parents, by their place, each as it is written. */
  static Map<Integer, String> services(YamlValue.Mapping object) {
    Map<Integer, String> services = new TreeMap<>();
    each(
        object,
        "spec",
        "parentRefs",
        (index, parent) -> {
          if (parent.entries().get("group") instanceof YamlValue.Scalar group
              && group.text().isEmpty()
              && JsonTree.text(parent, "kind").equals("Service")) {
            services.put(index, json(parent).toString());
          }
        });
    return services;
  }

  /** What we have said. */
  static List<Condition> conditions(YamlValue.Mapping object) {
    return said(object)
        .filter(RouteParents::isOurs)
        .filter(entry -> entry.entries().get("parentRef") instanceof YamlValue.Mapping)
        .flatMap(entry ->
            ReportedObject.conditions(entry, json(entry.entries().get("parentRef")).toString())
                .stream())
        .toList();
  }

  /** What others have said. */
  static List<String> others(YamlValue.Mapping object) {
    return said(object).filter(entry -> !isOurs(entry)).map(one -> json(one).toString()).toList();
  }

  private static boolean isOurs(YamlValue.Mapping entry) {
    return JsonTree.text(entry, "controllerName").equals(ReportedObject.CONTROLLER);
  }

  private static Stream<YamlValue.Mapping> said(YamlValue.Mapping object) {
    Stream.Builder<YamlValue.Mapping> entries = Stream.builder();
    each(object, "status", "parents", (_, entry) -> entries.add(entry));
    return entries.build();
  }

  private static void each(
      YamlValue.Mapping object,
      String part,
      String field,
      BiConsumer<Integer, YamlValue.Mapping> action) {
    if (object.entries().get(part) instanceof YamlValue.Mapping mapping
        && mapping.entries().get(field) instanceof YamlValue.Sequence list) {
      for (int i = 0; i < Math.min(MOST, list.items().size()); i++) {
        if (list.items().get(i) instanceof YamlValue.Mapping entry) {
          action.accept(i, entry);
        }
      }
    }
  }

  private static JsonNode json(YamlValue value) {
    return switch (value) {
      case YamlValue.Mapping mapping -> {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        new TreeMap<>(mapping.entries()).forEach((name, inner) -> node.set(name, json(inner)));
        yield node;
      }
      case YamlValue.Sequence list -> {
        ArrayNode node = JsonNodeFactory.instance.arrayNode();
        list.items().forEach(item -> node.add(json(item)));
        yield node;
      }
      case YamlValue.Scalar scalar -> json(scalar);
    };
  }

  private static JsonNode json(YamlValue.Scalar scalar) {
    JsonNodeFactory make = JsonNodeFactory.instance;
    return switch (scalar.kind()) {
      case STRING -> make.textNode(scalar.text());
      case INTEGER -> make.numberNode(new BigInteger(scalar.text()));
      case FLOAT -> make.numberNode(new BigDecimal(scalar.text()));
      case BOOLEAN -> make.booleanNode(scalar.text().equals("true"));
      case NULL -> make.nullNode();
    };
  }
}

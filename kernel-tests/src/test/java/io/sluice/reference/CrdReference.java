package io.sluice.reference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.architecture.SourceTree;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The page of custom resources, from the definitions of the chart. */
final class CrdReference {
  private static final Path FOLDER = Path.of("charts", "sluice", "crds");
  private static final ObjectMapper JSON = new ObjectMapper();

  /** In a status; the same of every kind. */
  private static final String CONDITIONS = "/properties/conditions";

  /** How a definition says in its description what holds for a field that is left out. */
  private static final Pattern DEFAULT = Pattern.compile("^(.*?) Default (.+)\\.$");

  private static final List<String> LIMITS =
      List.of(
          "enum",
          "pattern",
          "minimum",
          "maximum",
          "minLength",
          "maxLength",
          "minItems",
          "maxItems",
          "maxProperties",
          "format");

  private CrdReference() {}

  static String text(SourceTree tree) {
    List<JsonNode> definitions =
        tree.files().stream()
            .filter(file -> file.startsWith(FOLDER))
            .sorted()
            .map(file -> yaml(tree.read(file)))
            .toList();
    JsonNode status = version(definitions.getLast()).at(schema("status"));
    StringBuilder text =
        new StringBuilder(
            """
            # Custom resources

            The definitions in `charts/sluice/crds`. Fields of a list's items have `[]` in their path. Required fields are marked `*`; a field of
            another type, beyond its limits or against a rule is refused by the API server.

            """);
    for (JsonNode definition : definitions) {
      JsonNode own = version(definition).at(schema("status"));
      if (!own.at(CONDITIONS).equals(status.at(CONDITIONS))) {
        throw new IllegalStateException("statuses differ: " + definition.at("/metadata/name"));
      }
      describe(definition, text);
    }
    MarkdownTable conditions = new MarkdownTable("Field", "Type", "Default", "Meaning", "Limits");
    fields("status", status, conditions, new ArrayList<>());
    return text.append(
            "## Status\n\nThe same for every kind; kinds of policy.openservicemesh.io say the first")
        .append(
            " condition by `status.currentStatus` and `status.reason` too. Reasons and what they")
        .append(" mean: [what objects say](../kubernetes.md#what-objects-say).\n\n")
        .append(conditions)
        .toString();
  }

  private static JsonNode yaml(String text) {
    return JSON.valueToTree(new Load(LoadSettings.builder().build()).loadFromString(text));
  }

  private static JsonNode version(JsonNode definition) {
    for (JsonNode version : definition.at("/spec/versions")) {
      if (version.path("storage").asBoolean()) {
        return version;
      }
    }
    throw new IllegalStateException("none is stored: " + definition.at("/metadata/name"));
  }

  private static String schema(String part) {
    return "/schema/openAPIV3Schema/properties/" + part;
  }

  private static String otherVersions(JsonNode versions, JsonNode stored) {
    StringBuilder others = new StringBuilder();
    for (JsonNode version : versions) {
      if (version != stored) {
        others.append(others.isEmpty() ? " (also `" : "`, `").append(version.path("name").asText());
      }
    }
    return others.isEmpty() ? "" : others.append("`)").toString();
  }

  private static void describe(JsonNode definition, StringBuilder text) {
    JsonNode spec = definition.path("spec");
    JsonNode version = version(definition);
    JsonNode content = version.at(schema("spec"));
    text.append("## ").append(spec.at("/names/kind").asText()).append("\n\n");
    text.append(
        "`%s/%s`%s, %s, `%s`%s. %s%n%n"
            .formatted(
                spec.path("group").asText(),
                version.path("name").asText(),
                otherVersions(spec.path("versions"), version),
                spec.path("scope").asText().equals("Namespaced")
                    ? "in a namespace"
                    : "of the cluster",
                spec.at("/names/plural").asText(),
                shortNames(spec.at("/names/shortNames")),
                content.path("description").asText().strip()));
    MarkdownTable table = new MarkdownTable("Field", "Type", "Default", "Meaning", "Limits");
    List<String> rules = new ArrayList<>();
    fields("spec", content, table, rules);
    JsonNode words = version.at(schema("status")).deepCopy(); // of another mesh's tools
    ((ObjectNode) words.path("properties")).remove("conditions");
    fields("status", words, table, rules);
    text.append(table).append('\n');
    if (!rules.isEmpty()) {
      text.append("Rules:\n\n");
      rules.forEach(rule -> text.append("- ").append(rule).append('\n'));
      text.append('\n');
    }
  }

  private static String shortNames(JsonNode names) {
    List<String> texts = new ArrayList<>();
    names.forEach(name -> texts.add("`" + name.asText() + "`"));
    return texts.isEmpty() ? "" : " (" + String.join(", ", texts) + ")";
  }

  /** Adds the fields below {@code path}, depth first in the order of the definition. */
  private static void fields(
      String path, JsonNode schema, MarkdownTable table, List<String> rules) {
    for (JsonNode rule : schema.path("x-kubernetes-validations")) {
      rules.add("`" + path + "`: " + rule.path("message").asText() + ".");
    }
    List<String> required = new ArrayList<>();
    schema.path("required").forEach(name -> required.add(name.asText()));
    for (Map.Entry<String, JsonNode> field : schema.path("properties").properties()) {
      String inside = path + "." + field.getKey();
      JsonNode type = field.getValue();
      String meaning = description(type, inside);
      Matcher described = DEFAULT.matcher(meaning);
      boolean hasDefault = described.matches();
      table.row(
          "`" + inside + "`" + (required.contains(field.getKey()) ? " *" : ""),
          typeName(type),
          hasDefault ? described.group(2) : "",
          hasDefault ? described.group(1) : meaning,
          limits(type));
      fields(inside, type, table, rules);
      if (type.path("items").has("properties")) {
        fields(inside + "[]", type.path("items"), table, rules);
      }
    }
  }

  /** Sections explain themselves by their fields, everything else by a description. */
  private static String description(JsonNode type, String path) {
    if (!type.has("description") && !type.has("properties") && path.startsWith("spec.")) {
      throw new IllegalStateException(path + " has no description in its definition");
    }
    return type.path("description").asText().strip();
  }

  private static String typeName(JsonNode type) {
    String name = type.path("type").asText();
    return switch (name) {
      case "array" -> "list of " + type.at("/items/type").asText() + "s";
      case "object" ->
          type.has("additionalProperties")
              ? "mapping to " + type.at("/additionalProperties/type").asText() + "s"
              : "object";
      default -> name;
    };
  }

  /** Of the field, then of its items. */
  private static String limits(JsonNode type) {
    List<String> found = new ArrayList<>(ownLimits(type));
    for (String inner : List.of("items", "additionalProperties")) {
      ownLimits(type.path(inner)).forEach(limit -> found.add("each " + limit));
    }
    return String.join("; ", found);
  }

  private static List<String> ownLimits(JsonNode type) {
    return LIMITS.stream()
        .filter(type::has)
        .map(name -> {
          JsonNode limit = type.path(name);
          return name.equals("enum") ? words(limit) : name + " `" + limit.asText() + "`";
        })
        .toList();
  }

  private static String words(JsonNode list) {
    List<String> words = new ArrayList<>();
    list.forEach(word -> words.add("`" + word.asText() + "`"));
    return String.join(", ", words);
  }
}

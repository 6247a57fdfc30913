package io.sluice.charts;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;

/** The fields that a command says its {@code -o json} has, in the last lines of its help. */
final class JsonFields {
  private static final String HEADING = "%nFields of -o json:%n";
  private static final Pattern LINE =
      Pattern.compile("([A-Za-z0-9.*\\[\\]]+)(?: \\((number|boolean)\\))?: (.+)");

  /**
   * One of them.
   *
   * @param path such as {@code findings[].line}; of each element, where a list is printed
   * @param type string, number or boolean
   */
  record Field(String path, String type, String meaning) {}

  private JsonFields() {}

  /** As declared; empty where the command declares none. */
  static List<Field> of(CommandSpec command) {
    if (!Arrays.asList(command.usageMessage().footerHeading()).contains(HEADING)) {
      return List.of();
    }
    return Arrays.stream(command.usageMessage().footer()).map(JsonFields::field).toList();
  }

  private static Field field(String line) {
    Matcher parts = LINE.matcher(line);
    if (!parts.matches()) {
      throw new AssertionError("'" + line + "' is not 'PATH: meaning' or 'PATH (TYPE): meaning'");
    }
    String type = parts.group(2) == null ? "string" : parts.group(2);
    return new Field(parts.group(1), type, parts.group(3));
  }

  /** The type of each path as declared. */
  static Map<String, String> types(List<Field> fields) {
    return new TreeMap<>(fields.stream().collect(Collectors.toMap(Field::path, Field::type)));
  }

  /** The type of each path that is really there. */
  static Map<String, String> types(JsonNode output) {
    Map<String, String> types = new TreeMap<>();
    if (output.isArray()) {
      output.forEach(element -> collect("", element, types));
    } else {
      collect("", output, types);
    }
    return types;
  }

  private static void collect(String path, JsonNode value, Map<String, String> types) {
    if (value.isObject()) {
      String before = path.isEmpty() ? "" : path + ".";
      value
          .properties()
          .forEach(member -> collect(before + member.getKey(), member.getValue(), types));
    } else if (value.isArray()) {
      value.forEach(element -> collect(path + "[]", element, types));
    } else {
      types.put(path, value.getNodeType().name().toLowerCase(Locale.ROOT));
    }
  }
}

package io.sluice.charts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.mesh.Spelling;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What Helm says of values that the chart refuses, as the one who wrote them would say it. */
final class RefusedValues {
  private static final Pattern BY_SCHEMA = Pattern.compile("(?m)^- at '([^']*)': (.*)$");
  private static final Pattern UNKNOWN =
      Pattern.compile("additional properties ((?:'[^']*'(?:, )?)+) not allowed");
  private static final Pattern NAME = Pattern.compile("'([^']*)'");
  private static final Pattern BY_TEMPLATE =
      Pattern.compile("(?s)^execution error at \\([^)]*\\): (.*?)\\s*(?:Use --debug.*)?$");

  private RefusedValues() {}

  /** {@code node.heapMB: there is no such value}; every value that is refused, with semicolons. */
  static String sentence(String message, Path chart) {
    Matcher template = BY_TEMPLATE.matcher(message);
    if (template.matches()) {
      return template.group(1);
    }
    List<String> told = new ArrayList<>();
    BY_SCHEMA
        .matcher(message)
        .results()
        .forEach(found -> {
          String path = found.group(1).replaceFirst("^/", "").replace('/', '.');
          Matcher unknown = UNKNOWN.matcher(found.group(2));
          if (unknown.matches()) {
            NAME.matcher(unknown.group(1))
                .results()
                .forEach(name -> told.add(unknown(path, name.group(1), chart)));
          } else {
            told.add("value " + path + ": " + found.group(2).replaceFirst("^value ", ""));
          }
        });
    return told.isEmpty() ? message.strip() : String.join("; ", told);
  }

  private static String unknown(String path, String name, Path chart) {
    String whole = path.isEmpty() ? name : path + "." + name;
    return "there is no value " + whole + Spelling.hint(name, names(path, chart));
  }

  /** What may stand at {@code path}, as the chart's schema says. */
  private static List<String> names(String path, Path chart) {
    try {
      JsonNode there = new ObjectMapper().readTree(chart.resolve("values.schema.json").toFile());
      for (String part : path.isEmpty() ? new String[0] : path.split("\\.")) {
        there = there.path("properties").path(part);
      }
      List<String> names = new ArrayList<>();
      there.path("properties").fieldNames().forEachRemaining(names::add);
      return names;
    } catch (IOException e) {
      return List.of(); // the chart is not ours; what is wrong is told all the same
    }
  }
}

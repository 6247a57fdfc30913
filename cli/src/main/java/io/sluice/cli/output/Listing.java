package io.sluice.cli.output;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.Printable;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Rows under headings.
 *
 * @param columns headings, also the JSON members
 * @param rows as many cells as columns
 */
public record Listing(List<String> columns, List<List<String>> rows) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int MAX_CELL = 80;

  public Listing {
    columns = List.copyOf(columns);
    rows = rows.stream().map(List::copyOf).toList();
  }

  /** The members {@code columns} of each object. */
  public static Listing of(List<JsonNode> objects, List<String> columns) {
    List<List<String>> rows = new ArrayList<>();
    for (JsonNode object : objects) {
      rows.add(columns.stream().map(column -> cell(object.path(column))).toList());
    }
    return new Listing(columns, rows);
  }

  private static String cell(JsonNode value) {
    if (value.isArray()) {
      List<String> parts = new ArrayList<>();
      value.forEach(part -> parts.add(part.asText()));
      return String.join(",", parts);
    }
    return value.asText();
  }

  /** Prints as {@code format}. */
  public void print(OutputFormat format, PrintWriter out) {
    switch (format) {
      case table, wide -> printTable(out);
      case json -> out.println(toJson().toPrettyString());
    }
    out.flush();
  }

  private ArrayNode toJson() {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    for (List<String> row : rows) {
      ObjectNode object = array.addObject();
      for (int i = 0; i < columns.size(); i++) {
        object.put(columns.get(i), row.get(i));
      }
    }
    return array;
  }

  /** Pretty JSON of any value. */
  public static void printJson(JsonNode value, PrintWriter out) {
    try {
      out.println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(value));
      out.flush();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot print " + value.getNodeType(), e);
    }
  }

  private void printTable(PrintWriter out) {
    List<List<String>> shown =
        rows.stream().map(row -> row.stream().map(Printable::line).toList()).toList();
    int[] widths = new int[columns.size()];
    for (int i = 0; i < widths.length; i++) {
      widths[i] = columns.get(i).length();
      for (List<String> row : shown) {
        widths[i] = Math.clamp(row.get(i).length(), widths[i], MAX_CELL);
      }
    }
    printRow(columns.stream().map(column -> column.toUpperCase(Locale.ROOT)).toList(), widths, out);
    shown.forEach(row -> printRow(row, widths, out));
  }

  private static void printRow(List<String> row, int[] widths, PrintWriter out) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < row.size(); i++) {
      line.append(row.get(i));
      if (i + 1 < row.size()) {
        line.repeat(' ', Math.max(0, widths[i] - row.get(i).length()) + 2);
      }
    }
    out.println(line);
  }
}

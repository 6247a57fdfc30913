package io.sluice.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** The result of one run, for people, for programs and for the documentation. */
record Report(Machine machine, boolean quick, List<Figure> figures) {
  private static final String BEGIN = "<!-- sluice bench: begin -->";
  private static final String END = "<!-- sluice bench: end -->";
  private static final List<String> HEADINGS =
      List.of("measured", "unit", "direct", "meshed", "ratio", "ratios seen");

  private List<List<String>> rows() {
    List<List<String>> rows = new ArrayList<>();
    for (Figure figure : figures) {
      OptionalDouble direct = figure.directMedian();
      List<Double> ratios = figure.ratios();
      rows.add(
          List.of(
              figure.label(),
              figure.unit(),
              direct.isPresent() ? number(direct.getAsDouble()) : "",
              number(figure.meshedMedian()),
              ratios.isEmpty() ? "" : ratio(figure, ratios),
              ratios.isEmpty()
                  ? ""
                  : "%.2f–%.2f".formatted(Collections.min(ratios), Collections.max(ratios))));
    }
    return rows;
  }

  /** Latencies also say what the mesh adds. */
  private static String ratio(Figure figure, List<Double> ratios) {
    String ratio = String.format(Locale.ROOT, "%.2f", Figure.median(ratios));
    return (figure.unit().equals("µs") || figure.unit().equals("ms"))
        ? ratio + " (" + signed(figure.meshedMedian() - figure.directMedian().orElse(0)) + ")"
        : ratio;
  }

  private static String signed(double difference) {
    return (difference < 0 ? "-" : "+") + number(Math.abs(difference));
  }

  private static String number(double value) {
    return String.format(
        Locale.ROOT, value >= 100 ? "%,.0f" : value >= 10 ? "%.1f" : "%.2f", value);
  }

  /** Aligned columns. */
  String table() {
    List<List<String>> all = new ArrayList<>(List.of(HEADINGS));
    all.addAll(rows());
    int[] widths = new int[HEADINGS.size()];
    for (List<String> row : all) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : all) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        String padding = " ".repeat(widths[i] - row.get(i).length());
        line.append(i < 2 ? row.get(i) + padding : padding + row.get(i)).append("  ");
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text + "\n" + machine.sentence() + "\n";
  }

  /** Everything, with the single values. */
  void writeJson(Path file) throws IOException {
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    ObjectNode root = mapper.createObjectNode();
    root.put("quick", quick);
    root.set("machine", mapper.valueToTree(machine));
    ArrayNode list = root.putArray("figures");
    for (Figure figure : figures) {
      ObjectNode node = list.addObject();
      node.put("id", figure.id()).put("label", figure.label()).put("unit", figure.unit());
      figure.directMedian().ifPresent(direct -> node.put("direct", direct));
      node.put("meshed", figure.meshedMedian());
      if (!figure.direct().isEmpty()) {
        node.put("ratio", Figure.median(figure.ratios()));
        figure.direct().forEach(node.withArrayProperty("directValues")::add);
      }
      figure.meshed().forEach(node.withArrayProperty("meshedValues")::add);
    }
    mapper.writeValue(file.toFile(), root);
  }

  /** Replaces what stands between the two markers of a Markdown file. */
  void writeMarkdown(Path file) throws IOException {
    String text = Files.readString(file);
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IOException(
          file + " has no lines '" + BEGIN + "' and '" + END + "' to write between");
    }
    Files.writeString(
        file, text.substring(0, begin + BEGIN.length()) + markdown() + text.substring(end));
  }

  private String markdown() {
    StringBuilder text = new StringBuilder("\n").append(machine.sentence());
    text.append(quick ? "; a short run (`--quick`).\n\n" : ".\n\n");
    text.append("| ")
        .append(String.join(" | ", HEADINGS))
        .append(" |\n|---|---|--:|--:|--:|--:|\n");
    rows().forEach(row -> text.append("| ").append(String.join(" | ", row)).append(" |\n"));
    return text.toString();
  }
}

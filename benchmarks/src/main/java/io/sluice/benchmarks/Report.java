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

/**
 * The result of one run, for people, for programs and for the documentation.
 *
 * @param figures on one node; may be empty
 * @param comparisons between nodes; may be empty
 * @param growths of distribution; may be empty
 */
record Report(
    Machine machine,
    boolean quick,
    List<Figure> figures,
    List<Comparison> comparisons,
    List<Growth> growths) {
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

  static String number(double value) {
    return String.format(
        Locale.ROOT, value >= 100 ? "%,.0f" : value >= 10 ? "%.1f" : "%.2f", value);
  }

  /** Aligned columns. */
  String table() {
    StringBuilder text = new StringBuilder();
    if (!figures.isEmpty()) {
      text.append(TextTable.aligned(HEADINGS, rows())).append('\n');
    }
    if (!comparisons.isEmpty()) {
      text.append(TextTable.aligned(Comparison.HEADINGS, Comparison.rows(comparisons)))
          .append('\n');
    }
    if (!growths.isEmpty()) {
      text.append(TextTable.aligned(Growth.headings(growths), Growth.rows(growths)))
          .append('\n')
          .append(Growth.plot(growths))
          .append('\n');
    }
    return text + machine.sentence() + "\n";
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
    ArrayNode others = root.putArray("comparisons");
    for (Comparison comparison : comparisons) {
      ObjectNode node = others.addObject();
      node.put("id", comparison.id())
          .put("label", comparison.label())
          .put("unit", comparison.unit());
      comparison
          .values()
          .forEach((crossing, values) ->
              node.set(crossing.name().toLowerCase(Locale.ROOT), mapper.valueToTree(values)));
    }
    ArrayNode sizes = root.putArray("growths");
    for (Growth growth : growths) {
      ObjectNode node = sizes.addObject();
      node.put("id", growth.id()).put("label", growth.label()).put("unit", growth.unit());
      growth
          .values()
          .forEach((pods, values) -> node.set(pods.toString(), mapper.valueToTree(values)));
    }
    mapper.writeValue(file.toFile(), root);
  }

  /** Replaces, of each kind that was measured, what stands between its markers in a file. */
  void writeMarkdown(Path file) throws IOException {
    String text = Files.readString(file);
    if (!figures.isEmpty()) {
      text = replaced(file, text, "sluice bench", TextTable.markdown(HEADINGS, rows()));
    }
    if (!comparisons.isEmpty()) {
      text =
          replaced(
              file,
              text,
              "sluice bench mtls",
              TextTable.markdown(Comparison.HEADINGS, Comparison.rows(comparisons)));
    }
    if (!growths.isEmpty()) {
      text =
          replaced(
              file,
              text,
              "sluice bench distribution",
              TextTable.markdown(Growth.headings(growths), Growth.rows(growths))
                  + "\n```\n"
                  + Growth.plot(growths)
                  + "```\n");
    }
    Files.writeString(file, text);
  }

  private String replaced(Path file, String text, String name, String table) throws IOException {
    String first = "<!-- " + name + ": begin -->";
    String last = "<!-- " + name + ": end -->";
    int begin = text.indexOf(first);
    int end = text.indexOf(last);
    if (begin < 0 || end < begin) {
      throw new IOException(
          file + " has no lines '" + first + "' and '" + last + "' to write between");
    }
    return text.substring(0, begin + first.length())
        + "\n"
        + machine.sentence()
        + (quick ? "; a short run (`--quick`).\n\n" : ".\n\n")
        + table
        + text.substring(end);
  }
}

package io.sluice.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The result of one run, for people, for programs and for the documentation.
 *
 * @param figures on one node; may be empty
 * @param comparisons between nodes; may be empty
 * @param growths by size; may be empty
 * @param remarks what to think of them, each a sentence; none where nothing is doubtful
 */
record Report(
    Machine machine,
    boolean quick,
    List<Figure> figures,
    List<Comparison> comparisons,
    List<Growth> growths,
    List<String> remarks) {
  private static final String IMAGES = "img";

  /** What has tables of its own, between markers that are called so. */
  private enum Section {
    OTHERS("sluice bench", "bench", "direct", "meshed"),
    HTTP("sluice bench http", "bench-http", "direct", "meshed"),
    RESILIENCE("sluice bench resilience", "bench-resilience", "nothing configured", "with it"),
    TELEMETRY("sluice bench telemetry", "bench-telemetry", "nothing configured", "with it");

    private final String marker;
    private final String picture;
    private final String base;
    private final String measured;

    Section(String marker, String picture, String base, String measured) {
      this.marker = marker;
      this.picture = picture;
      this.base = base;
      this.measured = measured;
    }

    private static Section of(String id) {
      return id.startsWith("http.") || id.startsWith("mtls.http.")
          ? HTTP
          : id.startsWith("resilience.")
              ? RESILIENCE
              : id.startsWith("telemetry.") ? TELEMETRY : OTHERS;
    }

    private List<String> headings() {
      return List.of("measured", "unit", base, measured, "ratio", "from–to");
    }
  }

  private Report of(Section section) {
    return new Report(
        machine,
        quick,
        figures.stream().filter(figure -> Section.of(figure.id()) == section).toList(),
        comparisons.stream().filter(comparison -> Section.of(comparison.id()) == section).toList(),
        section == Section.OTHERS ? growths : List.of(),
        remarks);
  }

  private List<List<String>> rows() {
    List<List<String>> rows = new ArrayList<>();
    for (Figure figure : figures) {
      Values direct = figure.direct();
      Values meshed = figure.meshed();
      rows.add(
          List.of(
              figure.label(),
              figure.unit(),
              direct == null ? "" : number(direct.median()),
              number(meshed.median()),
              direct == null ? "" : ratio(figure.unit(), direct, meshed),
              direct == null
                  ? ""
                  : String.format(
                      Locale.ROOT,
                      "%.2f–%.2f",
                      meshed.lowRatio(direct),
                      meshed.highRatio(direct))));
    }
    return rows;
  }

  /** Latencies also say what the mesh adds. */
  private static String ratio(String unit, Values direct, Values meshed) {
    String ratio = String.format(Locale.ROOT, "%.2f", meshed.ratio(direct));
    return (unit.equals("µs") || unit.equals("ms"))
        ? ratio + " (" + signed(meshed.median() - direct.median()) + ")"
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
    for (Section section : Section.values()) {
      text.append(of(section).tables(section));
    }
    remarks.forEach(remark -> text.append(remark).append('\n'));
    return text + machine.sentence() + "\n";
  }

  private String tables(Section section) {
    StringBuilder text = new StringBuilder();
    if (!figures.isEmpty()) {
      text.append(TextTable.aligned(section.headings(), rows())).append('\n');
    }
    if (!comparisons.isEmpty()) {
      text.append(TextTable.aligned(Comparison.headings(comparisons), Comparison.rows(comparisons)))
          .append('\n');
    }
    for (List<Growth> growing : growthsByPart().values()) {
      text.append(TextTable.aligned(Growth.headings(growing), Growth.rows(growing)))
          .append('\n')
          .append(Growth.plot(growing))
          .append('\n');
    }
    return text.toString();
  }

  /** Each part has sizes of its own, and so a table. */
  private SortedMap<String, List<Growth>> growthsByPart() {
    return growths.stream()
        .collect(Collectors.groupingBy(Growth::part, TreeMap::new, Collectors.toList()));
  }

  /** Everything, with the single values. */
  void writeJson(Path file) throws IOException {
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    ObjectNode root = mapper.createObjectNode();
    root.put("quick", quick);
    root.set("machine", mapper.valueToTree(machine));
    root.set("remarks", mapper.valueToTree(remarks));
    ArrayNode list = root.putArray("figures");
    for (Figure figure : figures) {
      ObjectNode node = list.addObject();
      node.put("id", figure.id()).put("label", figure.label()).put("unit", figure.unit());
      Values direct = figure.direct();
      if (direct != null) {
        node.put("direct", direct.median());
        node.put("ratio", figure.meshed().ratio(direct));
        node.set("directTakes", mapper.valueToTree(direct.takes()));
      }
      node.put("meshed", figure.meshed().median());
      node.set("meshedTakes", mapper.valueToTree(figure.meshed().takes()));
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
              node.set(
                  crossing.name().toLowerCase(Locale.ROOT), mapper.valueToTree(values.takes())));
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

  /**
   * Replaces, of each kind that was measured, what stands between its markers in a file, and draws
   * it in the folder of images beside that.
   */
  void writeMarkdown(Path file) throws IOException {
    String text = Files.readString(file);
    for (Section section : Section.values()) {
      text = of(section).written(file, text, section);
    }
    Files.writeString(file, text);
  }

  private String written(Path file, String before, Section section) throws IOException {
    String name = section.marker;
    String text = before;
    if (!figures.isEmpty()) {
      text =
          replaced(
              file,
              text,
              name,
              TextTable.markdown(section.headings(), rows())
                  + drawn(file, section.picture + ".svg", figureChart(section)));
    }
    if (!comparisons.isEmpty()) {
      text =
          replaced(
              file,
              text,
              name + " mtls",
              TextTable.markdown(Comparison.headings(comparisons), Comparison.rows(comparisons))
                  + drawn(file, section.picture + "-mtls.svg", comparisonChart()));
    }
    for (var part : growthsByPart().entrySet()) {
      List<Growth> growing = part.getValue();
      text =
          replaced(
              file,
              text,
              name + " " + part.getKey(),
              TextTable.markdown(Growth.headings(growing), Growth.rows(growing))
                  + "\n```\n"
                  + Growth.plot(growing)
                  + "```\n");
    }
    return text;
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
        + (quick ? "; a short run (`--quick`)." : ".")
        + remarks.stream().map(remark -> " " + remark + ".").collect(Collectors.joining())
        + "\n\n"
        + table
        + text.substring(end);
  }

  private BarChart figureChart(Section section) {
    BarChart chart = new BarChart();
    for (Figure figure : figures) {
      Values direct = figure.direct();
      if (direct != null) {
        chart.add(
            figure.label(),
            figure.unit(),
            List.of(
                new BarChart.Bar(section.base, direct),
                new BarChart.Bar(section.measured, figure.meshed())));
      }
    }
    return chart;
  }

  private BarChart comparisonChart() {
    BarChart chart = new BarChart();
    for (Comparison comparison : comparisons) {
      chart.add(
          comparison.label(),
          comparison.unit(),
          new TreeMap<>(comparison.values())
              .entrySet().stream()
                  .map(entry -> new BarChart.Bar(entry.getKey().heading(), entry.getValue()))
                  .toList());
    }
    return chart;
  }

  /** Gives the line that shows the picture. */
  private static String drawn(Path markdown, String name, BarChart chart) throws IOException {
    Path picture = markdown.toAbsolutePath().resolveSibling(IMAGES).resolve(name);
    Files.createDirectories(picture.getParent());
    Files.writeString(picture, chart.svg());
    return "\n![Medians as bars, lines over four fifths of the values]("
        + IMAGES
        + "/"
        + name
        + ")\n";
  }
}

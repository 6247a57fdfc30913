package io.sluice.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
  private static final Machine MACHINE = new Machine(2, "c", "a", "k", "j", "d", 0.5);

  private static final Comparison RATE =
      new Comparison(
          "mtls.rate",
          "rate",
          "1/s",
          Map.of(
              Crossing.DIRECT, new Values(List.of(List.of(180.0, 190.0), List.of(210.0, 220.0))),
              Crossing.MUTUAL_TLS, Values.of(List.of(50.0, 40.0, 100.0)),
              Crossing.HAPROXY, Values.of(List.of(10.0, 20.0, 40.0))));

  private static final Comparison MEMORY =
      new Comparison(
          "mtls.rss", "memory", "MiB", Map.of(Crossing.MUTUAL_TLS, Values.of(List.of(120.0))));

  private static final Figure FIGURE =
      new Figure("one", "one node", "1/s", Values.of(List.of(2.0)), Values.of(List.of(1.0)));

  @TempDir private Path directory = Path.of("");

  @Test
  void ratiosAreOfMediansAndOnlyMeasuredWaysHaveAColumn() {
    assertThat(Comparison.headings(List.of(RATE, MEMORY)))
        .containsExactly(
            "measured", "unit", "direct", "mTLS", "of direct", "haproxy mTLS", "of direct");
    assertThat(Comparison.rows(List.of(RATE, MEMORY)))
        .containsExactly(
            List.of("rate", "1/s", "200", "50.0", "0.25 (0.19–0.54)", "20.0", "0.10 (0.05–0.22)"),
            List.of("memory", "MiB", "", "120", "", "", ""));
  }

  @Test
  void onlyTheTableThatWasMeasuredIsReplaced() throws IOException {
    Path file = directory.resolve("performance.md");
    String before =
        "<!-- sluice bench: begin -->old one<!-- sluice bench: end -->\n"
            + "<!-- sluice bench mtls: begin -->old two<!-- sluice bench mtls: end -->\n";
    Files.writeString(file, before);

    new Report(MACHINE, false, List.of(), List.of(RATE), List.of(), List.of()).writeMarkdown(file);
    assertThat(file)
        .content()
        .contains("old one", "| rate | 1/s |", "](img/bench-mtls.svg)")
        .doesNotContain("old two", "](img/bench.svg)");
    assertThat(directory.resolve("img/bench-mtls.svg")).content().contains(">haproxy mTLS<");

    Files.writeString(file, before);
    new Report(MACHINE, true, List.of(FIGURE), List.of(), List.of(), List.of("doubtful"))
        .writeMarkdown(file);
    assertThat(file)
        .content()
        .contains(
            "old two",
            "| one node |",
            "load average before the run 0.50; a short run (`--quick`). doubtful.")
        .doesNotContain("old one");
  }

  @Test
  void httpHasTablesOfItsOwn() throws IOException {
    Path file = directory.resolve("performance.md");
    Files.writeString(
        file,
        "<!-- sluice bench: begin -->old one<!-- sluice bench: end -->\n"
            + "<!-- sluice bench mtls: begin -->old two<!-- sluice bench mtls: end -->\n"
            + "<!-- sluice bench http: begin -->old three<!-- sluice bench http: end -->\n"
            + "<!-- sluice bench http mtls: begin -->old four<!-- sluice bench http mtls: end -->\n");
    Figure figure =
        new Figure("http.rate", "GETs", "1/s", Values.of(List.of(2.0)), Values.of(List.of(1.0)));
    Comparison comparison =
        new Comparison(
            "mtls.http.rate", "PUTs", "1/s", Map.of(Crossing.AS_BYTES, Values.of(List.of(4.0))));

    Report report =
        new Report(MACHINE, false, List.of(figure), List.of(comparison), List.of(), List.of());
    report.writeMarkdown(file);

    assertThat(report.table()).contains("GETs", "PUTs", "as bytes");
    assertThat(file)
        .content()
        .contains("old one", "old two", "| GETs |", "| PUTs |", "](img/bench-http-mtls.svg)")
        .doesNotContain("old three", "old four");
  }

  @Test
  void resilienceIsBesideNothingConfigured() throws IOException {
    Path file = directory.resolve("performance.md");
    Files.writeString(
        file,
        "<!-- sluice bench: begin -->old one<!-- sluice bench: end -->\n"
            + "<!-- sluice bench resilience: begin -->old<!-- sluice bench resilience: end -->\n");
    Figure figure =
        new Figure(
            "resilience.retries.rate",
            "GETs with retries",
            "1/s",
            Values.of(List.of(4.0)),
            Values.of(List.of(3.0)));

    new Report(MACHINE, false, List.of(figure), List.of(), List.of(), List.of())
        .writeMarkdown(file);

    assertThat(file)
        .content()
        .contains(
            "old one",
            "| measured | unit | nothing configured | with it | ratio | from–to |",
            "| GETs with retries | 1/s | 4.00 | 3.00 | 0.75 |",
            "](img/bench-resilience.svg)")
        .doesNotContain("old<");
  }

  @Test
  void distributionHasAColumnForEachSizeAndAPlotOfItsBytes() throws IOException {
    Growth.Lines growths = new Growth.Lines(Part.distribution);
    for (int pods : List.of(1_000, 10_000)) {
      growths.add(pods, "first.bytes", "the whole", "KiB", pods / 10.0);
      growths.add(pods, "permission.bytes", "a permission", "B", 100.0, 120.0, 140.0);
      growths.add(pods, "given.p99", "until it is decided by", "ms", 90.0);
    }
    Path file = directory.resolve("performance.md");
    Files.writeString(
        file,
        "<!-- sluice bench distribution: begin -->old<!-- sluice bench distribution: end -->\n");

    new Report(MACHINE, false, List.of(), List.of(), growths.list(), List.of()).writeMarkdown(file);

    assertThat(file)
        .content()
        .contains("| measured | unit | 1,000 pods | 10,000 pods |")
        .contains("| a permission | B | 120 | 120 |")
        .contains("    1,000 pods " + "█".repeat(50) + " 102,400 B")
        .contains("   10,000 pods " + "█".repeat(60) + " 1,024,000 B")
        .doesNotContain("old");
  }

  @Test
  void aNodeThatGrowsHasSizesOfItsOwn() throws IOException {
    Growth.Lines distribution = new Growth.Lines(Part.distribution);
    distribution.add(1_000, "rss", "the controller's memory", "MiB", 148.0);
    Growth.Lines scale = new Growth.Lines(Part.scale);
    for (int pods : List.of(30, 500)) {
      scale.add(pods, "start", "start to first answer", "ms", 10.0, 1_000.0, 2_000.0);
      scale.add(pods, "idle", "idle", "ms/s", 0.0);
    }
    List<Growth> growths = new ArrayList<>(distribution.list());
    growths.addAll(scale.list());
    Path file = directory.resolve("performance.md");
    Files.writeString(
        file,
        "<!-- sluice bench distribution: begin --><!-- sluice bench distribution: end -->\n"
            + "<!-- sluice bench scale: begin -->old<!-- sluice bench scale: end -->\n");

    new Report(MACHINE, false, List.of(), List.of(), growths, List.of()).writeMarkdown(file);

    assertThat(file)
        .content()
        .contains("| measured | unit | 1,000 pods |", "| the controller's memory | MiB | 148 |")
        .contains("| measured | unit | 30 pods | 500 pods |")
        .contains("| start to first answer | ms | 1,000 | 1,000 |")
        .contains("      500 pods " + "█".repeat(30) + " 1,000 ms")
        .contains("      500 pods █ 0.00 ms/s")
        .doesNotContain("old");
  }

  @Test
  void aFileWithoutMarkersIsRefusedAndLeftAsItIs() throws IOException {
    Path file = directory.resolve("other.md");
    Files.writeString(file, "text");
    Report report = new Report(MACHINE, false, List.of(), List.of(RATE), List.of(), List.of());
    assertThatThrownBy(() -> report.writeMarkdown(file)).hasMessageContaining("sluice bench mtls");
    assertThat(file).hasContent("text");
  }

  @Test
  void everySingleValueIsInTheJson() throws IOException {
    Path file = directory.resolve("result.json");
    new Report(MACHINE, false, List.of(), List.of(RATE), List.of(), List.of()).writeJson(file);
    assertThat(file).content().contains("mutual_tls", "40.0", "haproxy", "\"unit\" : \"1/s\"");
  }
}

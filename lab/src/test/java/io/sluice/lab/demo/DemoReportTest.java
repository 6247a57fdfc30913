package io.sluice.lab.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.demo.DemoReport.Marks;
import io.sluice.lab.demo.DemoReport.Seen;
import io.sluice.node.InterceptionMode;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class DemoReportTest {
  private final StringWriter printed = new StringWriter();
  private final DemoReport report =
      new DemoReport(new PrintWriter(printed), false, Marks.of(false));

  @Test
  void goesOnAfterAStepThatThrew() throws InterruptedException {
    report.step(
        "first",
        "an answer",
        () -> {
          throw new UncheckedIOException("no daemon", new java.io.IOException("gone"));
        });
    report.step("second", "an answer", () -> new Seen(true, "\"hello\""));

    assertThat(report.isOk()).isFalse();
    assertThat(printed.toString())
        .contains("FAIL first")
        .contains("no daemon: gone")
        .contains("expected: an answer")
        .contains("ok   second");
  }

  @Test
  void hasEveryFieldInTheReportForPrograms() throws InterruptedException {
    report.step("first", "an answer", () -> new Seen(true, "\"hello\""));

    var json =
        DemoSummary.NOTHING.json(
            new DemoMode(InterceptionMode.auto, "iptables", "no eBPF here"),
            report,
            Duration.ofMillis(1500));

    assertThat(json.path("ok").asBoolean()).isTrue();
    assertThat(json.path("mode").asText()).isEqualTo("iptables");
    assertThat(json.path("modeAsked").asText()).isEqualTo("auto");
    assertThat(json.path("modeReason").asText()).isEqualTo("no eBPF here");
    assertThat(json.path("seconds").asDouble()).isEqualTo(1.5);
    assertThat(json.path("steps").path(0).path("observed").asText()).isEqualTo("\"hello\"");
    assertThat(json.fieldNames())
        .toIterable()
        .containsExactly(
            "mode",
            "modeAsked",
            "modeReason",
            "ok",
            "seconds",
            "kernel",
            "pods",
            "flows",
            "http",
            "startToReadyMillis",
            "residentBytes",
            "steps");
  }

  @Test
  void saysNothingWhenOnlyJsonIsWanted() throws InterruptedException {
    DemoReport silent = new DemoReport(new PrintWriter(printed), true, Marks.of(true));

    silent.step("first", "an answer", () -> new Seen(false, "nothing"));

    assertThat(printed.toString()).isEmpty();
    assertThat(silent.isOk()).isFalse();
  }
}

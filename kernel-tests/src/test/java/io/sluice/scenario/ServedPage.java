package io.sluice.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.sluice.dashboard.Browser;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.JavaCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** {@code sluice dashboard} as a process, and its page in a browser. */
final class ServedPage implements AutoCloseable {
  /** Of how many seconds a rate has to be, so that it says something. */
  private static final int LONG_ENOUGH = 6;

  private final Process command;
  private final Browser browser;

  ServedPage(String node, Path controller, Path directory)
      throws IOException, InterruptedException {
    command =
        new ProcessBuilder(
                JavaCommand.sluice(
                    "dashboard",
                    "--address",
                    "127.0.0.1:0",
                    "--node-name",
                    node,
                    "--control-state",
                    controller.toString()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      String url =
          command
              .inputReader()
              .lines()
              .filter(line -> line.startsWith("http"))
              .findFirst()
              .orElse("");
      assertThat(url).matches("http://127\\.0\\.0\\.1:[0-9]+/[0-9a-f]{48}/");
      browser = new Browser(Files.createTempDirectory(directory, "browser"));
      browser.open(url);
    } catch (IOException | RuntimeException | Error e) {
      command.destroyForcibly();
      throw e;
    }
  }

  /** A cell of the row of such a pair, from 1. */
  String cell(String pair, int column) {
    return browser.text("#pairs tr[data-key='%s'] :nth-child(%d)".formatted(pair, column));
  }

  /** Its rate is what {@code count} came to meanwhile, one of its own at either end of the wire. */
  void checkRate(String pair, LongSupplier count) {
    NavigableMap<Long, Long> counts = new TreeMap<>();
    Await.untilPasses(
        Await.patience(60),
        () -> {
          long now = System.nanoTime();
          long answered = count.getAsLong();
          counts.put(now, answered);
          String[] window =
              browser.text("#window").replaceAll("[^0-9]+", " ").strip().split(" ", 2);
          long seconds = window[0].isEmpty() ? 0 : Long.parseLong(window[0]);
          assertThat(seconds).isGreaterThanOrEqualTo(LONG_ENOUGH);
          Map.Entry<Long, Long> begin = counts.floorEntry(now - TimeUnit.SECONDS.toNanos(seconds));
          if (begin == null) {
            throw new AssertionError("not counted for " + seconds + " s yet");
          }
          double asked = (answered - begin.getValue()) * 1e9 / (now - begin.getKey());
          assertThat(asked).isPositive();
          assertThat(Double.parseDouble(cell(pair, 4))).isCloseTo(asked, withinPercentage(15));
        });
  }

  /** One click shows policies and the latest requests. */
  Browser choose(String pair) {
    browser.evaluate(
        "document.querySelector(\"#pairs tr[data-key='%s'] button\").click()".formatted(pair));
    return browser;
  }

  /** All nodes as one: each follows, and what they count of a pair is one row. */
  void checkMesh(String pair, List<String> nodes) {
    browser.evaluate("document.getElementById('mesh').click()");
    Await.untilPasses(
        Await.PATIENCE,
        () -> {
          assertThat(browser.text("#name")).isEqualTo("cluster.local");
          assertThat(browser.text("#nodes")).contains(nodes);
          assertThat(browser.text("#verdict")).isEqualTo("2 of 2 nodes follow a controller");
          assertThat(cell(pair, 4)).matches("[1-9][0-9]*\\.[0-9]");
          assertThat(cell(pair, 11)).isEqualTo("mutual TLS");
        });
    assertThat(browser.text("#nodes")).doesNotContain("no answer", "not asked from here");
    nodes.forEach(node -> assertThat(browser.text("#certificates")).contains(node));
  }

  /** It ends in order when it is told to. */
  void stop() throws InterruptedException {
    command.destroy();
    assertThat(command.waitFor(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(command.exitValue()).isZero();
    Await.until("the page says so", () -> browser.text("#news").contains("has ended"));
  }

  @Override
  public void close() {
    command.destroyForcibly();
    browser.close();
  }
}

package io.sluice.scenario;

import static io.sluice.scenario.ScenarioManifests.files;
import static io.sluice.scenario.ScenarioManifests.port;
import static io.sluice.scenario.ScenarioManifests.routes;
import static io.sluice.scenario.ScenarioManifests.service;
import static io.sluice.scenario.ScenarioManifests.target;
import static io.sluice.scenario.Step.act;
import static io.sluice.scenario.Step.change;
import static io.sluice.scenario.Step.shares;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** New replicas get their share little by little: a row, and the plot of what it has measured. */
final class WarmUpScenario {
  private static final String BUYER = "bookbuyer";
  private static final Request ROOT = Request.get("http://books:81/").h2();

  /** Far more than chance needs to stay clear of what is compared. */
  private static final int MANY = 1_000;

  private static final int SECONDS = 10;

  private WarmUpScenario() {}

  static Scenario row() {
    return Scenario.of(
        "new replicas warm up",
        files(
            "books",
            books("version: v1"),
            "routes",
            routes("all", "{name: all}"),
            "target-1",
            target(BUYER, "bookstore-v1", ScenarioManifests.http("all")),
            "target-2",
            target(BUYER, "bookstore-v2", ScenarioManifests.http("all"))),
        shares(BUYER, ROOT, MANY, Map.of("v1", 100)),
        change("books", books("app: bookstore")),
        act("their share grows", WarmUpScenario::checkGrowth));
  }

  private static String books(String selector) {
    return service("books", selector, port(81, Nginx.H2C, "http2"))
        .replace(
            "metadata: {",
            ("metadata: {annotations: {flomesh.io/traffic-warmup-enable: enabled,"
                    + " flomesh.io/traffic-warmup-duration: %ds}, ")
                .formatted(SECONDS));
  }

  /**
   * What some requests have met.
   *
   * @param nanos in the middle of them
   * @param percent what each of the new two has got, of what the old one has
   */
  private record Sample(long nanos, double percent) {}

  private static void checkGrowth(Cell cell) throws IOException {
    List<Sample> samples = new ArrayList<>();
    do {
      samples.add(sample(cell));
    } while (cell.calling().metric("sluice_proxy_endpoints_warming") > 0);
    long end = System.nanoTime();
    Await.untilPasses(
        Await.PATIENCE,
        () ->
            assertThat(sample(cell).percent()).as("in the end it is whole").isBetween(75.0, 130.0));

    assertThat(samples).hasSizeGreaterThan(1); // of a busy machine
    assertThat(samples.getFirst().percent()).as("in the beginning it is small").isLessThan(75);
    int half = samples.size() / 2;
    assertThat(mean(samples.subList(0, half)))
        .as("%s", samples)
        .isLessThan(mean(samples.subList(half, samples.size())) - 15);
    String plot = System.getProperty("warm-up.plot", "");
    if (!plot.isEmpty() && cell.number() == 0) {
      Files.writeString(Path.of(plot), plot(samples, end));
    }
  }

  private static Sample sample(Cell cell) {
    long begin = System.nanoTime();
    List<Answer> answers = cell.ask(BUYER, ROOT, MANY);
    assertThat(answers).hasSize(MANY).allMatch(answer -> answer.outcome().startsWith("200 "));
    long old = answers.stream().filter(answer -> answer.outcome().equals("200 v1")).count();
    return new Sample(
        begin + (System.nanoTime() - begin) / 2, 50.0 * (MANY - old) / Math.max(1, old));
  }

  private static double mean(List<Sample> samples) {
    return samples.stream().mapToDouble(Sample::percent).average().orElseThrow();
  }

  /** The curve as it is asked for, and a dot for each sample; time counts back from the end. */
  private static String plot(List<Sample> samples, long end) {
    String dots =
        samples.stream()
            .map(sample ->
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#0969da\"/>"
                    .formatted(x(SECONDS - (end - sample.nanos()) / 1e9), y(sample.percent())))
            .collect(Collectors.joining("\n"));
    return String.format(
        Locale.ROOT,
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 300" width="560" height="300" \
        font-family="sans-serif" font-size="12">
        <rect width="100%%" height="100%%" fill="#ffffff"/>
        <path d="M60 20V250H540M%1$.1f 250v5M%2$.1f 250v5M60 %3$.1fh-5M60 %4$.1fh-5" \
        stroke="#1f2328" fill="none"/>
        <path d="M%5$.1f %6$.1fH%7$.1fL%2$.1f %4$.1f" stroke="#bf8700" fill="none"/>
        <text x="%1$.1f" y="270">%8$d s</text>
        <text x="%2$.1f" y="270">%9$d s</text>
        <text x="20" y="%3$.1f">50 %%</text>
        <text x="20" y="%4$.1f">100 %%</text>
        <text x="70" y="15">share of a new replica, of what a warm one gets; line: as asked for, \
        dots: %10$d requests each</text>
        %11$s
        </svg>
        """,
        x(SECONDS / 2.0),
        x(SECONDS),
        y(50),
        y(100),
        x(0),
        y(10),
        x(SECONDS / 10.0),
        SECONDS / 2,
        SECONDS,
        MANY,
        dots);
  }

  private static double x(double seconds) {
    return 60 + seconds * 460 / SECONDS;
  }

  private static double y(double percent) {
    return 250 - percent * 1.6;
  }
}

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
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;

/** New replicas get their share little by little: a row, and the plot of what it has measured. */
final class WarmUpScenario {
  private static final String BUYER = "bookbuyer";
  private static final Request ROOT = Request.get("http://books:81/").h2();

  private static final int MANY = 400;

  /** So often each cell asks: the curve needs no more, and the machine has others. */
  private static final Duration EVERY = Duration.ofSeconds(1);

  private static final int SECONDS = 10;

  /** So many warm up beside one that is warm. */
  private static final int NEW = 2;

  /** Of the share of one that is warm: so far from the curve it may be. */
  private static final double POINTS = 5;

  /** So many deviations of chance: once in 300,000 times there are more. */
  private static final double DEVIATIONS = 4.5;

  private final Queue<Sample> all = new ConcurrentLinkedQueue<>(); // of every cell

  private WarmUpScenario() {}

  static Scenario row() {
    WarmUpScenario measured = new WarmUpScenario();
    return Scenario.inEveryCell(
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
        act("their share grows", measured::take),
        act("it is that of the curve", measured::check));
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
   * @param from seconds from when the new ones warmed up to when the client began
   * @param to and to when it had ended
   * @param met by the new ones
   */
  private record Sample(double from, double to, long met) {
    double seconds() {
      return (from + to) / 2;
    }

    /** What each of the new ones has got, of what the old one has. */
    double percent() {
      return 100.0 / NEW * met / Math.max(1, MANY - met);
    }

    /** What each of the new ones is to get after that time. */
    static double asked(double seconds) {
      return Math.max(10, 100 * seconds / SECONDS);
    }
  }

  /** As the log of the node says when that was. */
  private void take(Cell cell) throws IOException, InterruptedException {
    String line = cell.site().node(cell.near()).daemon().lastLogLine("endpoint_warming");
    Instant begin = Instant.parse(line.substring(0, line.indexOf(' ')));
    List<Sample> samples = new ArrayList<>();
    do {
      samples.add(sample(cell, begin));
      Thread.sleep(EVERY);
    } while (cell.calling().metric("sluice_proxy_endpoints_warming") > 0);
    all.addAll(samples);
    Await.untilPasses(
        Await.PATIENCE,
        () ->
            assertThat(sample(cell, begin).percent())
                .as("in the end it is whole")
                .isBetween(75.0, 130.0));
    String plot = System.getProperty("warm-up.plot", "");
    if (!plot.isEmpty() && cell.number() == 0) {
      Files.writeString(Path.of(plot), plot(samples));
    }
  }

  private static Sample sample(Cell cell, Instant begin) {
    Duration before = Duration.between(begin, Instant.now());
    List<Answer> answers = cell.ask(BUYER, ROOT, MANY);
    Duration after = Duration.between(begin, Instant.now());
    assertThat(answers).hasSize(MANY).allMatch(answer -> answer.outcome().startsWith("200 "));
    long old = answers.stream().filter(answer -> answer.outcome().equals("200 v1")).count();
    return new Sample(before.toMillis() / 1e3, after.toMillis() / 1e3, MANY - old);
  }

  /**
   * About a quarter, the half and three quarters of the time, a quarter of it before and after: as
   * many as where the share of each new one is within five points of the curve, at some time
   * between a client's start and its end. Where a busy machine has asked too few for chance to stay
   * within that, it may do what it does.
   */
  private void check(Cell cell) {
    if (cell.number() > 0) {
      return;
    }
    for (int quarter = 1; quarter <= 3; quarter++) {
      double middle = quarter / 4.0;
      List<Sample> about =
          all.stream().filter(each -> Math.abs(each.seconds() / SECONDS - middle) <= 0.25).toList();
      double chance = 0;
      double least = 0;
      double most = 0;
      for (Sample each : about) {
        double part = part(Sample.asked(each.seconds()));
        chance += MANY * part * (1 - part);
        least += MANY * part(Sample.asked(each.from()) - POINTS);
        most += MANY * part(Sample.asked(each.to()) + POINTS);
      }
      double beyond = Math.max(0, DEVIATIONS * Math.sqrt(chance) - (most - least) / 2);
      assertThat((double) about.stream().mapToLong(Sample::met).sum())
          .as("of %s about %s quarters of the time: %s", MANY * about.size(), quarter, about)
          .isBetween(least - beyond, most + beyond);
    }
  }

  /** Of the requests, where each new one has that share. */
  private static double part(double percent) {
    return NEW * percent / (100 + NEW * percent);
  }

  /** The curve as it is asked for, and a dot for each sample. */
  private static String plot(List<Sample> samples) {
    String dots =
        samples.stream()
            .map(sample ->
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#0969da\"/>"
                    .formatted(x(sample.seconds()), y(sample.percent())))
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

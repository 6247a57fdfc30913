package io.sluice.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.sluice.architecture.SourceTree;
import io.sluice.chaos.Replica.State;
import io.sluice.lab.site.SitePod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * The pictures of docs/resilience.md. They are drawn from what a client between two nodes sees,
 * with {@code -Dcharts.write=true} in the group {@code kernel}; else they are there, and can be
 * read.
 */
class ResilienceChartsTest {
  private static final Path DOCUMENT = SourceTree.around().root().resolve("docs/resilience.md");
  private static final Path IMAGES = DOCUMENT.resolveSibling("img");
  private static final Pattern IMAGE = Pattern.compile("!\\[[^\\]]+\\]\\(([^)]+)\\)");

  /** What a client may be told, in the order in which it is drawn. */
  private static final List<TimeChart.Series> ANSWERS =
      List.of(
          new TimeChart.Series("200", "answered", "#1a7f37"),
          new TimeChart.Series("503", "the application fails", "#bf8700"),
          new TimeChart.Series("409", "circuit open", "#0969da"),
          new TimeChart.Series("429", "beyond the limit", "#8c959f"));

  @Test
  void everyPictureOfTheDocumentIsThereAndCanBeRead() throws Exception {
    List<String> images =
        IMAGE.matcher(Files.readString(DOCUMENT)).results().map(each -> each.group(1)).toList();
    assertThat(images).contains("img/circuit-breaker.svg", "img/rate-limit.svg");
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
    factory.setNamespaceAware(true);
    for (String image : images) {
      var root =
          factory
              .newDocumentBuilder()
              .parse(DOCUMENT.resolveSibling(image).toFile())
              .getDocumentElement();
      assertThat(root.getLocalName()).as(image).isEqualTo("svg");
      assertThat(root.getElementsByTagName("text").getLength()).as(image).isPositive();
    }
  }

  @Tag("kernel")
  @Test
  @EnabledIfSystemProperty(named = "charts.write", matches = "true")
  void areDrawnFromARun() throws IOException {
    EventLoopGroup group = new MultiThreadIoEventLoopGroup(2, NioIoHandler.newFactory());
    try (ReplicaSite site = ReplicaSite.open(group, 1, 1, 1)) {
      Replica store = site.replicas().getFirst();
      draw("circuit-breaker", 50, breaker(site, store));
      draw("rate-limit", 60, limiter(site));
    } finally {
      group.shutdownGracefully();
    }
  }

  private static List<OpenLoopCallers.Outcome> breaker(ReplicaSite site, Replica store) {
    site.set(
        """
        connectionSettings:
          http:
            circuitBreaking:
              statTimeWindow: 2s
              minRequestAmount: 20
              errorRatioThreshold: 0.5
              degradedTimeWindow: 3s
        """);
    List<OpenLoopCallers.Outcome> log = new ArrayList<>();
    for (State state : List.of(State.WELL, State.FAILING, State.WELL)) {
      store.become(state, 0);
      log.addAll(site.call(caller(site), 50, Duration.ofSeconds(state == State.WELL ? 4 : 7)));
    }
    assertThat(log).anyMatch(one -> one.status().equals("409"));
    return log;
  }

  private static List<OpenLoopCallers.Outcome> limiter(ReplicaSite site) {
    site.set("rateLimit: {local: {http: {requests: 20, unit: second, burst: 40}}}");
    List<OpenLoopCallers.Outcome> log = new ArrayList<>();
    for (int rate : List.of(10, 60, 10, 60)) {
      log.addAll(site.call(caller(site), rate, Duration.ofSeconds(4)));
    }
    assertThat(log).anyMatch(one -> one.status().equals("429"));
    return log;
  }

  /** On the other node. */
  private static List<SitePod> caller(ReplicaSite site) {
    return site.callers().subList(1, 2);
  }

  private static void draw(String name, int most, List<OpenLoopCallers.Outcome> log)
      throws IOException {
    TimeChart chart = new TimeChart("requests a second", most, ANSWERS);
    log.forEach(one -> chart.add(one.due(), one.status()));
    Files.writeString(IMAGES.resolve(name + ".svg"), chart.svg());
  }
}

package io.sluice.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.sluice.cli.dashboard.Dashboard;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.node.NodeSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What it costs requests that they are seen, by {@link MeansInTurn}. */
final class TelemetryMeasurement {
  /** Longest part: daemons start, and each of the samples waits for its change. */
  static final Duration LONGEST = Duration.ofMinutes(8);

  private static final int PORT = 4_318;
  private static final String SPANS = "/v1/traces";
  private static final String LINES = "/v1/logs";

  private static final String TELEMETRY =
      """
      apiVersion: policy.openservicemesh.io/v1alpha1
      kind: Telemetry
      metadata: {name: all, namespace: bench}
      spec: {accessLog: {openTelemetry: {extensionService: {namespace: bench, name: collector}}}}
      ---
      apiVersion: config.openservicemesh.io/v1alpha2
      kind: ExtensionService
      metadata: {name: collector, namespace: bench}
      spec: {host: "%s", port: %d, protocol: http1}
      """;

  private TelemetryMeasurement() {}

  private static Means means(String word, String label) {
    return Means.called("telemetry." + word, label);
  }

  private static String tracing(String collector, String fraction) {
    return "tracing: {enable: true, protocol: otlp, address: \"%s\", sampledFraction: %s}"
        .formatted(collector, fraction);
  }

  /** A collector that takes all it is told, on the machine of the controller. */
  private static final class Collector implements AutoCloseable {
    private final LongAdder spans = new LongAdder();
    private final LongAdder lines = new LongAdder();
    private final HttpServer server;

    Collector(SitePod machine) {
      server = machine.call(() -> HttpServer.create(new InetSocketAddress(PORT), 0));
      server.createContext(SPANS, asked -> take(asked, spans));
      server.createContext(LINES, asked -> take(asked, lines));
      server.start();
    }

    private static void take(HttpExchange asked, LongAdder octets) throws IOException {
      try (asked) {
        octets.add(asked.getRequestBody().readAllBytes().length);
        asked.sendResponseHeaders(200, -1);
      }
    }

    void require() throws IOException {
      if (spans.sum() == 0 || lines.sum() == 0) {
        throw new IOException("the collector got no spans or no lines of the access log");
      }
    }

    @Override
    public void close() {
      server.stop(0);
    }
  }

  /** Has the pages of both nodes asked as a browser does, while {@code watched} are in force. */
  private static final class Watched implements MeansInTurn.Check, AutoCloseable {
    private static final long EACH_MILLIS = 2_000; // as the page's script has it
    private static final ObjectMapper JSON = new ObjectMapper();

    private final CrossingMesh mesh;
    private final Means uncounted;
    private final List<Means> watched;
    private final List<AutoCloseable> open = new ArrayList<>();
    private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    private double counted;

    Watched(CrossingMesh mesh, Means uncounted, List<Means> watched) {
      this.mesh = mesh;
      this.uncounted = uncounted;
      this.watched = watched;
    }

    @Override
    public void begin(Means means) {
      if (watched.contains(means)) {
        for (int side = 0; side < 2; side++) {
          open(mesh.nodeName(side));
        }
      }
      counted = means.equals(uncounted) ? requests() : 0;
    }

    private double requests() {
      return mesh.daemon(1).view().metric("istio_requests_total");
    }

    private void open(String node) {
      Dashboard page =
          Dashboard.start(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
              node,
              NodeSettings.adminSocket(node),
              Optional.empty());
      ScheduledExecutorService browser = Executors.newSingleThreadScheduledExecutor();
      open.add(browser);
      open.add(page);
      long[] last = {0};
      browser.scheduleAtFixedRate(
          () -> {
            try {
              JsonNode state = JSON.readTree(URI.create(page.url() + "state/" + last[0]).toURL());
              last[0] = state.path("last").asLong();
            } catch (IOException e) {
              failure.compareAndSet(null, e);
            }
          },
          0,
          EACH_MILLIS,
          TimeUnit.MILLISECONDS);
    }

    @Override
    public void end(Means means) throws Exception {
      if (means.equals(uncounted) && requests() != counted) {
        throw new IOException("requests were counted that should not be");
      }
      close();
      Exception problem = failure.get();
      if (problem != null) {
        throw problem;
      }
    }

    @Override
    public void close() throws Exception {
      for (AutoCloseable each : open) {
        each.close();
      }
      open.clear();
    }
  }

  /**
   * Makes the nodes and everything on them, measures, removes them.
   *
   * @param directory empty
   */
  static List<Figure> run(String name, Launcher launcher, Path directory, Bench.Extent extent)
      throws Exception {
    try (MeansInTurn turns = new MeansInTurn(name, launcher, directory, extent);
        Collector collector = new Collector(turns.testbed().controlMachine())) {
      String address = IpAddresses.text(turns.testbed().controlMachine().address(Family.IPV4));
      String telemetry = TELEMETRY.formatted(address, PORT);
      Means uncounted =
          means("uncounted", "no metrics of requests")
              .namespace("openservicemesh.io/metrics: disabled");
      Means page = means("page", "the page of each node open");
      Means all =
          means("all", "a span and a line of each sent, and the pages open")
              .observability(tracing(address, "1"))
              .objects(telemetry);
      List<Means> some =
          List.of(
              uncounted,
              means("tenth", "a tenth of the spans").observability(tracing(address, "0.1")),
              means("spans", "a span of each").observability(tracing(address, "1")),
              means("lines", "a line of each sent to a collector").objects(telemetry),
              page,
              all);
      try (Watched watched = new Watched(turns.mesh(), uncounted, List.of(page, all))) {
        List<Figure> figures = new ArrayList<>();
        figures.addAll(turns.memory(all, watched));
        collector.require();
        figures.addAll(turns.rates(some, watched));
        return figures;
      }
    }
  }
}

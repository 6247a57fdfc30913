package io.sluice.benchmarks;

import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.linux.memory.ProcessMemory;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;

/** An idle daemon's memory and CPU time, and what connections that do nothing cost it. */
final class MemoryMeasurement {
  private static final double MEBIBYTE = 1 << 20;
  private static final int HELD = 1_000;
  private static final int WARMING = 50;

  /** Long enough for what opening the connections leaves to be written and collected. */
  private static final Duration SETTLING = Duration.ofSeconds(3);

  private MemoryMeasurement() {}

  /** To be called right after readiness. */
  static List<Figure> idle(Bench bench, DaemonProcess daemon) throws Exception {
    return idle("idle", "", bench, daemon);
  }

  /** The same of one that follows a controller and has a certificate for each pod. */
  static List<Figure> idleJoined(Bench bench, DaemonProcess daemon) throws Exception {
    Await.until(
        "each pod has a certificate", () -> daemon.view().certificates().size() >= bench.pods());
    return idle("idle.joined", ", joined, an identity each", bench, daemon);
  }

  private static List<Figure> idle(String id, String kind, Bench bench, DaemonProcess daemon)
      throws Exception {
    Duration idle = bench.extent().idle();
    Thread.sleep(idle.dividedBy(4));
    double before = ProcessUse.of(daemon.pid()).cpuSeconds();
    long begin = System.nanoTime();
    Thread.sleep(idle.multipliedBy(3).dividedBy(4));
    double used =
        (ProcessUse.of(daemon.pid()).cpuSeconds() - before) * 1e9 / (System.nanoTime() - begin);
    String after =
        ", " + bench.pods() + " pods" + kind + ", " + idle.toSeconds() + " s after the start";
    return List.of(
        single(
            id + ".rss",
            "resident memory (RSS) idle" + after,
            "MiB",
            ProcessMemory.residentBytes(daemon.pid()) / MEBIBYTE),
        single(
            id + ".pss",
            "proportional memory (PSS) idle" + after,
            "MiB",
            ProcessMemory.proportionalBytes(daemon.pid()) / MEBIBYTE),
        single(id + ".cpu", "CPU time a second, idle" + after, "ms/s", used * 1e3));
  }

  static List<Figure> held(Bench bench, DaemonProcess daemon, LoadServer server) throws Exception {
    return held("held", "", Talk.HELD_BYTE, client(bench, daemon, Route.BY_PROXY), daemon, server);
  }

  /**
   * The same of HTTP that is decided or taken for bytes; each wants a daemon of its own, for the
   * second would fill what the first has left.
   */
  static List<Figure> heldHttp(Bench bench, DaemonProcess daemon, LoadServer server, Route route)
      throws Exception {
    LoadClient client = client(bench, daemon, route);
    // Else what HTTP needs once, as its classes, would be shared out among the connections.
    letGo(client.hold(Talk.GET, WARMING), server);
    Thread.sleep(SETTLING);
    return route == Route.AS_BYTES
        ? held("http.held.bytes", " of HTTP, as bytes", Talk.GET, client, daemon, server)
        : held("http.held", " of HTTP", Talk.GET, client, daemon, server);
  }

  private static LoadClient client(Bench bench, DaemonProcess daemon, Route route) {
    return new LoadClient(bench.testbed().path(route), ProcessUse.of(daemon.pid()));
  }

  private static List<Figure> held(
      String id, String what, Talk talk, LoadClient client, DaemonProcess daemon, LoadServer server)
      throws Exception {
    long before = ProcessMemory.residentBytes(daemon.pid());
    List<SocketChannel> held = client.hold(talk, HELD);
    try {
      Thread.sleep(SETTLING);
      long after = ProcessMemory.residentBytes(daemon.pid());
      return List.of(
          single(
              id + ".rss", "RSS holding " + HELD + " connections" + what, "MiB", after / MEBIBYTE),
          single(
              id + ".each",
              "RSS for each of them (both hops)",
              "KiB",
              (after - before) / 1024.0 / HELD));
    } finally {
      letGo(held, server);
    }
  }

  private static void letGo(List<SocketChannel> held, LoadServer server) throws IOException {
    for (SocketChannel connection : held) {
      connection.close();
    }
    server.letGo();
  }

  private static Figure single(String id, String label, String unit, double value) {
    return Figure.ofDaemon(id, label, unit, List.of(value));
  }
}

package io.sluice.benchmarks;

import io.sluice.lab.site.DaemonProcess;
import java.time.Duration;
import java.util.List;

/** The data path: connections, requests and streams, each beside the direct path. */
final class TrafficMeasurement {
  private static final int CONNECTING_CLIENTS = 4;
  static final int MANY_CLIENTS = 16;
  private static final int MANY_STREAMS = 8;
  private static final double MEBIBYTE = 1 << 20;
  private static final double GIBIBYTE = 1 << 30;
  private static final double HUNDRED_THOUSAND = 100_000;

  private TrafficMeasurement() {}

  static List<Figure> connections(Bench bench, DaemonProcess daemon) throws Exception {
    Duration time = bench.extent().time();
    Pairs pairs = measure(bench, daemon, client -> client.connections(CONNECTING_CLIENTS, time));
    return List.of(
        pairs.figure(
            "connections.rate",
            "new connections, " + CONNECTING_CLIENTS + " clients",
            "1/s",
            1,
            Sample::perSecond),
        pairs.figure("connections.p50", "connect to close, p50", "µs", 1, Sample::p50Micros),
        pairs.figure("connections.p99", "connect to close, p99", "µs", 1, Sample::p99Micros),
        pairs.cpu("connections.cpu", "daemon CPU for 100,000 connections", HUNDRED_THOUSAND));
  }

  static List<Figure> requests(Bench bench, DaemonProcess daemon, int clients) throws Exception {
    Duration time = bench.extent().time();
    Pairs pairs = measure(bench, daemon, client -> client.requests(clients, time));
    String id = "requests." + clients;
    String of = "requests of 64 B, " + clients + (clients == 1 ? " connection" : " connections");
    return List.of(
        pairs.figure(id + ".rate", of, "1/s", 1, Sample::perSecond),
        pairs.figure(id + ".p50", of + ", p50", "µs", 1, Sample::p50Micros),
        pairs.figure(id + ".p99", of + ", p99", "µs", 1, Sample::p99Micros),
        pairs.cpu(
            id + ".cpu",
            "daemon CPU for 100,000 requests, " + clients + " at once",
            HUNDRED_THOUSAND));
  }

  static List<Figure> upload(Bench bench, DaemonProcess daemon) throws Exception {
    long bytes = bench.extent().bulkBytes();
    return bulk("bulk.up", "upload, 1 stream", measure(bench, daemon, c -> c.upload(1, bytes)));
  }

  static List<Figure> download(Bench bench, DaemonProcess daemon) throws Exception {
    long bytes = bench.extent().bulkBytes();
    return bulk(
        "bulk.down", "download, 1 stream", measure(bench, daemon, c -> c.download(1, bytes)));
  }

  static List<Figure> manyUploads(Bench bench, DaemonProcess daemon) throws Exception {
    long bytes = bench.extent().bulkBytes() / MANY_STREAMS;
    return bulk(
        "bulk.up" + MANY_STREAMS,
        "upload, " + MANY_STREAMS + " streams",
        measure(bench, daemon, c -> c.upload(MANY_STREAMS, bytes)));
  }

  private static List<Figure> bulk(String id, String label, Pairs pairs) {
    return List.of(
        pairs.figure(id + ".rate", label, "MiB/s", MEBIBYTE, Sample::perSecond),
        pairs.cpu(id + ".cpu", "daemon CPU for 1 GiB, " + label, GIBIBYTE));
  }

  private static Pairs measure(Bench bench, DaemonProcess daemon, Pairs.Load load)
      throws Exception {
    return Pairs.measure(bench.testbed(), daemon, bench.extent().pairs(), load);
  }
}

package io.sluice.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** A kind of work for the load generators, and what its samples tell. In the order of reports. */
enum Load {
  CONNECTIONS(
      Part.connections,
      "connections",
      (client, time) -> client.connections(Talk.BYTE, 4, time),
      Measure.rate("new connections, 4 clients"),
      Measure.p50("connect to close, p50"),
      Measure.machineCpu("100,000 connections", Measure.HUNDRED_THOUSAND),
      Measure.hopsCpu("100,000 connections", Measure.HUNDRED_THOUSAND)),

  ONE_REQUEST(
      Part.requests,
      "requests.1",
      (client, time) -> client.requests(Talk.BYTES, 1, time),
      Measure.rate("requests of 64 B, 1 connection"),
      Measure.machineCpu("100,000 requests, 1 at once", Measure.HUNDRED_THOUSAND),
      Measure.hopsCpu("100,000 requests, 1 at once", Measure.HUNDRED_THOUSAND)),

  MANY_REQUESTS(
      Part.requests,
      "requests.16",
      (client, time) -> client.requests(Talk.BYTES, 16, time),
      Measure.rate("requests of 64 B, 16 connections"),
      Measure.machineCpu("100,000 requests, 16 at once", Measure.HUNDRED_THOUSAND),
      Measure.hopsCpu("100,000 requests, 16 at once", Measure.HUNDRED_THOUSAND)),

  /** Far below what any path can, so that latencies are not those of queues. */
  PACED_REQUESTS(
      Part.requests,
      "requests.paced",
      (client, time) -> client.paced(Talk.BYTES, 16, 1_000, time),
      Measure.p50("requests due at 1,000/s, 16 connections, p50"),
      Measure.p99("requests due at 1,000/s, 16 connections, p99")),

  /** The flood's own control is the direct path, where it has client, kernel and server alone. */
  FLOODED_REQUESTS(
      Part.fairness,
      "requests.flooded",
      (client, time) -> client.flooded(16, 1_000, time),
      Measure.p50("the same beside a neighbour's flood of connections, p50"),
      Measure.p99("the same beside a neighbour's flood of connections, p99")),

  UPLOAD(
      Part.bulk,
      "bulk.up",
      inTurn((client, time) -> client.upload(1, time)),
      Measure.throughput("upload, 1 stream"),
      Measure.machineCpu("1 GiB, upload, 1 stream", Measure.GIBIBYTE),
      Measure.hopsCpu("1 GiB, upload, 1 stream", Measure.GIBIBYTE)),

  DOWNLOAD(
      Part.bulk,
      "bulk.down",
      inTurn(LoadClient::download),
      Measure.throughput("download, 1 stream"),
      Measure.machineCpu("1 GiB, download, 1 stream", Measure.GIBIBYTE),
      Measure.hopsCpu("1 GiB, download, 1 stream", Measure.GIBIBYTE)),

  MANY_UPLOADS(
      Part.bulk,
      "bulk.up8",
      (client, time) -> client.upload(8, time),
      Measure.throughput("upload, 8 streams"),
      Measure.machineCpu("1 GiB, upload, 8 streams", Measure.GIBIBYTE),
      Measure.hopsCpu("1 GiB, upload, 8 streams", Measure.GIBIBYTE)),

  HTTP_CONNECTIONS(
      Part.http,
      "http.connections",
      (client, time) -> client.connections(Talk.GET, 4, time),
      Measure.rate("new connections with a GET, 4 clients"),
      Measure.p50("connect to close with a GET, p50"),
      Measure.machineCpu("100,000 connections with a GET", Measure.HUNDRED_THOUSAND),
      Measure.hopsCpu("100,000 connections with a GET", Measure.HUNDRED_THOUSAND)),

  HTTP_REQUESTS(
      Part.http,
      "http.requests.16",
      (client, time) -> client.requests(Talk.GET, 16, time),
      Measure.rate("GETs, 16 connections"),
      Measure.machineCpu("100,000 GETs, 16 at once", Measure.HUNDRED_THOUSAND),
      Measure.hopsCpu("100,000 GETs, 16 at once", Measure.HUNDRED_THOUSAND)),

  HTTP_PACED(
      Part.http,
      "http.requests.paced",
      (client, time) -> client.paced(Talk.GET, 16, 1_000, time),
      Measure.p50("GETs due at 1,000/s, 16 connections, p50"),
      Measure.p99("GETs due at 1,000/s, 16 connections, p99")),

  HTTP_UPLOAD(
      Part.http,
      "http.bulk.up",
      inTurn((client, time) -> client.chunks(Talk.PUT_CHUNK, time)),
      Measure.throughput("PUTs of 16 MiB, 1 connection"),
      Measure.machineCpu("1 GiB, PUTs of 16 MiB", Measure.GIBIBYTE),
      Measure.hopsCpu("1 GiB, PUTs of 16 MiB", Measure.GIBIBYTE)),

  HTTP_DOWNLOAD(
      Part.http,
      "http.bulk.down",
      inTurn((client, time) -> client.chunks(Talk.GET_CHUNK, time)),
      Measure.throughput("GETs of 16 MiB, 1 connection"),
      Measure.machineCpu("1 GiB, GETs of 16 MiB", Measure.GIBIBYTE),
      Measure.hopsCpu("1 GiB, GETs of 16 MiB", Measure.GIBIBYTE));

  /**
   * Connections of a single stream's sample. A proxy's thread mostly stays for a connection's life
   * beside the sender or beside the receiver, so that samples of one connection have two paces.
   */
  private static final int CONNECTIONS_IN_TURN = 4;

  private final Part part;
  private final String id;
  private final Work work;
  private final List<Measure> measures;

  Load(Part part, String id, Work work, Measure... measures) {
    this.part = part;
    this.id = id;
    this.work = work;
    this.measures = List.of(measures);
  }

  /** What the clients do for one sample. */
  private interface Work {
    Sample run(LoadClient client, Duration time) throws Exception;
  }

  private static Work inTurn(Work one) {
    return (client, time) -> {
      List<Sample> parts = new ArrayList<>();
      for (int i = 0; i < CONNECTIONS_IN_TURN; i++) {
        parts.add(one.run(client, time.dividedBy(2))); // of less, CPU time in its steps says little
      }
      return Sample.ofBulk(parts);
    };
  }

  /**
   * One property of a sample.
   *
   * @param name behind the load's, in the stable name
   * @param isOfHops of the processes on the way, which the direct path has not
   */
  record Measure(
      String name, String label, String unit, boolean isOfHops, ToDoubleFunction<Sample> value) {
    private static final double MEBIBYTE = 1 << 20;
    private static final double GIBIBYTE = 1 << 30;
    private static final double HUNDRED_THOUSAND = 100_000;

    private static Measure rate(String label) {
      return new Measure("rate", label, "1/s", false, Sample::perSecond);
    }

    private static Measure throughput(String label) {
      return new Measure("rate", label, "MiB/s", false, sample -> sample.perSecond() / MEBIBYTE);
    }

    private static Measure p50(String label) {
      return new Measure("p50", label, "µs", false, Sample::p50Micros);
    }

    private static Measure p99(String label) {
      return new Measure("p99", label, "µs", false, Sample::p99Micros);
    }

    private static Measure machineCpu(String what, double operations) {
      return new Measure(
          "cpu",
          "CPU time of the machine, " + what,
          "s",
          false,
          sample -> sample.machineCpu() * operations);
    }

    private static Measure hopsCpu(String what, double operations) {
      return new Measure(
          "hops",
          "CPU time of both hops, " + what,
          "s",
          true,
          sample -> sample.hopsCpu() * operations);
    }
  }

  Part part() {
    return part;
  }

  /** Stable name. */
  String id() {
    return id;
  }

  /** The first is what tells whether a path has become faster or slower. */
  List<Measure> measures() {
    return measures;
  }

  /** Whether requests are due at fixed times: of those alone a p99 is told, of many. */
  boolean isPaced() {
    return measures.stream().anyMatch(measure -> measure.name().equals("p99"));
  }

  /** One sample. */
  Sample run(LoadClient client, Duration time) throws Exception {
    return work.run(client, time);
  }
}

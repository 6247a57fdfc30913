package io.sluice.benchmarks;

import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What mutual TLS between nodes costs, beside the direct path, Sluice without it and another proxy.
 */
final class MtlsMeasurement {
  private static final int HELD = 1_000;
  private static final int CONNECTING_CLIENTS = 4;
  private static final int CLIENTS = 16;
  private static final int MODEST_RATE = 1_000;
  private static final double MEBIBYTE = 1 << 20;
  private static final double GIBIBYTE = 1 << 30;
  private static final double HUNDRED_THOUSAND = 100_000;

  /** Long enough for what opening the connections leaves to be written and collected. */
  private static final Duration SETTLING = Duration.ofSeconds(3);

  private final NodesTestbed testbed;
  private final Map<Crossing, ProcessUse> hops;
  private final Bench.Extent extent;
  private final List<Comparison> results = new ArrayList<>();

  private MtlsMeasurement(
      NodesTestbed testbed, Map<Crossing, ProcessUse> hops, Bench.Extent extent) {
    this.testbed = testbed;
    this.hops = hops;
    this.extent = extent;
  }

  /** Makes the nodes and everything on them, measures, removes them. */
  static List<Comparison> run(String name, Path launcher, Path directory, Bench.Extent extent)
      throws Exception {
    List<LoadServer> servers = new ArrayList<>();
    try (NodesTestbed testbed =
        new NodesTestbed(name, Files.createDirectory(directory.resolve("nodes")))) {
      for (Crossing crossing : Crossing.values()) {
        servers.add(LoadServer.start(testbed.path(crossing)));
      }
      try (CrossingMesh mutual = mesh(testbed, Crossing.MUTUAL_TLS, name, launcher, directory);
          CrossingMesh plain = mesh(testbed, Crossing.PLAINTEXT, name, launcher, directory);
          HaproxyHops haproxy =
              HaproxyHops.start(testbed, Files.createDirectory(directory.resolve("haproxy")))) {
        Map<Crossing, ProcessUse> hops = new EnumMap<>(Crossing.class);
        hops.put(Crossing.MUTUAL_TLS, mutual.hops());
        hops.put(Crossing.PLAINTEXT, plain.hops());
        hops.put(Crossing.HAPROXY, haproxy.hops());
        return new MtlsMeasurement(testbed, hops, extent).run(servers);
      }
    } finally {
      servers.forEach(LoadServer::close);
    }
  }

  private static CrossingMesh mesh(
      NodesTestbed testbed, Crossing crossing, String name, Path launcher, Path directory)
      throws Exception {
    Path own = Files.createDirectory(directory.resolve("mesh" + crossing.ordinal()));
    return CrossingMesh.start(testbed, crossing, name, launcher, own);
  }

  private List<Comparison> run(List<LoadServer> servers) throws Exception {
    // Memory first: a daemon never gets as small again.
    memory(servers);
    bulk("up", "upload, 1 stream", client -> client.upload(1, extent.bulkBytes()));
    bulk("down", "download, 1 stream", client -> client.download(1, extent.bulkBytes()));
    requests();
    connections();
    return results;
  }

  private void memory(List<LoadServer> servers) throws Exception {
    Thread.sleep(extent.idle().dividedBy(4));
    results.add(resident("mtls.rss.idle", "RSS idle, both hops"));
    List<SocketChannel> held = new ArrayList<>();
    try {
      for (Crossing crossing : hops.keySet()) {
        held.addAll(new LoadClient(testbed.path(crossing)).hold(HELD));
      }
      Thread.sleep(SETTLING);
      results.add(resident("mtls.rss.held", "RSS with 1,000 connections, both hops"));
    } finally {
      for (SocketChannel connection : held) {
        connection.close();
      }
      servers.forEach(LoadServer::letGo);
    }
  }

  private Comparison resident(String id, String label) {
    Map<Crossing, List<Double>> values = new EnumMap<>(Crossing.class);
    hops.forEach((crossing, use) -> values.put(crossing, List.of(use.residentBytes() / MEBIBYTE)));
    return new Comparison(id, label, "MiB", values);
  }

  private void bulk(String id, String label, Pairs.Load load) throws Exception {
    Rounds rounds = measure(load);
    results.add(rounds.compare("mtls.bulk." + id, label, "MiB/s", MEBIBYTE, Sample::perSecond));
    results.add(
        rounds.cpu("mtls.bulk." + id + ".cpu", "CPU of both hops for 1 GiB, " + label, GIBIBYTE));
  }

  private void requests() throws Exception {
    Rounds rounds = measure(client -> client.requests(CLIENTS, extent.time()));
    String kept = "requests of 64 B, " + CLIENTS + " kept connections";
    results.add(rounds.compare("mtls.requests", kept, "1/s", 1, Sample::perSecond));
    results.add(
        rounds.cpu("mtls.requests.cpu", "CPU of both hops for 100,000 requests", HUNDRED_THOUSAND));
    Rounds paced = measure(client -> client.paced(CLIENTS, MODEST_RATE, extent.time()));
    String modest = "requests at 1,000/s, " + CLIENTS + " kept connections";
    results.add(paced.compare("mtls.paced.p50", modest + ", p50", "µs", 1, Sample::p50Micros));
    results.add(paced.compare("mtls.paced.p99", modest + ", p99", "µs", 1, Sample::p99Micros));
  }

  private void connections() throws Exception {
    Rounds rounds = measure(client -> client.connections(CONNECTING_CLIENTS, extent.time()));
    String label = "new connections, " + CONNECTING_CLIENTS + " clients";
    results.add(rounds.compare("mtls.connections", label, "1/s", 1, Sample::perSecond));
    results.add(
        rounds.compare(
            "mtls.connections.p50", "connect to close, p50", "µs", 1, Sample::p50Micros));
    results.add(
        rounds.cpu(
            "mtls.connections.cpu", "CPU of both hops for 100,000 connections", HUNDRED_THOUSAND));
  }

  private Rounds measure(Pairs.Load load) throws Exception {
    return Rounds.measure(testbed, hops, extent.rounds(), load);
  }
}

package io.sluice.benchmarks;

import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What mutual TLS between nodes costs, beside the direct path, Sluice without it and other proxies.
 * What needs no program in the kernel is measured while there is none, before Sluice and after it;
 * of Sluice's two ways each has the machine for itself.
 */
final class MtlsMeasurement {
  private static final int HELD = 1_000;
  private static final double MEBIBYTE = 1 << 20;
  private static final List<Load> LOADS =
      List.of(
          Load.CONNECTIONS, Load.MANY_REQUESTS, Load.PACED_REQUESTS, Load.UPLOAD, Load.DOWNLOAD);

  /** Long enough for what opening the connections leaves to be written and collected. */
  private static final Duration SETTLING = Duration.ofSeconds(3);

  private final NodesTestbed testbed;
  private final Bench.Extent extent;
  private final List<Load> loads;
  private final Rounds<Crossing> rounds;
  private final Map<Crossing, Values> idle = new EnumMap<>(Crossing.class);
  private final Map<Crossing, Values> holding = new EnumMap<>(Crossing.class);

  private MtlsMeasurement(NodesTestbed testbed, Bench.Extent extent, List<Load> loads) {
    this.testbed = testbed;
    this.extent = extent;
    this.loads = loads;
    this.rounds = new Rounds<>(loads, extent);
  }

  /** What was measured, and what to think of it. */
  record Result(List<Comparison> comparisons, List<String> remarks) {}

  /**
   * Makes the nodes and everything on them, measures, removes them.
   *
   * @param parts whose loads are measured; all where there is none of any of them
   * @param peers other proxies that are measured too
   */
  static Result run(
      String name,
      Path launcher,
      Path directory,
      Bench.Extent extent,
      Set<Part> parts,
      Set<Crossing> peers)
      throws Exception {
    List<Load> wanted = LOADS.stream().filter(load -> parts.contains(load.part())).toList();
    Set<Crossing> crossings = EnumSet.of(Crossing.DIRECT, Crossing.MUTUAL_TLS, Crossing.PLAINTEXT);
    crossings.addAll(peers);
    List<LoadServer> servers = new ArrayList<>();
    List<PeerHops> started = new ArrayList<>();
    try (NodesTestbed testbed =
        new NodesTestbed(name, Files.createDirectory(directory.resolve("nodes")), crossings)) {
      for (Crossing crossing : crossings) {
        servers.add(LoadServer.start(testbed.path(crossing)));
      }
      MtlsMeasurement measurement =
          new MtlsMeasurement(testbed, extent, wanted.isEmpty() ? LOADS : wanted);
      Map<Crossing, ProcessUse> bare =
          new LinkedHashMap<>(Map.of(Crossing.DIRECT, ProcessUse.NONE));
      for (Crossing peer : peers) {
        PeerHops hops = PeerHops.start(testbed, peer, directory);
        started.add(hops);
        bare.put(peer, hops.hops());
      }
      measurement.memory(bare, servers);
      measurement.traffic(bare, extent.baselines());
      for (Crossing mesh : List.of(Crossing.MUTUAL_TLS, Crossing.PLAINTEXT)) {
        Path own = Files.createDirectory(directory.resolve("mesh" + mesh.ordinal()));
        try (CrossingMesh daemons = CrossingMesh.start(testbed, mesh, name, launcher, own)) {
          Map<Crossing, ProcessUse> hops = Map.of(mesh, daemons.hops());
          // Memory first: a daemon never gets as small again.
          measurement.memory(hops, servers);
          measurement.traffic(hops, extent.samples());
        }
      }
      measurement.traffic(bare, extent.baselines());
      return new Result(measurement.comparisons(), measurement.rounds.remarks());
    } finally {
      started.forEach(PeerHops::close);
      servers.forEach(LoadServer::close);
    }
  }

  private void memory(Map<Crossing, ProcessUse> hops, List<LoadServer> servers) throws Exception {
    Map<Crossing, ProcessUse> proxies = new EnumMap<>(hops);
    proxies.remove(Crossing.DIRECT);
    if (proxies.isEmpty()) {
      return;
    }
    Thread.sleep(extent.idle().dividedBy(4));
    proxies.forEach((crossing, use) -> idle.put(crossing, resident(use)));
    List<SocketChannel> held = new ArrayList<>();
    try {
      for (Map.Entry<Crossing, ProcessUse> proxy : proxies.entrySet()) {
        held.addAll(client(proxy.getKey(), proxy.getValue()).hold(HELD));
      }
      Thread.sleep(SETTLING);
      proxies.forEach((crossing, use) -> holding.put(crossing, resident(use)));
    } finally {
      for (SocketChannel connection : held) {
        connection.close();
      }
      servers.forEach(LoadServer::letGo);
    }
  }

  private static Values resident(ProcessUse use) {
    return Values.of(List.of(use.residentBytes() / MEBIBYTE));
  }

  private void traffic(Map<Crossing, ProcessUse> hops, int samples) throws Exception {
    Map<Crossing, LoadClient> clients = new EnumMap<>(Crossing.class);
    hops.forEach((crossing, use) -> clients.put(crossing, client(crossing, use)));
    rounds.measure(clients, samples);
  }

  private LoadClient client(Crossing crossing, ProcessUse hops) {
    return new LoadClient(testbed.path(crossing), hops);
  }

  private List<Comparison> comparisons() {
    List<Comparison> comparisons = new ArrayList<>();
    comparisons.add(new Comparison("mtls.rss.idle", "RSS idle, both hops", "MiB", idle));
    comparisons.add(
        new Comparison("mtls.rss.held", "RSS with 1,000 connections, both hops", "MiB", holding));
    for (Load load : loads) {
      for (Load.Measure measure : load.measures()) {
        comparisons.add(
            new Comparison(
                "mtls." + load.id() + "." + measure.name(),
                measure.label(),
                measure.unit(),
                rounds.values(load, measure)));
      }
    }
    return comparisons;
  }
}

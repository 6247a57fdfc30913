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
import java.util.stream.Stream;

/**
 * What mutual TLS between nodes costs, beside the direct path, Sluice without it and other proxies.
 * What needs no program in the kernel is measured while there is none, before Sluice and after it;
 * of Sluice's two ways each has the machine for itself. Of HTTP, likewise, what it costs that
 * requests are decided, beside the same as bytes.
 */
final class MtlsMeasurement {
  private static final int HELD = 1_000;
  private static final double MEBIBYTE = 1 << 20;
  private static final List<Load> LOADS =
      List.of(
          Load.CONNECTIONS, Load.MANY_REQUESTS, Load.PACED_REQUESTS, Load.UPLOAD, Load.DOWNLOAD);

  /** Long enough for what opening the connections leaves to be written and collected. */
  private static final Duration SETTLING = Duration.ofSeconds(3);

  private static final List<Load> HTTP_LOADS =
      Stream.of(Load.values()).filter(load -> load.part() == Part.http).toList();

  private final NodesTestbed testbed;
  private final Bench.Extent extent;
  private final Plan plan;
  private final Rounds<Crossing> rounds;
  private final Map<Crossing, Values> idle = new EnumMap<>(Crossing.class);
  private final Map<Crossing, Values> holding = new EnumMap<>(Crossing.class);

  private MtlsMeasurement(NodesTestbed testbed, Bench.Extent extent, Plan plan, Distance distance) {
    this.testbed = testbed;
    this.extent = extent;
    this.plan = plan;
    this.rounds = new Rounds<>(plan.loads(), extent, distance);
  }

  /** What was measured, and what to think of it. */
  record Result(List<Comparison> comparisons, List<String> remarks) {}

  /**
   * What is measured.
   *
   * @param prefix of the stable names
   * @param held what a connection carried that is held
   * @param meshes one after the other; each with what is measured by turns in it
   * @param peers other proxies
   */
  private record Plan(
      String prefix,
      List<Load> loads,
      Talk held,
      Map<Crossing, Set<Crossing>> meshes,
      Peers peers) {
    private Set<Crossing> crossings() {
      Set<Crossing> crossings = EnumSet.of(Crossing.DIRECT);
      meshes.values().forEach(crossings::addAll);
      crossings.addAll(peers.crossings());
      return crossings;
    }

    private boolean isHttp() {
      return held == Talk.GET;
    }
  }

  /**
   * Makes the nodes and everything on them, measures, removes them.
   *
   * @param directory empty
   * @param distance of all that is measured
   * @param parts whose loads are measured; all where there is none of any of them
   * @param peers other proxies that are measured too
   */
  static Result run(
      String name,
      Launcher launcher,
      Path directory,
      Bench.Extent extent,
      Distance distance,
      Set<Part> parts,
      Peers peers)
      throws Exception {
    List<Load> wanted = LOADS.stream().filter(load -> parts.contains(load.part())).toList();
    Map<Crossing, Set<Crossing>> meshes = new EnumMap<>(Crossing.class);
    meshes.put(Crossing.MUTUAL_TLS, Set.of(Crossing.MUTUAL_TLS));
    meshes.put(Crossing.PLAINTEXT, Set.of(Crossing.PLAINTEXT));
    return run(
        name,
        launcher,
        directory,
        extent,
        distance,
        new Plan("mtls.", wanted.isEmpty() ? LOADS : wanted, Talk.HELD_BYTE, meshes, peers));
  }

  /** The same of HTTP whose requests are decided, beside the same as bytes. */
  static Result http(
      String name,
      Launcher launcher,
      Path directory,
      Bench.Extent extent,
      Distance distance,
      Peers peers)
      throws Exception {
    Map<Crossing, Set<Crossing>> mesh =
        Map.of(Crossing.MUTUAL_TLS, EnumSet.of(Crossing.MUTUAL_TLS, Crossing.AS_BYTES));
    return run(
        name,
        launcher,
        directory,
        extent,
        distance,
        new Plan("mtls.http.", HTTP_LOADS, Talk.GET, mesh, peers.ofHttp()));
  }

  private static Result run(
      String name,
      Launcher launcher,
      Path directory,
      Bench.Extent extent,
      Distance distance,
      Plan plan)
      throws Exception {
    List<LoadServer> servers = new ArrayList<>();
    List<PeerHops> started = new ArrayList<>();
    try (NodesTestbed testbed =
        new NodesTestbed(
            name, Files.createDirectory(directory.resolve("nodes")), plan.crossings())) {
      for (Crossing crossing : NodesTestbed.withPods(plan.crossings())) {
        servers.add(LoadServer.start(testbed.path(crossing)));
      }
      MtlsMeasurement measurement = new MtlsMeasurement(testbed, extent, plan, distance);
      Map<Crossing, ProcessUse> bare =
          new LinkedHashMap<>(Map.of(Crossing.DIRECT, ProcessUse.NONE));
      for (Crossing peer : plan.peers().crossings()) {
        PeerHops hops = PeerHops.start(testbed, plan.peers(), peer, directory);
        started.add(hops);
        bare.put(peer, hops.hops());
      }
      measurement.memory(bare, servers);
      measurement.traffic(bare, extent.baselines());
      for (Map.Entry<Crossing, Set<Crossing>> one : plan.meshes().entrySet()) {
        Crossing mesh = one.getKey();
        Path own = Files.createDirectory(directory.resolve("mesh" + mesh.ordinal()));
        try (CrossingMesh daemons =
            CrossingMesh.start(testbed, mesh, name, launcher, own, plan.isHttp())) {
          // Memory first: a daemon never gets as small again.
          measurement.memory(Map.of(mesh, daemons.hops()), servers);
          Map<Crossing, ProcessUse> hops = new EnumMap<>(Crossing.class);
          one.getValue().forEach(crossing -> hops.put(crossing, daemons.hops()));
          measurement.traffic(hops, extent.samples());
        }
      }
      measurement.traffic(bare, extent.baselines());
      return new Result(measurement.comparisons(), measurement.rounds.remarks());
    } catch (Exception e) {
      for (PeerHops hops : started) {
        hops.requireAlive(e);
      }
      throw e;
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
        held.addAll(client(proxy.getKey(), proxy.getValue()).hold(plan.held(), HELD));
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
    if (plan.isHttp()) {
      for (Map.Entry<Crossing, LoadClient> one : clients.entrySet()) {
        one.getValue()
            .requireDecisions(one.getKey() != Crossing.DIRECT && one.getKey() != Crossing.AS_BYTES);
      }
    }
    rounds.measure(clients, samples);
  }

  private LoadClient client(Crossing crossing, ProcessUse hops) {
    return new LoadClient(testbed.path(crossing), hops);
  }

  private List<Comparison> comparisons() {
    List<Comparison> comparisons = new ArrayList<>();
    comparisons.add(new Comparison(plan.prefix() + "rss.idle", "RSS idle, both hops", "MiB", idle));
    comparisons.add(
        new Comparison(
            plan.prefix() + "rss.held", "RSS with 1,000 connections, both hops", "MiB", holding));
    for (Load load : plan.loads()) {
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

package io.sluice.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;

/**
 * GETs of a service on lasting connections between two nodes, with each of some means and with
 * none. One pair of daemons serves all; the registry changes from sample to sample, so that
 * whatever else changes falls on all alike.
 */
final class MeansInTurn implements AutoCloseable {
  private static final int ROUNDS = 10;
  private static final int QUICK_ROUNDS = 4;
  private static final int COLD_ROUNDS = 3; // not counted: C2 compiles again what a new means runs
  private static final int CLIENTS = 16;
  private static final Duration SAMPLE = Duration.ofMillis(1_000);
  private static final Duration WAKING = Duration.ofMillis(300);
  private static final Duration LOADED = Duration.ofSeconds(24);
  private static final Duration PAUSE = Duration.ofSeconds(20);
  private static final int MOST_PAUSES = 6;
  private static final double STEADY_MIB = 2;
  private static final double HUNDRED_THOUSAND = 100_000;
  private static final double MEBIBYTE = 1 << 20;

  private final Bench.Extent extent;
  private final NodesTestbed testbed;
  private final LoadServer server;
  private final CrossingMesh mesh;
  private final LoadClient client;

  /**
   * Makes the nodes and the mesh.
   *
   * @param directory empty
   */
  MeansInTurn(String name, Launcher launcher, Path directory, Bench.Extent extent)
      throws Exception {
    this.extent = extent;
    testbed =
        new NodesTestbed(
            name,
            Files.createDirectory(directory.resolve("nodes")),
            EnumSet.of(Crossing.DIRECT, Crossing.MUTUAL_TLS));
    LoadPath path = testbed.path(Crossing.MUTUAL_TLS);
    server = LoadServer.start(path);
    mesh =
        CrossingMesh.start(
            testbed,
            Crossing.MUTUAL_TLS,
            name,
            launcher,
            Files.createDirectory(directory.resolve("mesh")),
            true);
    client =
        new LoadClient(
            new LoadPath(
                path.name(),
                path.client(),
                path.server(),
                path.serverAddress(),
                Manifests.SERVICE_ADDRESS,
                0),
            mesh.hops());
    client.requireDecisions(true);
  }

  NodesTestbed testbed() {
    return testbed;
  }

  CrossingMesh mesh() {
    return mesh;
  }

  /** What has to be so while means are in force. */
  interface Check {
    /** Before the first request. */
    void begin(Means means) throws Exception;

    /** After a sample. */
    void end(Means means) throws Exception;
  }

  /**
   * Resident memory of a node after requests without the means and then with them, in MiB: at the
   * end of the load, and at rest, when compilers have given back what they had.
   */
  List<Figure> memory(Means means, Check check) throws Exception {
    Resident without = residentWith(Means.NOTHING, check);
    Resident with = residentWith(means, check);
    return List.of(
        figure(means, "rss", "after the load", without.loaded(), with.loaded()),
        figure(means, "rss.rest", "at rest", without.atRest(), with.atRest()));
  }

  private static Figure figure(Means means, String id, String when, double without, double with) {
    return new Figure(
        means.id() + "." + id,
        "resident memory of a node " + when + ", with " + means.label(),
        "MiB",
        Values.of(List.of(without)),
        Values.of(List.of(with)));
  }

  private record Resident(double loaded, double atRest) {}

  private Resident residentWith(Means means, Check check) throws Exception {
    mesh.configure(means);
    check.begin(means);
    client.requests(Talk.GET, CLIENTS, LOADED);
    double loaded = resident();
    double atRest = atRest();
    check.end(means);
    return new Resident(loaded, atRest);
  }

  /** Once it is within {@link #STEADY_MIB} for as long as two of the JVM's turns of tidying up. */
  private double atRest() throws Exception {
    double before = resident();
    for (int i = 0; i < MOST_PAUSES; i++) {
      Thread.sleep(PAUSE);
      double now = resident();
      if (Math.abs(before - now) <= STEADY_MIB) {
        return now;
      }
      before = now;
    }
    throw new IOException("the memory of nodes at rest is not steady");
  }

  private double resident() {
    return mesh.hops().residentBytes() / MEBIBYTE / 2;
  }

  /** Rates and CPU time of all of them, each beside nothing. */
  List<Figure> rates(List<Means> some, Check check) throws Exception {
    Random turns = new Random(1);
    List<Means> order = new ArrayList<>(some);
    order.addFirst(Means.NOTHING);
    Map<Means, List<Sample>> samples = new LinkedHashMap<>();
    try (Awake _ = Awake.begin()) {
      int rounds = extent == Bench.Extent.QUICK ? QUICK_ROUNDS : ROUNDS;
      for (int round = -COLD_ROUNDS; round < rounds; round++) {
        for (Means means : order) {
          mesh.configure(means);
          check.begin(means);
          client.requests(Talk.GET, CLIENTS, WAKING);
          Sample sample = client.requests(Talk.GET, CLIENTS, SAMPLE);
          check.end(means);
          if (round >= 0) {
            samples.computeIfAbsent(means, _ -> new ArrayList<>()).add(sample);
          }
        }
        Means last = order.getLast();
        Collections.shuffle(order, turns); // nobody is always next to the same one
        if (order.getFirst().equals(last)) {
          Collections.swap(order, 0, 1); // nor twice in a row: a change costs something itself
        }
      }
    }
    List<Sample> nothing = samples.getOrDefault(Means.NOTHING, List.of());
    List<Figure> figures = new ArrayList<>();
    for (Means means : some) {
      List<Sample> with = samples.getOrDefault(means, List.of());
      figures.add(
          figure(means, "rate", "GETs, 16 connections", "1/s", Sample::perSecond, nothing, with));
      figures.add(
          figure(
              means,
              "hops",
              "CPU time of both hops, 100,000 GETs",
              "s",
              one -> one.hopsCpu() * HUNDRED_THOUSAND,
              nothing,
              with));
    }
    return figures;
  }

  private static Figure figure(
      Means means,
      String id,
      String label,
      String unit,
      Function<Sample, Double> value,
      List<Sample> nothing,
      List<Sample> with) {
    return new Figure(
        means.id() + "." + id,
        label + ", with " + means.label(),
        unit,
        Values.of(nothing.stream().map(value).toList()),
        Values.of(with.stream().map(value).toList()));
  }

  @Override
  public void close() throws Exception {
    try (testbed;
        server;
        mesh) {
      // in the reverse order of their making
    }
  }
}

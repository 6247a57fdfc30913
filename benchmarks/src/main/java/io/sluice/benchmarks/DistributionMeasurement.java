package io.sluice.benchmarks;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * What it takes to bring a change to every node, for sites of several sizes: a controller in a
 * process of its own, and as many node's clients as there are nodes in this one.
 */
final class DistributionMeasurement {
  private static final Logger NODES_LOG = Logger.getLogger("io.sluice.node");

  /** Of a whole run; a third is usual. */
  static final Duration LONGEST = Duration.ofMinutes(15);

  private static final double KIB = 1 << 10;
  private static final double MIB = 1 << 20;
  private static final double P99 = 0.99;

  /**
   * How much is measured.
   *
   * @param pods of each size
   * @param nodes of every size
   * @param changes of each kind; half of the permission's are in each direction
   * @param idle how long nothing happens
   */
  record Extent(List<Integer> pods, int nodes, int changes, Duration idle) {
    static final Extent FULL =
        new Extent(List.of(1_000, 3_000, 10_000), 100, 20, Duration.ofSeconds(10));
    static final Extent QUICK = new Extent(List.of(100, 300), 10, 4, Duration.ofSeconds(1));
  }

  private final Path launcher;
  private final Path directory;
  private final Extent extent;
  private final Growth.Lines growths = new Growth.Lines(Part.distribution);

  private DistributionMeasurement(Path launcher, Path directory, Extent extent) {
    this.launcher = launcher;
    this.directory = directory;
    this.extent = extent;
  }

  static List<Growth> run(Path launcher, Path directory, Extent extent) throws Exception {
    NODES_LOG.setLevel(Level.WARNING); // or a hundred nodes tell that they start
    DistributionMeasurement measurement = new DistributionMeasurement(launcher, directory, extent);
    for (int pods : extent.pods()) {
      System.err.println("  " + pods + " pods on " + extent.nodes() + " nodes");
      measurement.measure(pods);
    }
    return measurement.growths.list();
  }

  private void measure(int pods) throws Exception {
    Path here = Files.createDirectory(directory.resolve("site-" + pods));
    LargeSite site = new LargeSite(here.resolve("registry"), pods, extent.nodes());
    site.write();
    try (ControllerProcess controller =
            ControllerProcess.start(launcher, here.resolve("registry"), here);
        Fleet fleet = Fleet.joined(site, extent.nodes(), controller)) {
      double before = controller.use().cpuSeconds();
      Duration first = fleet.follow();
      double spent = controller.use().cpuSeconds() - before;
      growths.add(pods, "first.time", "all nodes have their first snapshot", "ms", millis(first));
      growths.add(
          pods, "first.cpu", "the controller's CPU time for all of them", "ms", spent * 1e3);
      growths.add(
          pods,
          "first.bytes",
          "bytes of the first snapshot, per node",
          "KiB",
          fleet.bytesReceived() / KIB / fleet.size());
      agents(pods, site, fleet, controller);
      neighbour(pods, site, fleet);
      replacedPod(pods, site, fleet, controller);
      use(pods, controller);
    }
  }

  /** A permission that concerns every node, given and taken by turns. */
  private void agents(int pods, LargeSite site, Fleet fleet, ControllerProcess controller)
      throws Exception {
    List<Fleet.Wave> given = new ArrayList<>();
    List<Fleet.Wave> taken = new ArrayList<>();
    double before = controller.use().cpuSeconds();
    for (int change = 0; change < extent.changes(); change++) {
      boolean allowed = change % 2 == 0;
      Map<Integer, Predicate<MeshSnapshot>> decided = new HashMap<>();
      for (int node = 0; node < fleet.size(); node++) {
        decided.put(node, decides(site.agentCalls(node), allowed));
      }
      (allowed ? given : taken).add(fleet.wave(decided, () -> site.allowAgents(allowed)));
    }
    double cpu = (controller.use().cpuSeconds() - before) / extent.changes();
    latency(pods, "given", "a permission given to a pod of every node", given);
    latency(pods, "taken", "the same taken away", taken);
    List<Fleet.Wave> both = new ArrayList<>(given);
    both.addAll(taken);
    bytes(pods, "permission", "bytes of that permission, per node", both, fleet.size());
    growths.add(
        pods, "permission.cpu", "the controller's CPU time for that permission", "ms", cpu * 1e3);
  }

  private static Predicate<MeshSnapshot> decides(Flow flow, boolean allowed) {
    return snapshot -> Decisions.decide(snapshot, flow).isAllowed() == allowed;
  }

  /** A permission between two services: most nodes have nothing to do with it. */
  private void neighbour(int pods, LargeSite site, Fleet fleet) throws Exception {
    List<Fleet.Wave> waves = new ArrayList<>();
    for (int change = 0; change < extent.changes(); change++) {
      boolean allowed = change % 2 == 0;
      Map<Integer, Predicate<MeshSnapshot>> decided = new HashMap<>();
      for (int replica = 0; replica < LargeSite.REPLICAS; replica++) {
        decided.put(site.neighbourNode(replica), decides(site.neighbourCalls(replica), allowed));
        decided.put(
            site.calledNode(replica), snapshot -> LargeSite.allowsNeighbour(snapshot) == allowed);
      }
      waves.add(fleet.wave(decided, () -> site.allowNeighbour(allowed)));
    }
    latency(pods, "neighbour", "a permission between two services, 5 pods each", waves);
    bytes(pods, "neighbour", "bytes of that permission, all nodes together", waves, 1);
  }

  /** A pod in the place of another: who it is has to be known on every node. */
  private void replacedPod(int pods, LargeSite site, Fleet fleet, ControllerProcess controller)
      throws Exception {
    List<Fleet.Wave> waves = new ArrayList<>();
    double before = controller.use().cpuSeconds();
    for (int change = 1; change <= extent.changes(); change++) {
      int number = change;
      Map<Integer, Predicate<MeshSnapshot>> decided = new HashMap<>();
      for (int node = 0; node < fleet.size(); node++) {
        decided.put(node, snapshot -> snapshot.workloadAt(LargeSite.replaced(number)).isPresent());
      }
      waves.add(fleet.wave(decided, () -> site.replacePod(number)));
    }
    double cpu = (controller.use().cpuSeconds() - before) / extent.changes();
    latency(pods, "pod", "a pod replaced, known on every node", waves);
    bytes(pods, "pod", "bytes of a replaced pod, per node", waves, fleet.size());
    growths.add(pods, "pod.cpu", "the controller's CPU time for a replaced pod", "ms", cpu * 1e3);
  }

  private void latency(int pods, String id, String label, List<Fleet.Wave> waves) {
    long[] all = waves.stream().flatMapToLong(wave -> Arrays.stream(wave.nanos())).toArray();
    Arrays.sort(all);
    growths.add(pods, id + ".p50", label + ", p50", "ms", percentile(all, 0.5));
    growths.add(pods, id + ".p99", label + ", p99", "ms", percentile(all, P99));
    growths.add(pods, id + ".max", label + ", the slowest node of all", "ms", percentile(all, 1));
  }

  private static double percentile(long[] sorted, double share) {
    return sorted[(int) Math.min(sorted.length - 1L, (long) (sorted.length * share))] / 1e6;
  }

  private void bytes(int pods, String id, String label, List<Fleet.Wave> waves, int among) {
    growths.add(
        pods,
        id + ".bytes",
        label,
        "B",
        waves.stream().map(wave -> (double) wave.bytes() / among).toArray(Double[]::new));
  }

  /** What the controller holds after all that, and does while nothing happens. */
  private void use(int pods, ControllerProcess controller)
      throws IOException, InterruptedException {
    double before = controller.use().cpuSeconds();
    Thread.sleep(extent.idle());
    double spent = controller.use().cpuSeconds() - before;
    growths.add(
        pods,
        "idle.cpu",
        "the controller's CPU time a second, idle",
        "ms/s",
        spent * 1e3 / (extent.idle().toMillis() / 1e3));
    growths.add(
        pods,
        "rss",
        "the controller's resident memory (RSS)",
        "MiB",
        controller.use().residentBytes() / MIB);
    growths.add(pods, "heap", "of it heap, with garbage", "MiB", controller.heapBytes() / MIB);
  }

  private static double millis(Duration duration) {
    return duration.toNanos() / 1e6;
  }
}

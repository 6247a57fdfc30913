package io.sluice.benchmarks;

import io.sluice.lab.site.DaemonProcess;
import io.sluice.node.NodeCleanup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * How a daemon grows with its node: start, a changed permission, rest and memory, for several
 * numbers of pods that each have as many services.
 */
final class ScaleMeasurement {
  /** On top of an ordinary run; seven minutes are usual for both. */
  static final Duration LONGEST = Duration.ofMinutes(12);

  private static final int SERVICES_PER_POD = 20;

  /** After a change, whose work the next one is not to meet; at rest or not. */
  private static final Duration LONGEST_WORK = Duration.ofSeconds(5);

  private static final Duration WINDOW = Duration.ofMillis(500);

  /** CPU time of a daemon at work, ms a second; one of 30 pods at rest has a tenth. */
  private static final double AT_WORK = 100;

  /** What a window may take less than the one before where work does not become less any more. */
  private static final double STEADY = 10;

  private static final double MIB = 1 << 20;

  /**
   * How much is measured.
   *
   * @param pods of each size, at least 3
   * @param starts of each size
   * @param changes half of them in each direction
   * @param idle how long nothing happens
   * @param longestStart how long the daemon may work before that, at rest then or not
   */
  private record Extent(
      List<Integer> pods, int starts, int changes, Duration idle, Duration longestStart) {
    static final Extent FULL =
        new Extent(List.of(30, 125, 500), 3, 10, Duration.ofSeconds(10), Duration.ofMinutes(1));
    static final Extent QUICK =
        new Extent(List.of(5, 15), 1, 4, Duration.ofSeconds(2), Duration.ofSeconds(10));
  }

  private final Bench bench;
  private final Extent extent;
  private final Growth.Lines growths;
  private final List<String> remarks;

  private ScaleMeasurement(Bench bench, Extent extent, Growth.Lines growths, List<String> remarks) {
    this.bench = bench;
    this.extent = extent;
    this.growths = growths;
    this.remarks = remarks;
  }

  /** Adds what is doubtful to {@code remarks}. */
  static List<Growth> run(
      String name, Launcher launcher, Path directory, Bench.Extent wanted, List<String> remarks)
      throws Exception {
    Extent extent = wanted == Bench.Extent.QUICK ? Extent.QUICK : Extent.FULL;
    Growth.Lines growths = new Growth.Lines(Part.scale);
    for (int pods : extent.pods()) {
      System.err.println("  " + pods + " pods on a node");
      Path here = Files.createDirectory(directory.resolve("node-" + pods));
      try (Testbed testbed = new Testbed(name, Files.createDirectory(here.resolve("site")), pods);
          LoadServer _ = LoadServer.start(testbed.path(Route.MESHED))) {
        Bench bench = new Bench(launcher, name, here, testbed, pods, wanted);
        new ScaleMeasurement(bench, extent, growths, remarks).measure();
      }
    }
    return growths.list();
  }

  private void measure() throws Exception {
    Path registry = Files.createDirectory(bench.registry());
    Manifests.writeServices(registry, bench.testbed(), bench.pods(), SERVICES_PER_POD);
    Manifests.allowForbidden(registry, false);
    List<Double> times = new ArrayList<>();
    List<Double> spent = new ArrayList<>();
    for (int start = 1; start < extent.starts(); start++) {
      started(times, spent).close();
      NodeCleanup.removeAll(bench.nodeName()); // or the next would find pins
    }
    try (DaemonProcess daemon = started(times, spent)) {
      add("start", "start to first answer", "ms", times);
      add("start.cpu", "the daemon's CPU time until then", "ms", spent);
      change(daemon, idle(daemon));
    }
    NodeCleanup.removeAll(bench.nodeName());
  }

  /** A daemon that serves, its milliseconds until then added on the clock and in CPU time. */
  private DaemonProcess started(List<Double> times, List<Double> spent) throws Exception {
    long begin = System.nanoTime();
    DaemonProcess daemon = bench.startDaemon(bench.pods());
    try {
      Enforcement.await(bench.testbed(), daemon);
      times.add(millisSince(begin));
      spent.add(ProcessUse.of(daemon.pid()).cpuSeconds() * 1e3);
      return daemon;
    } catch (Exception e) {
      daemon.close();
      throw e;
    }
  }

  /** Gives the CPU time of a daemon at rest, ms a second. */
  private double idle(DaemonProcess daemon) throws IOException, InterruptedException {
    ProcessUse use = ProcessUse.of(daemon.pid());
    settle(use, extent.idle().dividedBy(2), extent.longestStart(), "its start");
    double idle = cpuPerSecond(use, extent.idle());
    add("idle", "the daemon's CPU time a second, idle", "ms/s", List.of(idle));
    add("rss", "its resident memory (RSS) then", "MiB", List.of(use.residentBytes() / MIB));
    return idle;
  }

  /** Returns when the daemon has finished what something left to be done, as far as it does. */
  private void settle(ProcessUse use, Duration window, Duration longest, String after)
      throws IOException, InterruptedException {
    double before = Double.MAX_VALUE;
    for (long left = longest.dividedBy(window); left > 0; left--) {
      double now = cpuPerSecond(use, window);
      if (now < AT_WORK && now > before - STEADY) {
        return;
      }
      before = now;
    }
    String remark =
        "Doubtful: the daemon of %,d pods was not at rest %d s after %s"
            .formatted(bench.pods(), longest.toSeconds(), after);
    if (!remarks.contains(remark)) {
      remarks.add(remark);
    }
  }

  private static double cpuPerSecond(ProcessUse use, Duration time)
      throws IOException, InterruptedException {
    double before = use.cpuSeconds();
    long begin = System.nanoTime();
    Thread.sleep(time);
    return (use.cpuSeconds() - before) * 1e6 / millisSince(begin);
  }

  /** A permission given and taken by turns; what the daemon would have done anyway is no cost. */
  private void change(DaemonProcess daemon, double idle) throws Exception {
    ProcessUse use = ProcessUse.of(daemon.pid());
    List<Double> given = new ArrayList<>();
    List<Double> taken = new ArrayList<>();
    double before = use.cpuSeconds();
    long begin = System.nanoTime();
    for (int change = 0; change < extent.changes(); change++) {
      boolean allowed = change % 2 == 0;
      long made = Manifests.allowForbidden(bench.registry(), allowed);
      Enforcement.awaitForbidden(bench.testbed(), daemon, allowed);
      (allowed ? given : taken).add(millisSince(made));
      settle(use, WINDOW, LONGEST_WORK, "a change");
    }
    double spent = (use.cpuSeconds() - before) * 1e3 - idle * millisSince(begin) / 1e3;
    add("change.given", "a permission given, in force", "ms", given);
    add("change.taken", "the same taken away", "ms", taken);
    add(
        "change.cpu",
        "the daemon's CPU time for either",
        "ms",
        List.of(Math.max(0, spent / extent.changes())));
  }

  private void add(String name, String label, String unit, List<Double> values) {
    growths.add(bench.pods(), name, label, unit, values.toArray(Double[]::new));
  }

  private static double millisSince(long nanos) {
    return (System.nanoTime() - nanos) / 1e6;
  }
}

package io.sluice.benchmarks;

import io.sluice.interception.maps.PinDirectory;
import io.sluice.lab.site.ChildProgram;
import io.sluice.lab.site.ControlProcess;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SiteFolder;
import io.sluice.node.NodeCleanup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One run from the test bed to the last trace of it. {@link #close} may come from the shutdown hook
 * while the run goes on, which then fails.
 */
final class BenchRun implements AutoCloseable {
  private static final int PODS = 30;

  /** Parts whose connections stay below HTTP, on one node. */
  private static final Set<Part> OF_BYTES =
      EnumSet.of(Part.held, Part.connections, Part.requests, Part.bulk, Part.fairness);

  /** Parts with nodes of their own. */
  private static final Set<Part> OWN_NODES =
      EnumSet.of(
          Part.mtls, Part.rotation, Part.distribution, Part.resilience, Part.telemetry, Part.scale);

  /** The same for each run: one at a time, and the next removes what one that was killed left. */
  private static final String ROTATION_NODE = "bench-rotation";

  /** Writable by root alone, so the name of a run's directory may be known beforehand. */
  private static final Path RUNTIME_ROOT = Path.of("/run");

  private static final List<String> PROGRAMS = List.of("/java", "/haproxy", "/nginx");

  private static final Pattern OWNED =
      Pattern.compile("(" + Testbed.PREFIX + "([0-9]+))([a-z]?-.*)?");

  private final String name = Testbed.PREFIX + ProcessHandle.current().pid();
  private final Launcher launcher;
  private final Launcher launcherForHttp;
  private final Bench.Extent extent;
  private final List<Figure> figures = new ArrayList<>();
  private final List<String> remarks = new ArrayList<>();
  private final Peers peers;
  private final Distance distance;
  private boolean closed;

  /**
   * @param launcherForHttp of part http, {@code launcher} of all others
   * @param peers other proxies that are measured between nodes
   */
  BenchRun(Launcher launcher, Launcher launcherForHttp, Bench.Extent extent, Peers peers)
      throws Exception {
    this.distance = Distance.ofThisMachine(extent.patience());
    this.launcher = launcher;
    this.launcherForHttp = launcherForHttp;
    this.extent = extent;
    this.peers = peers;
  }

  /** What was measured; any list may be empty. */
  record Results(
      List<Figure> figures,
      List<Comparison> comparisons,
      List<Growth> growths,
      List<String> remarks) {}

  private interface Measurement {
    List<Figure> run() throws Exception;
  }

  /** Measures what is wanted; every part costs time, so only that. */
  Results measure(Set<Part> parts) throws Exception {
    Awake.problem().ifPresent(remarks::add);
    if (parts.contains(Part.http) || !launcher.nodeOptions().isEmpty()) {
      remarks.add(
          "Node daemons%s of the chart's size %s: %s"
              .formatted(
                  launcher.nodeOptions().isEmpty() ? " of http" : "",
                  launcherForHttp.size(),
                  launcherForHttp.nodeOptions()));
    }
    removeLeftovers();
    Path directory = Files.createDirectory(RUNTIME_ROOT.resolve(name));
    Set<Part> oneNode = EnumSet.copyOf(parts);
    oneNode.removeAll(OWN_NODES);
    if (!oneNode.isEmpty()) {
      measureOneNode(oneNode, directory);
    }
    if (parts.contains(Part.rotation)) {
      Duration length =
          extent == Bench.Extent.QUICK
              ? RotationMeasurement.QUICK_LENGTH
              : RotationMeasurement.LENGTH;
      add(Part.rotation, () -> RotationMeasurement.run(ROTATION_NODE, length));
    }
    List<Comparison> comparisons = new ArrayList<>();
    for (Part part : List.of(Part.mtls, Part.http)) {
      if (parts.contains(part)) {
        System.err.println("measuring " + part + " between nodes");
        Path own = Files.createDirectory(directory.resolve(part.name()));
        MtlsMeasurement.Result result =
            part == Part.http
                ? MtlsMeasurement.http(name, launcherForHttp, own, extent, distance, peers)
                : MtlsMeasurement.run(name, launcher, own, extent, distance, parts, peers);
        comparisons.addAll(result.comparisons());
        remarks.addAll(result.remarks());
      }
    }
    if (parts.contains(Part.resilience)) {
      Path own = Files.createDirectory(directory.resolve(Part.resilience.name()));
      add(Part.resilience, () -> ResilienceMeasurement.run(name, launcher, own, extent));
    }
    if (parts.contains(Part.telemetry)) {
      Path own = Files.createDirectory(directory.resolve(Part.telemetry.name()));
      add(Part.telemetry, () -> TelemetryMeasurement.run(name, launcher, own, extent));
    }
    List<Growth> growths = new ArrayList<>();
    if (parts.contains(Part.distribution)) {
      System.err.println("measuring " + Part.distribution);
      growths.addAll(
          DistributionMeasurement.run(
              launcher.script(),
              directory,
              extent == Bench.Extent.QUICK
                  ? DistributionMeasurement.Extent.QUICK
                  : DistributionMeasurement.Extent.FULL));
    }
    if (parts.contains(Part.scale)) {
      System.err.println("measuring " + Part.scale);
      Path own = Files.createDirectory(directory.resolve(Part.scale.name()));
      growths.addAll(ScaleMeasurement.run(name, launcher, own, extent, remarks));
    }
    if (distance.far() > 0) {
      remarks.add(
          "A cache line took %.0f ns to the other processor and back".formatted(distance.far()));
    }
    return new Results(figures, comparisons, growths, remarks);
  }

  private void measureOneNode(Set<Part> parts, Path directory) throws Exception {
    try (Testbed testbed =
            new Testbed(name, Files.createDirectory(directory.resolve("site")), PODS);
        LoadServer meshed = LoadServer.start(testbed.path(Route.MESHED));
        LoadServer direct = LoadServer.start(testbed.path(Route.DIRECT))) {
      Bench bench = new Bench(launcher, name, directory, testbed, PODS, extent);
      Set<Part> others = EnumSet.copyOf(parts);
      others.remove(Part.http);
      TrafficMeasurement traffic = new TrafficMeasurement(testbed, extent, others, distance);
      traffic.direct();
      if (parts.contains(Part.start)) {
        add(Part.start, () -> StartMeasurement.run(bench));
      }
      if (parts.contains(Part.idle)) {
        add(Part.idle, () -> idle(bench));
      }
      if (parts.stream().anyMatch(OF_BYTES::contains)) {
        if (!traffic.isEmpty()) {
          try (DaemonProcess daemon = bench.startDaemon(PODS)) {
            Enforcement.await(testbed, daemon);
            traffic.meshed(daemon, Route.MESHED);
          }
          NodeCleanup.removeAll(name);
        }
        try (DaemonProcess daemon = bench.startDaemonWhoseProxyLeadsAll(PODS)) {
          Enforcement.await(testbed, daemon);
          if (parts.contains(Part.held)) {
            add(Part.held, () -> MemoryMeasurement.held(bench, daemon, meshed));
          }
          traffic.meshed(daemon, Route.BY_PROXY);
        }
        NodeCleanup.removeAll(name);
        traffic.direct();
        figures.addAll(traffic.figures());
        remarks.addAll(traffic.remarks());
      }
      if (parts.contains(Part.http)) {
        Bench httpBench = new Bench(launcherForHttp, name, directory, testbed, PODS, extent);
        add(Part.http, () -> http(httpBench, meshed));
      }
      if (parts.contains(Part.cni)) {
        add(Part.cni, () -> CniMeasurement.run(bench));
      }
    }
  }

  private List<Figure> idle(Bench bench) throws Exception {
    List<Figure> measured = new ArrayList<>();
    try (DaemonProcess daemon = bench.startDaemon(PODS)) {
      Enforcement.await(bench.testbed(), daemon);
      measured.addAll(MemoryMeasurement.idle(bench, daemon));
    }
    NodeCleanup.removeAll(name);
    ControlProcess controller = bench.startController();
    try (DaemonProcess daemon = bench.startJoinedDaemon(controller)) {
      Enforcement.await(bench.testbed(), daemon);
      measured.addAll(MemoryMeasurement.idleJoined(bench, daemon));
    } finally {
      controller.end();
    }
    NodeCleanup.removeAll(name);
    return measured;
  }

  private List<Figure> http(Bench bench, LoadServer server) throws Exception {
    TrafficMeasurement traffic =
        new TrafficMeasurement(bench.testbed(), extent, EnumSet.of(Part.http), distance);
    List<Figure> measured = new ArrayList<>();
    traffic.direct();
    for (Route route : List.of(Route.AS_BYTES, Route.MESHED)) {
      try (DaemonProcess daemon = bench.startDaemonForHttp()) {
        Enforcement.await(bench.testbed(), daemon);
        measured.addAll(MemoryMeasurement.heldHttp(bench, daemon, server, route));
        if (route == Route.MESHED) {
          traffic.meshedAndAsBytes(daemon);
        }
      }
      NodeCleanup.removeAll(name);
    }
    traffic.direct();
    measured.addAll(traffic.figures());
    remarks.addAll(traffic.remarks());
    return measured;
  }

  private void add(Part part, Measurement measurement) throws Exception {
    System.err.println("measuring " + part);
    figures.addAll(measurement.run());
  }

  /** Removes what runs that were killed could not remove themselves. */
  private void removeLeftovers() throws IOException {
    Set<String> runs = new TreeSet<>();
    List<String> names = new ArrayList<>(Site.namespaces("slxbench"));
    names.addAll(PinDirectory.nodeNames());
    try (var entries = Files.list(RUNTIME_ROOT)) {
      entries.map(entry -> entry.getFileName().toString()).forEach(names::add);
    }
    for (String present : names) {
      Matcher owned = OWNED.matcher(present);
      if (owned.matches() && ProcessHandle.of(Long.parseLong(owned.group(2))).isEmpty()) {
        runs.add(owned.group(1));
      }
    }
    for (String run : runs) {
      removeEverything(run);
    }
  }

  /** Removes whatever this run may have left; the first call does it. */
  @Override
  public synchronized void close() throws IOException {
    if (!closed) {
      closed = true;
      removeEverything(name);
    }
  }

  private static void removeEverything(String run) throws IOException {
    killAllOf(RUNTIME_ROOT.resolve(run));
    NodeCleanup.removeAll(run);
    CrossingMesh.nodeNames(run).forEach(NodeCleanup::removeAll);
    List.of(run, run + "a", run + "b").forEach(Site::deleteNamespaces);
    SiteFolder.remove(RUNTIME_ROOT.resolve(run));
  }

  /**
   * Ends what a run that cannot do so itself any more has started on files in {@code directory}.
   */
  private static void killAllOf(Path directory) {
    ProcessHandle.allProcesses()
        .filter(process -> isOurs(process, directory))
        .forEach(process -> {
          List<ProcessHandle> workers = process.descendants().toList();
          process.destroyForcibly();
          workers.forEach(ProcessHandle::destroyForcibly);
          process.onExit().orTimeout(10, TimeUnit.SECONDS).join();
        });
  }

  /** An editor or pager on such a file is somebody else's. */
  private static boolean isOurs(ProcessHandle process, Path directory) {
    String program = process.info().command().orElse("");
    return process.pid() != ProcessHandle.current().pid()
        && (PROGRAMS.stream().anyMatch(program::endsWith)
                && ChildProgram.commandLine(process.pid()).contains(directory + "/")
            || ChildProgram.environment(process.pid())
                .contains(HbonePeer.DIRECTORY_VARIABLE + "=" + directory + "/"));
  }
}

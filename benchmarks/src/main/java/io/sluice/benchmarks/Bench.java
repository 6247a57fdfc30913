package io.sluice.benchmarks;

import io.sluice.lab.site.ControlProcess;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.SitePod;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What every measurement needs.
 *
 * @param launcher the product's start script, and how its daemons are started
 * @param nodeName of the measured daemon
 * @param directory registries and states of this run
 * @param pods enrolled pods of the test bed
 * @param extent how much is measured
 */
record Bench(
    Launcher launcher, String nodeName, Path directory, Testbed testbed, int pods, Extent extent) {
  /** Pods of the smaller mesh. */
  static final int FEW_PODS = 3;

  private static final List<String> BY_PROXY = List.of("--fast-path", "false");

  /**
   * How much is measured.
   *
   * @param samples of each load on a path that is measured at one time, at least 4
   * @param baselines of each load on a path that is measured before and after the others, each time
   * @param time of one sample
   * @param pacedTime the same of requests due at fixed times: of a second's thousand only ten are
   *     slower than p99
   * @param window of a load that warms up
   * @param patience for processors to be far from each other, in all of a run
   * @param steadyWindows whose median has to be that of as many before them; the second compiler
   *     takes seconds for each of its steps; as many follow by turns
   * @param longestWarmUp of one load on one path, steady or not
   * @param starts of each kind
   * @param podStarts with each mechanism, on each path
   * @param idle between readiness and the look at the idle daemon
   */
  record Extent(
      int samples,
      int baselines,
      Duration time,
      Duration pacedTime,
      Duration window,
      Duration patience,
      int steadyWindows,
      Duration longestWarmUp,
      int starts,
      int podStarts,
      Duration idle) {
    private static final int PACED_WINDOWS = 4; // a window of fewer requests has no pace

    static final Extent FULL =
        new Extent(
            24,
            12,
            Duration.ofMillis(250),
            Duration.ofSeconds(3),
            Duration.ofMillis(200),
            Duration.ofMinutes(12),
            15,
            Duration.ofSeconds(40),
            5,
            60,
            Duration.ofSeconds(40));
    static final Extent QUICK =
        new Extent(
            8,
            4,
            Duration.ofMillis(250),
            Duration.ofSeconds(1),
            Duration.ofMillis(100),
            Duration.ofSeconds(10),
            3,
            Duration.ofSeconds(3),
            1,
            10,
            Duration.ofSeconds(10));

    Duration timeOf(Load load) {
      return load.isPaced() ? pacedTime : time;
    }

    /** Of a load that warms up. */
    Duration windowOf(Load load) {
      return load.isPaced() ? window.multipliedBy(PACED_WINDOWS) : window;
    }
  }

  /** Of all pods; more may lie there before a daemon is started on it. */
  Path registry() {
    return registry(pods);
  }

  private Path registry(int pods) {
    return directory.resolve("registry-" + pods);
  }

  /** Starts the daemon on the registry of so many pods and does not wait for it. */
  DaemonProcess startDaemon(int pods) throws Exception {
    return startDaemon(pods, List.of());
  }

  /** The same where the proxy leads all: its work is what is to be seen. */
  DaemonProcess startDaemonWhoseProxyLeadsAll(int pods) throws Exception {
    return startDaemon(pods, BY_PROXY);
  }

  private DaemonProcess startDaemon(int pods, List<String> options) throws Exception {
    Path registry = registry(pods);
    Manifests.write(registry, testbed, pods, false);
    return startDaemon(registry, options);
  }

  /** The same with all pods, where requests are decided too. */
  DaemonProcess startDaemonForHttp() throws Exception {
    Path registry = directory.resolve("registry-http");
    Manifests.write(registry, testbed, pods, true);
    return startDaemon(registry, BY_PROXY); // as bytes, beside it
  }

  /** The same with all pods and one more that has no sandbox yet. */
  DaemonProcess startDaemonForStarts(List<String> options) throws Exception {
    Path registry = directory.resolve("registry-starts");
    Manifests.write(registry, testbed, pods, false);
    Manifests.addStartingPod(registry);
    return startDaemon(registry, options);
  }

  /** A controller on this machine, of a mesh in which each pod has an identity of its own. */
  ControlProcess startController() throws Exception {
    Path registry = directory.resolve("registry-identities");
    Manifests.writeIdentities(registry, testbed, pods, nodeName);
    ControlProcess controller =
        new ControlProcess(
            SitePod.thisMachine(),
            InetAddress.getLoopbackAddress(),
            ControlProcess.folder(registry),
            directory.resolve("control"),
            List.of());
    controller.start();
    return controller;
  }

  /** Starts a daemon that joins {@code controller} and has its pods; does not wait for it. */
  DaemonProcess startJoinedDaemon(ControlProcess controller) {
    return startDaemon(
        List.of(
            "--control",
            controller.address(),
            "--join-token",
            controller.joinToken(nodeName).toString()),
        directory.resolve("joined"),
        List.of());
  }

  private DaemonProcess startDaemon(Path registry, List<String> options) {
    return startDaemon(
        List.of("--registry", registry.toString()), directory.resolve("state"), options);
  }

  /** As an operator starts it: by the launcher. */
  private DaemonProcess startDaemon(List<String> source, Path state, List<String> options) {
    List<String> launch = launcher.nodeRun();
    launch.addAll(source);
    DaemonProcess daemon =
        new DaemonProcess(SitePod.thisMachine(), nodeName, launch, state, List.of(), options);
    daemon.begin();
    return daemon;
  }
}

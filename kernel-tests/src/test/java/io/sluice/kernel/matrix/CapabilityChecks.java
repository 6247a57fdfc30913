package io.sluice.kernel.matrix;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.ChartCapability;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What breaks without the capabilities of the chart that only some kernels ask for: the daemon ends
 * and names the one that was taken away. With all of them it does what the other checks ask. A site
 * each, and no daemon besides.
 */
public final class CapabilityChecks {
  private static final Path RELEASE = Path.of("/proc/sys/kernel/osrelease");
  private static final Path MODULES = Path.of("/proc/modules");

  /** Which program the kernel starts to load a module that it misses. */
  private static final Path MODULE_LOADER = Path.of("/proc/sys/kernel/modprobe");

  /** There once the kernel has loaded iptables-legacy; the newest may be built without. */
  private static final Path LEGACY_TABLES = Path.of("/proc/net/ip_tables_names");

  /** Without it nftables takes no rule of iptables, as on kernels that were built so. */
  private static final String NFT_MODULE = "nft_compat";

  private static final Map<ChartCapability, Runnable> CHECKS =
      Map.of(
          ChartCapability.SYS_RESOURCE, CapabilityChecks::lockedMemory,
          ChartCapability.NET_RAW, CapabilityChecks::rawSockets);

  private CapabilityChecks() {}

  /** The capabilities that are taken away here, on one kernel or another. */
  public static Set<ChartCapability> removed() {
    return CHECKS.keySet();
  }

  /** Those for this kernel, by name and in order. */
  static Map<String, Runnable> all() {
    Map<String, Runnable> checks = new TreeMap<>();
    CHECKS.forEach((missing, check) -> {
      if (missing != ChartCapability.NET_RAW || Files.exists(LEGACY_TABLES)) {
        checks.put("the daemon without " + missing, check);
      }
    });
    return checks;
  }

  /** Maps count against the limit of locked memory before Linux 5.11, and only there. */
  private static void lockedMemory() {
    try (MatrixSite site = new MatrixSite()) {
      List<String> container = ChartCapability.containerWithout(ChartCapability.SYS_RESOURCE);
      if (countsMapsAsLocked()) {
        endsNaming(ChartCapability.SYS_RESOURCE, site, container, "ebpf");
      } else {
        site.site.startDaemonBehind(container, "--mode", "ebpf");
      }
    }
  }

  private static boolean countsMapsAsLocked() {
    String[] release = read(RELEASE).strip().split("[^0-9]+", 3);
    int major = Integer.parseInt(release[0]);
    return major < 5 || (major == 5 && Integer.parseInt(release[1]) < 11);
  }

  /** Where nftables takes no rules, iptables-legacy has to; its programs open a raw socket. */
  private static void rawSockets() {
    String loader = read(MODULE_LOADER);
    boolean wasLoaded = read(MODULES).contains(NFT_MODULE + " ");
    write(MODULE_LOADER, "/bin/false");
    try {
      if (wasLoaded) {
        Commands.run("rmmod", NFT_MODULE);
      }
      try (MatrixSite site = new MatrixSite()) {
        List<String> container = ChartCapability.containerWithout(ChartCapability.NET_RAW);
        endsNaming(ChartCapability.NET_RAW, site, container, "iptables");

        site.site.startDaemonBehind(ChartCapability.container(), "--mode", "iptables");
        enforces(site);
        holdsLegacyRules(site.buyer);
      }
    } finally {
      write(MODULE_LOADER, loader);
      if (wasLoaded) {
        Commands.run("modprobe", NFT_MODULE);
      }
    }
  }

  private static void enforces(MatrixSite site) {
    site.awaitEnrolled();
    for (Family family : Family.values()) {
      try (TcpServer server = TcpServer.echo(site.store, family, MatrixSite.STORE_PORT)) {
        Attempt allowed = Attempt.from(site.buyer, site.service(family), "one book");
        Attempt refused = Attempt.from(site.thief, site.store.at(family, server.port()), "loot");
        if (!allowed.answered() || !refused.wasTurnedAway() || server.accepted().size() != 1) {
          throw new AssertionError(
              "not enforced over " + family + ": buyer " + allowed + ", thief " + refused);
        }
      }
    }
  }

  private static void holdsLegacyRules(SitePod pod) {
    for (String save : List.of("iptables-legacy-save", "ip6tables-legacy-save")) {
      String rules = Commands.run("nsenter", "--net=" + pod.path(), save);
      if (!rules.contains("-j SLUICE_")) {
        throw new AssertionError("no rules of ours by " + save + ": " + rules);
      }
    }
  }

  private static void endsNaming(
      ChartCapability missing, MatrixSite site, List<String> container, String mode) {
    DaemonProcess daemon = site.site.beginDaemonBehind(container, "--mode", mode);
    Await.until(
        "the daemon without " + missing + " has ended or is ready",
        Await.patience(30),
        () -> !daemon.isAlive() || site.view().status().path("ready").asBoolean());
    if (daemon.isAlive()) {
      throw new AssertionError("the daemon works without " + missing);
    }
    if (!daemon.lastWords().contains(missing.kernelName())) {
      throw new AssertionError(missing.kernelName() + " is not named: " + daemon.lastWords());
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }
}

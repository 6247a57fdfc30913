package io.sluice.node.cni;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cni.CniClient;
import io.sluice.cni.install.ChainState;
import io.sluice.cni.install.CniInstaller;
import io.sluice.cni.install.ConfigurationWatch;
import io.sluice.cni.install.ConfigurationWatch.WatchSettings;
import io.sluice.cni.install.Convergence;
import io.sluice.cni.install.PluginEntry;
import io.sluice.cni.install.Problem;
import io.sluice.cni.install.RuntimeDetection;
import io.sluice.cni.install.RuntimePaths;
import io.sluice.cni.membership.Membership;
import io.sluice.cni.membership.MembershipFile;
import io.sluice.cni.membership.MembershipFileException;
import io.sluice.cni.membership.NamespaceKind;
import io.sluice.cni.protocol.CniRequest.PodReference;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.mesh.Kind;
import io.sluice.mesh.KubernetesNamespace;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.Workload;
import io.sluice.node.enrolment.SandboxEnrolment;
import io.sluice.node.placement.SandboxRecords;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Everything about CNI in one daemon: serves the client, keeps it installed, and keeps the file by
 * which it decides alone. Closing it leaves client, configuration and file in place: without a
 * daemon, pods of the mesh wait.
 */
public final class CniService implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(CniService.class.getName());

  private final Set<String> systemNamespaces;
  private final MembershipFile membership;
  private final SnapshotView snapshots;
  private final SandboxRecords records;
  private final CniServer server;
  private final ConfigurationWatch watch;
  private MeshSnapshot latest = MeshSnapshot.EMPTY;
  private MeshSnapshot written = MeshSnapshot.EMPTY;
  private boolean hasWritten;

  private CniService(
      Set<String> systemNamespaces,
      MembershipFile membership,
      SnapshotView snapshots,
      SandboxRecords records,
      CniServer server,
      ConfigurationWatch watch) {
    this.systemNamespaces = systemNamespaces;
    this.membership = membership;
    this.snapshots = snapshots;
    this.records = records;
    this.server = server;
    this.watch = watch;
  }

  /**
   * Serves, then installs.
   *
   * @param socket where the client calls
   * @param tellsOfEveryPod whether a pod that is not known is only not known yet
   * @param replacement asked for pods that nobody tells of
   * @param calls told of every call
   * @param membershipFile what the client decides by while nobody answers; outlives a reboot
   */
  public static CniService start(
      CniOptions options,
      Path socket,
      Path membershipFile,
      NetworkNamespaces namespaces,
      SandboxRecords records,
      SandboxEnrolment enrolment,
      BooleanSupplier tellsOfEveryPod,
      PodReplacement replacement,
      CallListener calls) {
    SnapshotView snapshots = new SnapshotView(tellsOfEveryPod);
    CniAnswers answers =
        new CniAnswers(options.systemNamespaces(), snapshots, records, enrolment, replacement);
    CniServer server = CniServer.start(socket, answers, namespaces, calls);
    ConfigurationWatch watch =
        ConfigurationWatch.start(
            installer(options, socket, membershipFile), WatchSettings.DEFAULT, result -> {});
    return new CniService(
        options.systemNamespaces(),
        new MembershipFile(membershipFile),
        snapshots,
        records,
        server,
        watch);
  }

  /** What installs and uninstalls for these options; the daemon need not run. */
  public static CniInstaller installer(CniOptions options, Path socket, Path membershipFile) {
    RuntimeDetection detection = new RuntimeDetection(options.root());
    return new CniInstaller(
        options.root(),
        () -> paths(options, detection),
        CniClient.forThisMachine(),
        new PluginEntry(
            socket.toAbsolutePath(), membershipFile.toAbsolutePath(), PluginEntry.DEFAULT_TIMEOUT));
  }

  /**
   * Takes the plugin of an earlier daemon, which has ended or left its place, out of the runtime's
   * chain. Returns what hinders that: pods of the mesh do not start then.
   */
  public static Optional<String> remove(CniOptions options, Path socket, Path membershipFile) {
    Convergence removed = installer(options, socket, membershipFile).uninstall();
    removed.done().forEach(done -> LOG.log(System.Logger.Level.INFO, "cni_changed {0}", done));
    if (removed.problems().isEmpty()) {
      return Optional.empty();
    }
    String problems = removed.problems().stream().map(Problem::toString).collect(joining("; "));
    LOG.log(System.Logger.Level.ERROR, "cni_not_removed problem=\"{0}\"", problems);
    return Optional.of(
        "the CNI plugin of an earlier daemon is still in the runtime's chain: " + problems);
  }

  private static RuntimePaths paths(CniOptions options, RuntimeDetection detection) {
    Optional<Path> confDir = options.confDir();
    RuntimePaths found = detection.detect();
    if (confDir.isPresent() && !options.binDirs().isEmpty()) {
      return RuntimePaths.named(confDir.get(), options.binDirs(), found.confDirs());
    }
    RuntimePaths named = confDir.map(found::withConfDir).orElse(found);
    return options.binDirs().isEmpty() ? named : named.withBinDirs(options.binDirs());
  }

  /**
   * Takes a new snapshot. Any thread; may wait for the disk. Of one that is not complete, what is
   * missing says nothing, so the file keeps what it says.
   */
  public synchronized void publish(MeshSnapshot snapshot) {
    latest = snapshot;
    snapshots.publish(snapshot);
    if (!snapshot.isComplete()
        || (hasWritten && snapshot.since(written).of(Kind.NAMESPACE).isEmpty())) {
      return;
    }
    try {
      boolean changed = membership.write(membershipOf(snapshot));
      hasWritten = true;
      written = snapshot;
      if (changed) {
        LOG.log(
            System.Logger.Level.INFO,
            "cni_membership_written namespaces={0}",
            snapshot.all(Kind.NAMESPACE).size());
      }
    } catch (MembershipFileException e) {
      hasWritten = false; // tried again with the next snapshot
      LOG.log(System.Logger.Level.ERROR, "cni_membership_not_written problem={0}", e.getMessage());
    }
  }

  /** Tries again what could not be written. Any thread; may wait for the disk. */
  public synchronized void publishAgain() {
    publish(latest);
  }

  private Membership membershipOf(MeshSnapshot snapshot) {
    Map<String, NamespaceKind> kinds = new TreeMap<>();
    for (KubernetesNamespace namespace : snapshot.all(Kind.NAMESPACE)) {
      kinds.put(
          namespace.name(),
          switch (namespace.membership()) {
            case INSIDE -> NamespaceKind.INSIDE;
            case MIXED -> NamespaceKind.MIXED;
            case OUTSIDE -> NamespaceKind.OUTSIDE;
          });
    }
    systemNamespaces.forEach(name -> kinds.put(name, NamespaceKind.SYSTEM));
    return Membership.of(kinds);
  }

  /** Whether the runtime uses our configuration, and that is as it should be; any thread. */
  public boolean isChained() {
    return watch.latest().map(result -> result.state() == ChainState.CHAINED).orElse(false);
  }

  /**
   * Why the runtime does not run the plugin for every pod, and what mends that; nothing where it
   * does. Any thread.
   */
  public Optional<String> missing() {
    Optional<Convergence> last = watch.latest();
    return last.isEmpty() ? Optional.of("the CNI plugin is being installed") : last.get().missing();
  }

  /** Sandboxes that are attached; any thread. */
  public int sandboxes() {
    return records.all().size();
  }

  /** Adds how things stand to a status; any thread. */
  public void describe(ObjectNode status) {
    Optional<Convergence> converged = watch.latest();
    status.put("cni", converged.map(result -> result.state().label()).orElse("starting"));
    status.put("cniSandboxes", sandboxes());
    converged.ifPresent(result -> {
      status.put("cniConfDir", result.paths().confDir().toString());
      status.put("cniReason", result.paths().reason());
      status.put(
          "cniProblems", result.problems().stream().map(Problem::toString).collect(joining("; ")));
    });
  }

  @Override
  public void close() {
    server.close();
    watch.close();
  }

  /**
   * The latest snapshot, for callers that wait for a pod to be known: a runtime often asks before
   * the registry has told. Any thread.
   */
  static final class SnapshotView {
    private final BooleanSupplier tellsOfEveryPod;
    private MeshSnapshot snapshot = MeshSnapshot.EMPTY;

    /** {@code tellsOfEveryPod} says whether a pod that is not known is only not known yet. */
    SnapshotView(BooleanSupplier tellsOfEveryPod) {
      this.tellsOfEveryPod = tellsOfEveryPod;
    }

    /** Wakes everyone who waits. */
    synchronized void publish(MeshSnapshot next) {
      snapshot = next;
      notifyAll();
    }

    /**
     * Whether a pod of this namespace may start without having been told of: nothing enrols it
     * there but words of its own, and who would tell of those is out of reach or does not know
     * every pod.
     */
    boolean mayStartUntold(String namespace) {
      return membership(namespace).equals(Optional.of(NamespaceMembership.OUTSIDE))
          && !tellsOfEveryPod.getAsBoolean();
    }

    /** Whether somebody is there who tells of each pod: one that is not known comes by itself. */
    boolean isToldOfEveryPod() {
      return tellsOfEveryPod.getAsBoolean();
    }

    /** What is known of a namespace; empty when nothing is. */
    synchronized Optional<NamespaceMembership> membership(String namespace) {
      return snapshot.membership(namespace);
    }

    /**
     * The workload of this pod, waiting for it; empty at the deadline ({@link System#nanoTime}).
     * One with another UID is a former pod of the same name, as StatefulSets make them.
     */
    synchronized Optional<Workload> await(PodReference pod, long deadlineNanos)
        throws InterruptedException {
      while (true) {
        Optional<Workload> known =
            snapshot.workload(pod.name()).filter(workload -> isSame(pod, workload));
        long left = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
        if (known.isPresent() || left <= 0) {
          return known;
        }
        wait(left);
      }
    }

    private static boolean isSame(PodReference pod, Workload workload) {
      return pod.uid().isEmpty() || workload.uid().isEmpty() || pod.uid().equals(workload.uid());
    }
  }
}

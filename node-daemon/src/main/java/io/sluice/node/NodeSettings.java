package io.sluice.node;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.node.cni.CniOptions;
import io.sluice.node.enrolment.EarlierConnection.EarlierConnectionsRule;
import io.sluice.node.identity.ControlSettings;
import io.sluice.node.placement.PlacementSettings;
import io.sluice.proxy.ProxySettings;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Everything that an operator chooses about one node daemon.
 *
 * @param nodeName names the pins, the sockets and this node in the registry
 * @param stateDirectory lock, access log, logs of refused programs; made when missing
 * @param mode how traffic is intercepted
 * @param fallback whether iptables is used where eBPF was asked for and is refused
 * @param withoutPrograms programs to be treated as refused by the kernel
 * @param failOpen whether traffic is left alone while no daemon runs
 * @param fastPath whether the kernel leads calls within the node by itself where it can
 * @param metricsAddressOrNull where metrics and health are served; null for nowhere
 * @param accessLog as {@link io.sluice.node.events.AccessLog#of}; relative to the state
 * @param recordFlows whether the flows that policy decided are kept, for replays
 * @param drainTimeout longest wait for established connections at SIGTERM
 * @param proxy limits of the data path
 * @param placement where the node's processes, and so its pods, are seen
 * @param earlierConnections what becomes of connections older than their pod's enrolment
 * @param pathCheckInterval time between two looks at the paths into and out of a pod
 * @param pathCheckPatience how long a connection of such a look may take to arrive; a pod without
 *     an answer is found broken after it
 * @param cni how pods come into the mesh before their first packet
 * @param controlOrNull how the node gets certificates; null for none
 * @param takeOver whether a daemon that runs on this node already is asked to hand over its place
 * @param startedFileOrNull made when this process answers at the metrics address; null for none
 */
public record NodeSettings(
    String nodeName,
    Path stateDirectory,
    InterceptionMode mode,
    boolean fallback,
    Set<InterceptionProgram> withoutPrograms,
    boolean failOpen,
    boolean fastPath,
    @Nullable InetSocketAddress metricsAddressOrNull,
    String accessLog,
    boolean recordFlows,
    Duration drainTimeout,
    ProxySettings proxy,
    PlacementSettings placement,
    EarlierConnectionsRule earlierConnections,
    Duration pathCheckInterval,
    Duration pathCheckPatience,
    CniOptions cni,
    @Nullable ControlSettings controlOrNull,
    boolean takeOver,
    @Nullable Path startedFileOrNull) {

  /** Value of {@link #pathCheckInterval} unless the operator chooses another. */
  public static final Duration PATH_CHECK_INTERVAL = Duration.ofSeconds(30);

  /** Value of {@link #pathCheckPatience} outside tests: TCP sends its SYN three times within. */
  public static final Duration PATH_CHECK_PATIENCE = Duration.ofSeconds(5);

  /** Where daemons keep what is gone after a reboot. */
  public static final Path RUNTIME_ROOT = Path.of("/run/sluice");

  public NodeSettings {
    PinDirectory.requireNodeName(nodeName);
    if (controlOrNull != null) {
      SystemIdentity.node(TrustDomain.CLUSTER_LOCAL, nodeName); // throws where it fits no identity
    }
    withoutPrograms = Set.copyOf(withoutPrograms);
    if (accessLog.isBlank()) {
      throw new IllegalArgumentException("access log '' names no file; write off for none");
    }
    if (drainTimeout.isNegative()) {
      throw new IllegalArgumentException("drain time-out " + drainTimeout + " is negative");
    }
    if (!pathCheckInterval.isPositive()) {
      throw new IllegalArgumentException(
          "time between path checks " + pathCheckInterval + " is not positive");
    }
    if (!pathCheckPatience.isPositive()) {
      throw new IllegalArgumentException(
          "patience of path checks " + pathCheckPatience + " is not positive");
    }
  }

  /** Where metrics and health are served, if anywhere. */
  public Optional<InetSocketAddress> metricsAddress() {
    return Optional.ofNullable(metricsAddressOrNull);
  }

  /** How the node gets certificates, if it does. */
  public Optional<ControlSettings> control() {
    return Optional.ofNullable(controlOrNull);
  }

  /** Where the node's certificates are kept. */
  public static Path identity(Path stateDirectory) {
    return stateDirectory.resolve("identity");
  }

  /** Where the node's newest snapshots are kept. */
  public static Path snapshots(Path stateDirectory) {
    return stateDirectory.resolve("snapshot");
  }

  /** Where the flows are recorded that policy decided. */
  public static Path flows(Path stateDirectory) {
    return stateDirectory.resolve("flows");
  }

  /** Where a controller in the daemon's own process keeps its state. */
  public static Path embeddedController(Path stateDirectory) {
    return stateDirectory.resolve("controller");
  }

  /** What the daemon of that node keeps until the next reboot. */
  static Path runtimeDirectory(String nodeName) {
    return RUNTIME_ROOT.resolve(PinDirectory.directoryName(nodeName));
  }

  /** Where iptables mode notes its pods. */
  static Path iptablesRecords(String nodeName) {
    return runtimeDirectory(nodeName).resolve("iptables");
  }

  /** Where it is noted that eBPF passed its trial. */
  static Path passedTrial(String nodeName) {
    return runtimeDirectory(nodeName).resolve("trial");
  }

  /** Link to the state directory, which {@code --state} may have put anywhere. */
  static Path stateNote(String nodeName) {
    return runtimeDirectory(nodeName).resolve("state");
  }

  /** Link to the folder of which the daemon has the pods that name no node. */
  static Path folderNote(String nodeName) {
    return runtimeDirectory(nodeName).resolve("folder");
  }

  /** Where the sandboxes are noted that the runtime told of. */
  static Path sandboxes(String nodeName) {
    return runtimeDirectory(nodeName).resolve("sandboxes");
  }

  /** Where the CNI client of that node calls. */
  public static Path cniSocket(String nodeName) {
    return runtimeDirectory(nodeName).resolve("cni.sock");
  }

  /** Where the daemon of that node is asked to hand over. */
  public static Path handOverSocket(String nodeName) {
    return runtimeDirectory(nodeName).resolve("handover.sock");
  }

  /** What the CNI client decides by while no daemon answers; outlives a reboot. */
  public static Path cniMembership(Path stateDirectory) {
    return stateDirectory.resolve("cni").resolve("membership");
  }

  /** Where pods are noted that are refused as a whole. */
  static Path closedPods(String nodeName) {
    return runtimeDirectory(nodeName).resolve("closed");
  }

  /** The admin socket of the node with this name. */
  public static Path adminSocket(String nodeName) {
    return runtimeDirectory(nodeName).resolve("admin.sock");
  }
}

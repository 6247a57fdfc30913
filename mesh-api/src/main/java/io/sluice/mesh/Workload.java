package io.sluice.mesh;

import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One pod that the mesh knows.
 *
 * @param name namespace and name of the Pod
 * @param identity SPIFFE ID made of trust domain, namespace and service account
 * @param addresses the pod's IP addresses, primary first; at most one primary per family
 * @param labels labels of the Pod
 * @param enrolled whether its traffic is intercepted
 * @param netnsOrNull path of its network namespace, or a name below {@code /run/netns}, when the
 *     registry places it
 * @param uidOrNull UID that the kubelet knows the pod by, when the registry says; places the pod
 *     where {@code netnsOrNull} does not
 * @param nodeNameOrNull {@code spec.nodeName}
 * @param hostNetwork whether it shares the node's network; such a pod is never enrolled
 * @param interception what of its traffic is left alone
 * @param probePorts local ports that the Pod declares for kubelet's probes: interception lets the
 *     node call them directly
 * @param mtlsMode whether it takes plaintext from outside the mesh; counts only while the mesh has
 *     mutual TLS
 * @param connections how its connections are carried
 * @param healthChecks what its readiness probes ask, where the mesh asks it too
 * @param zoneOrNull topology zone of its node, when the registry says
 */
public record Workload(
    NamespacedName name,
    SpiffeId identity,
    List<InetAddress> addresses,
    Map<String, String> labels,
    boolean enrolled,
    @Nullable String netnsOrNull,
    @Nullable PodUid uidOrNull,
    @Nullable String nodeNameOrNull,
    boolean hostNetwork,
    InterceptionSettings interception,
    Set<Integer> probePorts,
    MtlsMode mtlsMode,
    ConnectionSettings connections,
    List<HealthCheck> healthChecks,
    @Nullable String zoneOrNull)
    implements MeshObject {

  /**
   * One whose connections are carried as where nobody says anything, whose probes are its node's
   * alone, and of which nobody says in which zone it is.
   */
  public Workload(
      NamespacedName name,
      SpiffeId identity,
      List<InetAddress> addresses,
      Map<String, String> labels,
      boolean enrolled,
      @Nullable String netnsOrNull,
      @Nullable PodUid uidOrNull,
      @Nullable String nodeNameOrNull,
      boolean hostNetwork,
      InterceptionSettings interception,
      Set<Integer> probePorts,
      MtlsMode mtlsMode) {
    this(
        name,
        identity,
        addresses,
        labels,
        enrolled,
        netnsOrNull,
        uidOrNull,
        nodeNameOrNull,
        hostNetwork,
        interception,
        probePorts,
        mtlsMode,
        ConnectionSettings.DEFAULT,
        List.of(),
        null);
  }

  public Workload {
    addresses = List.copyOf(addresses);
    labels = Map.copyOf(labels);
    probePorts = Set.copyOf(probePorts);
    healthChecks = List.copyOf(healthChecks);
    if (enrolled && hostNetwork) {
      throw new IllegalArgumentException(
          "pod " + name + " shares the node's network and cannot be enrolled");
    }
  }

  @Override
  public Kind<Workload> kind() {
    return Kind.WORKLOAD;
  }

  /** Its first address of the family of {@code like}. */
  public Optional<InetAddress> addressLike(InetAddress like) {
    return addresses.stream().filter(each -> IpAddresses.isSameFamily(each, like)).findFirst();
  }

  /** Where the registry placed the pod on this node, if it did. */
  public Optional<String> netns() {
    return Optional.ofNullable(netnsOrNull);
  }

  /** UID by which the pod's processes are found, if the registry says. */
  public Optional<PodUid> uid() {
    return Optional.ofNullable(uidOrNull);
  }

  /** The node that the pod is scheduled on, if the registry says. */
  public Optional<String> nodeName() {
    return Optional.ofNullable(nodeNameOrNull);
  }

  /** The topology zone of its node, if the registry says. */
  public Optional<String> zone() {
    return Optional.ofNullable(zoneOrNull);
  }

  /** Application name for telemetry: the usual labels, then the pod's name. */
  public String app() {
    String standard = labels.get("app.kubernetes.io/name");
    return standard != null ? standard : labels.getOrDefault("app", name.name());
  }

  /** Application version for telemetry; {@code latest} when no label says. */
  public String version() {
    String standard = labels.get("app.kubernetes.io/version");
    return standard != null ? standard : labels.getOrDefault("version", "latest");
  }
}

package io.sluice.control.objects;

import io.sluice.mesh.HealthCheck;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.PodUid;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A Pod ({@code v1}).
 *
 * @param meta name, labels and annotations
 * @param accountOrNull {@code spec.serviceAccountName}; in a folder else {@code default}, as the
 *     API server's admission writes it. Null where that gave it none: such a pod is nobody
 * @param nodeNameOrNull {@code spec.nodeName}
 * @param netnsOrNull annotation {@code sluice.io/netns}: an absolute path or a name
 * @param netnsIgnored whether it has that annotation and is not believed
 * @param uidOrNull UID by which the kubelet names the pod's cgroup
 * @param hostNetwork whether it shares the node's network
 * @param finished whether its phase is Succeeded or Failed
 * @param ready its condition Ready, true when it has none; false while it terminates
 * @param readySecond since when it is, in seconds since 1970; 0 where it is not, or nobody says
 * @param addresses {@code status.podIPs}, primary first
 * @param ports ports that its containers name
 * @param probePorts ports that the kubelet calls
 * @param readiness what its containers' readiness probes ask, one of each port
 * @param interception lists of its annotations, and its DNS
 * @param notEnforced annotations of other meshes that ask for something the mesh does not do
 */
public record Pod(
    ObjectMeta meta,
    @Nullable String accountOrNull,
    @Nullable String nodeNameOrNull,
    @Nullable String netnsOrNull,
    boolean netnsIgnored,
    @Nullable PodUid uidOrNull,
    boolean hostNetwork,
    boolean finished,
    boolean ready,
    long readySecond,
    List<InetAddress> addresses,
    List<Port> ports,
    Set<Integer> probePorts,
    List<HealthCheck> readiness,
    InterceptionSettings interception,
    List<String> notEnforced)
    implements KubernetesObject {
  /** The account that Kubernetes gives to pods that name none. */
  public static final String DEFAULT_ACCOUNT = "default";

  public Pod {
    addresses = List.copyOf(addresses);
    ports = List.copyOf(ports);
    probePorts = Set.copyOf(probePorts);
    readiness = List.copyOf(readiness);
    notEnforced = List.copyOf(notEnforced);
  }

  /**
   * A port of a container.
   *
   * @param name name, empty when it has none
   * @param number 1..65535
   * @param transport {@code TCP}, {@code UDP} or {@code SCTP}
   */
  public record Port(String name, int number, String transport) {}
}

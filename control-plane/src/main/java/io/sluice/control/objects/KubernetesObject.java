package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.Cidr;
import java.util.List;
import java.util.Set;

/** An object of the registry. */
public sealed interface KubernetesObject
    permits EndpointSlice,
        KubernetesObject.ClusterNode,
        KubernetesObject.HttpRouteGroup,
        KubernetesObject.ServiceAccount,
        KubernetesObject.TcpRoute,
        KubernetesService,
        MeshConfig,
        Namespace,
        OtherObject,
        Pod,
        TrafficTarget {
  /** Name, labels and origin. */
  ObjectMeta meta();

  /** Which object it is. */
  default ObjectRef ref() {
    return meta().ref();
  }

  /**
   * An SMI HTTPRouteGroup ({@code specs.smi-spec.io/v1alpha4}), whose rules are not enforced yet.
   */
  record HttpRouteGroup(ObjectMeta meta) implements KubernetesObject {}

  /** A ServiceAccount ({@code v1}); identities are made of its name. */
  record ServiceAccount(ObjectMeta meta) implements KubernetesObject {}

  /**
   * A Node ({@code v1}).
   *
   * @param meta its name is what {@code spec.nodeName} of Pods says
   * @param podRanges {@code spec.podCIDRs}, else {@code spec.podCIDR}; empty where the cluster
   *     gives nodes no ranges
   */
  record ClusterNode(ObjectMeta meta, List<Cidr> podRanges) implements KubernetesObject {
    private static final String MEND = "write address/length, as the API server does";

    public ClusterNode {
      podRanges = List.copyOf(podRanges);
    }

    static ClusterNode read(Fields document, ObjectMeta meta) {
      Fields spec = document.objectOrEmpty("spec");
      List<Cidr> ranges = spec.parsedList("podCIDRs", Cidr::parse, MEND);
      if (ranges.isEmpty()) {
        ranges = spec.parsed("podCIDR", Cidr::parse, MEND).stream().toList();
      }
      return new ClusterNode(meta, ranges);
    }
  }

  /**
   * An SMI TCPRoute ({@code specs.smi-spec.io/v1alpha4}).
   *
   * @param meta name and origin
   * @param ports {@code spec.matches.ports}; empty means every port
   */
  record TcpRoute(ObjectMeta meta, Set<Integer> ports) implements KubernetesObject {
    public TcpRoute {
      ports = Set.copyOf(ports);
    }
  }
}

package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.Cidr;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** An object of the registry. */
public sealed interface KubernetesObject
    permits Egress,
        EndpointSlice,
        ExtensionService,
        FaultInjection,
        AccessCert,
        GatewayRoute,
        IngressBackend,
        KubernetesObject.ClusterNode,
        KubernetesObject.HttpRouteGroup,
        KubernetesObject.Isolation,
        KubernetesObject.ReferenceGrant,
        KubernetesObject.ServiceAccount,
        KubernetesObject.PortRoute,
        KubernetesService,
        MeshConfig,
        Namespace,
        OtherObject,
        Pod,
        Retry,
        Telemetry,
        TrafficSplit,
        TrafficTarget,
        UpstreamTrafficSetting {
  /**
   * Of a namespace's objects that say something of the same thing the first one counts: the older
   * one, by the second, then that whose name comes first.
   */
  Comparator<KubernetesObject> OLDER_FIRST =
      Comparator.comparing((KubernetesObject object) -> object.meta().birth().createdSecond())
          .thenComparing(object -> object.meta().name());

  /** Name, labels and origin. */
  ObjectMeta meta();

  /** Which object it is. */
  default ObjectRef ref() {
    return meta().ref();
  }

  /**
   * An SMI HTTPRouteGroup ({@code specs.smi-spec.io/v1alpha4}).
   *
   * @param meta name and origin
   * @param matches each under its own name, in their order
   */
  record HttpRouteGroup(ObjectMeta meta, List<Match> matches) implements KubernetesObject {
    public HttpRouteGroup {
      matches = List.copyOf(matches);
    }

    /**
     * One match, as it is written.
     *
     * @param path regular expression; that of every path where none is written
     * @param methods empty where none is written
     * @param headers regular expressions by name
     */
    public record Match(
        String name, String path, Set<String> methods, Map<String, String> headers) {
      public Match {
        methods = Set.copyOf(methods);
        headers = Map.copyOf(headers);
      }
    }
  }

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

    /** The topology zone that it is in. */
    public Optional<String> zone() {
      return Optional.ofNullable(meta.labels().get(MeshKey.ZONE.key()));
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
   * An Isolation of FSM ({@code policy.flomesh.io/v1alpha1}), which is of no namespace.
   *
   * @param cidrs ranges to which no pod of the mesh sends anything, as they are written: one that
   *     is none must not let calls to the others through
   */
  record Isolation(ObjectMeta meta, List<String> cidrs) implements KubernetesObject {
    public Isolation {
      cidrs = List.copyOf(cidrs);
    }
  }

  /**
   * An SMI TCPRoute or UDPRoute ({@code specs.smi-spec.io/v1alpha4}).
   *
   * @param meta name and origin
   * @param ports {@code spec.matches.ports}; empty means every port
   */
  record PortRoute(ObjectMeta meta, Set<Integer> ports) implements KubernetesObject {
    public PortRoute {
      ports = Set.copyOf(ports);
    }

    /** Whether it is of datagrams, rather than of TCP. */
    public boolean isOfDatagrams() {
      return ref().kind().equals(ReadableKind.UDP_ROUTE.kind());
    }
  }

  /**
   * A ReferenceGrant of the Gateway API ({@code gateway.networking.k8s.io}): which routes of other
   * namespaces may lead to Services of its own.
   *
   * @param from whose routes
   * @param services names of Services; an empty one stands for all
   */
  record ReferenceGrant(ObjectMeta meta, List<From> from, List<String> services)
      implements KubernetesObject {
    public ReferenceGrant {
      from = List.copyOf(from);
      services = List.copyOf(services);
    }

    /** Routes of a kind in a namespace. */
    public record From(String group, String kind, String namespace) {}

    /** Whether {@code route} may lead to Service {@code name} of this one's namespace. */
    public boolean allows(GatewayRoute route, String name) {
      return (services.contains("") || services.contains(name))
          && from.contains(
              new From(
                  route.meta().ref().group(), route.meta().ref().kind(), route.meta().namespace()));
    }
  }
}

package io.sluice.control.objects;

import io.sluice.control.objects.TrafficTarget.Subject;
import io.sluice.mesh.Ingress;
import java.util.List;

/**
 * An IngressBackend of OSM and osm-edge, or an AccessControl of osm-edge, which has the same fields
 * ({@code policy.openservicemesh.io/v1alpha1}).
 *
 * @param meta name and origin
 * @param backends what may be reached
 * @param sources from where
 * @param groups of matches: requests that one of them matches; all where none is named
 */
public record IngressBackend(
    ObjectMeta meta, List<Backend> backends, List<Subject> sources, List<TrafficSplit.Group> groups)
    implements KubernetesObject {
  /** A source that is the pods behind a Service. */
  public static final String SERVICE = "Service";

  /** A source that is a range of addresses. */
  public static final String RANGE = "IPRange";

  public IngressBackend {
    backends = List.copyOf(backends);
    sources = List.copyOf(sources);
    groups = List.copyOf(groups);
  }

  /** Of which of the two it is. */
  public Ingress.Origin origin() {
    return meta.ref().kind().equals(Ingress.Origin.ACCESS_CONTROL.kind())
        ? Ingress.Origin.ACCESS_CONTROL
        : Ingress.Origin.INGRESS_BACKEND;
  }

  /**
   * A port of the pods behind a Service.
   *
   * @param name of the Service
   * @param namespace empty where it is not said
   * @param port of the pods
   * @param protocol as it is written
   * @param tls names of the fields of {@code tls} that are set; its own where none is
   * @param takesAnybody {@code tls.skipClientCertValidation}
   * @param hosts {@code tls.sniHosts} as written
   */
  public record Backend(
      String name,
      String namespace,
      int port,
      String protocol,
      List<String> tls,
      boolean takesAnybody,
      List<String> hosts) {
    public Backend {
      tls = List.copyOf(tls);
      hosts = List.copyOf(hosts);
    }

    /** Whether callers are to speak TLS. */
    public boolean isTls() {
      return protocol.equalsIgnoreCase("https");
    }
  }
}

package io.sluice.control.objects;

import io.sluice.control.objects.TrafficTarget.Subject;
import io.sluice.mesh.Cidr;
import java.util.List;

/**
 * An Egress of OSM and osm-edge ({@code policy.openservicemesh.io/v1alpha1}).
 *
 * @param meta name and origin
 * @param sources who is let out
 * @param withCertificate indices of sources that have {@code mtls}, as osm-edge's may
 * @param hosts names of hosts outside
 * @param ranges {@code spec.ipAddresses}
 * @param ports of what is outside
 * @param groups of matches: requests that one of them matches; all where none is named
 * @param settings UpstreamTrafficSettings of its namespace that say how much; one is meant
 */
public record Egress(
    ObjectMeta meta,
    List<Subject> sources,
    List<Integer> withCertificate,
    List<String> hosts,
    List<Cidr> ranges,
    List<Port> ports,
    List<TrafficSplit.Group> groups,
    List<TrafficSplit.Group> settings)
    implements KubernetesObject {
  public Egress {
    sources = List.copyOf(sources);
    withCertificate = List.copyOf(withCertificate);
    hosts = List.copyOf(hosts);
    ranges = List.copyOf(ranges);
    ports = List.copyOf(ports);
    groups = List.copyOf(groups);
    settings = List.copyOf(settings);
  }

  /**
   * A port.
   *
   * @param protocol as it is written
   */
  public record Port(int number, String protocol) {}
}

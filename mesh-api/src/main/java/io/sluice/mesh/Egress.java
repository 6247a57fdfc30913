package io.sluice.mesh;

import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an Egress lets out of the mesh where egress is disabled.
 *
 * @param name namespace and name of the Egress, quoted in every verdict that rests on it
 * @param sources service accounts that are let out
 * @param hosts names, in lower case, one of which a request has to be for; its address has to be in
 *     a range or one that the node has found under that name
 * @param ranges where to
 * @param ports to which ports, and how these are carried
 * @param routes which requests are let out, where the port carries such
 * @param settingOrNull the {@link UpstreamSetting}, by its service, that says how much of it may be
 *     at the same time; null where nothing does
 */
public record Egress(
    NamespacedName name,
    Set<NamespacedName> sources,
    Set<String> hosts,
    List<Cidr> ranges,
    List<Port> ports,
    Access.Requests routes,
    @Nullable NamespacedName settingOrNull)
    implements MeshObject {
  public Egress {
    sources = Set.copyOf(sources);
    hosts = Set.copyOf(hosts);
    ranges = List.copyOf(ranges);
    ports = List.copyOf(ports);
  }

  /** What is let out to a port outside. */
  public enum Carried {
    /** Whatever is sent. */
    BYTES,
    /** HTTP requests, one by one. */
    REQUESTS,
    /** TLS to one of the hosts, by the name that the client writes into its first message. */
    TLS
  }

  /** A port outside. */
  public record Port(int number, Carried carried) {}

  /** Whether one of the ranges has it. */
  public boolean hasInRange(InetAddress address) {
    return ranges.stream().anyMatch(range -> range.contains(address));
  }

  @Override
  public Kind<Egress> kind() {
    return Kind.EGRESS;
  }
}

package io.sluice.interception;

import io.sluice.mesh.Cidr;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A pod's addresses and interfaces, seen from inside.
 *
 * @param primary the first addresses that it was given, at most one per family
 * @param own every address that the pod was given, those of excluded interfaces left out
 * @param excludedAddresses addresses of excluded interfaces
 * @param excludedRanges ranges that excluded interfaces reach directly
 * @param excludedIfindexes indexes of excluded interfaces
 * @param excludedInterfaces names of excluded interfaces that the pod has
 * @param otherInterfaces names of interfaces that neither carry a primary address nor are excluded;
 *     none where no primary address is known
 * @param primaryIfindex interface that carries the primary address; 0 when none does
 * @param ipv6 whether the pod has IPv6 at all
 * @param leftOut addresses beyond the pod's share, which are not taken for its own: what goes to
 *     them is intercepted
 * @param nodeAddresses of the node on the ways to the primary addresses, from which its probes come
 */
public record PodNetwork(
    List<InetAddress> primary,
    Set<InetAddress> own,
    Set<InetAddress> excludedAddresses,
    Set<Cidr> excludedRanges,
    Set<Integer> excludedIfindexes,
    Set<String> excludedInterfaces,
    Set<String> otherInterfaces,
    int primaryIfindex,
    boolean ipv6,
    int leftOut,
    Set<InetAddress> nodeAddresses) {

  public PodNetwork {
    primary = List.copyOf(primary);
    own = Set.copyOf(own);
    excludedAddresses = Set.copyOf(excludedAddresses);
    excludedRanges = Set.copyOf(excludedRanges);
    excludedIfindexes = Set.copyOf(excludedIfindexes);
    excludedInterfaces = Set.copyOf(excludedInterfaces);
    otherInterfaces = Set.copyOf(otherInterfaces);
    nodeAddresses = Set.copyOf(nodeAddresses);
  }

  /** The address that the pod's redirected IPv4 sockets show; null when it has none. */
  public @Nullable InetAddress primary4() {
    return primary.stream().filter(Inet4Address.class::isInstance).findFirst().orElse(null);
  }

  /** The address that the pod's redirected IPv6 sockets show; null when it has none. */
  public @Nullable InetAddress primary6() {
    return primary.stream().filter(Inet6Address.class::isInstance).findFirst().orElse(null);
  }
}

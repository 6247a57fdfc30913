package io.sluice.mesh.decision;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Everything of an enrolled pod that {@link Steering} asks about. Immutable.
 *
 * @param settings what is left alone
 * @param permissive whether what cannot be redirected is left alone rather than refused
 * @param primaryInterface name of the interface that carries the registry's address
 * @param interfaces all interfaces but loopback
 */
public record SteeredPod(
    InterceptionSettings settings,
    boolean permissive,
    String primaryInterface,
    List<Interface> interfaces) {

  /**
   * One interface of the pod.
   *
   * @param name inside the pod
   * @param addresses the pod's own, both families
   * @param onLink ranges that it reaches directly
   */
  public record Interface(String name, Set<InetAddress> addresses, Set<Cidr> onLink) {
    public Interface {
      addresses = Set.copyOf(addresses);
      onLink = Set.copyOf(onLink);
    }
  }

  public SteeredPod {
    interfaces = List.copyOf(interfaces);
  }

  /** Whether the address is one of the pod's, on whatever interface. */
  public boolean isOwn(InetAddress address) {
    return interfaces.stream().anyMatch(each -> each.addresses.contains(address));
  }

  /** Whether traffic of the interface with this name is left alone. */
  public boolean isExcluded(String interfaceName) {
    return settings.interfaceExclusions().contains(interfaceName);
  }

  /** Whether the address belongs to an interface whose traffic is left alone. */
  public boolean isOnExcludedInterface(InetAddress own) {
    return excluded().anyMatch(each -> each.addresses.contains(own));
  }

  /**
   * Whether the destination lies in an excluded range, or excluded interfaces reach it directly.
   */
  public boolean excludesRangeOf(InetAddress destination) {
    return Stream.concat(
            settings.outboundRangeExclusions().stream(),
            excluded().flatMap(each -> each.onLink.stream()))
        .anyMatch(range -> range.contains(destination));
  }

  /** Whether an inclusion list exists and the destination is not on it. */
  public boolean leavesOut(InetAddress destination) {
    List<Cidr> inclusions = settings.outboundRangeInclusions();
    return !inclusions.isEmpty()
        && inclusions.stream().noneMatch(range -> range.contains(destination));
  }

  private Stream<Interface> excluded() {
    return interfaces.stream().filter(each -> isExcluded(each.name));
  }
}

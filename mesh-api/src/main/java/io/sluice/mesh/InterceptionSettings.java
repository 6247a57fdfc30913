package io.sluice.mesh;

import java.net.InetAddress;
import java.util.List;
import java.util.Set;

/**
 * What of one workload's traffic the mesh leaves alone: mesh-wide lists and the workload's own
 * annotations, already merged. Ports are 1..65535. An exclusion beats an inclusion.
 *
 * @param outboundPortExclusions destination ports that are passed through
 * @param inboundPortExclusions local ports that are passed through
 * @param outboundRangeExclusions destination ranges that are passed through
 * @param outboundRangeInclusions when not empty, only these destination ranges are redirected
 * @param interfaceExclusions interface names inside the pod whose traffic is passed through
 * @param openings what of the rest may leave without being redirected
 * @param isolated ranges to which nothing goes even so, as the node has them of Isolations
 */
public record InterceptionSettings(
    Set<Integer> outboundPortExclusions,
    Set<Integer> inboundPortExclusions,
    List<Cidr> outboundRangeExclusions,
    List<Cidr> outboundRangeInclusions,
    Set<String> interfaceExclusions,
    Openings openings,
    List<Cidr> isolated) {

  /**
   * Ports that one object may exclude, in both directions together. A pod has those of its
   * annotations and those of the MeshConfig, and its node room for both.
   */
  public static final int MAX_PORTS = 64;

  /**
   * Ranges that one object may exclude, include and name as resolvers, all together. A pod has
   * those of its annotations and of the MeshConfig, the resolvers of node and cluster, the metadata
   * addresses that are refused and the ranges of excluded interfaces; its node has room for all.
   */
  public static final int MAX_RANGES = 64;

  /** Interfaces that a MeshConfig may exclude. */
  public static final int MAX_INTERFACES = 16;

  /** Nothing excluded. */
  public static final InterceptionSettings EVERYTHING =
      new InterceptionSettings(Set.of(), Set.of(), List.of(), List.of(), Set.of());

  /** With the openings that hold where nobody says anything, and without isolated ranges. */
  public InterceptionSettings(
      Set<Integer> outboundPortExclusions,
      Set<Integer> inboundPortExclusions,
      List<Cidr> outboundRangeExclusions,
      List<Cidr> outboundRangeInclusions,
      Set<String> interfaceExclusions) {
    this(
        outboundPortExclusions,
        inboundPortExclusions,
        outboundRangeExclusions,
        outboundRangeInclusions,
        interfaceExclusions,
        Openings.DEFAULT,
        List.of());
  }

  public InterceptionSettings {
    outboundPortExclusions = Set.copyOf(outboundPortExclusions);
    inboundPortExclusions = Set.copyOf(inboundPortExclusions);
    outboundRangeExclusions = List.copyOf(outboundRangeExclusions);
    outboundRangeInclusions = List.copyOf(outboundRangeInclusions);
    interfaceExclusions = Set.copyOf(interfaceExclusions);
    isolated = List.copyOf(isolated);
    outboundPortExclusions.forEach(Ports::require);
    inboundPortExclusions.forEach(Ports::require);
  }

  /** The same with these name servers and no others. */
  public InterceptionSettings withResolvers(List<Cidr> resolvers) {
    return new InterceptionSettings(
        outboundPortExclusions,
        inboundPortExclusions,
        outboundRangeExclusions,
        outboundRangeInclusions,
        interfaceExclusions,
        new Openings(resolvers, openings.metadata(), openings.ping(), openings.fail()),
        isolated);
  }

  /** The same where nothing goes to {@code ranges}. */
  public InterceptionSettings isolating(List<Cidr> ranges) {
    return new InterceptionSettings(
        outboundPortExclusions,
        inboundPortExclusions,
        outboundRangeExclusions,
        outboundRangeInclusions,
        interfaceExclusions,
        openings,
        ranges);
  }

  /** Whether nothing goes to {@code address}. */
  public boolean isolates(InetAddress address) {
    return isolated.stream().anyMatch(range -> range.contains(address));
  }

  /** Whether the name server at {@code address} may be asked. */
  public boolean isResolver(InetAddress address) {
    return openings.resolvers().stream().anyMatch(range -> range.contains(address));
  }

  /**
   * Addresses of metadata services that are refused. An exclusion of the very address is a wish for
   * it; one of a range around it is none.
   */
  public List<InetAddress> refusedMetadata() {
    return openings.metadata() == MetadataMode.ALLOW
        ? List.of()
        : MetadataMode.ADDRESSES.stream()
            .filter(address -> !outboundRangeExclusions.contains(Cidr.of(address)))
            .toList();
  }
}

package io.sluice.mesh;

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
 */
public record InterceptionSettings(
    Set<Integer> outboundPortExclusions,
    Set<Integer> inboundPortExclusions,
    List<Cidr> outboundRangeExclusions,
    List<Cidr> outboundRangeInclusions,
    Set<String> interfaceExclusions) {

  /**
   * Ports that one object may exclude, in both directions together. A pod has those of its
   * annotations and those of the MeshConfig, and its node room for both.
   */
  public static final int MAX_PORTS = 64;

  /** Ranges that one object may exclude and include. */
  public static final int MAX_RANGES = 64;

  /** Interfaces that a MeshConfig may exclude. */
  public static final int MAX_INTERFACES = 16;

  /** Nothing excluded. */
  public static final InterceptionSettings EVERYTHING =
      new InterceptionSettings(Set.of(), Set.of(), List.of(), List.of(), Set.of());

  public InterceptionSettings {
    outboundPortExclusions = Set.copyOf(outboundPortExclusions);
    inboundPortExclusions = Set.copyOf(inboundPortExclusions);
    outboundRangeExclusions = List.copyOf(outboundRangeExclusions);
    outboundRangeInclusions = List.copyOf(outboundRangeInclusions);
    interfaceExclusions = Set.copyOf(interfaceExclusions);
    outboundPortExclusions.forEach(InterceptionSettings::requirePort);
    inboundPortExclusions.forEach(InterceptionSettings::requirePort);
  }

  private static void requirePort(int port) {
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("port " + port + " is outside 1..65535");
    }
  }
}

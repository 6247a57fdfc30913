package io.sluice.interception;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.mesh.decision.Direction;
import java.util.EnumSet;
import java.util.Set;

/**
 * What eBPF is to do on a node.
 *
 * @param directions both, or outbound alone where something else takes what arrives
 * @param without programs to be treated as refused by the kernel
 * @param failOpen whether traffic is left alone while no daemon runs
 */
public record EbpfShape(
    Set<Direction> directions, Set<InterceptionProgram> without, boolean failOpen) {
  public EbpfShape {
    directions = Set.copyOf(directions);
    without = Set.copyOf(without);
    if (!directions.contains(Direction.OUTBOUND)) {
      throw new IllegalArgumentException("programs without the outbound ones are not supported");
    }
  }

  /** Both directions. */
  public static EbpfShape full(Set<InterceptionProgram> without, boolean failOpen) {
    return new EbpfShape(EnumSet.allOf(Direction.class), without, failOpen);
  }

  /** Outbound alone: no steering program in the pods. */
  public static EbpfShape outboundOnly(Set<InterceptionProgram> without) {
    return new EbpfShape(Set.of(Direction.OUTBOUND), without, false);
  }

  /** Whether a steering program in each pod gives packets to the listeners. */
  boolean steers() {
    return directions.contains(Direction.INBOUND);
  }
}

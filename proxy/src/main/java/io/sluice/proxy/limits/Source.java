package io.sluice.proxy.limits;

import io.sluice.mesh.Cidr;
import java.net.InetAddress;

/**
 * Whom a connection counts for: an address, or an identity that a certificate proved. An address
 * proves nothing; it only tells apart those that share room.
 *
 * @param key equal for all connections of one source
 * @param known whether it counts for itself: a workload's address, or proven
 */
public record Source(Object key, boolean known) {
  /** The source behind an address: a workload's alone, others as {@link Cidr#ofSource} says. */
  public static Source of(InetAddress address, boolean known) {
    return new Source(known ? address : Cidr.ofSource(address), known);
  }
}

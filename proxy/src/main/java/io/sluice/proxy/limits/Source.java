package io.sluice.proxy.limits;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;

/**
 * Whom an unproven connection counts for. An address proves no identity; it only tells apart those
 * that share room.
 *
 * @param key equal for all connections of one source
 * @param known whether the snapshot has a workload at the address, for which room is kept
 */
public record Source(Object key, boolean known) {
  /** The first half of an IPv6 address: who is given one such network has all addresses of it. */
  private record Network(long prefix) {}

  /**
   * The source behind an address. A workload's counts for itself; of other IPv6 addresses those of
   * one /64 count together, since nobody is given less.
   */
  public static Source of(InetAddress address, boolean known) {
    if (!known && address instanceof Inet6Address) {
      return new Source(new Network(ByteBuffer.wrap(address.getAddress()).getLong()), false);
    }
    return new Source(address, known);
  }
}

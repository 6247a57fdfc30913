package io.sluice.mesh;

import java.util.Set;

/**
 * Which ports are meant: every one, or some.
 *
 * @param every whether it is every one
 * @param some which ones else; empty exactly where it is every one
 */
public record Ports(boolean every, Set<Integer> some) {
  /** Every port. */
  public static final Ports EVERY = new Ports(true, Set.of());

  public Ports {
    some = Set.copyOf(some);
    if (every != some.isEmpty()) {
      throw new IllegalArgumentException("ports are every one, or else at least one");
    }
  }

  /** These, of which there has to be one. */
  public static Ports of(Set<Integer> some) {
    return new Ports(false, some);
  }

  /** These, of which there has to be one. */
  public static Ports of(Integer... some) {
    return of(Set.of(some));
  }

  /**
   * @throws IllegalArgumentException where {@code port} is not within 1..65535
   */
  public static void require(int port) {
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("port " + port + " is outside 1..65535");
    }
  }

  /** Whether {@code port} is meant. */
  public boolean contain(int port) {
    return every || some.contains(port);
  }
}

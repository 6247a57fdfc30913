package io.sluice.proxy.relay;

import java.time.Duration;

/**
 * How the kernel finds out, on sockets of ours, that the other end is there no more (tcp(7)).
 *
 * @param after silence before the first probe; whole seconds, 1 s to 2 h
 * @param interval between probes; whole seconds, 1 s to 1 h
 * @param probes without an answer, after which the connection is reset; 1 to 127
 */
public record KeepAlive(Duration after, Duration interval, int probes) {
  /** A dead peer is found within two minutes; a probe and its answer are 80 bytes with IPv4. */
  public static final KeepAlive DEFAULT =
      new KeepAlive(Duration.ofSeconds(75), Duration.ofSeconds(15), 3);

  public KeepAlive {
    requireSeconds(after, "after", 7_200);
    requireSeconds(interval, "interval", 3_600);
    if (probes < 1 || probes > 127) {
      throw new IllegalArgumentException("keepAlive.probes is " + probes + "; allowed: 1..127");
    }
  }

  private static void requireSeconds(Duration value, String name, int most) {
    if (value.getNano() != 0 || value.toSeconds() < 1 || value.toSeconds() > most) {
      throw new IllegalArgumentException(
          "keepAlive." + name + " is " + value + "; allowed: whole seconds, 1.." + most);
    }
  }
}

package io.sluice.control.server;

import java.net.InetSocketAddress;
import java.time.Duration;

/**
 * Bounds of the control port.
 *
 * @param address where it listens; port 0 takes a free one
 * @param places for connections
 * @param callsPerConnection most at once on one connection
 * @param callsAtOnce calls that one node may make in a burst: a node that starts asks for the
 *     identities of all its pods
 * @param callRefill time after which a node may make one more
 * @param handshake longest time for TCP, TLS and HTTP/2 to be set up
 * @param proof longest time from then until a stranger is admitted
 * @param request longest time from a call's begin to the end of its request
 * @param idle after which a connection without a call is closed
 * @param keepAlive silence after which the other end is asked whether it is still there
 * @param keepAliveAnswer time for it to say so
 * @param leastClientKeepAlive a client that asks more often is cut off
 */
public record ServerSettings(
    InetSocketAddress address,
    Places places,
    int callsPerConnection,
    int callsAtOnce,
    Duration callRefill,
    Duration handshake,
    Duration proof,
    Duration request,
    Duration idle,
    Duration keepAlive,
    Duration keepAliveAnswer,
    Duration leastClientKeepAlive) {
  /**
   * What everybody has who is let in, before it has to give way to another one of the same crowd: a
   * handshake and an admission over a slow uplink.
   */
  static final Duration GRACE = Duration.ofSeconds(2);

  /**
   * Connections of one node: it needs one, two while it renews its certificate, and more for as
   * long as TCP has not noticed that older ones are dead.
   */
  static final int MOST_OF_NODE = 16;

  /**
   * Connections of one workload's identity, which all of its pods share: as many as it may have xDS
   * streams, a quarter of the places.
   */
  static final int MOST_OF_WORKLOAD = 256;

  /**
   * How many connections there may be at once. Those of one address count together, of IPv6 those
   * of one network of 64 bits: it bounds whoever has proven nothing, so that nodes behind one
   * address translation or load balancer share it only until they have joined or shown their
   * certificate.
   *
   * @param handshakes whose TCP, TLS and HTTP/2 are being set up; a few KiB each
   * @param handshakesOfAddress of them from one address
   * @param strangers who have proven nothing: nodes that join
   * @param strangersOfAddress of them from one address
   * @param members who have proven a node or workload of the mesh; some 60 KiB each
   */
  public record Places(
      int handshakes, int handshakesOfAddress, int strangers, int strangersOfAddress, int members) {
    /** A crowd has to come from four addresses to fill the places of all strangers. */
    public static final Places USUAL = new Places(512, 256, 64, 16, 1_024);

    public Places {
      if (Math.min(Math.min(handshakes, handshakesOfAddress), Math.min(strangers, members)) < 1
          || strangersOfAddress < 1) {
        throw new IllegalArgumentException("the control port has a place for one at least");
      }
    }
  }

  /** What fits a site of a few dozen nodes. */
  public static ServerSettings at(InetSocketAddress address, Places places) {
    return new ServerSettings(
        address,
        places,
        64,
        400,
        Duration.ofMillis(100),
        Duration.ofSeconds(10),
        Duration.ofSeconds(15),
        Duration.ofSeconds(10),
        Duration.ofMinutes(5),
        Duration.ofSeconds(20),
        Duration.ofSeconds(10),
        Duration.ofSeconds(5));
  }

  /** As the other, with the usual places. */
  public static ServerSettings at(InetSocketAddress address) {
    return at(address, Places.USUAL);
  }
}

package io.sluice.control.server;

import java.net.InetSocketAddress;
import java.time.Duration;

/**
 * Bounds of the control port.
 *
 * @param address where it listens; port 0 takes a free one
 * @param connections most at once; each costs some 60 KiB
 * @param callsPerConnection most at once on one connection
 * @param callsAtOnce calls that one node may make in a burst: a node that starts asks for the
 *     identities of all its pods
 * @param callRefill time after which a node may make one more
 * @param handshake longest time for TCP, TLS and HTTP/2 to be set up
 * @param request longest time from a call's begin to the end of its request
 * @param idle after which a connection without a call is closed
 * @param keepAlive silence after which the other end is asked whether it is still there
 * @param keepAliveAnswer time for it to say so
 * @param leastClientKeepAlive a client that asks more often is cut off
 */
public record ServerSettings(
    InetSocketAddress address,
    int connections,
    int callsPerConnection,
    int callsAtOnce,
    Duration callRefill,
    Duration handshake,
    Duration request,
    Duration idle,
    Duration keepAlive,
    Duration keepAliveAnswer,
    Duration leastClientKeepAlive) {
  /** What fits a site of a few dozen nodes. */
  public static ServerSettings at(InetSocketAddress address) {
    return new ServerSettings(
        address,
        1_024,
        64,
        400,
        Duration.ofMillis(100),
        Duration.ofSeconds(10),
        Duration.ofSeconds(10),
        Duration.ofMinutes(5),
        Duration.ofSeconds(20),
        Duration.ofSeconds(10),
        Duration.ofSeconds(5));
  }
}

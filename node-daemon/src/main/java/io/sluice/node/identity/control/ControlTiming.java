package io.sluice.node.identity.control;

import java.time.Duration;

/**
 * Waiting times of the connection to the controller.
 *
 * @param call longest wait for the answer to one call, making the connection included
 * @param keepAlive silence after which the connection is asked for a sign of life; 10 s at least,
 *     which is gRPC's own lower bound
 * @param keepAliveAnswer longest wait for that sign
 */
public record ControlTiming(Duration call, Duration keepAlive, Duration keepAliveAnswer) {
  /** An authority behind the controller may take 20 s to answer; a dead link shows within 15 s. */
  public static final ControlTiming DEFAULTS =
      new ControlTiming(Duration.ofSeconds(30), Duration.ofSeconds(10), Duration.ofSeconds(5));
}

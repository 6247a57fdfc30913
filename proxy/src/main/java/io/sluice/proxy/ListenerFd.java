package io.sluice.proxy;

import io.sluice.mesh.decision.Direction;

/**
 * One listening TCP socket inside a pod's network namespace: bound, listening, non-blocking and
 * close-on-exec.
 *
 * @param fd descriptor, 0 or more
 * @param direction what its accepted connections are; the port number never says that
 */
public record ListenerFd(int fd, Direction direction) {
  public ListenerFd {
    if (fd < 0) {
      throw new IllegalArgumentException("descriptor " + fd + " is negative");
    }
  }
}

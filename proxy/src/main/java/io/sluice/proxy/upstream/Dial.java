package io.sluice.proxy.upstream;

/**
 * One attempt to reach one endpoint, which tells its upstream of the outcome unless it is ended
 * before. Runs on the upstream's event loop.
 */
sealed interface Dial permits SocketDial, HboneDial, LocalDial {
  void start();

  /** Whether the connection that came of it is what another attempt would use now. */
  boolean isCurrent();

  /** Gives the attempt up, or forgets the connection that came of it. */
  void end();
}

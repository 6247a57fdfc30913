package io.sluice.proxy;

import io.sluice.mesh.decision.Reason;

/** One attempt to reach one upstream for a connection. Runs on the connection's event loop. */
interface Attempt {
  /** Who asked, and decides what a failure means. */
  interface Owner {
    void failed(Reason reason);
  }

  /** Gives the attempt up, or forgets the connection that came of it. */
  void end();
}

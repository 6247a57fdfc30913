package io.sluice.proxy.upstream;

import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.relay.ByteChannel;

/** One attempt to reach one endpoint. Runs on the upstream's event loop. */
sealed interface Dial permits SocketDial, HboneDial {
  /** Who asked, and decides what a failure means; hears of one of the two, unless it ends it. */
  interface Owner {
    /** The far end has answered. */
    void opened(ByteChannel channel);

    void failed(Reason reason);
  }

  void start();

  /** Gives the attempt up, or forgets the connection that came of it. */
  void end();
}

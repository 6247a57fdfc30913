package io.sluice.proxy.relay;

import io.sluice.mesh.decision.Reason;
import java.util.function.Consumer;

/**
 * A channel that the downstream has opened and that waits for its answer: one of {@link #accept}
 * and {@link #refuse}, from its event loop. A socket whose bytes are looked at before it is decided
 * is accepted first; refused then, it is reset.
 */
public interface Incoming {
  /** Is told when the downstream gives up before the answer. */
  void whenGone(Consumer<ChannelEnd> listener);

  /** The upstream has answered. The channel is to be started at once. */
  ByteChannel accept();

  /**
   * The same where {@code direct} can take what the downstream has in a form of its own: who dials
   * in this process may then give it that instead of bytes.
   */
  default ByteChannel accept(DirectPeer direct) {
    return accept();
  }

  /** Tells the downstream why as far as its protocol can, and ends the channel. */
  void refuse(Reason reason);
}

package io.sluice.proxy.relay;

import io.sluice.mesh.decision.Reason;
import java.util.function.Consumer;

/**
 * A channel that a client has opened and that waits for its answer: exactly one of {@link #accept}
 * and {@link #refuse}, from its event loop; later ones are ignored.
 */
public interface Incoming {
  /** Is told when the client gives up before the answer. */
  void whenGone(Consumer<ChannelEnd> listener);

  /** The upstream has answered. The channel is to be started at once. */
  ByteChannel accept();

  /** Tells the client why as far as its protocol can, and ends the channel. */
  void refuse(Reason reason);
}

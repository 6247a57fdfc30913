package io.sluice.proxy.accept;

import io.netty.buffer.ByteBuf;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.Incoming;
import java.util.function.Consumer;

/** A channel that was another connection's, as if its client had opened it for what it says now. */
final class Resumed extends Begun implements Incoming {
  /**
   * One that is started already.
   *
   * @param said what was read last, which it owns
   */
  Resumed(ByteChannel channel, ByteBuf said) {
    super(channel);
    early = said;
  }

  @Override
  public void whenGone(Consumer<ChannelEnd> listener) {
    channel.listen(
        new Waiting() {
          @Override
          public void closed(ChannelEnd end) {
            listener.accept(end);
          }
        });
  }

  @Override
  public ByteChannel accept() {
    return this;
  }

  @Override
  public void refuse(Reason reason) {
    reset();
  }
}

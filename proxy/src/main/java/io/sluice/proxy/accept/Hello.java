package io.sluice.proxy.accept;

import io.netty.channel.EventLoop;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.tls.ServerName;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The channel of a client of which it is to be known first which host it names. Few octets and
 * little time are given for it.
 */
final class Hello extends Begun {
  private static final long SECONDS = 5;

  private final Consumer<String> named;
  private final Consumer<ChannelEnd> gone;
  private final Future<?> limit;
  private boolean told;

  /**
   * Reads nothing yet.
   *
   * @param named told once of the name, empty where there is none
   * @param gone told instead, or later, that the client has gone before the channel was started
   */
  Hello(ByteChannel channel, EventLoop loop, Consumer<String> named, Consumer<ChannelEnd> gone) {
    super(channel);
    this.named = named;
    this.gone = gone;
    this.limit = loop.schedule(() -> tell(ServerName.NONE), SECONDS, TimeUnit.SECONDS);
  }

  /** Reads until the name is known. */
  void begin() {
    channel.listen(new Naming());
    channel.start();
  }

  private void tell(String name) {
    if (!told) {
      told = true;
      limit.cancel(false);
      named.accept(name);
    }
  }

  @Override
  void drop() {
    told = true;
    limit.cancel(false);
    super.drop();
  }

  /** Until the name is known. */
  private final class Naming extends Waiting {
    @Override
    public void batchEnded() {
      if (told) {
        return;
      }
      String name = ServerName.read(early);
      if (name == null) {
        channel.read();
      } else {
        tell(name);
      }
    }

    @Override
    public void inputEnded() {
      super.inputEnded();
      tell(ServerName.NONE);
    }

    @Override
    public void closed(ChannelEnd end) {
      told = true;
      limit.cancel(false);
      gone.accept(end);
    }
  }
}

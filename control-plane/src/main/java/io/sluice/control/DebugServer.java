package io.sluice.control;

import io.sluice.control.registry.Rounds;
import io.sluice.mesh.IpAddresses;
import io.sluice.process.PageServer;
import io.sluice.process.PageServer.Answer;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Serves pages for as long as they are wanted, and listens nowhere else. One virtual thread looks
 * each second, and so tries a port again that is taken; nothing waits for it.
 */
final class DebugServer implements AutoCloseable {
  private static final Logger LOG = System.getLogger(DebugServer.class.getName());
  private static final Duration LOOK = Duration.ofSeconds(1);

  private final InetSocketAddress address;
  private final BooleanSupplier wanted;
  private final Function<String, Optional<Answer>> pages;
  private final Rounds rounds = new Rounds("sluice-debug", this::round);
  private @Nullable PageServer open; // the rounds' alone, as what follows
  private boolean isTold;

  /** Does nothing yet. */
  DebugServer(
      InetSocketAddress address, BooleanSupplier wanted, Function<String, Optional<Answer>> pages) {
    this.address = address;
    this.wanted = wanted;
    this.pages = pages;
  }

  void begin() {
    rounds.start();
  }

  private Duration round() {
    look();
    return LOOK;
  }

  private void look() {
    if (!wanted.getAsBoolean()) {
      isTold = false;
      shut();
    } else if (open == null) {
      try {
        PageServer opened = PageServer.start(address, "debug", "--debug-address", pages);
        open = opened;
        isTold = false;
        LOG.log(Level.INFO, "debug_server_opened address={0}", IpAddresses.text(opened.address()));
      } catch (UncheckedIOException e) {
        if (!isTold) {
          LOG.log(Level.ERROR, "debug_server_not_opened {0}", e.getMessage());
          isTold = true;
        }
      }
    }
  }

  private void shut() {
    PageServer shutting = open;
    if (shutting != null) {
      open = null;
      shutting.close();
      LOG.log(Level.INFO, "debug_server_closed");
    }
  }

  /** Nobody reaches it any more when this returns. */
  @Override
  public void close() {
    rounds.close();
    shut();
  }
}

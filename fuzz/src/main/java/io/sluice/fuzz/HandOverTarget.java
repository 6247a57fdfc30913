package io.sluice.fuzz;

import static io.sluice.fuzz.Promises.require;

import io.sluice.interception.InheritedListeners;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.unix.UnixConnection;
import io.sluice.linux.unix.UnixListener;
import io.sluice.node.handover.HandOverException;
import io.sluice.node.handover.HandOverServer;
import io.sluice.node.handover.HandOverServer.Estate;
import io.sluice.node.handover.Predecessor;
import io.sluice.proxy.admission.Remembered;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The socket at which one daemon takes the other's place, from both its ends. What the daemon that
 * leaves may say is understood or refused by {@link HandOverException}; whoever says nonsense to it
 * does not keep the next one that asks from getting everything.
 *
 * <p>The first byte says which end the other bytes are for; they come over a real socket.
 */
public final class HandOverTarget {
  private static final long PATIENCE_NANOS = 10_000_000_000L;
  private static final String TAKE_OVER = "{\"takeOver\":1}\n";
  private static final int REQUEST_BYTES = 1_024;
  private static final String ENFORCING = "enforcing";

  /** Which end, by the first byte: to the new daemon, to the old one, to it behind a good line. */
  private static final int ENDS = 3;

  /** Every other input is logged otherwise. */
  private static final Logger QUIET = Logger.getLogger("io.sluice.node.handover");

  private static final Path SOCKET = socket();

  private HandOverTarget() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) throws InterruptedException {
    QUIET.setLevel(Level.OFF);
    WireInput in = new WireInput(input);
    int end = in.number() % ENDS;
    byte[] said = in.rest().toByteArray();
    if (end == 0) {
      toTheNewDaemon(said);
    } else {
      toTheOldDaemon(end == 1 ? "" : TAKE_OVER, said);
    }
  }

  private static void toTheNewDaemon(byte[] said) throws InterruptedException {
    Thread speaker;
    try (UnixListener old = UnixListener.open(SOCKET, 1)) {
      speaker = Thread.ofPlatform().daemon().start(() -> say(old, said));
      InheritedListeners listeners = new InheritedListeners();
      try (Predecessor _ = Predecessor.askToLeave(SOCKET, "", listeners).orElseThrow()) {
        require(listeners.size() <= 1, "more listeners than descriptors");
      } catch (HandOverException e) {
        require(!String.valueOf(e.getMessage()).isBlank(), "refused without a word");
      }
    }
    speaker.join(); // also where nobody came to it
  }

  /** Once it was asked, and with one descriptor. */
  private static void say(UnixListener old, byte[] said) {
    Optional<UnixConnection> accepted = old.accept();
    if (accepted.isEmpty()) {
      return;
    }
    int descriptor = Sockets.listenTcp(InetAddress.getLoopbackAddress(), 0, 1);
    try (UnixConnection asking = accepted.get()) {
      long deadline = System.nanoTime() + PATIENCE_NANOS;
      int _ = asking.receive(ByteBuffer.allocate(REQUEST_BYTES), deadline);
      if (said.length > 0) {
        asking.send(ByteBuffer.wrap(said), descriptor, deadline);
      }
    } catch (LinuxException e) {
      // It has heard enough.
    } finally {
      Sockets.close(descriptor);
    }
  }

  private static void toTheOldDaemon(String before, byte[] said) {
    try (HandOverServer _ =
        HandOverServer.start(
            SOCKET,
            () -> new Estate(List.of(), List.of(), "", () -> Remembered.NOTHING, () -> {}))) {
      try (UnixConnection client = UnixConnection.to(SOCKET)) {
        byte[] line = before.getBytes(StandardCharsets.UTF_8);
        ByteBuffer all = ByteBuffer.allocate(line.length + said.length).put(line).put(said).flip();
        client.send(all, System.nanoTime() + PATIENCE_NANOS);
      } catch (LinuxException e) {
        // It has heard enough.
      }
      Optional<Predecessor> next = Predecessor.askToLeave(SOCKET, "", new InheritedListeners());
      boolean mayBeTaken = new String(said, StandardCharsets.ISO_8859_1).contains(ENFORCING);
      require(next.isPresent() || mayBeTaken, "nobody answers the next daemon any more");
      next.ifPresent(Predecessor::close);
    } catch (HandOverException e) {
      // Taken while the next one waited: it starts without, as the first does.
      require(
          new String(said, StandardCharsets.ISO_8859_1).contains(ENFORCING),
          "the next daemon is refused: " + e.getMessage());
    }
  }

  private static Path socket() {
    try {
      Path directory = Files.createTempDirectory("sluice-fuzz");
      directory.toFile().deleteOnExit();
      return directory.resolve("s");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package io.sluice.node.handover;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.unix.UnixConnection;
import io.sluice.linux.unix.UnixListener;
import io.sluice.mesh.decision.Direction;
import io.sluice.node.identity.store.PassedCredentials;
import io.sluice.node.identity.x509.Credential;
import io.sluice.proxy.admission.Remembered;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Waits for another daemon of this node that wants to take its place, and gives it everything. It
 * is given again to the next that asks, until one says that it enforces: so a successor that dies
 * on the way costs no connection.
 */
public final class HandOverServer implements AutoCloseable {
  /** What both sides must speak alike; raised when a line changes its meaning. */
  static final int PROTOCOL = 1;

  private static final System.Logger LOG = System.getLogger(HandOverServer.class.getName());
  private static final Duration LINE_PATIENCE = Duration.ofSeconds(10);

  /** From all that was given to enforcing: a slow node takes its time. */
  private static final Duration START_PATIENCE = Duration.ofMinutes(5);

  private static final int BACKLOG = 4;

  private final UnixListener listener;
  private final Supplier<Estate> giver;
  private volatile @Nullable UnixConnection client;
  private volatile boolean closed;
  private @Nullable Estate estate; // owned by the thread
  private boolean accepts = true; // owned by the thread

  private HandOverServer(UnixListener listener, Supplier<Estate> giver) {
    this.listener = listener;
    this.giver = giver;
  }

  /**
   * Listens at {@code socket}.
   *
   * @param giver called at most once, on the server's thread, when another daemon asks: stops
   *     whatever only one daemon may do, and gives what the next one needs
   */
  public static HandOverServer start(Path socket, Supplier<Estate> giver) {
    HandOverServer started = new HandOverServer(UnixListener.open(socket, BACKLOG), giver);
    Thread.ofPlatform().daemon().name("sluice-hand-over").start(started::serveUntilTaken);
    return started;
  }

  private void serveUntilTaken() {
    boolean taken = false;
    while (!taken) {
      Optional<UnixConnection> next =
          listener.accept(e -> LOG.log(System.Logger.Level.WARNING, "hand_over_not_accepting", e));
      if (next.isEmpty()) {
        return; // closed; with the process go its descriptors
      }
      try (UnixConnection connection = next.get()) {
        client = connection;
        taken = serve(new Lines(connection));
      } catch (LinuxException | IllegalStateException e) {
        LOG.log(
            closed ? System.Logger.Level.DEBUG : System.Logger.Level.WARNING,
            "hand_over_interrupted problem={0}; what was given is kept for the next that asks",
            e.getMessage());
      } catch (RuntimeException e) {
        // Top frame of the thread: the next one that asks must find somebody.
        LOG.log(System.Logger.Level.ERROR, "hand_over_failed", e);
      } finally {
        client = null;
      }
    }
  }

  /** Whether another daemon has taken everything. */
  private boolean serve(Lines lines) {
    long begin = Lines.deadline(LINE_PATIENCE);
    JsonNode request = lines.receive(begin);
    if (request.isMissingNode()) {
      return false; // it only wanted to know whether somebody listens
    }
    if (request.path("takeOver").asInt() != PROTOCOL) {
      refuse(
          lines,
          "this daemon hands over by protocol " + PROTOCOL + "; it was asked for " + request);
      return false;
    }
    Estate given = estate;
    if (given == null) {
      try {
        given = giver.get();
      } catch (HandOverException e) {
        refuse(lines, String.valueOf(e.getMessage()));
        return false;
      }
      estate = given;
    }
    if (!given.interception().equals(request.path("interception").asText())) {
      stopAccepting(given); // it would not understand what the next one puts in force
    }
    give(lines, given, Lines.deadline(LINE_PATIENCE));
    JsonNode answer = lines.receive(Lines.deadline(START_PATIENCE));
    while (answer.path("stop").asBoolean()) {
      stopAccepting(given);
      lines.send(
          withRemembered(object().put("stopped", true), given), Lines.deadline(LINE_PATIENCE));
      answer = lines.receive(Lines.deadline(START_PATIENCE));
    }
    if (!answer.path("enforcing").asBoolean()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "hand_over_not_taken what was given is kept for the next daemon that asks");
      return false;
    }
    listener.close(); // first: the other opens its own at the same path
    given.close();
    lines.send(object().put("closed", true), Lines.deadline(LINE_PATIENCE));
    LOG.log(System.Logger.Level.INFO, "handed_over what=\"{0}\"", given);
    return true;
  }

  private void stopAccepting(Estate given) {
    given.stopAccepting().run();
    accepts = false;
  }

  private void give(Lines lines, Estate given, long deadline) {
    for (HandedListener one : given.listeners()) {
      ObjectNode line = object();
      line.putObject("listener")
          .put("netnsCookie", Long.toUnsignedString(one.netnsCookie()))
          .put("direction", one.direction().label());
      lines.send(line, one.fd(), deadline);
    }
    ObjectNode last =
        object()
            .put("credentials", PassedCredentials.bytes(given.credentials()))
            .put("listeners", given.listeners().size())
            .put("accepts", accepts);
    lines.send(accepts ? last : withRemembered(last, given), deadline);
  }

  /** Told last of all, and again with each daemon that asks: it ages. */
  private static ObjectNode withRemembered(ObjectNode line, Estate given) {
    try {
      line.set(RememberedFormat.FIELD, RememberedFormat.json(given.remembered().get()));
    } catch (RuntimeException e) { // it is worth less than the place being taken
      LOG.log(System.Logger.Level.WARNING, "remembered_not_told", e);
    }
    return line;
  }

  private static void refuse(Lines lines, String why) {
    LOG.log(System.Logger.Level.WARNING, "hand_over_refused reason=\"{0}\"", why);
    lines.send(object().put("error", why), Lines.deadline(LINE_PATIENCE));
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** Gives nothing from now on; any thread. */
  @Override
  public void close() {
    closed = true;
    listener.close();
    UnixConnection present = client;
    if (present != null) {
      present.close();
    }
  }

  /**
   * What a daemon leaves to the next one. While it is open nothing is refused: connections that
   * nobody accepts wait in the listeners' queues.
   *
   * @param listeners of every pod that is served
   * @param credentials of the pods' identities, with their keys
   * @param interception names all by which accepted connections are understood
   * @param remembered what the proxy has found out and counted, at the time of asking
   * @param stopAccepting returns when nothing is accepted any more, after a second at most; may be
   *     run again
   */
  public record Estate(
      List<HandedListener> listeners,
      List<Credential> credentials,
      String interception,
      Supplier<Remembered> remembered,
      Runnable stopAccepting)
      implements AutoCloseable {
    public Estate {
      listeners = List.copyOf(listeners);
      credentials = List.copyOf(credentials);
    }

    /** Closes this process's descriptors; those that were passed on are the other's. */
    @Override
    public void close() {
      listeners.forEach(one -> Sockets.close(one.fd()));
    }

    /** Says how much, and no key. */
    @Override
    public String toString() {
      return listeners.size() + " listeners and " + credentials.size() + " certificates";
    }
  }

  /**
   * A listener inside a pod on its way to another process.
   *
   * @param netnsCookie of the pod's network namespace
   * @param direction what its accepted connections are
   * @param fd owned by whoever has this
   */
  public record HandedListener(long netnsCookie, Direction direction, int fd) {}
}

package io.sluice.node.handover;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.interception.InheritedListeners;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.unix.UnixConnection;
import io.sluice.mesh.decision.Direction;
import io.sluice.node.identity.store.PassedCredentials;
import io.sluice.node.identity.store.StoreException;
import io.sluice.node.identity.x509.Credential;
import io.sluice.proxy.admission.Remembered;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The daemon whose place this one takes. It accepts until it is told to {@link #stop}, unless the
 * two intercept differently. For one thread at a time.
 */
public final class Predecessor implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Predecessor.class.getName());

  /** It ends its own work first, and a look into a broken pod may take seconds. */
  private static final Duration GIVING_PATIENCE = Duration.ofSeconds(60);

  private static final Duration CLOSING_PATIENCE = Duration.ofSeconds(5);

  private final Path socket;
  private final UnixConnection connection;
  private final Lines lines;
  private final InheritedListeners listeners;
  private List<Credential> credentials = List.of();
  private Remembered remembered = Remembered.NOTHING;
  private boolean accepts;

  private Predecessor(Path socket, UnixConnection connection, InheritedListeners listeners) {
    this.socket = socket;
    this.connection = connection;
    this.lines = new Lines(connection);
    this.listeners = listeners;
  }

  /** Whether a daemon listens at {@code socket}; nothing is asked of it. */
  public static boolean listensAt(Path socket) {
    Optional<UnixConnection> connection = connect(socket);
    connection.ifPresent(UnixConnection::close);
    return connection.isPresent();
  }

  /**
   * Asks the daemon that listens at {@code socket} to leave; returns when it has left its place to
   * this one. Empty when nobody listens there.
   *
   * @param interception names all by which accepted connections are understood: where it is the
   *     other daemon's too, that one goes on accepting until {@link #stop}
   * @param listeners where those that it leaves are added
   * @throws HandOverException when it will not, or says what cannot be understood
   */
  public static Optional<Predecessor> askToLeave(
      Path socket, String interception, InheritedListeners listeners) {
    Optional<UnixConnection> connection = connect(socket);
    if (connection.isEmpty()) {
      return Optional.empty();
    }
    Predecessor asked = new Predecessor(socket, connection.get(), listeners);
    try {
      asked.inherit(interception);
      return Optional.of(asked);
    } catch (LinuxException e) {
      asked.close();
      throw new HandOverException(
          "the daemon that runs on this node did not hand over: "
              + e.getMessage()
              + "; it is asked again at the next start");
    } catch (RuntimeException e) {
      asked.close();
      throw e;
    }
  }

  private static Optional<UnixConnection> connect(Path socket) {
    try {
      return Optional.of(UnixConnection.to(socket));
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ECONNREFUSED) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private void inherit(String interception) {
    long deadline = Lines.deadline(GIVING_PATIENCE);
    lines.send(
        Lines.JSON
            .createObjectNode()
            .put("takeOver", HandOverServer.PROTOCOL)
            .put("interception", interception),
        deadline);
    JsonNode line = lines.receive(deadline);
    while (line.has("listener")) {
      JsonNode listener = line.path("listener");
      listeners.add(
          cookie(listener.path("netnsCookie").asText("0")),
          direction(listener.path("direction").asText()),
          lines.takeDescriptor());
      line = lines.receive(deadline);
    }
    if (line.has("error")) {
      throw new HandOverException(
          "the daemon that runs on this node does not hand over: "
              + line.path("error").asText()
              + "; stop it, then start this one");
    }
    if (line.path("listeners").asInt(-1) != listeners.size()) {
      throw new HandOverException(
          "the daemon that runs on this node ended before it had handed everything over");
    }
    accepts = line.path("accepts").asBoolean();
    if (!accepts) {
      listeners.areAcceptedByNobody();
    }
    credentials = credentials(line.path("credentials"));
    remembered = RememberedFormat.read(line);
    LOG.log(
        System.Logger.Level.INFO,
        "taken_over listeners={0} certificates={1}",
        listeners.size(),
        credentials.size());
  }

  private static long cookie(String text) {
    try {
      return Long.parseUnsignedLong(text);
    } catch (NumberFormatException e) {
      throw new HandOverException("a listener is of no network namespace '" + text + "'");
    }
  }

  private static Direction direction(String label) {
    return Arrays.stream(Direction.values())
        .filter(one -> one.label().equals(label))
        .findFirst()
        .orElseThrow(() -> new HandOverException("a listener has no direction '" + label + "'"));
  }

  /** Without them the controller is asked, as after any start. */
  private static List<Credential> credentials(JsonNode passed) {
    try {
      return PassedCredentials.read(passed.binaryValue());
    } catch (IOException | StoreException e) {
      LOG.log(
          System.Logger.Level.WARNING, "certificates_not_taken_over problem={0}", e.getMessage());
      return List.of();
    }
  }

  /** Whether it accepts until {@link #stop}. */
  public boolean accepts() {
    return accepts;
  }

  /** Certificates of the pods, with their keys. */
  public List<Credential> credentials() {
    return credentials;
  }

  /** What its proxy had found out and counted when it stopped accepting; nothing before. */
  public Remembered remembered() {
    return remembered;
  }

  /**
   * Tells it to accept nothing more; returns when that is so, or when it has ended. Does nothing
   * where it has stopped already.
   *
   * @throws HandOverException when it runs, and does not say that it has stopped
   */
  public void stop() {
    if (!accepts) {
      return;
    }
    String problem;
    try {
      lines.send(Lines.JSON.createObjectNode().put("stop", true), Lines.deadline(CLOSING_PATIENCE));
      JsonNode answer = lines.receive(Lines.deadline(CLOSING_PATIENCE));
      if (answer.path("stopped").asBoolean()) {
        accepts = false;
        remembered = RememberedFormat.read(answer);
        return;
      }
      problem = "it closed the connection";
    } catch (LinuxException e) {
      problem = String.valueOf(e.getMessage());
    }
    if (listensAt(socket)) {
      throw new HandOverException(
          "the daemon that runs on this node did not stop accepting: "
              + problem
              + "; it is asked again at the next start");
    }
  }

  /**
   * Tells it that this daemon enforces now: it lets go of its listeners, and of the path at which
   * it was asked. Listeners that nobody took are closed. Returns when it has, or after some
   * seconds.
   */
  public void release() {
    listeners.close();
    try {
      lines.send(
          Lines.JSON.createObjectNode().put("enforcing", true), Lines.deadline(CLOSING_PATIENCE));
      JsonNode answer = lines.receive(Lines.deadline(CLOSING_PATIENCE));
      while (!answer.isMissingNode() && !answer.path("closed").asBoolean()) {
        answer = lines.receive(Lines.deadline(CLOSING_PATIENCE)); // to an earlier question, late
      }
    } catch (LinuxException e) {
      LOG.log(System.Logger.Level.WARNING, "predecessor_not_released problem={0}", e.getMessage());
    }
    connection.close();
  }

  /** Lets it keep what it gave, for another to ask; closes what nobody took. */
  @Override
  public void close() {
    listeners.close();
    connection.close();
  }
}

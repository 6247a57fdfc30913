package io.sluice.process;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channel;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Serves the admin socket: a directory and a socket that only root can open, one virtual thread a
 * connection, at most {@link #MAX_CONNECTIONS} at once.
 */
public final class AdminServer implements AutoCloseable {
  /** More than any operator opens; a bound all the same. */
  public static final int MAX_CONNECTIONS = 16;

  /** What the process answers. */
  public interface Answers {
    /**
     * Sends the answer to {@code request} as one or more JSON values. Runs on a thread of the
     * connection and may block; a consumer that throws ends the answer.
     *
     * @throws InterruptedException when the process stops
     */
    void answer(AdminRequest request, Consumer<JsonNode> out) throws InterruptedException;
  }

  private static final int MAX_REQUEST_CHARS = 4_096;

  /** Until accepting is tried again after a failure, as while there are no file descriptors. */
  private static final Duration AFTER_FAILURE = Duration.ofMillis(100);

  private static final System.Logger LOG = System.getLogger(AdminServer.class.getName());

  private final Path socket;
  private final Answers answers;
  private final ServerSocketChannel server;
  private final Semaphore places = new Semaphore(MAX_CONNECTIONS);
  private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();

  private AdminServer(Path socket, Answers answers, ServerSocketChannel server) {
    this.socket = socket;
    this.answers = answers;
    this.server = server;
  }

  /** Opens {@code socket}, replacing what a dead daemon left there, and serves. */
  public static AdminServer start(Path socket, Answers answers) {
    try {
      Files.createDirectories(socket.getParent());
      Files.setPosixFilePermissions(
          socket.getParent(), PosixFilePermissions.fromString("rwx------"));
      Files.deleteIfExists(socket);
      AdminServer started = new AdminServer(socket, answers, bound(socket));
      Thread.ofVirtual().name("sluice-admin").start(started::acceptUntilClosed);
      return started;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot open admin socket " + socket, e);
    }
  }

  private static ServerSocketChannel bound(Path socket) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      server.bind(UnixDomainSocketAddress.of(socket));
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
      return server;
    } catch (IOException | RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private void acceptUntilClosed() {
    boolean isTold = false;
    while (true) {
      try {
        SocketChannel client = server.accept();
        if (places.tryAcquire()) {
          open.add(client);
          Thread.ofVirtual().name("sluice-admin-client").start(() -> serve(client));
        } else {
          refuse(client);
        }
        isTold = false;
      } catch (ClosedChannelException e) {
        return; // by close()
      } catch (IOException e) {
        if (!isTold) {
          LOG.log(System.Logger.Level.WARNING, "admin_socket_not_accepting socket=" + socket, e);
          isTold = true;
        }
        LockSupport.parkNanos(AFTER_FAILURE.toNanos());
      }
    }
  }

  /** Says so at once: one line always fits into the buffer of a new socket. */
  private static void refuse(SocketChannel client) {
    try (client) {
      send(
          Channels.newOutputStream(client),
          error("the daemon already serves " + MAX_CONNECTIONS + " admin connections"));
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "admin_client_left", e);
    }
  }

  private void serve(SocketChannel client) {
    try (client;
        InputStream in = Channels.newInputStream(client);
        OutputStream out = Channels.newOutputStream(client)) {
      answer(in, out);
    } catch (IOException | UncheckedIOException e) {
      LOG.log(System.Logger.Level.DEBUG, "admin_client_left", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      open.remove(client);
      places.release();
    }
  }

  private void answer(InputStream in, OutputStream out) throws IOException, InterruptedException {
    try {
      AdminRequest request = AdminRequest.parse(readLine(in));
      if (request.follow()) {
        interruptWhenClientLeaves(in);
      }
      answers.answer(
          request,
          value -> {
            try {
              send(out, value);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    } catch (UncheckedIOException e) {
      throw e;
    } catch (AdminRequest.MalformedException | IllegalArgumentException e) {
      send(out, error(e.getMessage()));
    } catch (RuntimeException e) {
      // Top frame of the connection: the client must not take a broken answer for an empty one.
      LOG.log(System.Logger.Level.WARNING, "admin_answer_failed", e);
      send(out, error("the daemon could not answer: " + e.getMessage()));
    }
  }

  /**
   * A follower sends nothing more, so that the end of its stream is its leaving. Without this a
   * quiet log would hold the place of a client that has gone.
   */
  private static void interruptWhenClientLeaves(InputStream in) {
    Thread answering = Thread.currentThread();
    Thread.ofVirtual()
        .name("sluice-admin-watch")
        .start(() -> {
          try {
            in.transferTo(OutputStream.nullOutputStream());
          } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "admin_client_left", e);
          } finally {
            answering.interrupt();
          }
        });
  }

  private static void send(OutputStream out, JsonNode value) throws IOException {
    out.write((value + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private static JsonNode error(@Nullable String message) {
    return JsonNodeFactory.instance.objectNode().put("error", String.valueOf(message));
  }

  private static String readLine(InputStream in) throws IOException {
    BufferedReader reader =
        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8), MAX_REQUEST_CHARS);
    StringBuilder line = new StringBuilder();
    for (int c = reader.read(); c >= 0 && c != '\n'; c = reader.read()) {
      if (line.length() == MAX_REQUEST_CHARS) {
        throw new AdminRequest.MalformedException(
            "a request has at most " + MAX_REQUEST_CHARS + " characters");
      }
      line.append((char) c);
    }
    return line.toString();
  }

  /** Closes the socket and every connection; answers that are under way end. */
  @Override
  public void close() {
    closeQuietly(server);
    open.forEach(AdminServer::closeQuietly);
    try {
      Files.deleteIfExists(socket);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "admin_socket_not_removed socket=" + socket, e);
    }
  }

  private static void closeQuietly(Channel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "admin_socket_not_closed", e);
    }
  }
}

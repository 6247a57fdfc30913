package io.sluice.node.admin;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;

/**
 * Serves the admin socket: a directory and a socket that only root can open, one virtual thread a
 * connection, at most {@link #MAX_CONNECTIONS} at once.
 */
public final class AdminServer implements AutoCloseable {
  /** More than any operator opens; a bound all the same. */
  public static final int MAX_CONNECTIONS = 16;

  private static final int MAX_REQUEST_CHARS = 4_096;
  private static final System.Logger LOG = System.getLogger(AdminServer.class.getName());

  private final Path socket;
  private final AdminAnswers answers;
  private final ServerSocketChannel server;
  private final Semaphore places = new Semaphore(MAX_CONNECTIONS);
  private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();

  private AdminServer(Path socket, AdminAnswers answers, ServerSocketChannel server) {
    this.socket = socket;
    this.answers = answers;
    this.server = server;
  }

  /** Opens {@code socket}, replacing what a dead daemon left there, and serves. */
  public static AdminServer start(Path socket, AdminAnswers answers) {
    try {
      Files.createDirectories(socket.getParent());
      Files.setPosixFilePermissions(
          socket.getParent(), PosixFilePermissions.fromString("rwx------"));
      Files.deleteIfExists(socket);
      ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      server.bind(UnixDomainSocketAddress.of(socket));
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
      AdminServer started = new AdminServer(socket, answers, server);
      Thread.ofVirtual().name("sluice-admin").start(started::acceptUntilClosed);
      return started;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot open admin socket " + socket, e);
    }
  }

  private void acceptUntilClosed() {
    try {
      while (true) {
        SocketChannel client = server.accept();
        if (!places.tryAcquire()) {
          client.close();
          continue;
        }
        open.add(client);
        Thread.ofVirtual().name("sluice-admin-client").start(() -> serve(client));
      }
    } catch (ClosedChannelException e) {
      // Closed by close().
    } catch (IOException e) {
      LOG.log(System.Logger.Level.ERROR, "admin_socket_ended socket=" + socket, e);
    }
  }

  private void serve(SocketChannel client) {
    try (client;
        InputStream in = Channels.newInputStream(client);
        OutputStream out = Channels.newOutputStream(client)) {
      String line = readLine(in);
      try {
        answers.answer(
            AdminRequest.parse(line),
            value -> {
              try {
                out.write((value + "\n").getBytes(StandardCharsets.UTF_8));
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
      } catch (IOException | IllegalArgumentException e) {
        String error =
            JsonNodeFactory.instance.objectNode().put("error", e.getMessage()).toString();
        out.write((error + "\n").getBytes(StandardCharsets.UTF_8));
      }
    } catch (IOException | UncheckedIOException e) {
      LOG.log(System.Logger.Level.DEBUG, "admin_client_left", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      open.remove(client);
      places.release();
    }
  }

  private static String readLine(InputStream in) throws IOException {
    BufferedReader reader =
        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8), MAX_REQUEST_CHARS);
    StringBuilder line = new StringBuilder();
    for (int c = reader.read(); c >= 0 && c != '\n'; c = reader.read()) {
      if (line.length() == MAX_REQUEST_CHARS) {
        throw new IOException("a request has at most " + MAX_REQUEST_CHARS + " characters");
      }
      line.append((char) c);
    }
    return line.toString();
  }

  /** Closes the socket and every connection. */
  @Override
  public void close() {
    try {
      server.close();
      Files.deleteIfExists(socket);
      for (SocketChannel client : open) {
        client.close();
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "admin_socket_not_closed socket=" + socket, e);
    }
  }
}

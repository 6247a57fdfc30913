package io.sluice.node.cni;

import io.sluice.cni.protocol.CniCommand;
import io.sluice.cni.protocol.CniConfig;
import io.sluice.cni.protocol.CniError;
import io.sluice.cni.protocol.CniFrame;
import io.sluice.cni.protocol.CniRequest;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.unix.UnixConnection;
import io.sluice.linux.unix.UnixListener;
import io.sluice.node.cni.CallListener.CallResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Serves the socket of the CNI client: one call a connection, at most {@link #MAX_CALLS} at once,
 * the others wait in the socket's queue. Only root can connect.
 */
public final class CniServer implements AutoCloseable {
  /**
   * Calls served at once; each has a thread only as long as it lasts. More than kubelet's default
   * of pods on a node: pods that wait for the registry must not keep the others out.
   */
  static final int MAX_CALLS = 128;

  private static final int BACKLOG = 256;

  /** Less than the client's own ten seconds, so that it hears the reason. */
  private static final Duration CALL_DEADLINE = Duration.ofSeconds(9);

  private static final System.Logger LOG = System.getLogger(CniServer.class.getName());

  private final UnixListener socket;
  private final CniAnswers answers;
  private final NetworkNamespaces namespaces;
  private final CallListener listener;
  private final Semaphore places = new Semaphore(MAX_CALLS);
  private final Set<UnixConnection> open = ConcurrentHashMap.newKeySet();

  private CniServer(
      UnixListener socket,
      CniAnswers answers,
      NetworkNamespaces namespaces,
      CallListener listener) {
    this.socket = socket;
    this.answers = answers;
    this.namespaces = namespaces;
    this.listener = listener;
  }

  /** Opens {@code socket}, replacing what a dead daemon left there, and serves. */
  static CniServer start(
      Path socket, CniAnswers answers, NetworkNamespaces namespaces, CallListener listener) {
    try {
      Files.createDirectories(socket.getParent());
      Files.setPosixFilePermissions(
          socket.getParent(), PosixFilePermissions.fromString("rwx------"));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot prepare " + socket.getParent(), e);
    }
    CniServer server =
        new CniServer(UnixListener.open(socket, BACKLOG), answers, namespaces, listener);
    Thread.ofPlatform().daemon().name("sluice-cni").start(server::acceptUntilClosed);
    return server;
  }

  private void acceptUntilClosed() {
    try {
      while (true) {
        places.acquire();
        Optional<UnixConnection> client =
            socket.accept(e -> LOG.log(System.Logger.Level.WARNING, "cni_socket_not_accepting", e));
        if (client.isEmpty()) {
          return;
        }
        open.add(client.get());
        // A platform thread: the wait for bytes is a system call, and would hold a carrier.
        Thread.ofPlatform().daemon().name("sluice-cni-call").start(() -> serve(client.get()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void serve(UnixConnection client) {
    long deadline = System.nanoTime() + CALL_DEADLINE.toNanos();
    try (client) {
      client.send(answer(client, deadline), deadline);
      client.discard(CniFrame.MAX_BODY_BYTES);
    } catch (LinuxException e) {
      LOG.log(System.Logger.Level.DEBUG, "cni_client_left", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      open.remove(client);
      places.release();
    }
  }

  private ByteBuffer answer(UnixConnection client, long deadline) throws InterruptedException {
    String version = CniConfig.LATEST_VERSION;
    @Nullable CniCommand command = null;
    CallResult result = CallResult.FAILED;
    long begin = System.nanoTime();
    try {
      CniRequest request = CniRequest.parse(body(client, deadline));
      command = request.command();
      version = request.config().cniVersion();
      byte[] answer = answers.answer(request, namespace(client, request), deadline);
      LOG.log(
          System.Logger.Level.DEBUG,
          "cni_call_served command={0} container={1}",
          request.command(),
          request.containerId());
      result = CallResult.OK;
      return CniFrame.reply(0, answer);
    } catch (CniError e) {
      result = CallResult.REFUSED;
      LOG.log(
          System.Logger.Level.WARNING,
          "cni_call_refused code={0} problem={1}",
          e.code(),
          e.getMessage());
      return CniFrame.reply(1, e.document(version));
    } catch (LinuxException e) {
      throw e;
    } catch (RuntimeException e) {
      // Top frame of the call: the runtime must hear that it failed.
      LOG.log(System.Logger.Level.ERROR, "cni_call_failed", e);
      CniError failure =
          new CniError(
              CniError.TRY_AGAIN,
              "the daemon failed to serve the call: " + e.getMessage(),
              "see the daemon's log");
      return CniFrame.reply(1, failure.document(version));
    } finally {
      if (command == null) {
        listener.undecodable();
      } else {
        listener.served(command, result, Duration.ofNanos(System.nanoTime() - begin));
      }
    }
  }

  private Optional<NetnsHandle> namespace(UnixConnection client, CniRequest request) {
    OptionalInt passed = client.takeDescriptor();
    if (passed.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(namespaces.adopt(passed.getAsInt(), request.netnsPath()));
    } catch (LinuxException e) {
      throw new CniError(
          CniError.INVALID_ENVIRONMENT,
          "CNI_NETNS '" + request.netnsPath() + "' is no network namespace",
          "");
    }
  }

  private static byte[] body(UnixConnection client, long deadline) {
    ByteBuffer header = ByteBuffer.allocate(CniFrame.MAX_HEADER_BYTES);
    int end = -1;
    while (end < 0) {
      if (!header.hasRemaining()) {
        throw new CniError(
            CniError.UNDECODABLE,
            "a request begins with a line of at most " + CniFrame.MAX_HEADER_BYTES + " bytes",
            "");
      }
      int before = header.position();
      receive(client, header, deadline);
      end = lineFeed(header, before);
    }
    byte[] body =
        new byte[CniFrame.bodyBytes(new String(header.array(), 0, end, StandardCharsets.US_ASCII))];
    ByteBuffer into = ByteBuffer.wrap(body);
    header.flip().position(end + 1);
    if (header.remaining() > body.length) {
      throw new CniError(CniError.UNDECODABLE, "the request is longer than it says", "");
    }
    into.put(header);
    while (into.hasRemaining()) {
      receive(client, into, deadline);
    }
    return body;
  }

  private static void receive(UnixConnection client, ByteBuffer into, long deadline) {
    if (client.receive(into, deadline) < 0) {
      throw new CniError(CniError.UNDECODABLE, "the request ends too early", "");
    }
  }

  private static int lineFeed(ByteBuffer header, int from) {
    for (int i = from; i < header.position(); i++) {
      if (header.get(i) == '\n') {
        return i;
      }
    }
    return -1;
  }

  /** Stops serving; calls that are under way end without an answer, and are repeated. */
  @Override
  public void close() {
    socket.close();
    open.forEach(UnixConnection::close);
  }
}

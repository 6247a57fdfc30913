package io.sluice.cni;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * A daemon's socket that answers by script: each connection has its behaviour, the last one's
 * stays.
 */
final class FakeDaemon implements AutoCloseable {
  /** What happens to one connection, which is closed afterwards. */
  @FunctionalInterface
  interface Behaviour {
    void serve(SocketChannel connection, BlockingQueue<Request> requests) throws IOException;
  }

  /** A request as the client sent it. */
  record Request(Map<String, String> variables, byte[] input) {}

  private final ServerSocketChannel server;
  private final Path socket;
  private final BlockingQueue<Request> requests = new LinkedBlockingQueue<>();
  private final List<SocketChannel> connections = new ArrayList<>();
  private final Thread thread;

  FakeDaemon(Path directory, Behaviour... inTurn) throws IOException {
    socket = Config.socket(directory);
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
    thread = Thread.ofPlatform().name("fake-daemon").start(() -> accept(inTurn));
  }

  private void accept(Behaviour... inTurn) {
    for (int i = 0; ; i++) {
      try (SocketChannel connection = server.accept()) {
        synchronized (connections) {
          connections.add(connection);
        }
        inTurn[Math.min(i, inTurn.length - 1)].serve(connection, requests);
      } catch (IOException e) {
        if (!server.isOpen()) {
          return;
        }
      }
    }
  }

  /** Reads the request and answers it. */
  static Behaviour answer(int exitStatus, String body) {
    return raw(
        "SLUICE-CNI 1 "
            + exitStatus
            + " "
            + body.getBytes(StandardCharsets.UTF_8).length
            + "\n"
            + body);
  }

  /** Reads the request and sends just that. */
  static Behaviour raw(String bytes) {
    return (connection, requests) -> {
      requests.add(readRequest(connection));
      send(connection, bytes);
    };
  }

  /** Ends the connection before it has read anything. */
  static Behaviour endAtOnce() {
    return (connection, requests) -> {};
  }

  /** Answers without having read the request. */
  static Behaviour answerUnread(int exitStatus, String body) {
    return (connection, requests) ->
        send(connection, "SLUICE-CNI 1 " + exitStatus + " " + body.length() + "\n" + body);
  }

  /** Reads the request, sends just that and then nothing, until the client gives up. */
  static Behaviour silentAfter(String bytes) {
    return (connection, requests) -> {
      requests.add(readRequest(connection));
      send(connection, bytes);
      connection.read(ByteBuffer.allocate(1));
    };
  }

  /** Sends one byte for each of these pauses, so that every wait of the client is a new one. */
  static Behaviour slow(String bytes, Runnable pause) {
    return (connection, requests) -> {
      requests.add(readRequest(connection));
      for (int i = 0; i < bytes.length(); i++) {
        pause.run();
        send(connection, bytes.substring(i, i + 1));
      }
    };
  }

  /** Number of requests that were read so far. */
  int requestCount() {
    return requests.size();
  }

  /** Number of connections so far. */
  int connectionCount() {
    synchronized (connections) {
      return connections.size();
    }
  }

  /** The oldest request that was not asked for yet. */
  Request request() {
    @Nullable Request request = requests.poll();
    if (request == null) {
      throw new AssertionError("no request came");
    }
    return request;
  }

  private static void send(SocketChannel connection, String bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes.getBytes(StandardCharsets.UTF_8));
    while (buffer.hasRemaining()) {
      connection.write(buffer);
    }
  }

  private static Request readRequest(SocketChannel connection) throws IOException {
    var in = Channels.newInputStream(connection);
    StringBuilder line = new StringBuilder();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0 || line.length() > 40) {
        throw new IOException("no first line: " + line);
      }
      line.append((char) next);
    }
    String[] words = line.toString().split(" ", -1);
    if (words.length != 3 || !words[0].equals("SLUICE-CNI") || !words[1].equals("1")) {
      throw new IOException("not the protocol: " + line);
    }
    byte[] body = in.readNBytes(Integer.parseInt(words[2]));
    Map<String, String> variables = new TreeMap<>();
    int at = 0;
    while (body[at] != 0) {
      int end = at;
      while (body[end] != 0) {
        end++;
      }
      String[] entry = new String(body, at, end - at, StandardCharsets.UTF_8).split("=", 2);
      variables.put(entry[0], entry[1]);
      at = end + 1;
    }
    return new Request(variables, Arrays.copyOfRange(body, at + 1, body.length));
  }

  @Override
  public void close() throws IOException {
    server.close();
    synchronized (connections) {
      for (SocketChannel connection : connections) {
        connection.close();
      }
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Files.deleteIfExists(socket);
  }
}

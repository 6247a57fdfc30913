package io.sluice.benchmarks;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The servers of one side, on blocking sockets inside its namespace. One port for each service. */
final class LoadServer implements AutoCloseable {
  /** Gives back what comes, until the end. */
  static final int ECHO_PORT = 7_001;

  /** One byte each way, then waits for the end; served by the accepting threads themselves. */
  static final int ONE_BYTE_PORT = 7_002;

  /**
   * Reads to the end and answers each chunk with one byte: not every proxy passes an end on while
   * the other direction is open.
   */
  static final int SINK_PORT = 7_003;

  /** Reads numbers (8 bytes, big-endian) until the end and sends as many bytes for each. */
  static final int SOURCE_PORT = 7_004;

  /** One byte each way, then keeps the connection. */
  static final int HOLD_PORT = 7_005;

  /** The same as {@link #SINK_PORT}, by threads that run where the scheduler likes. */
  static final int MANY_SINKS_PORT = 7_007;

  /** HTTP/1.1: {@link #ITEM} and the other targets. */
  static final int HTTP_PORT = 7_006;

  /** The same, where a mesh is told that it is bytes. */
  static final int HTTP_AS_BYTES_PORT = 7_106;

  /** Answered with a few bytes. */
  static final String ITEM = "/load/items/17";

  /** A GET is answered with a chunk, and a PUT may have one. */
  static final String CHUNK = "/load/chunk";

  /** Known to the server, but no policy grants it where requests are decided. */
  static final String FORBIDDEN_ITEM = "/secret/items/17";

  /** Bytes of an item. */
  static final long ITEM_BYTES = 256;

  /** Echoes too, but no policy allows it. */
  static final int FORBIDDEN_PORT = 7_009;

  /** Bytes of one chunk, of which streams carry whole ones only. */
  static final long CHUNK_BYTES = 16L << 20;

  /** Bytes of one bulk read or write. */
  static final int BULK_BYTES = 64 * 1_024;

  private static final int BACKLOG = 4_096;
  private static final int ONE_BYTE_THREADS = 4;
  private static final int MESSAGE_BYTES = 4_096;

  private static final String ANSWER =
      """
      HTTP/1.1 %s
      Date: Sun, 22 Nov 2026 15:00:00 GMT
      Content-Type: application/json; charset=utf-8
      Content-Length: %d
      Cache-Control: private, max-age=0
      Vary: Accept-Encoding
      X-Request-Id: 0d9f6c0e-52f4-4a55-9a4a-3f8f2f6d1c77
      X-Content-Type-Options: nosniff

      """
          .replace("\n", "\r\n");

  private interface Service {
    void serve(SocketChannel connection) throws IOException;
  }

  private final List<ServerSocketChannel> listeners = new ArrayList<>();
  private final ConcurrentLinkedQueue<SocketChannel> kept = new ConcurrentLinkedQueue<>();
  private final ExecutorService threads =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("load-server-", 0).factory());

  private LoadServer() {}

  static LoadServer start(LoadPath path) throws Exception {
    LoadServer server = new LoadServer();
    try {
      LoadPath.inside(
          path.server(),
          () -> {
            for (int port :
                new int[] {
                  ECHO_PORT,
                  ONE_BYTE_PORT,
                  SINK_PORT,
                  SOURCE_PORT,
                  MANY_SINKS_PORT,
                  HOLD_PORT,
                  HTTP_PORT,
                  HTTP_AS_BYTES_PORT,
                  FORBIDDEN_PORT
                }) {
              server.listen(path.serverAddress(), port);
            }
            return null;
          });
      // Only now: a thread would inherit the namespace of the one that starts it.
      server.listeners.forEach(server::serve);
      return server;
    } catch (Exception e) {
      server.close();
      throw e;
    }
  }

  private void listen(String address, int port) throws IOException {
    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.INET);
    listeners.add(listener);
    listener.bind(new InetSocketAddress(address, port), BACKLOG);
  }

  private void serve(ServerSocketChannel listener) {
    int port = listener.socket().getLocalPort();
    switch (port) {
      case ONE_BYTE_PORT -> {
        for (int i = 0; i < ONE_BYTE_THREADS; i++) {
          threads.execute(() -> accept(listener, Runnable::run, this::oneByte));
        }
      }
      case HOLD_PORT -> threads.execute(() -> accept(listener, Runnable::run, this::hold));
      case SINK_PORT -> threads.execute(() -> accept(listener, threads::execute, kept(this::sink)));
      case SOURCE_PORT ->
          threads.execute(() -> accept(listener, threads::execute, kept(this::source)));
      case MANY_SINKS_PORT -> threads.execute(() -> accept(listener, threads::execute, this::sink));
      case HTTP_PORT, HTTP_AS_BYTES_PORT ->
          threads.execute(() -> accept(listener, threads::execute, LoadServer::http));
      default -> threads.execute(() -> accept(listener, threads::execute, this::echo));
    }
  }

  /** The same on the servers' half of the processors. */
  private static Service kept(Service service) {
    return connection -> {
      try (Half.Kept _ = Half.OF_SERVERS.keep()) {
        service.serve(connection);
      }
    };
  }

  private interface Runner {
    void run(Runnable body);
  }

  private static void accept(ServerSocketChannel listener, Runner runner, Service service) {
    while (listener.isOpen()) {
      try {
        SocketChannel connection = listener.accept();
        connection.setOption(StandardSocketOptions.TCP_NODELAY, true);
        runner.run(() -> serve(connection, service));
      } catch (IOException e) {
        // A connection that was reset before it was accepted, or the end of this server.
        continue;
      }
    }
  }

  private static void serve(SocketChannel connection, Service service) {
    try {
      service.serve(connection);
    } catch (IOException e) {
      close(connection); // the client gave up; it is the one that counts
    }
  }

  private void oneByte(SocketChannel connection) throws IOException {
    ByteBuffer one = ByteBuffer.allocateDirect(1);
    try (connection) {
      connection.read(one);
      connection.write(one.flip());
      connection.read(one.clear());
    }
  }

  private void hold(SocketChannel connection) throws IOException {
    ByteBuffer one = ByteBuffer.allocate(1);
    kept.add(connection);
    connection.read(one);
    connection.write(one.flip());
  }

  private void echo(SocketChannel connection) throws IOException {
    ByteBuffer message = ByteBuffer.allocateDirect(MESSAGE_BYTES);
    try (connection) {
      while (connection.read(message.clear()) >= 0) {
        message.flip();
        while (message.hasRemaining()) {
          connection.write(message);
        }
      }
    }
  }

  private void sink(SocketChannel connection) throws IOException {
    ByteBuffer bulk = ByteBuffer.allocateDirect(BULK_BYTES);
    try (connection) {
      long unanswered = 0;
      for (int read = 0; read >= 0; read = connection.read(bulk.clear())) {
        unanswered += read;
        if (unanswered >= CHUNK_BYTES) {
          unanswered -= CHUNK_BYTES;
          connection.write(ByteBuffer.wrap(new byte[1]));
        }
      }
    }
  }

  private void source(SocketChannel connection) throws IOException {
    ByteBuffer bulk = ByteBuffer.allocateDirect(BULK_BYTES);
    ByteBuffer number = ByteBuffer.allocateDirect(Long.BYTES);
    try (connection) {
      while (connection.read(number) >= 0) {
        if (!number.hasRemaining()) { // it may come in pieces
          for (long left = number.flip().getLong(); left > 0; ) {
            bulk.clear().limit((int) Math.min(BULK_BYTES, left));
            left -= connection.write(bulk);
          }
          number.clear();
        }
      }
    }
  }

  /** Answers until the client ends: a proxy may use a connection again, whoever asked before. */
  static void http(SocketChannel connection) throws IOException {
    HttpEnd end = new HttpEnd();
    ByteBuffer item = answerHead("200 OK", ITEM_BYTES);
    for (HttpEnd.Head asked = end.readHead(connection);
        asked != null;
        asked = end.readHead(connection)) {
      end.skip(connection, asked.length());
      switch (asked.second()) {
        case ITEM, FORBIDDEN_ITEM -> end.write(connection, item, ITEM_BYTES);
        case CHUNK -> {
          long length = asked.start().startsWith("GET ") ? CHUNK_BYTES : ITEM_BYTES;
          end.write(connection, answerHead("200 OK", length), length);
        }
        default -> end.write(connection, answerHead("404 Not Found", 0), 0);
      }
    }
    connection.close();
  }

  private static ByteBuffer answerHead(String status, long length) {
    return ByteBuffer.wrap(ANSWER.formatted(status, length).getBytes(StandardCharsets.US_ASCII));
  }

  /** Closes the connections that {@link #HOLD_PORT} keeps. */
  void letGo() {
    for (SocketChannel one = kept.poll(); one != null; one = kept.poll()) {
      close(one);
    }
  }

  private static void close(AutoCloseable part) {
    try {
      part.close();
    } catch (Exception e) {
      // Nothing is measured any more, and there is nothing else to try.
      return;
    }
  }

  @Override
  public void close() {
    listeners.forEach(LoadServer::close);
    letGo();
    threads.shutdownNow();
  }
}

package io.sluice.node.export;

import io.sluice.mesh.NamedServer;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A collector that does with each connection what a test says; of those it counts. */
final class ScriptedCollector implements AutoCloseable {
  static final String TAKEN = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

  /** A request by HTTP/1.1. */
  record Asked(int connection, long nanos, int octets) {}

  /** What becomes of one connection, whose end is that of the call. */
  interface Script {
    void run(ScriptedCollector collector, int connection, Socket socket) throws IOException;
  }

  /** What is done for each request before its body is read. */
  interface Answers {
    void answer(ScriptedCollector collector, Socket socket, Asked asked) throws IOException;
  }

  final List<Asked> asked = new CopyOnWriteArrayList<>();
  final AtomicInteger connections = new AtomicInteger();
  final AtomicInteger ended = new AtomicInteger(); // connections that are no more
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private final ServerSocket socket;
  private final Script script;

  ScriptedCollector(Script script) throws IOException {
    this(script, new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
  }

  /** At {@code socket}, which it closes. */
  ScriptedCollector(Script script, ServerSocket socket) {
    this.script = script;
    this.socket = socket;
    Thread.ofVirtual().start(this::serve);
  }

  /** One of HTTP/1.1 whose connections last as long as requests come. */
  static ScriptedCollector http(Answers answers) throws IOException {
    return new ScriptedCollector((collector, connection, socket) -> {
      while (true) {
        Asked asked = collector.read(connection, socket.getInputStream());
        answers.answer(collector, socket, asked);
      }
    });
  }

  /** One that reads each request, and answers it so. */
  static ScriptedCollector answering(Answers answers) throws IOException {
    return new ScriptedCollector(reading(answers));
  }

  /** What such a one does. */
  static Script reading(Answers answers) {
    return (collector, connection, socket) -> {
      InputStream in = new BufferedInputStream(socket.getInputStream());
      while (true) {
        Asked asked = collector.read(connection, in);
        in.skipNBytes(asked.octets());
        answers.answer(collector, socket, asked);
      }
    };
  }

  static void say(Socket socket, String text) throws IOException {
    OutputStream out = socket.getOutputStream();
    out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    out.flush();
  }

  /** The head of the next request, whose body comes next. */
  Asked read(int connection, InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int octet = in.read();
      if (octet < 0) {
        throw new EOFException();
      }
      head.append((char) octet);
    }
    String length = head.toString().toLowerCase(Locale.ROOT).split("content-length: ", 2)[1];
    Asked one =
        new Asked(
            connection,
            System.nanoTime(),
            Integer.parseInt(length.substring(0, length.indexOf('\r'))));
    asked.add(one);
    return one;
  }

  InetSocketAddress address() {
    return new InetSocketAddress(socket.getInetAddress(), socket.getLocalPort());
  }

  /** What each of those it is given makes of a request. */
  To target(int octetsEach) {
    return new To(address(), new NamedServer("collector", address().getPort()), octetsEach);
  }

  private void serve() {
    try {
      while (true) {
        Socket client = socket.accept();
        sockets.add(client);
        int connection = connections.incrementAndGet();
        Thread.ofVirtual().start(() -> run(connection, client));
      }
    } catch (IOException e) {
      // Closed.
    }
  }

  private void run(int connection, Socket client) {
    try (client) {
      script.run(this, connection, client);
    } catch (IOException e) {
      // It is left.
    } finally {
      ended.incrementAndGet();
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
    for (Socket each : sockets) {
      each.close();
    }
  }

  /** So many lines of an octet each. */
  static void add(Exporter exporter, int count) {
    for (int i = 0; i < count; i++) {
      exporter.add(new byte[1], 1, "cart.shop");
    }
  }

  /** Is sent as many octets as what it is given has. */
  record To(InetSocketAddress address, NamedServer server, int octetsEach)
      implements Exporter.Target {
    @Override
    public boolean takesGzip() {
      return false;
    }

    @Override
    public List<InetSocketAddress> addresses() {
      return List.of(address);
    }

    @Override
    public Duration connectTimeout() {
      return Duration.ofSeconds(20);
    }

    @Override
    public Delivery.Call call(Batch batch) {
      byte[] body = new byte[batch.count() * octetsEach];
      return new Delivery.Call.Http("/v1/logs", Otlp.CONTENT_TYPE, body);
    }
  }
}

package io.sluice.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/** Upgraded connections, in each cell some, to a server that echoes after the upgrade. */
final class WebSockets {
  private static final int FIRST_PORT = 2_600;
  private static final int CELLS = 4;
  private static final String END = "\r\n\r\n";
  private static final String UPGRADED =
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade" + END;

  private record Open(TcpServer server, List<Talk> talks) {}

  private final String account;
  private final String pod;
  private final Map<Cell, Open> open = new ConcurrentHashMap<>();

  WebSockets(String account, String pod) {
    this.account = account;
    this.pod = pod;
  }

  /** Ports of a Service, one for each cell. */
  String ports() {
    return String.join(
        ", ",
        IntStream.range(FIRST_PORT, FIRST_PORT + CELLS)
            .mapToObj(port -> ScenarioManifests.port(port, port, "kubernetes.io/ws"))
            .toList());
  }

  void open(Cell cell) {
    open(cell, 1);
  }

  /** So many. */
  void open(Cell cell, int count) {
    int port = FIRST_PORT + cell.number();
    TcpServer server =
        TcpServer.open(cell.site().pod(pod), cell.at(pod, port), WebSockets::upgradeAndEcho);
    List<Talk> talks = new ArrayList<>();
    open.put(cell, new Open(server, talks));
    for (int i = 0; i < count; i++) {
      Talk talk = Talk.begin(cell.client(account), cell.at("bookstore", port));
      talks.add(talk);
      upgrade(talk);
    }
  }

  private static void upgrade(Talk talk) {
    talk.send(
        "GET /socket HTTP/1.1\r\nhost: bookstore\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            + "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="
            + END);
    StringBuilder head = new StringBuilder();
    while (head.indexOf(END) < 0) {
      String next = talk.receive(1);
      assertThat(next).as("after '%s'", head).isNotEmpty();
      head.append(next);
    }
    assertThat(head.toString()).startsWith("HTTP/1.1 101 ").containsIgnoringCase("websocket");
    assertThat(talk.exchange("first")).isEqualTo("first");
  }

  private static void upgradeAndEcho(SocketChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(4_096);
    StringBuilder head = new StringBuilder();
    while (head.indexOf(END) < 0 && channel.read(buffer) >= 0) {
      head.append(StandardCharsets.US_ASCII.decode(buffer.flip()));
      buffer.clear();
    }
    channel.write(ByteBuffer.wrap(UPGRADED.getBytes(StandardCharsets.US_ASCII)));
    while (channel.read(buffer) >= 0) {
      channel.write(buffer.flip());
      buffer.clear();
    }
  }

  /** Each carries a word there and back. */
  void exchange(Cell cell) {
    assertThat(of(cell).talks())
        .allSatisfy(talk -> assertThat(talk.exchange("hello")).isEqualTo("hello"));
  }

  void awaitCut(Cell cell) {
    try (TcpServer _ = of(cell).server()) {
      of(cell).talks().forEach(talk -> assertThat(talk.end()).isEqualTo(Attempt.End.RESET));
      of(cell).talks().forEach(Talk::close);
    }
  }

  /** By the client. */
  void close(Cell cell) {
    try (TcpServer _ = of(cell).server()) {
      of(cell).talks().forEach(Talk::close);
      open.remove(cell);
    }
  }

  private Open of(Cell cell) {
    Open found = open.get(cell);
    if (found == null) {
      throw new AssertionError("no socket is open " + cell);
    }
    return found;
  }
}

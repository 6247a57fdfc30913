package io.sluice.proxy.accept;

import static io.sluice.proxy.accept.HttpFixture.converse;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.Access;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.Egress;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.HostNames;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.RequestRecord.End;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a pod sends out of a mesh whose egress is disabled, by an Egress or without. */
@Timeout(60)
class EgressTest {
  private static final NamespacedName EGRESS = new NamespacedName("shop", "out");
  private static final String BOOKS = "GET /books HTTP/1.1\r\nHost: books.example\r\n\r\n";
  private static final HostNames FOUND =
      new HostNames(Map.of("books.example", Set.of(Peers.V4), "far.example", Set.of(Peers.V6)));

  private final Peers.Server outside =
      new Peers.Server(
          Peers.V4, socket -> HttpFixture.answerEach(socket, new HttpFixture.Received()));
  private final Peers.Server echo = Peers.echo(Peers.V4);
  private final ProxyFixture fixture = new ProxyFixture();
  private InetSocketAddress entry = new InetSocketAddress(0);
  private int revision = 8;

  @BeforeEach
  void serve() {
    entry = fixture.outboundTo(outside.address());
  }

  @AfterEach
  void close() {
    fixture.close();
    outside.close();
    echo.close();
  }

  @Test
  void bytesGetOutByRangeAndEndWithIt() throws IOException {
    publish(HostNames.NONE, egress(ProxyFixture.BUYER, Set.of(), List.of(Peers.V4), false));
    try (Socket socket = Peers.connect(entry)) {
      assertThat(converse(socket, BOOKS)).startsWith("HTTP/1.1 200");

      publish(HostNames.NONE);

      assertThat(HttpFixture.read(socket, "")).isEqualTo("[reset]");
    }
  }

  @Test
  void noOtherAccountOrRangeDoes() throws IOException {
    for (Egress other :
        List.of(
            egress(ProxyFixture.STORE, Set.of(), List.of(Peers.V4), false),
            egress(ProxyFixture.BUYER, Set.of(), List.of(Peers.V6), false),
            egress(ProxyFixture.BUYER, Set.of("far.example"), List.of(), true))) {
      publish(FOUND, other);

      assertThat(ask(BOOKS)).isEqualTo("[reset]");
      assertThat(fixture.recorder.onlyRefused().verdict().reason())
          .isEqualTo(Reason.EGRESS_DISABLED);
      fixture.recorder.refused.clear();
    }
  }

  @Test
  void requestsGetOutByTheNameThatLeadsThere() throws IOException {
    publish(
        FOUND, egress(ProxyFixture.BUYER, Set.of("books.example", "far.example"), List.of(), true));

    assertThat(ask(BOOKS)).startsWith("HTTP/1.1 200");
    assertThat(ask(BOOKS.replace("Host: b", "Host: B").replace("example", "example:80")))
        .startsWith("HTTP/1.1 200");
    assertThat(ask(BOOKS.replace("/books ", "/other "))).startsWith("HTTP/1.1 403");
    assertThat(ask(BOOKS.replace("books.example", "other.example"))).startsWith("HTTP/1.1 403");
    assertThat(ask(BOOKS.replace("books.example", "far.example"))).startsWith("HTTP/1.1 403");
  }

  @ParameterizedTest
  @CsvSource({
    "books.example, true, true",
    "BOOKS.example, true, true",
    "far.example, true, false", // which is elsewhere
    "other.example, true, false",
    "books.example, false, false", // which nobody has found
    "'', true, false",
  })
  void tlsGetsOutByTheNameInItsFirstMessage(String host, boolean known, boolean out)
      throws IOException {
    publish(known ? FOUND : HostNames.NONE, byName(echo));
    byte[] hello = hello(host);

    assertThat(ask(hello).equals(new String(hello, ISO_8859_1))).isEqualTo(out);
  }

  @Test
  void theFirstMessageMayComeInPieces() throws IOException {
    publish(FOUND, byName(echo));
    byte[] hello = hello("books.example");
    fixture.sockets.redirect(ProxyFixture.BUYER, Direction.OUTBOUND, echo.address());
    try (Socket socket = Peers.connect(entry)) {
      socket.setTcpNoDelay(true);
      for (byte octet : hello) {
        socket.getOutputStream().write(octet);
      }
      assertThat(socket.getInputStream().readNBytes(hello.length)).isEqualTo(hello);
      socket.getOutputStream().write('a');
      assertThat(socket.getInputStream().read()).isEqualTo('a');
    }
  }

  /** The port comes to carry requests while the client is waited for to name its host. */
  @ParameterizedTest
  @ValueSource(strings = {"TLS", "REQUEST", "END"})
  void nothingOfWhatWasReadEarlyIsLost(String first) throws IOException {
    publish(FOUND, byName(outside));
    try (Socket socket = Peers.connect(entry)) {
      Await.until("it is there", () -> fixture.proxy.stats().live() == 1);
      byte[] hello = hello("books.example");
      int begun = first.equals("TLS") ? hello.length / 2 : 0;
      socket.getOutputStream().write(hello, 0, begun);

      publish(FOUND, egress(ProxyFixture.BUYER, Set.of("books.example"), List.of(), true));
      switch (first) {
        case "TLS" -> {
          String rest = new String(hello, begun, hello.length - begun, ISO_8859_1);
          assertThat(converse(socket, rest)).isEqualTo("[reset]");
          assertThat(fixture.recorder.onlyRefused().closeReason())
              .isEqualTo(Reason.PROTOCOL_MISMATCH);
        }
        case "REQUEST" -> assertThat(converse(socket, BOOKS)).startsWith("HTTP/1.1 200");
        default -> {
          socket.shutdownOutput();
          assertThat(HttpFixture.read(socket, "")).isEmpty();
        }
      }
    }
  }

  @Test
  void whatIsNoTlsNamesNobody() throws IOException {
    publish(FOUND, byName(echo));

    assertThat(ask(BOOKS.getBytes(ISO_8859_1))).isEqualTo("[reset]");
  }

  @Test
  void aNameThatNobodyFoundOpensNoAddress() throws IOException {
    publish(HostNames.NONE, egress(ProxyFixture.BUYER, Set.of("books.example"), List.of(), true));

    assertThat(ask(BOOKS)).isEqualTo("[reset]");
  }

  @Test
  void anAddressThatANameNoLongerHasEndsNothingThatIsOpen() throws IOException {
    Egress egress = egress(ProxyFixture.BUYER, Set.of("books.example"), List.of(), true);
    publish(FOUND, egress);
    try (Socket socket = Peers.connect(entry)) {
      assertThat(converse(socket, BOOKS)).startsWith("HTTP/1.1 200");

      publish(HostNames.NONE, egress);

      assertThat(ask(BOOKS)).isEqualTo("[reset]");
      assertThat(converse(socket, BOOKS)).as("a request is decided anew").isEqualTo("[reset]");
    }
  }

  @Test
  void nothingIsSentToAnIsolatedRangeAndWhatIsOpenEnds() throws IOException {
    Egress egress = egress(ProxyFixture.BUYER, Set.of(), List.of(Peers.V4), false);
    publish(HostNames.NONE, egress);
    try (Socket socket = Peers.connect(entry)) {
      assertThat(converse(socket, BOOKS)).startsWith("HTTP/1.1 200");
      int before = outside.accepted.get();

      publish(HostNames.NONE, List.of(Cidr.of(Peers.V4)), egress);

      assertThat(HttpFixture.read(socket, "")).isEqualTo("[reset]");
      assertThat(ask(BOOKS)).isEqualTo("[reset]");
      assertThat(outside.accepted).hasValue(before);
    }
    assertThat(fixture.recorder.onlyRefused().verdict())
        .isEqualTo(Verdict.of(Outcome.REFUSED, Reason.ISOLATED));
  }

  /** As of a service: bytes end before one is sent, and a request that may not wait is told. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void asManyConnectionsGetOutAsItsSettingAllows(boolean http) throws IOException {
    Egress free = egress(ProxyFixture.BUYER, Set.of(), List.of(Peers.V4), http);
    NamespacedName host = new NamespacedName("shop", "books.example");
    publish(FOUND, limited(free, host), connections(host, 1));
    try (Socket first = Peers.connect(entry)) {
      assertThat(converse(first, BOOKS)).startsWith("HTTP/1.1 200");

      assertThat(ask(BOOKS)).startsWith(http ? "HTTP/1.1 503" : "[reset]");
      assertThat(outside.accepted).hasValue(1);
      assertThat(converse(first, BOOKS)).startsWith("HTTP/1.1 200");
    }
    if (http) {
      Await.until(
          "it is told of",
          () ->
              fixture.recorder.requests.stream()
                  .filter(one -> one.end() == End.OVERFLOW)
                  .anyMatch(one ->
                      one.end().flag().equals("UO")
                          && one.verdict().reason() == Reason.UPSTREAM_OVERFLOW));
    } else {
      assertThat(fixture.recorder.onlyRefused().closeReason()).isEqualTo(Reason.UPSTREAM_OVERFLOW);
    }
    Await.until("the place is free", () -> ask(BOOKS).startsWith("HTTP/1.1 200"));

    publish(FOUND, free);
    try (Socket one = Peers.connect(entry);
        Socket other = Peers.connect(entry)) {
      assertThat(converse(one, BOOKS)).startsWith("HTTP/1.1 200");
      assertThat(converse(other, BOOKS)).startsWith("HTTP/1.1 200");
    }
  }

  /** Who may write a Service and what is said of it has no say in that. */
  @Test
  void aServiceThatLeadsOutsideHasNoMoreConnections() throws IOException {
    Egress free = egress(ProxyFixture.BUYER, Set.of(), List.of(Peers.V4), false);
    NamespacedName host = new NamespacedName("shop", "books.example");
    NamespacedName service = new NamespacedName("shop", "detour");
    InetAddress virtual = InetAddress.ofLiteral("10.96.0.77");
    int port = outside.address().getPort();
    publish(
        FOUND,
        limited(free, host),
        connections(host, 1),
        connections(service, 100),
        new Service(
            service,
            List.of(virtual),
            List.of(
                new ServicePort(
                    "tcp",
                    port,
                    AppProtocol.TCP,
                    List.of(new Endpoint(outside.address(), true))))));
    fixture.sockets.redirect(
        ProxyFixture.BUYER, Direction.OUTBOUND, new InetSocketAddress(virtual, port));

    try (Socket first = Peers.connect(entry)) {
      assertThat(converse(first, BOOKS)).startsWith("HTTP/1.1 200");

      assertThat(ask(BOOKS)).isEqualTo("[reset]");
      assertThat(outside.accepted).hasValue(1);
    }
    Await.until("the place is free", () -> ask(BOOKS).startsWith("HTTP/1.1 200"));
  }

  private static Egress limited(Egress free, NamespacedName setting) {
    return new Egress(
        free.name(),
        free.sources(),
        free.hosts(),
        free.ranges(),
        free.ports(),
        free.routes(),
        setting);
  }

  private static UpstreamSetting connections(NamespacedName of, int most) {
    int all = UpstreamSetting.UNLIMITED;
    return new UpstreamSetting(
        of,
        new NamespacedName("shop", "limits-of-" + of.name()),
        new Pool(most, Duration.ofSeconds(5), all, all, 0, all),
        null,
        Limits.NONE);
  }

  /** Others, let out by an Egress that goes and spread over all loops, tell when all are judged. */
  @Test
  void whatANameHasLetOutLastsAsLongAsTheNameIsGranted() throws IOException {
    byte[] hello = hello("books.example");
    Egress asked = egress(ProxyFixture.BUYER, Set.of("books.example"), List.of(), true);
    Egress named = byName(echo);
    List<Socket> others = new ArrayList<>();
    publish(FOUND, asked);
    try (Peers.Server third = Peers.echo(Peers.V4);
        Socket asking = Peers.connect(entry)) {
      assertThat(converse(asking, BOOKS)).startsWith("HTTP/1.1 200");
      publish(FOUND, asked, named, byRange(third.address()));
      fixture.sockets.redirect(ProxyFixture.BUYER, Direction.OUTBOUND, third.address());
      // So many that each loop has one.
      for (int i = 0; i < Acceptor.MOST_AHEAD + 2 * ProxySettings.DEFAULTS.eventLoops(); i++) {
        others.add(Peers.connect(entry));
        assertThat(echoes(others.getLast(), "a".getBytes(ISO_8859_1))).isTrue();
      }
      fixture.sockets.redirect(ProxyFixture.BUYER, Direction.OUTBOUND, echo.address());
      try (Socket socket = Peers.connect(entry)) {
        assertThat(echoes(socket, hello)).isTrue();

        publish(HostNames.NONE, asked, named);
        for (Socket other : others) {
          assertThat(HttpFixture.read(other, "")).isEqualTo("[reset]");
        }
        assertThat(echoes(socket, hello)).isTrue();
        publish(FOUND, asked, named);
        assertThat(converse(asking, BOOKS)).startsWith("HTTP/1.1 200");

        publish(FOUND, asked, byName(echo, "far.example"));
        assertThat(HttpFixture.read(socket, "")).isEqualTo("[reset]");
      }
    } finally {
      for (Socket other : others) {
        other.close();
      }
    }
  }

  private static boolean echoes(Socket socket, byte[] octets) throws IOException {
    socket.getOutputStream().write(octets);
    return Arrays.equals(socket.getInputStream().readNBytes(octets.length), octets);
  }

  /** The name never led there: nothing of it is left once the range has gone. */
  @Test
  void whatARangeHasLetOutEndsWithIt() throws IOException {
    byte[] hello = hello("books.example");
    Egress named = byName(echo, "books.example");
    publish(
        HostNames.NONE,
        new Egress(
            named.name(),
            named.sources(),
            named.hosts(),
            List.of(Cidr.of(echo.address().getAddress())),
            named.ports(),
            named.routes(),
            null));
    fixture.sockets.redirect(ProxyFixture.BUYER, Direction.OUTBOUND, echo.address());
    try (Socket socket = Peers.connect(entry)) {
      assertThat(echoes(socket, hello)).isTrue();

      publish(HostNames.NONE, named);
      assertThat(HttpFixture.read(socket, "")).isEqualTo("[reset]");
    }
  }

  private static Egress byRange(InetSocketAddress address) {
    return new Egress(
        new NamespacedName("shop", "by-range"),
        Set.of(ProxyFixture.BUYER),
        Set.of(),
        List.of(Cidr.of(address.getAddress())),
        List.of(new Egress.Port(address.getPort(), Egress.Carried.BYTES)),
        new Access.Requests(List.of()),
        null);
  }

  private static Egress byName(Peers.Server called) {
    return byName(called, "books.example", "far.example");
  }

  private static Egress byName(Peers.Server called, String... hosts) {
    return new Egress(
        new NamespacedName("shop", "by-name"),
        Set.of(ProxyFixture.BUYER),
        Set.of(hosts),
        List.of(),
        List.of(new Egress.Port(called.address().getPort(), Egress.Carried.TLS)),
        new Access.Requests(List.of()),
        null);
  }

  /** What comes back of the octets from a server that sends everything back. */
  private String ask(byte[] octets) throws IOException {
    fixture.sockets.redirect(ProxyFixture.BUYER, Direction.OUTBOUND, echo.address());
    try (Socket socket = Peers.connect(entry)) {
      socket.getOutputStream().write(octets);
      return new String(socket.getInputStream().readNBytes(octets.length), ISO_8859_1);
    } catch (SocketException e) {
      return "[reset]";
    }
  }

  private Egress egress(
      NamespacedName account, Set<String> hosts, List<InetAddress> ranges, boolean http) {
    return new Egress(
        EGRESS,
        Set.of(account),
        hosts,
        ranges.stream().map(Cidr::of).toList(),
        List.of(
            new Egress.Port(
                outside.address().getPort(),
                http ? Egress.Carried.REQUESTS : Egress.Carried.BYTES)),
        new Access.Requests(List.of(HttpFixture.match("/books"))),
        null);
  }

  private void publish(HostNames names, MeshObject... objects) {
    publish(names, List.of(), objects);
  }

  private void publish(HostNames names, List<Cidr> isolated, MeshObject... objects) {
    var mesh = ProxyFixture.snapshot(false, false, List.of(), List.of(), List.of());
    SnapshotEditor editor = mesh.edit();
    editor.put(mesh.settings().isolating(isolated).onNodeWith(List.of(), names));
    List.of(objects).forEach(editor::put);
    revision++;
    fixture.publish(editor.snapshot(revision));
  }

  private String ask(String octets) throws IOException {
    try (Socket socket = Peers.connect(entry)) {
      return converse(socket, octets);
    } catch (SocketException e) {
      return "[reset]";
    }
  }

  /** What a real client of TLS says first; it names nobody where {@code host} is empty. */
  private static byte[] hello(String host) {
    try {
      SSLEngine engine = SSLContext.getDefault().createSSLEngine();
      engine.setUseClientMode(true);
      if (!host.isEmpty()) {
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setServerNames(List.of(new SNIHostName(host)));
        engine.setSSLParameters(parameters);
      }
      ByteBuffer octets = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
      engine.wrap(ByteBuffer.allocate(0), octets);
      return Arrays.copyOf(octets.array(), octets.position());
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException(e);
    }
  }
}

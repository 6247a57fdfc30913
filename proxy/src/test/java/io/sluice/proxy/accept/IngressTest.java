package io.sluice.proxy.accept;

import static io.sluice.proxy.accept.HttpFixture.converse;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Access;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.Peers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What arrives at a pod from outside the mesh, from addresses that an IngressBackend or an
 * AccessControl has or not.
 */
@Timeout(60)
class IngressTest {
  private static final NamespacedName INGRESS = new NamespacedName("shop", "in");
  private static final InetAddress GATEWAY = InetAddress.ofLiteral("127.0.0.2");
  private static final InetAddress STRANGER = InetAddress.ofLiteral("127.0.0.3");
  private static final String BOOKS = "GET /books HTTP/1.1\r\nHost: store\r\n\r\n";

  private final Peers.Server application =
      new Peers.Server(
          Peers.V4, socket -> HttpFixture.answerEach(socket, new HttpFixture.Received()));
  private final ProxyFixture fixture = new ProxyFixture();
  private InetSocketAddress entry = new InetSocketAddress(0);

  @BeforeEach
  void serve() {
    fixture.sockets.redirect(ProxyFixture.STORE, Direction.INBOUND, application.address());
    entry = fixture.serve(ProxyFixture.STORE, Direction.INBOUND, Peers.V4);
  }

  @AfterEach
  void close() {
    fixture.close();
    application.close();
  }

  @Test
  void itsSourcesSendTheRequestsThatMatch() throws IOException {
    publish(false, true);

    assertThat(ask(GATEWAY, BOOKS)).startsWith("HTTP/1.1 200");
    assertThat(ask(GATEWAY, BOOKS.replace("/books", "/other"))).startsWith("HTTP/1.1 403");
  }

  @Test
  void nobodyElseGetsIn() throws IOException {
    publish(false, true);

    assertThat(ask(STRANGER, BOOKS)).isEqualTo("[reset]");
    assertThat(fixture.recorder.onlyRefused().verdict().reason()).isEqualTo(Reason.INGRESS_REFUSED);
    assertThat(fixture.recorder.onlyRefused().verdict().rule()).contains(INGRESS);
  }

  @Test
  void thatHoldsInPermissiveModeToo() throws IOException {
    publish(true, false);
    assertThat(ask(STRANGER, BOOKS)).startsWith("HTTP/1.1 200");

    publish(true, true);

    assertThat(ask(STRANGER, BOOKS)).isEqualTo("[reset]");
    assertThat(ask(GATEWAY, BOOKS)).startsWith("HTTP/1.1 200");
  }

  @Test
  void whatIsOpenEndsWithIt() throws IOException {
    publish(false, true);
    try (Socket socket = open(GATEWAY)) {
      assertThat(converse(socket, BOOKS)).startsWith("HTTP/1.1 200");

      publish(false, false);

      assertThat(HttpFixture.read(socket, "")).isEqualTo("[reset]");
    }
    assertThat(ask(GATEWAY, BOOKS)).isEqualTo("[reset]");
  }

  @Test
  void byTcpOfAnAccessControlWhateverIsSentGetsIn() throws IOException {
    try (Peers.Server lines = lines(true, Ingress.Origin.ACCESS_CONTROL)) {
      assertThat(ask(GATEWAY, "no HTTP\r\n\r\n")).startsWith("got no HTTP");
      assertThat(ask(STRANGER, "no HTTP\r\n\r\n")).isEqualTo("[reset]");
    }
    assertThat(fixture.recorder.onlyRefused().verdict().reason()).isEqualTo(Reason.INGRESS_REFUSED);
  }

  @Test
  void whereOneOfTwoLetsInWhateverIsSentNothingIsCarriedAsRequests() throws IOException {
    try (Peers.Server lines = lines(false, Ingress.Origin.values())) {
      assertThat(ask(GATEWAY, "no HTTP\r\n\r\n")).startsWith("got no HTTP");
    }
  }

  /** An application that speaks no HTTP, and who lets others in to it: an AccessControl by tcp. */
  private Peers.Server lines(boolean permissive, Ingress.Origin... origins) {
    Peers.Server lines = new Peers.Server(Peers.V4, IngressTest::answerLine);
    fixture.sockets.redirect(ProxyFixture.STORE, Direction.INBOUND, lines.address());
    publish(9, permissive, lines.address(), origins);
    return lines;
  }

  private static void answerLine(Socket socket) throws IOException {
    String heard = HttpFixture.read(socket, "\r\n\r\n");
    socket.getOutputStream().write(("got " + heard).getBytes(ISO_8859_1));
  }

  private void publish(boolean permissive, boolean hasIngress) {
    Ingress.Origin[] origins =
        hasIngress ? new Ingress.Origin[] {Ingress.Origin.INGRESS_BACKEND} : new Ingress.Origin[0];
    publish(hasIngress ? 9 : 8, permissive, application.address(), origins);
  }

  private void publish(
      long revision, boolean permissive, InetSocketAddress endpoint, Ingress.Origin... origins) {
    SnapshotEditor editor =
        ProxyFixture.snapshot(
                permissive,
                false,
                List.of(Peers.V4),
                List.of(),
                List.of(new Endpoint(endpoint, true)))
            .edit();
    for (Ingress.Origin origin : origins) {
      editor.put(ingress(origin, new Ingress.Backend(ProxyFixture.STORE, endpoint.getPort())));
    }
    fixture.publish(editor.snapshot(revision));
  }

  private static Ingress ingress(Ingress.Origin origin, Ingress.Backend backend) {
    return new Ingress(
        INGRESS,
        origin,
        Set.of(backend),
        origin == Ingress.Origin.ACCESS_CONTROL ? Set.of(backend) : Set.of(),
        List.of(Cidr.of(GATEWAY)),
        new Access.Requests(List.of(HttpFixture.match("/books"))));
  }

  private Socket open(InetAddress from) throws IOException {
    Socket socket = new Socket();
    socket.bind(new InetSocketAddress(from, 0));
    socket.connect(entry);
    socket.setSoTimeout(10_000);
    return socket;
  }

  private String ask(InetAddress from, String octets) throws IOException {
    try (Socket socket = open(from)) {
      return converse(socket, octets);
    } catch (SocketException e) {
      return "[reset]";
    }
  }
}

package io.sluice.proxy.accept;

import static io.sluice.proxy.accept.HttpFixture.converse;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.mesh.Access;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TlsParameters;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.Peers;
import io.sluice.proxy.tls.PresentedChain;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TestAuthority.Leaf;
import io.sluice.proxy.tls.TlsSettings;
import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.security.KeyStore;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS that clients outside the mesh speak with a pod whose IngressBackend asks for it. */
@Timeout(60)
class OutsideTlsTest {
  private static final NamespacedName INGRESS = new NamespacedName("shop", "in");
  private static final String PRINCIPAL = "gateway.edge.example";
  private static final String HOST = "store.example";
  private static final String BOOKS = "GET /books HTTP/1.1\r\nHost: store\r\n\r\n";
  private static final InetAddress GATEWAY = InetAddress.ofLiteral("127.0.0.2");
  private static final InetAddress STRANGER = InetAddress.ofLiteral("127.0.0.3");
  private static final SpiffeId STORE =
      new SpiffeId(TrustDomain.CLUSTER_LOCAL, ProxyFixture.STORE.namespace(), "store");

  private static final AtomicLong REVISIONS = new AtomicLong(100);

  private static final TlsParameters LENIENT =
      new TlsParameters(
          TlsParameters.Version.TLS_1_2, TlsParameters.Version.TLS_1_3, List.of(), List.of());

  private final TestAuthority authority = new TestAuthority(TrustDomain.CLUSTER_LOCAL);
  private final HttpFixture.Received received = new HttpFixture.Received();
  private final Peers.Server application =
      new Peers.Server(Peers.V4, socket -> HttpFixture.answerEach(socket, received));
  private final ProxyFixture fixture = new ProxyFixture();
  private InetSocketAddress entry = new InetSocketAddress(0);

  @BeforeEach
  void serve() {
    fixture.has(STORE, authority.issue(STORE));
    fixture.sockets.redirect(ProxyFixture.STORE, Direction.INBOUND, application.address());
    entry = fixture.serve(ProxyFixture.STORE, Direction.INBOUND, Peers.V4);
    publish(new Ingress.Tls(false, Set.of(HOST)), true, DeniedPeers.NONE);
  }

  @AfterEach
  void close() {
    fixture.close();
    application.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void whoProvesAPrincipalSendsTheRequestsThatMatch(String version) throws Exception {
    fixture.parameters = LENIENT;
    try (SSLSocket socket = socket(GATEWAY, shown(PRINCIPAL), HOST)) {
      socket.setEnabledProtocols(new String[] {version});
      socket.startHandshake();

      assertThat(converse(socket, BOOKS)).startsWith("HTTP/1.1 200");
      assertThat(converse(socket, BOOKS.replace("/books", "/other"))).startsWith("HTTP/1.1 403");
      assertThat(socket.getSession().getPeerCertificates()[0])
          .isInstanceOfSatisfying(
              X509Certificate.class, shown -> assertThat(names(shown)).contains(STORE.toString()));
    }
  }

  @Test
  void versionsAreThoseOfTheMesh() throws Exception {
    try (SSLSocket socket = socket(GATEWAY, shown(PRINCIPAL), HOST)) {
      socket.setEnabledProtocols(new String[] {"TLSv1.2"});

      assertThat(converse(socket, BOOKS)).isEqualTo("[reset]");
    }
    assertThat(fixture.recorder.onlyRefused().verdict().reason())
        .isEqualTo(Reason.INGRESS_TLS_REFUSED);
  }

  /** By which a client could become somebody else whom nobody has looked at. */
  @Test
  @Tag("attack")
  void aSecondHandshakeEndsTheConnection() throws Exception {
    fixture.parameters = LENIENT;
    try (SSLSocket socket = socket(GATEWAY, shown(PRINCIPAL), HOST)) {
      socket.setEnabledProtocols(new String[] {"TLSv1.2"});
      assertThat(converse(socket, BOOKS)).startsWith("HTTP/1.1 200");

      socket.startHandshake();

      assertThat(converse(socket, BOOKS)).isIn("[reset]", "");
    }
    Attack.tried("a second handshake of TLS 1.2 on a connection from outside the mesh")
        .refusedBy("TlsEnd, which ends the connection")
        .countedAs(Reason.INGRESS_BACKEND.label());
  }

  @Test
  void nothingButOursSaysWhoCalls() throws Exception {
    assertThat(
            ask(
                GATEWAY,
                shown(PRINCIPAL),
                HOST,
                BOOKS.replace("Host:", "X-Forwarded-Client-Cert: URI=spiffe://a\r\nHost:")))
        .startsWith("HTTP/1.1 200");

    assertThat(received.text()).doesNotContain("spiffe://a");
  }

  @Test
  void aLargeBodyComesWholeInBothDirections() throws Exception {
    String body = "b".repeat(300_000);
    try (SSLSocket socket = socket(GATEWAY, shown(PRINCIPAL), HOST)) {
      socket
          .getOutputStream()
          .write(
              ("POST /books HTTP/1.1\r\nHost: store\r\nContent-Length: "
                      + body.length()
                      + "\r\n\r\n"
                      + body)
                  .getBytes(ISO_8859_1));

      assertThat(HttpFixture.read(socket, "\r\n\r\n")).startsWith("HTTP/1.1 200");
    }
  }

  @Test
  void whoEndsWithItsRequestIsAnswered() throws Exception {
    Gathering below = new Gathering();
    try (SSLSocket socket = socket(below, GATEWAY, shown(PRINCIPAL), HOST)) {
      socket.startHandshake();
      below.gathers = true;
      socket.getOutputStream().write(BOOKS.getBytes(ISO_8859_1));
      socket.shutdownOutput();

      assertThat(HttpFixture.read(socket, "")).startsWith("HTTP/1.1 200").endsWith("\r\n\r\nok");
    }
    assertThat(received.text()).startsWith("GET /books");
  }

  /** Sends in one piece, at its end, what is written once it gathers. */
  private static final class Gathering extends Socket {
    private final ByteArrayOutputStream gathered = new ByteArrayOutputStream();
    boolean gathers;

    @Override
    public OutputStream getOutputStream() throws IOException {
      return new FilterOutputStream(super.getOutputStream()) {
        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
          (gathers ? gathered : out).write(bytes, from, length);
        }
      };
    }

    @Override
    public void shutdownOutput() throws IOException {
      super.getOutputStream().write(gathered.toByteArray());
      super.shutdownOutput();
    }
  }

  /** What is not let in, and by which reason it is told. */
  private enum Wrong {
    ADDRESS(Reason.INGRESS_REFUSED),
    PLAIN(Reason.INGRESS_TLS_REFUSED),
    NO_CERTIFICATE(Reason.INGRESS_CERTIFICATE_REFUSED),
    FOREIGN(Reason.INGRESS_CERTIFICATE_REFUSED),
    EXPIRED(Reason.INGRESS_CERTIFICATE_REFUSED),
    AUTHORITY(Reason.INGRESS_CERTIFICATE_REFUSED),
    FOR_SERVERS_ALONE(Reason.INGRESS_CERTIFICATE_REFUSED),
    PRINCIPAL_OF_ANOTHER(Reason.INGRESS_PRINCIPAL_REFUSED),
    PRINCIPAL_AS_ENDING(Reason.INGRESS_PRINCIPAL_REFUSED),
    WILDCARD(Reason.INGRESS_PRINCIPAL_REFUSED),
    WORKLOAD_BY_ITS_DNS_NAME(Reason.INGRESS_PRINCIPAL_REFUSED),
    HOST_OF_ANOTHER(Reason.INGRESS_HOST_REFUSED),
    NO_HOST(Reason.INGRESS_HOST_REFUSED);

    private final Reason reason;

    Wrong(Reason reason) {
      this.reason = reason;
    }
  }

  @ParameterizedTest
  @EnumSource(Wrong.class)
  @Tag("attack")
  void nobodyElseGetsIn(Wrong wrong) throws Exception {
    String answer =
        switch (wrong) {
          case ADDRESS -> ask(STRANGER, shown(PRINCIPAL), HOST, BOOKS);
          case PLAIN -> plain(GATEWAY);
          case NO_CERTIFICATE -> ask(GATEWAY, null, HOST, BOOKS);
          case FOREIGN ->
              ask(
                  GATEWAY,
                  new TestAuthority(TrustDomain.CLUSTER_LOCAL).present(leaf(PRINCIPAL)),
                  HOST,
                  BOOKS);
          case EXPIRED ->
              ask(
                  GATEWAY,
                  authority.present(
                      leaf(PRINCIPAL)
                          .valid(
                              Instant.now().minus(Duration.ofHours(2)),
                              Instant.now().minus(Duration.ofHours(1)))),
                  HOST,
                  BOOKS);
          case AUTHORITY -> ask(GATEWAY, authority.present(leaf(PRINCIPAL).asCa()), HOST, BOOKS);
          case FOR_SERVERS_ALONE ->
              ask(
                  GATEWAY,
                  authority.present(leaf(PRINCIPAL).only(KeyPurposeId.id_kp_serverAuth)),
                  HOST,
                  BOOKS);
          case PRINCIPAL_OF_ANOTHER -> ask(GATEWAY, shown("thief.edge.example"), HOST, BOOKS);
          case PRINCIPAL_AS_ENDING -> ask(GATEWAY, shown("a." + PRINCIPAL), HOST, BOOKS);
          case WILDCARD -> ask(GATEWAY, shown("*.edge.example"), HOST, BOOKS);
          case WORKLOAD_BY_ITS_DNS_NAME ->
              ask(
                  GATEWAY,
                  authority.present(
                      leaf(PRINCIPAL)
                          .withUris(
                              "spiffe://cluster.local/ns/edge/sa/thief",
                              TestAuthority.DNS + PRINCIPAL)),
                  HOST,
                  BOOKS);
          case HOST_OF_ANOTHER -> ask(GATEWAY, shown(PRINCIPAL), "other.example", BOOKS);
          case NO_HOST -> ask(GATEWAY, shown(PRINCIPAL), "", BOOKS);
        };

    assertThat(answer).isEqualTo("[reset]");
    assertThat(received.text()).isEmpty();
    assertThat(fixture.recorder.onlyRefused().verdict().reason()).isEqualTo(wrong.reason);
    Attack.tried("TLS from outside the mesh: " + wrong)
        .refusedBy("the destination's node, before anything is dialled")
        .countedAs(wrong.reason.label());
  }

  @Test
  void whereNoCertificateIsAskedForAnybodyGetsInWhoNamesTheHost() throws Exception {
    publish(new Ingress.Tls(true, Set.of("*.example")), true, DeniedPeers.NONE);

    assertThat(ask(GATEWAY, null, HOST, BOOKS)).startsWith("HTTP/1.1 200");
    assertThat(ask(GATEWAY, null, "example", BOOKS)).isEqualTo("[reset]");
  }

  @Test
  void aCertificateOnTheDenyListIsRefused() throws Exception {
    PresentedChain shown = shown(PRINCIPAL);
    BigInteger serial = shown.chain().getFirst().getSerialNumber();
    publish(
        new Ingress.Tls(false, Set.of()),
        true,
        new DeniedPeers(Set.of(), Set.of(), Set.of(serial)));

    assertThat(ask(GATEWAY, shown, HOST, BOOKS)).isEqualTo("[reset]");
    assertThat(ask(GATEWAY, shown(PRINCIPAL), HOST, BOOKS)).startsWith("HTTP/1.1 200");
  }

  @Test
  void whatIsOpenEndsWithIt() throws Exception {
    try (SSLSocket socket = socket(GATEWAY, shown(PRINCIPAL), HOST)) {
      assertThat(converse(socket, BOOKS)).startsWith("HTTP/1.1 200");

      publish(new Ingress.Tls(false, Set.of()), false, DeniedPeers.NONE);

      assertThat(HttpFixture.read(socket, "")).isIn("[reset]", "");
    }
    assertThat(ask(GATEWAY, shown(PRINCIPAL), HOST, BOOKS)).isEqualTo("[reset]");
  }

  @Test
  void whoHasNoCertificateHereLetsNobodyIn() throws Exception {
    fixture.hasNothing();

    assertThat(ask(GATEWAY, shown(PRINCIPAL), HOST, BOOKS)).isEqualTo("[reset]");
    assertThat(fixture.recorder.onlyRefused().verdict().reason()).isEqualTo(Reason.NO_CERTIFICATE);
  }

  /** Another client is served meanwhile; the handshake's time is bounded. */
  @Test
  @Tag("attack")
  void whoBeginsAHandshakeAndSaysNoMoreIsCutOff() throws Exception {
    fixture.handshakes = new TlsSettings(Duration.ofSeconds(1));
    fixture.has(STORE, authority.issue(STORE));
    try (Socket silent = new Socket()) {
      silent.bind(new InetSocketAddress(GATEWAY, 0));
      silent.connect(entry);
      silent.setSoTimeout(30_000);
      silent.getOutputStream().write(new byte[] {22, 3, 1, 2, 0, 1});

      assertThat(ask(GATEWAY, shown(PRINCIPAL), HOST, BOOKS)).startsWith("HTTP/1.1 200");
      assertThat(HttpFixture.read(silent, "")).isEqualTo("[reset]");
    }
    assertThat(fixture.recorder.onlyRefused().verdict().reason())
        .isEqualTo(Reason.INGRESS_TLS_REFUSED);
    Attack.tried("a handshake from outside the mesh that does not go on")
        .refusedBy("TlsEnd, after the time for handshakes")
        .countedAs(Reason.INGRESS_TLS_REFUSED.label());
  }

  /** Each costs the loop, which others share, milliseconds. */
  @Test
  @Tag("attack")
  void aPodBeginsNoMoreHandshakesThanItHasTimeFor() throws Exception {
    Await.until(
        "one is refused before it is looked at",
        () -> {
          for (int i = 0; i < 20; i++) {
            try (Socket socket = new Socket()) {
              socket.bind(new InetSocketAddress(GATEWAY, 0));
              socket.connect(entry);
              socket.getOutputStream().write(new byte[] {22, 3, 1, 2, 0, 1});
            } catch (IOException e) {
              // It was as quick.
            }
          }
          return fixture.recorder.refused.stream()
              .anyMatch(one -> one.verdict().reason() == Reason.RATE_LIMITED);
        });

    Await.until(
        "who comes later is served",
        () -> ask(GATEWAY, shown(PRINCIPAL), HOST, BOOKS).startsWith("HTTP/1.1 200"));
    Attack.tried("handshakes from outside the mesh as quickly as they go")
        .refusedBy("TlsEnd, before it begins one")
        .countedAs(Reason.RATE_LIMITED.label());
  }

  @Test
  @Tag("attack")
  void nothingButChangesOfKeysEndsTheConnection() throws Exception {
    try (SSLSocket socket = socket(GATEWAY, shown(PRINCIPAL), HOST)) {
      assertThat(converse(socket, BOOKS)).startsWith("HTTP/1.1 200");

      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 100; i++) {
                  socket.startHandshake();
                  socket.getInputStream().available();
                }
                socket.getInputStream().readAllBytes();
              })
          .isInstanceOf(IOException.class)
          .isNotInstanceOf(SocketTimeoutException.class);
    }
    Attack.tried("changes of keys without end on a connection from outside the mesh")
        .refusedBy("TlsEnd, which ends the connection")
        .countedAs(Reason.INGRESS_BACKEND.label());
  }

  private static List<String> names(X509Certificate shown) {
    try {
      return shown.getSubjectAlternativeNames().stream()
          .map(name -> String.valueOf(name.get(1)))
          .toList();
    } catch (CertificateParsingException e) {
      throw new IllegalStateException(e);
    }
  }

  private void publish(Ingress.Tls tls, boolean hasIngress, DeniedPeers denied) {
    SnapshotEditor editor =
        ProxyFixture.snapshot(
                false,
                false,
                List.of(Peers.V4),
                List.of(),
                List.of(new Endpoint(application.address(), true)))
            .edit();
    editor.put(
        new MeshSettings(false, false, TrustDomain.CLUSTER_LOCAL, true, denied, RevokedMode.CLOSE));
    Ingress.Backend backend =
        new Ingress.Backend(ProxyFixture.STORE, application.address().getPort());
    if (hasIngress) {
      editor.put(
          new Ingress(
              INGRESS,
              Ingress.Origin.INGRESS_BACKEND,
              Set.of(backend),
              Set.of(),
              Map.of(backend, tls),
              List.of(Cidr.of(GATEWAY)),
              false,
              Set.of(PRINCIPAL),
              new Access.Requests(List.of(HttpFixture.match("/books")))));
    }
    fixture.publish(editor.snapshot(REVISIONS.incrementAndGet()));
  }

  private static Leaf leaf(String dnsName) {
    return Leaf.of(STORE).withUris(TestAuthority.DNS + dnsName);
  }

  private PresentedChain shown(String dnsName) {
    return authority.present(leaf(dnsName));
  }

  private SSLSocket socket(InetAddress from, @Nullable PresentedChain shown, String host)
      throws Exception {
    return socket(new Socket(), from, shown, host);
  }

  private SSLSocket socket(
      Socket below, InetAddress from, @Nullable PresentedChain shown, String host)
      throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("root", authority.root);
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(trusted);
    context.init(keys(shown), trust.getTrustManagers(), null);
    below.bind(new InetSocketAddress(from, 0));
    below.connect(entry);
    below.setSoTimeout(10_000);
    SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(below, null, true);
    socket.setUseClientMode(true);
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setServerNames(host.isEmpty() ? List.of() : List.of(new SNIHostName(host)));
    socket.setSSLParameters(parameters);
    return socket;
  }

  private static KeyManager @Nullable [] keys(@Nullable PresentedChain shown) throws Exception {
    if (shown == null) {
      return null;
    }
    KeyStore store = KeyStore.getInstance("JKS");
    store.load(null, null);
    store.setKeyEntry(
        "key", shown.key(), new char[0], shown.chain().toArray(X509Certificate[]::new));
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(store, new char[0]);
    return Arrays.copyOf(keys.getKeyManagers(), keys.getKeyManagers().length);
  }

  private String ask(InetAddress from, @Nullable PresentedChain shown, String host, String octets)
      throws Exception {
    try (SSLSocket socket = socket(from, shown, host)) {
      return converse(socket, octets);
    } catch (IOException e) {
      return "[reset]";
    }
  }

  private String plain(InetAddress from) {
    try (Socket socket = new Socket()) {
      socket.bind(new InetSocketAddress(from, 0));
      socket.connect(entry);
      socket.setSoTimeout(10_000);
      return converse(socket, BOOKS);
    } catch (IOException e) {
      return "[reset]";
    }
  }
}

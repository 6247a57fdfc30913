package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.TlsParameters;
import io.sluice.mesh.TlsParameters.Group;
import io.sluice.mesh.TlsParameters.Suite;
import io.sluice.mesh.TlsParameters.Version;
import io.sluice.proxy.Peers;
import io.sluice.proxy.tls.OpenSsl;
import io.sluice.proxy.tls.OpenSslAuthority;
import io.sluice.proxy.tls.Pems;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.TlsStack;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code openssl s_client} with certificates of {@code openssl ca} against HBONE's server. */
@Timeout(60)
class OpenSslClientTest {
  /** What the client is and how it calls; {@code reason} is what the server has to say of it. */
  private record Client(String what, @Nullable Path leaf, String options, TlsReason reason) {
    @Override
    public String toString() {
      return what;
    }
  }

  private static final String USUAL = "-alpn h2";
  private static final String NAME = "subjectAltName = URI:spiffe://cluster.local/ns/shop/sa/buyer";
  private static final String NO_CA = "basicConstraints = critical, CA:FALSE";
  private static final String SIGNS = "keyUsage = critical, digitalSignature";
  private static final String PURPOSES = "extendedKeyUsage = clientAuth, serverAuth";
  private static final String P256 = "EC -pkeyopt ec_paramgen_curve:P-256";
  private static final Duration HOUR = Duration.ofHours(1);
  private static final InetAddress[] FAMILIES = {Peers.V4, Peers.V6};

  /** No HTTP/2 preface, so the server has its say and closes. */
  private static final byte[] NONSENSE =
      "none of what a client of HTTP/2 says first\n".getBytes(StandardCharsets.US_ASCII);

  @TempDir private static Path home;
  private static OpenSslAuthority authority;
  private static final List<Client> REFUSED = new ArrayList<>();
  private static final List<Client> ACCEPTED = new ArrayList<>();

  @BeforeAll
  static void makeCertificates() throws Exception {
    authority = new OpenSslAuthority(home.resolve("ours"));
    var stranger = new OpenSslAuthority(home.resolve("strangers"));
    Path good = authority.leaf(NAME, NO_CA, SIGNS, PURPOSES);
    Path untrusted = stranger.leaf(NAME, NO_CA, SIGNS, PURPOSES);

    refused("no certificate", null, TlsReason.NO_CERTIFICATE);
    refused("a stranger's certificate", untrusted, TlsReason.UNTRUSTED);
    refused("expired", valid(HOUR.multipliedBy(-2), HOUR.negated()), TlsReason.EXPIRED);
    refused("not yet valid", valid(HOUR, HOUR.multipliedBy(2)), TlsReason.NOT_YET_VALID);
    refused(
        "another trust domain",
        named("spiffe://other.example/ns/shop/sa/buyer"),
        TlsReason.FOREIGN_TRUST_DOMAIN);
    for (String uri :
        List.of(
            "spiffe://cluster.local/shop/buyer",
            "spiffe://cluster.local/ns/shop/sa/buyer/more",
            "spiffe://cluster.local/ns/shop/sa/",
            "spiffe://cluster.local/ns/%73hop/sa/buyer",
            "spiffe://cluster.local:443/ns/shop/sa/buyer",
            "spiffe://cluster.local/ns/shop/sa/buyer?a=b",
            "spiffe://cluster.local",
            "https://cluster.local/ns/shop/sa/buyer")) {
      refused("named " + uri, named(uri), TlsReason.NOT_AN_SVID);
    }
    refused(
        "two URI names",
        named(
            "spiffe://cluster.local/ns/shop/sa/buyer, URI:spiffe://cluster.local/ns/shop/sa/store"),
        TlsReason.NOT_AN_SVID);
    refused(
        "no URI name",
        authority.leaf("subjectAltName = DNS:buyer.shop", NO_CA, SIGNS, PURPOSES),
        TlsReason.NOT_AN_SVID);
    refused(
        "a CA",
        authority.leaf(NAME, "basicConstraints = critical, CA:TRUE", SIGNS, PURPOSES),
        TlsReason.NOT_AN_SVID);
    refused(
        "may sign certificates",
        authority.leaf(NAME, NO_CA, "keyUsage = critical, digitalSignature, keyCertSign", PURPOSES),
        TlsReason.NOT_AN_SVID);
    refused(
        "may not sign",
        authority.leaf(NAME, NO_CA, "keyUsage = critical, keyAgreement", PURPOSES),
        TlsReason.NOT_AN_SVID);
    refused(
        "for servers only",
        authority.leaf(NAME, NO_CA, SIGNS, "extendedKeyUsage = serverAuth"),
        TlsReason.WRONG_PURPOSE);
    for (String options :
        List.of(
            "-alpn h2 -no_tls1_3",
            "-alpn http/1.1",
            "-tls1_3", // no application protocol at all
            "-alpn h2 -ciphersuites TLS_AES_128_CCM_SHA256",
            "-alpn h2 -groups P-521")) {
      REFUSED.add(new Client("with " + options, good, options, TlsReason.PROTOCOL));
    }

    ACCEPTED.add(new Client("a good SVID", good, USUAL, TlsReason.INTERNAL));
    ACCEPTED.add(
        new Client(
            "without extended key usage",
            authority.leaf(NAME, NO_CA, SIGNS),
            USUAL,
            TlsReason.INTERNAL));
    ACCEPTED.add(
        new Client(
            "with P-384", key("EC -pkeyopt ec_paramgen_curve:P-384"), USUAL, TlsReason.INTERNAL));
    ACCEPTED.add(
        new Client(
            "with RSA", key("RSA -pkeyopt rsa_keygen_bits:2048"), USUAL, TlsReason.INTERNAL));
    for (String suite :
        List.of(
            "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")) {
      ACCEPTED.add(
          new Client("with " + suite, good, "-alpn h2 -ciphersuites " + suite, TlsReason.INTERNAL));
    }
    for (String group : List.of("X25519", "P-256")) {
      ACCEPTED.add(
          new Client("with " + group, good, "-alpn h2 -groups " + group, TlsReason.INTERNAL));
    }
  }

  private static void refused(String what, @Nullable Path leaf, TlsReason reason) {
    REFUSED.add(new Client(what, leaf, USUAL, reason));
  }

  private static Path valid(Duration from, Duration to) throws Exception {
    return authority.leaf(P256, from, to, NAME, NO_CA, SIGNS, PURPOSES);
  }

  private static Path named(String uris) throws Exception {
    return authority.leaf("subjectAltName = URI:" + uris, NO_CA, SIGNS, PURPOSES);
  }

  private static Path key(String key) throws Exception {
    return authority.leaf(key, Duration.ofMinutes(-5), HOUR, NAME, NO_CA, SIGNS, PURPOSES);
  }

  private static Stream<Arguments> refused() {
    return everywhere(REFUSED);
  }

  private static Stream<Arguments> accepted() {
    return everywhere(ACCEPTED);
  }

  /** By each stack, over the families by turns: none of them has a say in who is refused. */
  private static Stream<Arguments> everywhere(List<Client> clients) {
    return Stream.of(TlsStack.values())
        .flatMap(stack ->
            IntStream.range(0, clients.size())
                .mapToObj(i ->
                    arguments(
                        stack, FAMILIES[(i + stack.ordinal()) % FAMILIES.length], clients.get(i))));
  }

  @Tag("attack")
  @ParameterizedTest
  @MethodSource("refused")
  void refusesEachWithItsReason(TlsStack stack, InetAddress family, Client client)
      throws Exception {
    try (var app = Peers.echo(family);
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address())) {
      fixture.stores.set(fixture.authority.issue(HboneFixture.STORE, authority.bundle()));
      String said = call(fixture, client);

      Await.until("a verdict", () -> !fixture.serverEvents.refusals.isEmpty());
      assertThat(fixture.serverEvents.refusals).as(said).containsExactly(client.reason);
      assertThat(fixture.serverEvents.opened).hasValue(0);
    }

    Attack.tried("a TLS client: " + client.what)
        .refusedBy("the serving proxy's handshake")
        .countedAs(
            "sluice_tls_handshakes_total{side=\"server\",reason=\""
                + client.reason.label()
                + "\"}");
  }

  /** A session the server does not know is no reason to refuse, nor a substitute for a proof. */
  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void clientsThatWouldResumeProveThemselvesInFull(TlsStack stack) throws Exception {
    Path session = home.resolve("session-" + stack);
    Client good = ACCEPTED.getFirst();
    Client resuming =
        new Client("resuming", good.leaf, USUAL + " -sess_in " + session, TlsReason.INTERNAL);
    keepASessionOfAServerWithTickets(session, good);
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address())) {
      fixture.stores.set(fixture.authority.issue(HboneFixture.STORE, authority.bundle()));
      String said = call(fixture, resuming);

      assertThat(said).contains("New, TLSv1.3").doesNotContain("Reused");
      assertThat(fixture.serverEvents.peers).hasSize(1);
    }

    Attack.tried("a TLS client that would resume a session, " + stack)
        .refusedBy("the serving proxy: a handshake in full, with a certificate")
        .countedAs("OpenSSL's own word: \"New, TLSv1.3\"");
  }

  private static void keepASessionOfAServerWithTickets(Path session, Client client)
      throws Exception {
    int port = Peers.unused().getPort();
    String pem = String.valueOf(client.leaf);
    Process server =
        OpenSsl.start(
            home,
            List.of("s_server", "-accept", "127.0.0.1:" + port, "-cert", pem, "-key", pem, "-www"));
    try {
      Await.until("a session", () -> isKept(port, session));
    } finally {
      server.destroyForcibly();
    }
  }

  private static boolean isKept(int port, Path session) {
    try {
      Process once =
          OpenSsl.start(
              home,
              List.of(
                  "s_client",
                  "-connect",
                  "127.0.0.1:" + port,
                  "-ign_eof",
                  "-sess_out",
                  session.toString()));
      try (var out = once.getOutputStream()) {
        out.write("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      }
      OpenSsl.output(once);
      return Files.exists(session) && Files.size(session) > 0;
    } catch (Exception e) {
      return false;
    }
  }

  @ParameterizedTest
  @MethodSource("accepted")
  void acceptsWhatItShouldAndIsAccepted(TlsStack stack, InetAddress family, Client client)
      throws Exception {
    try (var app = Peers.echo(family);
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address())) {
      fixture.stores.set(fixture.authority.issue(HboneFixture.STORE, authority.bundle()));
      String said = call(fixture, client);

      assertThat(fixture.serverEvents.refusals).as(said).isEmpty();
      assertThat(fixture.serverEvents.peers)
          .extracting(peer -> peer.identity())
          .containsExactly(HboneFixture.BUYER);
      assertThat(said)
          .contains("New, TLSv1.3", "ALPN protocol: h2", "Verification: OK", "CertificateRequest")
          .doesNotContain("NewSessionTicket");
    }
  }

  /** Each offer alone, as a scanner makes it, and what an end that takes it says. */
  private static final Map<String, String> OFFERS =
      Map.ofEntries(
          Map.entry("1.1", "-tls1_1 -cipher ALL@SECLEVEL=0"),
          Map.entry("1.2 CBC", "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256"),
          Map.entry("1.2 AES128", "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256"),
          Map.entry("1.2 AES256", "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384"),
          Map.entry("1.2 CHACHA", "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305"),
          Map.entry("1.3 AES128", "-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256"),
          Map.entry("1.3 AES256", "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384"),
          Map.entry("1.3 CHACHA", "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256"),
          Map.entry("X25519", "-groups X25519"),
          Map.entry("P-256", "-groups P-256"),
          Map.entry("P-384", "-groups P-384"));

  private static Stream<Arguments> scans() {
    List<Suite> fips =
        Stream.of(
                "ECDHE-ECDSA-AES128-GCM-SHA256",
                "ECDHE-RSA-AES128-GCM-SHA256",
                "ECDHE-ECDSA-AES256-GCM-SHA384",
                "ECDHE-RSA-AES256-GCM-SHA384")
            .map(name -> Suite.of(name).orElseThrow())
            .toList();
    Map<TlsParameters, String> found = new LinkedHashMap<>();
    found.put(TlsParameters.DEFAULTS, "1.3 AES128, 1.3 AES256, 1.3 CHACHA, P-256, X25519");
    found.put(
        new TlsParameters(Version.TLS_1_2, Version.TLS_1_2, List.of(), List.of()),
        "1.2 AES128, 1.2 AES256, 1.2 CHACHA, P-256");
    found.put(
        new TlsParameters(
            Version.TLS_1_2,
            Version.TLS_1_3,
            List.of(Suite.TLS_AES_256_GCM_SHA384),
            List.of(Group.P_384)),
        "1.3 AES256, P-384");
    found.put(
        new TlsParameters(Version.TLS_1_2, Version.TLS_1_3, fips, List.of(Group.P_256)),
        "1.2 AES128, 1.2 AES256, 1.3 AES128, 1.3 AES256, 1.3 CHACHA, P-256");
    return Stream.of(TlsStack.values()).map(stack -> arguments(stack, found));
  }

  /** Of one server after another, by what the mesh says at the time of each handshake. */
  @ParameterizedTest
  @MethodSource("scans")
  void aScanFindsTheVersionsSuitesAndGroupsThatTheMeshSaysNow(
      TlsStack stack, Map<TlsParameters, String> scans) throws Exception {
    Path leaf = ACCEPTED.getFirst().leaf;
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address())) {
      fixture.stores.set(fixture.authority.issue(HboneFixture.STORE, authority.bundle()));
      int taken = 0;
      for (var scan : scans.entrySet()) {
        fixture.parameters = scan.getKey();
        Set<String> found = new TreeSet<>();
        for (var offer : OFFERS.entrySet()) {
          String options = USUAL + " " + offer.getValue();
          String said = call(fixture, new Client("", leaf, options, TlsReason.INTERNAL));
          if (said.contains("ALPN protocol: h2")) {
            found.add(offer.getKey());
          }
        }
        taken += found.size();
        assertThat(String.join(", ", found)).as("%s", scan.getKey()).isEqualTo(scan.getValue());
      }
      assertThat(fixture.serverEvents.peers).hasSize(taken);
    }
  }

  /** One connection; what {@code s_client} says of it until its end. */
  private static String call(HboneFixture fixture, Client client) throws Exception {
    Path root = home.resolve("server-root.pem");
    Files.writeString(root, Pems.of(fixture.authority.root));
    List<String> arguments = new ArrayList<>(List.of("s_client", "-msg", "-connect"));
    arguments.add(IpAddresses.text(fixture.exit));
    arguments.addAll(List.of("-CAfile", root.toString(), "-verify_return_error"));
    if (client.leaf != null) {
      arguments.addAll(List.of("-cert", client.leaf.toString(), "-key", client.leaf.toString()));
    }
    arguments.addAll(List.of(client.options.split(" ")));
    Process process = OpenSsl.start(home, arguments);
    try {
      process.getOutputStream().write(NONSENSE);
      process.getOutputStream().flush();
    } catch (java.io.IOException e) {
      // Refused before it was said.
    }
    return OpenSsl.output(process);
  }
}

package io.sluice.node.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Server;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.ServerTls;
import io.sluice.mesh.TrustDomain;
import io.sluice.node.export.Answer.Verdict;
import io.sluice.node.export.ScriptedCollector.Script;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TestAuthority.Leaf;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class OverTlsTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final String HOST = "logs.tools.example";
  private static final String SUBJECT = "O=tools";
  private static final TestAuthority AUTHORITY = new TestAuthority(TrustDomain.CLUSTER_LOCAL);
  private static final Delivery.Call CALL =
      new Delivery.Call.Http("/logs", "application/json", new byte[300_000], "Basic c2VjcmV0");

  private static final Script TAKING =
      ScriptedCollector.reading(
          (_, socket, _) -> ScriptedCollector.say(socket, ScriptedCollector.TAKEN));

  private static ScriptedCollector collector(Leaf leaf, String subject) throws Exception {
    return new ScriptedCollector(
        TAKING,
        AUTHORITY
            .present(leaf, subject)
            .context()
            .getServerSocketFactory()
            .createServerSocket(0, 50, InetAddress.getLoopbackAddress()));
  }

  private static NamedServer server(String host, X509Certificate... roots) {
    return new NamedServer(host, 4318, new ServerTls(List.of(roots)));
  }

  private static Answer sent(
      InetSocketAddress address, NamedServer server, Delivery.Call call, Duration connect) {
    try (Delivery delivery = new Delivery(LONG)) {
      return delivery.send(call, address, server, connect, LONG, () -> false);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "logs.tools.example, DNS:logs.tools.example",
    "logs.tools.example, DNS:*.tools.example",
    "10.7.0.9, IP:10.7.0.9",
    "fd00::7, IP:fd00::7"
  })
  void whoseNameIsInACertificateOfTheRightAuthorityIsToldAndAskedAgain(String host, String name)
      throws Exception {
    NamedServer server = server(host, AUTHORITY.root);
    try (ScriptedCollector collector = collector(Leaf.ofServer(name), SUBJECT);
        Delivery delivery = new Delivery(LONG)) {
      for (int turn = 1; turn <= 3; turn++) {
        Answer answer = delivery.send(CALL, collector.address(), server, LONG, LONG, () -> false);
        assertThat(answer.verdict()).as(answer.text()).isEqualTo(Verdict.TAKEN);
        assertThat(delivery.takeOctets()).isGreaterThan(CALL.body().length);
      }
      assertThat(collector.asked).extracting(ScriptedCollector.Asked::octets).containsOnly(300_000);
      assertThat(collector.connections).hasValue(1);

      // A kept connection was of who was believed then.
      TestAuthority other = new TestAuthority(TrustDomain.CLUSTER_LOCAL);
      Answer answer =
          delivery.send(
              CALL, collector.address(), server(host, other.root), LONG, LONG, () -> false);
      assertThat(answer.verdict()).isEqualTo(Verdict.UNREACHED);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "DNS:logs.other.example, No subject alternative DNS name matching logs.tools.example",
    "DNS:l*s.tools.example, names no host",
    "DNS:*.example, No subject alternative DNS name matching",
    "DNS:logs.tools.example.evil.example, No subject alternative DNS name matching",
    "spiffe://cluster.local/ns/tools/sa/logs, names no host",
    "IP:127.0.0.1, names no host"
  })
  void whoIsNamedOtherwiseIsToldNothing(String name, String why) throws Exception {
    checkToldNothing(Leaf.ofServer(name), "CN=" + HOST, server(HOST, AUTHORITY.root), why);
  }

  @Test
  void aCommonNameAnOldCertificateAndThoseOfClientsAndStrangersAreNotBelieved() throws Exception {
    Leaf good = Leaf.ofServer(TestAuthority.DNS + HOST);
    NamedServer server = server(HOST, AUTHORITY.root);
    Instant now = Instant.now();
    checkToldNothing(Leaf.ofServer(), "CN=" + HOST, server, "names no host");
    checkToldNothing(
        good.valid(now.minusSeconds(60), now.minusSeconds(1)), SUBJECT, server, "NotAfter");
    checkToldNothing(good.only(KeyPurposeId.id_kp_clientAuth), SUBJECT, server, "key usage");
    TestAuthority other = new TestAuthority(TrustDomain.CLUSTER_LOCAL);
    checkToldNothing(good, SUBJECT, server(HOST, other.root), "unable to find valid");
    checkToldNothing(good, SUBJECT, server(HOST), "unable to find valid"); // no public authority's
  }

  private static void checkToldNothing(Leaf leaf, String subject, NamedServer server, String why)
      throws Exception {
    try (ScriptedCollector collector = collector(leaf, subject)) {
      Answer answer = sent(collector.address(), server, CALL, LONG);
      assertThat(answer.verdict()).isEqualTo(Verdict.UNREACHED);
      assertThat(answer.text()).contains(why);
      assertThat(collector.asked).isEmpty();
    }
  }

  /** A warning that the JDK passes over before a ServerHello. */
  @Test
  void aHandshakeThatNeverEndsIsLeftAndCountedAndSoIsOneThatFails() throws Exception {
    byte[] warning = {21, 3, 3, 0, 2, 1, 20};
    NamedServer server = server(HOST, AUTHORITY.root);
    try (ScriptedCollector flood =
            new ScriptedCollector((_, _, socket) -> {
              while (true) {
                socket.getOutputStream().write(warning);
              }
            });
        ScriptedCollector other = collector(Leaf.ofServer("DNS:logs.other.example"), SUBJECT);
        Delivery delivery = new Delivery(LONG)) {
      Answer flooded = delivery.send(CALL, flood.address(), server, LONG, LONG, () -> false);
      assertThat(flooded).isEqualTo(Answer.unreached("its answer has more than 16384 octets"));
      assertThat(delivery.takeOctets()).isBetween(16_384L, 65_536L);
      assertThat(delivery.send(CALL, flood.address(), server, LONG, LONG, () -> true).text())
          .contains("in time");

      delivery.send(CALL, other.address(), server, LONG, LONG, () -> false);
      assertThat(delivery.takeOctets()).isGreaterThan(1_000);
    }
  }

  @Test
  void whoDoesNotSpeakItOrSaysNothingIsToldNothing() throws Exception {
    NamedServer server = server(HOST, AUTHORITY.root);
    try (ScriptedCollector plain =
            new ScriptedCollector((_, _, socket) -> {
              socket.getInputStream().read();
              ScriptedCollector.say(socket, ScriptedCollector.TAKEN);
              socket.getInputStream().transferTo(OutputStream.nullOutputStream());
            });
        ScriptedCollector silent =
            new ScriptedCollector((_, _, socket) ->
                socket.getInputStream().transferTo(OutputStream.nullOutputStream()));
        ScriptedCollector away = new ScriptedCollector((_, _, _) -> {})) {
      assertThat(sent(plain.address(), server, CALL, LONG))
          .isEqualTo(Answer.unbelieved("it does not speak TLS"));
      assertThat(sent(silent.address(), server, CALL, Duration.ofMillis(200)))
          .isEqualTo(Answer.unreached("it does not answer in time"));
      assertThat(sent(away.address(), server, CALL, LONG).verdict()).isEqualTo(Verdict.UNREACHED);
    }
  }

  @Test
  void byGrpcItAgreesToHttp2OrIsNotAsked() throws Exception {
    NamedServer server = server(HOST, AUTHORITY.root);
    Leaf good = Leaf.ofServer(TestAuthority.DNS + HOST);
    Delivery.Call call = new Delivery.Call.Grpc("no.Such/Method", new byte[100_000]);
    Server grpc =
        NettyServerBuilder.forPort(0)
            .sslContext(
                GrpcSslContexts.configure(
                        SslContextBuilder.forServer(AUTHORITY.present(good).keys()),
                        SslProvider.JDK)
                    .build())
            .build()
            .start();
    try (ScriptedCollector http1 = collector(good, SUBJECT)) {
      InetSocketAddress address =
          new InetSocketAddress(InetAddress.getLoopbackAddress(), grpc.getPort());
      assertThat(sent(address, server, call, LONG).text()).contains("status 12 of gRPC");
      assertThat(sent(http1.address(), server, call, LONG))
          .isEqualTo(Answer.unbelieved("it does not agree to h2"));
    } finally {
      grpc.shutdownNow().awaitTermination();
    }
  }
}

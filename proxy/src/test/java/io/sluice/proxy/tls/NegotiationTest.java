package io.sluice.proxy.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.attack.Attack;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What two ends agree on, and that clients take no session up. */
@Timeout(60)
class NegotiationTest {
  private static final SpiffeId STORE = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "store");
  private static final SpiffeId BUYER = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "buyer");
  private static final TestAuthority AUTHORITY = new TestAuthority(TrustDomain.CLUSTER_LOCAL);
  private static final int CONNECTIONS = 3;

  private static TlsIdentity end(TlsStack stack, SpiffeId identity) {
    assumeThat(stack.isAvailable()).isTrue();
    WorkloadCredentials credentials = AUTHORITY.issue(identity);
    return new TlsIdentity(stack, () -> credentials, TlsPolicy.OPEN, TlsSettings.DEFAULTS);
  }

  /** Numbers of IANA: X25519MLKEM768 and x25519. */
  @ParameterizedTest
  @CsvSource({
    "BORINGSSL,BORINGSSL,4588",
    "BORINGSSL,JDK,29",
    "JDK,BORINGSSL,29",
    "JDK,JDK,29",
  })
  void agreesOnTheHybridGroupWhereBothEndsHaveIt(
      TlsStack serverStack, TlsStack clientStack, int group) throws Exception {
    try (TlsIdentity store = end(serverStack, STORE);
        TlsIdentity buyer = end(clientStack, BUYER);
        TlsPair pair = new TlsPair(store)) {
      var client = pair.connect(buyer, Set.of(STORE)).outcome.get(10, TimeUnit.SECONDS);
      byte[] share = pair.serverHello.extensions().get(Hello.KEY_SHARE);

      assertThat(client.cause()).isNull();
      assertThat(Short.toUnsignedInt(ByteBuffer.wrap(share).getShort())).isEqualTo(group);
    }
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(TlsStack.class)
  void clientsTakeNoTicketUp(TlsStack stack) throws Exception {
    try (TlsIdentity store = end(stack, STORE);
        TlsIdentity buyer = end(stack, BUYER);
        TlsPair pair = new TlsPair(store);
        SSLServerSocket generous = generousServer()) {
      InetSocketAddress address = (InetSocketAddress) generous.getLocalSocketAddress();
      for (int i = 0; i < CONNECTIONS; i++) {
        Hello hello = new Hello();
        var verdict = pair.connect(buyer, Set.of(STORE), address, hello);

        assertThat(verdict.outcome.get(10, TimeUnit.SECONDS).peer()).isNotNull();
        assertThat(hello.extensions()).doesNotContainKey(Hello.PRE_SHARED_KEY);
      }
    }

    Attack.tried("a server that hands out session tickets, " + stack)
        .refusedBy("the calling proxy: no pre-shared key in its next hello")
        .countedAs("the hello: no pre_shared_key");
  }

  /** The JDK's own, which sends a ticket after each handshake. */
  private static SSLServerSocket generousServer() throws Exception {
    SSLContext context = ForeignTls.context(AUTHORITY.present(TestAuthority.Leaf.of(STORE)));
    SSLServerSocket listener =
        (SSLServerSocket)
            context
                .getServerSocketFactory()
                .createServerSocket(0, CONNECTIONS, InetAddress.ofLiteral("127.0.0.1"));
    SSLParameters parameters = listener.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {Engines.ALPN});
    parameters.setNeedClientAuth(true);
    listener.setSSLParameters(parameters);
    Thread.ofVirtual()
        .start(() -> {
          while (!listener.isClosed()) {
            try (SSLSocket socket = (SSLSocket) listener.accept()) {
              socket.startHandshake();
              socket.getOutputStream().write(1); // behind the ticket
            } catch (java.io.IOException e) {
              // The client asserts what matters.
            }
          }
        });
    return listener;
  }
}

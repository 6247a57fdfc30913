package io.sluice.control.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.ServerServiceDefinition;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.xds.XdsChannelCredentials;
import io.sluice.await.Await;
import io.sluice.control.xds.StoreMesh;
import io.sluice.control.xds.stream.XdsClientState;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.IpAddresses;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** gRPC's own xDS client on the real control port, and its calls to real servers. */
class GrpcXdsClientTest {
  @TempDir private Path home;

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "::1"})
  void clientResolvesAServiceAndItsCallsFollowTheMesh(String literal) throws Exception {
    InetAddress address = IpAddresses.parse(literal);
    try (NamedServer first = NamedServer.start(address, "first");
        NamedServer second = NamedServer.start(address, "second")) {
      StoreMesh mesh = new StoreMesh(address, AppProtocol.GRPC).behind(first.port(), second.port());
      try (ControlSite site = ControlSite.with(home, mesh);
          NodeClient edge1 = site.joined("edge1");
          ProxylessClient client =
              ProxylessClient.start(
                  site, ProxylessClient.certificate(home, edge1, "buyer"), Map.of())) {
        Channel store = client.channel(StoreMesh.NAME);
        awaitAnswers(store, Set.of("first", "second"));

        mesh.behind(second.port());
        awaitAnswers(store, Set.of("second"));

        mesh.behind(first.port(), second.port());
        awaitAnswers(store, Set.of("first", "second"));

        mesh.granted(false);
        Await.until("the name is gone", () -> isRefusedByName(store));

        mesh.granted(true);
        awaitAnswers(store, Set.of("first", "second"));
        assertIsShown(site.controller().status().xdsClients().getFirst());
      }
    }
  }

  private static void assertIsShown(XdsClientState state) {
    assertThat(state.identity()).isEqualTo(ControlSite.id("buyer"));
    assertThat(state.id()).isEqualTo("buyer-0");
    assertThat(state.software()).startsWith("gRPC Java");
    assertThat(state.types())
        .extracting(XdsClientState.OfType::type)
        .containsExactly("cluster", "endpoint", "listener", "route");
    assertThat(state.types())
        .allSatisfy(type -> {
          assertThat(type.problem()).isEmpty();
          assertThat(type.told()).isEqualTo(1);
        });
  }

  @ParameterizedTest
  @CsvSource({"store, true", "thief, false"})
  void applicationThatSpeaksTlsHasToProveTheIdentityOfTheService(String account, boolean answers)
      throws Exception {
    InetAddress address = InetAddress.getLoopbackAddress();
    StoreMesh mesh = new StoreMesh(address, AppProtocol.TLS);
    try (ControlSite site = ControlSite.with(home, mesh);
        NodeClient edge1 = site.joined("edge1");
        NodeClient edge2 = site.joined("edge2");
        NamedServer server =
            NamedServer.start(
                address,
                account,
                credentials(
                    ProxylessClient.certificate(
                        home, account.equals("store") ? edge2 : edge1, account)));
        ProxylessClient client =
            ProxylessClient.start(
                site,
                ProxylessClient.certificate(home, edge1, "buyer"),
                Map.of("sluice.io/certificate-provider", "mesh"))) {
      mesh.behind(server.port());

      Channel store =
          client.channel(
              StoreMesh.NAME, XdsChannelCredentials.create(InsecureChannelCredentials.create()));

      if (answers) {
        awaitAnswers(store, Set.of(account));
      } else {
        assertThatThrownBy(() -> NamedServer.ask(store))
            .hasStackTraceContaining("Peer certificate SAN check failed");
      }
    }
  }

  private static ServerCredentials credentials(ProxylessClient.CertificateFiles files)
      throws Exception {
    return TlsServerCredentials.newBuilder()
        .keyManager(files.chain().toFile(), files.key().toFile())
        .trustManager(files.roots().toFile())
        .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
        .build();
  }

  @Test
  void whatTheClientCannotUseIsShownWithItsReason() throws Exception {
    StoreMesh mesh = new StoreMesh(InetAddress.getLoopbackAddress(), AppProtocol.TLS).behind(9);
    try (ControlSite site = ControlSite.with(home, mesh);
        NodeClient edge1 = site.joined("edge1");
        ProxylessClient client =
            ProxylessClient.start(
                site,
                ProxylessClient.certificate(home, edge1, "buyer"),
                Map.of("sluice.io/certificate-provider", "missing"))) {
      client.channel(StoreMesh.NAME).getState(true); // resolves, without a call that would wait

      Await.until("the refusal is known", () -> !clusterProblem(site).isEmpty());
      assertThat(clusterProblem(site)).contains("'missing' not defined in the bootstrap");
      assertThat(site.controller().metrics())
          .contains("sluice_control_xds_answers_total{result=\"refused\",} 1.0");
    }
  }

  private static String clusterProblem(ControlSite site) {
    return site.controller().status().xdsClients().stream()
        .flatMap(client -> client.types().stream())
        .filter(one -> one.type().equals("cluster"))
        .map(XdsClientState.OfType::problem)
        .findFirst()
        .orElse("");
  }

  private static void awaitAnswers(Channel channel, Set<String> names) {
    Await.until(
        names + " answer",
        () -> {
          try {
            return NamedServer.askAll(channel).equals(names);
          } catch (StatusRuntimeException e) {
            return false; // a change is under way
          }
        });
  }

  /** Before the client knows why, it says that there are no addresses. */
  private static boolean isRefusedByName(Channel channel) {
    try {
      NamedServer.ask(channel);
      return false;
    } catch (StatusRuntimeException e) {
      return String.valueOf(e.getMessage()).contains(StoreMesh.NAME);
    }
  }

  /** A gRPC server on a loopback address, which answers with its own name. */
  private static final class NamedServer implements AutoCloseable {
    private static final int ENOUGH_CALLS = 20;
    private static final MethodDescriptor<String, String> WHO =
        MethodDescriptor.<String, String>newBuilder()
            .setType(MethodType.UNARY)
            .setFullMethodName("test.Named/Who")
            .setRequestMarshaller(new Text())
            .setResponseMarshaller(new Text())
            .build();

    private final Server server;

    private NamedServer(InetAddress address, String name, ServerCredentials credentials)
        throws IOException {
      this.server =
          NettyServerBuilder.forAddress(new InetSocketAddress(address, 0), credentials)
              .addService(
                  ServerServiceDefinition.builder("test.Named")
                      .addMethod(
                          WHO,
                          ServerCalls.asyncUnaryCall((request, out) -> {
                            out.onNext(name);
                            out.onCompleted();
                          }))
                      .build())
              .build()
              .start();
    }

    static NamedServer start(InetAddress address, String name) throws IOException {
      return new NamedServer(address, name, InsecureServerCredentials.create());
    }

    static NamedServer start(InetAddress address, String name, ServerCredentials credentials)
        throws IOException {
      return new NamedServer(address, name, credentials);
    }

    int port() {
      return server.getPort();
    }

    /** The name of whoever answers a call by {@code channel}. */
    static String ask(Channel channel) {
      return ClientCalls.blockingUnaryCall(
          channel, WHO, CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS), "");
    }

    /** The names of all who answer calls by {@code channel}. */
    static Set<String> askAll(Channel channel) {
      Set<String> names = new HashSet<>();
      for (int i = 0; i < ENOUGH_CALLS; i++) {
        names.add(ask(channel));
      }
      return names;
    }

    @Override
    public void close() {
      server.shutdownNow();
    }

    private static final class Text implements MethodDescriptor.Marshaller<String> {
      @Override
      public InputStream stream(String value) {
        return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
      }

      @Override
      public String parse(InputStream stream) {
        try {
          return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }
}

package io.sluice.distribution;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.TlsChannelCredentials;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.grpc.util.AdvancedTlsX509TrustManager;
import io.sluice.api.envoy.discovery.AggregatedDiscoveryServiceGrpc;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.SigningRequest;
import io.sluice.control.authority.settings.Authorities;
import io.sluice.control.authority.settings.AuthoritySettings;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.WireLimits;
import io.sluice.node.identity.control.ControlAddress;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.Base64;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Stands between one node and the controller on their stream of resources, with certificates that
 * both believe, and changes what the controller sends.
 */
final class TamperingRelay implements AutoCloseable {
  private final Server server;
  private final ManagedChannel upstream;
  private volatile UnaryOperator<Resource> tampering = UnaryOperator.identity();

  private TamperingRelay(NettyServerBuilder listening, ManagedChannel upstream) throws IOException {
    this.upstream = upstream;
    this.server = listening.addService(new Relay()).build().start();
  }

  /**
   * Listens on a free port.
   *
   * @param copy where the site's authority is copied to
   */
  static TamperingRelay start(ControlledSite site, JoinedNode node, Path copy)
      throws IOException, GeneralSecurityException {
    SpiffeId identity = SystemIdentity.controller(node.roots().trustDomain());
    KeyPair key = SigningKey.P256.generate();
    IssuedCertificate controller = signed(site, key, identity, copy);
    NettyServerBuilder listening =
        NettyServerBuilder.forAddress(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            TlsServerCredentials.newBuilder()
                .keyManager(pem(controller.chain()), pem(key.getPrivate()))
                .trustManager(pem(node.roots().roots()))
                .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE)
                .build());
    AdvancedTlsX509TrustManager roots =
        AdvancedTlsX509TrustManager.newBuilder()
            .setVerification(AdvancedTlsX509TrustManager.Verification.CERTIFICATE_ONLY_VERIFICATION)
            .build();
    roots.updateTrustCredentials(node.roots().roots().toArray(X509Certificate[]::new));
    ManagedChannel upstream =
        NettyChannelBuilder.forAddress(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), site.controller().port()),
                TlsChannelCredentials.newBuilder()
                    .keyManager(pem(node.credential().chain()), pem(node.credential().key()))
                    .trustManager(roots)
                    .build())
            .maxInboundMessageSize(WireLimits.PART_MESSAGE_BYTES)
            .build();
    return new TamperingRelay(listening, upstream);
  }

  private static IssuedCertificate signed(
      ControlledSite site, KeyPair key, SpiffeId identity, Path copy) throws IOException {
    Path original = site.state().authority();
    try (var tree = Files.walk(original)) {
      for (Path file : tree.toList()) { // a directory comes before what is in it
        Files.copy(
            file, copy.resolve(original.relativize(file)), StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
    try (CertificateAuthority authority =
        Authorities.open(
            AuthoritySettings.builtIn(identity.trustDomain(), copy), InstantSource.system())) {
      return authority.sign(
          new CertificateRequest(
              identity,
              SigningRequest.of(key, identity),
              CertificateRequest.SHORTEST_LIFETIME.multipliedBy(10),
              "relay"));
    }
  }

  private static InputStream pem(List<X509Certificate> certificates)
      throws GeneralSecurityException {
    StringBuilder text = new StringBuilder();
    for (X509Certificate certificate : certificates) {
      text.append(pem("CERTIFICATE", certificate.getEncoded()));
    }
    return stream(text.toString());
  }

  private static InputStream pem(PrivateKey key) {
    return stream(pem("PRIVATE KEY", key.getEncoded()));
  }

  private static String pem(String label, byte[] der) {
    return "-----BEGIN %1$s-----%n%2$s%n-----END %1$s-----%n"
        .formatted(label, Base64.getMimeEncoder().encodeToString(der));
  }

  private static InputStream stream(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII));
  }

  ControlAddress address() {
    return ControlAddress.parse("127.0.0.1:" + server.getPort());
  }

  /** Changes each resource so from now on. */
  void tamper(UnaryOperator<Resource> how) {
    tampering = how;
  }

  private DeltaDiscoveryResponse tampered(DeltaDiscoveryResponse part) {
    DeltaDiscoveryResponse.Builder changed = part.toBuilder().clearResources();
    part.getResourcesList().forEach(resource -> changed.addResources(tampering.apply(resource)));
    return changed.build();
  }

  private final class Relay
      extends AggregatedDiscoveryServiceGrpc.AggregatedDiscoveryServiceImplBase {
    @Override
    public StreamObserver<DeltaDiscoveryRequest> deltaAggregatedResources(
        StreamObserver<DeltaDiscoveryResponse> node) {
      return AggregatedDiscoveryServiceGrpc.newStub(upstream)
          .deltaAggregatedResources(
              new StreamObserver<>() {
                @Override
                public void onNext(DeltaDiscoveryResponse part) {
                  node.onNext(tampered(part));
                }

                @Override
                public void onError(Throwable failure) {
                  node.onError(failure);
                }

                @Override
                public void onCompleted() {
                  node.onCompleted();
                }
              });
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
    upstream.shutdownNow();
  }
}

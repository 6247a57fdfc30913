package io.sluice.control.server;

import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.TlsServerCredentials;
import io.grpc.netty.NettyServerBuilder;
import io.sluice.control.admission.NodeAttestor;
import io.sluice.control.admission.TryLimit;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.distribution.Distribution;
import io.sluice.control.issuing.Issuing;
import io.sluice.control.issuing.MemberCertificates;
import io.sluice.control.issuing.NodeCertificates;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.limit.Allowances;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.control.tls.ClientCertificates;
import io.sluice.control.tls.HandshakeKeys;
import io.sluice.control.tls.HandshakeKeys.Presented;
import io.sluice.control.xds.stream.XdsStreams;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.WireLimits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;

/**
 * The control port: gRPC on TLS 1.3. Calls run on virtual threads and may block; gRPC's own event
 * loops only move bytes.
 */
public final class ControlServer {
  /** A certificate request, a token and room for what a later version adds. */
  private static final int LONGEST_MESSAGE = WireLimits.REQUEST_BYTES;

  private static final int LONGEST_HEADERS = 8_192;
  private static final int MOST_NODES = 4_096;

  private final Server server;
  private final Doorway doorway;
  private final BundleFeed feed;
  private final Distribution distribution;
  private final XdsStreams xds;
  private final ExecutorService calls;
  private final ScheduledExecutorService timer;

  private ControlServer(
      Server server,
      Doorway doorway,
      BundleFeed feed,
      Distribution distribution,
      XdsStreams xds,
      ExecutorService calls,
      ScheduledExecutorService timer) {
    this.server = server;
    this.doorway = doorway;
    this.feed = feed;
    this.distribution = distribution;
    this.xds = xds;
    this.calls = calls;
    this.timer = timer;
  }

  /**
   * What the services work with.
   *
   * @param authority whose bundle is handed out
   * @param distribution closed by {@link #drain}
   * @param xds likewise
   */
  public record Parts(
      CertificateAuthority authority,
      ControllerCertificate certificate,
      NodeCertificates nodes,
      MemberCertificates members,
      NodeAttestor attestor,
      Issuing issuing,
      Distribution distribution,
      XdsStreams xds,
      ControllerMetrics metrics,
      NodeCalls log,
      InstantSource clock) {}

  /**
   * Listens and serves.
   *
   * @throws UncheckedIOException where the address cannot be listened on
   */
  public static ControlServer start(ServerSettings settings, Parts parts) {
    InstantSource clock = parts.clock();
    Answers answers = new Answers(parts.metrics(), parts.log(), clock);
    BundleFeed feed = new BundleFeed(parts.nodes(), parts.metrics(), answers);
    ExecutorService calls =
        Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("sluice-control-call-", 0).factory());
    ScheduledExecutorService timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("sluice-control-timer").daemon().factory());
    ConnectionLimit limit =
        new ConnectionLimit(
            settings, chain -> memberOf(parts.members(), chain), timer, parts.metrics(), clock);
    Doorway doorway = new Doorway(limit);
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(
                settings.address(),
                TlsServerCredentials.newBuilder()
                    .keyManager(new HandshakeKeys(new ControllerKeys(parts.certificate())))
                    .trustManager(new ClientCertificates())
                    .clientAuth(TlsServerCredentials.ClientAuth.OPTIONAL)
                    .build())
            .executor(calls)
            .addTransportFilter(limit)
            .intercept(new RequestDeadline(settings.request(), timer, answers))
            .maxInboundMessageSize(LONGEST_MESSAGE)
            .maxInboundMetadataSize(LONGEST_HEADERS)
            .maxConcurrentCallsPerConnection(settings.callsPerConnection())
            .handshakeTimeout(settings.handshake().toMillis(), TimeUnit.MILLISECONDS)
            .maxConnectionIdle(settings.idle().toMillis(), TimeUnit.MILLISECONDS)
            .keepAliveTime(settings.keepAlive().toMillis(), TimeUnit.MILLISECONDS)
            .keepAliveTimeout(settings.keepAliveAnswer().toMillis(), TimeUnit.MILLISECONDS)
            .permitKeepAliveTime(settings.leastClientKeepAlive().toMillis(), TimeUnit.MILLISECONDS)
            .permitKeepAliveWithoutCalls(true);
    doorway.addTo(builder);
    CallerInterceptor callers =
        new CallerInterceptor(
            parts.nodes(),
            parts.members(),
            new Allowances<>(settings.callsAtOnce(), settings.callRefill(), MOST_NODES, clock),
            answers);
    AdmissionService admission =
        new AdmissionService(
            parts.attestor(), new TryLimit(clock), parts.issuing(), parts.authority(), answers);
    IssuingService issuing = new IssuingService(parts.issuing(), feed, answers);
    builder.addService(ServerInterceptors.intercept(admission, limit, callers));
    builder.addService(ServerInterceptors.intercept(issuing, callers));
    AggregatedDiscovery aggregated =
        new AggregatedDiscovery(parts.xds(), parts.distribution(), parts.nodes(), answers);
    builder.addService(ServerInterceptors.intercept(aggregated, callers));
    try {
      return new ControlServer(
          builder.build().start(), doorway, feed, parts.distribution(), parts.xds(), calls, timer);
    } catch (IOException e) {
      doorway.close();
      calls.close();
      timer.close();
      throw new UncheckedIOException(
          "cannot listen on " + IpAddresses.text(settings.address()) + "; choose another --listen",
          e);
    }
  }

  private static Optional<SpiffeId> memberOf(
      MemberCertificates members, List<X509Certificate> chain) {
    if (chain.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(members.member(chain).identity());
    } catch (RefusedException e) {
      return Optional.empty(); // its calls are told why
    }
  }

  /** The port that is listened on. */
  public int port() {
    return server.getPort();
  }

  /** Where changes of the trust bundle are to be told. */
  public BundleFeed feed() {
    return feed;
  }

  /** Takes no new call, lets those that run finish for as long as {@code patience}, then ends. */
  public void drain(Duration patience) {
    server.shutdown();
    feed.close();
    distribution.close();
    xds.close();
    try {
      if (!server.awaitTermination(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        server.shutdownNow();
        server.awaitTermination(1, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
    doorway.close();
    timer.shutdownNow();
    calls.close();
  }

  /**
   * The controller's certificate of the moment; none for a handshake below TLS 1.3, which fails.
   */
  private record ControllerKeys(ControllerCertificate certificate) implements HandshakeKeys.Choice {
    private static final String KEY_TYPE = "EC";
    private static final String TLS_1_3 = "TLSv1.3";

    @Override
    public Optional<Presented> presented(String keyType, SSLEngine engine) {
      SSLSession session = engine.getHandshakeSession();
      if (!keyType.equals(KEY_TYPE) || session == null || !session.getProtocol().equals(TLS_1_3)) {
        return Optional.empty();
      }
      return certificate
          .present()
          .map(present -> new Presented(present.chain(), present.key().getPrivate()));
    }
  }
}

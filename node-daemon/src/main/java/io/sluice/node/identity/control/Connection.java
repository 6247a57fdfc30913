package io.sluice.node.identity.control;

import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.sluice.mesh.CallRefusal;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.SiteTime;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.mesh.svid.SvidJudge.Purpose;
import io.sluice.mesh.svid.SvidRefused;
import io.sluice.node.identity.control.ControlFailure.Reason;
import io.sluice.node.identity.x509.Credential;
import io.sluice.proxy.tls.TlsStack;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** One gRPC channel with the TLS context that belongs to it. Any thread. */
final class Connection {
  /** More than eight roots, six certificates and the roots of other meshes can take. */
  private static final int LONGEST_ANSWER_BYTES = 256 * 1_024;

  final ControlAddress address;
  final ManagedChannel channel;
  final ControllerVerifier verifier;

  /** Calls that would not end by themselves. */
  final Context.CancellableContext streams = Context.ROOT.withCancellation();

  /** Whether another one has taken its place. */
  private volatile boolean retired;

  private Connection(ControlAddress address, ManagedChannel channel, ControllerVerifier verifier) {
    this.address = address;
    this.channel = channel;
    this.verifier = verifier;
  }

  /** Opens nothing before the first call. */
  static Connection to(
      ControlAddress address,
      ControllerVerifier verifier,
      Optional<Credential> own,
      ControlTiming timing,
      EventLoopGroup loop,
      Executor calls,
      Executor lookups) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(address.host(), address.port())
            .sslContext(tls(verifier, own))
            .eventLoopGroup(loop)
            .channelType(EpollSocketChannel.class)
            .withOption(ChannelOption.ALLOCATOR, ByteBufAllocator.DEFAULT) // no second pool
            .executor(calls)
            .offloadExecutor(lookups)
            .proxyDetector(target -> null) // a proxy for the web would not carry this
            .keepAliveTime(timing.keepAlive().toMillis(), TimeUnit.MILLISECONDS)
            .keepAliveTimeout(timing.keepAliveAnswer().toMillis(), TimeUnit.MILLISECONDS)
            .keepAliveWithoutCalls(true)
            .maxInboundMessageSize(LONGEST_ANSWER_BYTES)
            .disableRetry()
            .build();
    return new Connection(address, channel, verifier);
  }

  boolean isRetired() {
    return retired;
  }

  /** Lets single calls finish. */
  void retire() {
    retired = true;
    streams.cancel(null);
    channel.shutdown();
  }

  /** Ends everything. */
  void end() {
    streams.cancel(null);
    channel.shutdownNow();
  }

  private static SslContext tls(ControllerVerifier verifier, Optional<Credential> own) {
    SslProvider provider =
        TlsStack.best() == TlsStack.BORINGSSL ? SslProvider.OPENSSL : SslProvider.JDK;
    SslContextBuilder builder =
        GrpcSslContexts.configure(SslContextBuilder.forClient(), provider)
            .protocols("TLSv1.3")
            .trustManager(verifier)
            .keyStoreType("JKS") // of the key, in memory, without the rounds of PKCS#12
            .sessionCacheSize(1)
            .sessionTimeout(1); // a resumed session would prove the controller by old roots
    own.ifPresent(credential ->
        builder.keyManager(credential.key(), credential.chain().toArray(X509Certificate[]::new)));
    try {
      return builder.build();
    } catch (SSLException e) {
      throw new ControlFailure(
          ControlFailure.Reason.INTERNAL,
          "the TLS end of "
              + own.map(Credential::toString).orElse("a node without certificate")
              + " cannot be made",
          e);
    }
  }

  /** What a gRPC status means here. */
  static final class CallStatus {
    private static final Metadata.Key<String> REASON =
        Metadata.Key.of(CallRefusal.REASON, Metadata.ASCII_STRING_MARSHALLER);

    private static final int LONGEST_TEXT = 300;

    private CallStatus() {}

    static ControlFailure failure(
        String what,
        ControlAddress address,
        StatusRuntimeException met,
        ControllerVerifier verifier) {
      Status status = met.getStatus();
      boolean answered = said(met) != null; // by the service itself, not by the transport
      CertificateException refusal = verifier.refusal().orElse(null);
      if (!answered && refusal != null) {
        return new ControlFailure(
            Reason.UNTRUSTED_CONTROLLER,
            what
                + ": who answers at "
                + address
                + " is not believed: "
                + printable(refusal.getMessage())
                + clockAdvice(refusal),
            refusal);
      }
      Reason reason =
          switch (status.getCode()) {
            case UNAVAILABLE -> answered ? Reason.AUTHORITY_UNAVAILABLE : Reason.UNREACHABLE;
            case DEADLINE_EXCEEDED -> Reason.TIMEOUT;
            case UNAUTHENTICATED -> Reason.UNAUTHENTICATED;
            case PERMISSION_DENIED -> Reason.PERMISSION_DENIED;
            case ABORTED ->
                CallRefusal.SUPERSEDED.equals(said(met)) ? Reason.REPLACED : Reason.REFUSED;
            case INVALID_ARGUMENT, FAILED_PRECONDITION, NOT_FOUND, OUT_OF_RANGE, ALREADY_EXISTS ->
                Reason.REFUSED;
            case RESOURCE_EXHAUSTED -> answered ? Reason.OVERLOADED : Reason.BAD_ANSWER;
            case CANCELLED -> Reason.UNREACHABLE;
            case OK, UNKNOWN, UNIMPLEMENTED, INTERNAL, DATA_LOSS -> Reason.BAD_ANSWER;
          };
      String word = said(met);
      return new ControlFailure(
          reason,
          what
              + ": the controller at "
              + address
              + (answered ? " says " + printable(word) + ", " : ": ")
              + printable(text(status))
              + (reason == Reason.UNREACHABLE ? "; is it running, and is the way to it open?" : ""),
          met);
    }

    private static @Nullable String said(StatusRuntimeException met) {
      Metadata trailers = met.getTrailers();
      return trailers == null ? null : trailers.get(REASON);
    }

    private static String text(Status status) {
      Throwable cause = status.getCause();
      String description = status.getDescription();
      String first = description == null ? status.getCode().toString() : description;
      return cause == null || cause.getMessage() == null
          ? first
          : first + " (" + cause.getMessage() + ")";
    }

    private static String clockAdvice(CertificateException refusal) {
      return refusal instanceof SvidRefused refused && refused.reason().isOfTime()
          ? "; compare the clocks"
          : "";
    }

    /** It comes from outside and goes to a log: one line, bounded. */
    private static String printable(@Nullable String text) {
      String one = String.valueOf(text).replaceAll("[^\\x20-\\x7e]", "?");
      return one.length() > LONGEST_TEXT ? one.substring(0, LONGEST_TEXT) + "..." : one;
    }
  }

  /**
   * Believes the controller of the expected trust domain, whatever its address is called, and
   * nobody else. Remembers what it found for whoever waits for the connection. Any thread.
   */
  static final class ControllerVerifier extends X509ExtendedTrustManager {
    private final Supplier<ControllerTrust> trust;
    private final SiteTime clock;
    private volatile SvidJudge.@Nullable Proven proven;
    private volatile @Nullable CertificateException refusal;

    ControllerVerifier(Supplier<ControllerTrust> trust, InstantSource clock) {
      this.trust = trust;
      this.clock = SiteTime.of(clock);
    }

    /** What the latest handshake proved. */
    Optional<SvidJudge.Proven> proven() {
      return Optional.ofNullable(proven);
    }

    /** Why the latest handshake was refused, if it was. */
    Optional<CertificateException> refusal() {
      return Optional.ofNullable(refusal);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String keyType, SSLEngine engine)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String keyType, @Nullable Socket socket)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String keyType)
        throws CertificateException {
      check(chain);
    }

    private void check(X509Certificate[] chain) throws CertificateException {
      try {
        proven = prove(chain, trust.get());
        refusal = null;
      } catch (CertificateException e) {
        refusal = e;
        throw e;
      } catch (RuntimeException e) {
        // Hostile certificates reach many parsers; whatever they throw is a refusal.
        CertificateException unreadable = new CertificateException("unreadable certificate", e);
        refusal = unreadable;
        throw unreadable;
      }
    }

    private SvidJudge.Proven prove(X509Certificate[] shown, ControllerTrust expected)
        throws CertificateException {
      List<X509Certificate> chain = List.of(shown);
      List<X509Certificate> roots = expected.rootsFor(chain);
      if (roots.isEmpty()) {
        throw new CertificateException(
            "the controller does not send the root whose SHA-256 is in the join token; is the token"
                + " of this controller, and of its present root?");
      }
      SpiffeId named = SvidJudge.identity(chain);
      List<TrustDomain> domains =
          expected.trustDomains().isEmpty()
              ? List.of(named.trustDomain())
              : expected.trustDomains();
      if (domains.stream().map(SystemIdentity::controller).noneMatch(named::equals)) {
        throw new CertificateException(
            "it is "
                + named
                + " and not "
                + domains.stream()
                    .map(domain -> SystemIdentity.controller(domain).toString())
                    .collect(Collectors.joining(" or ")));
      }
      return SvidJudge.of(domains, roots).prove(chain, Set.of(Purpose.SERVER), clock);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String keyType, SSLEngine engine)
        throws CertificateException {
      throw notAServer();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String keyType, @Nullable Socket socket)
        throws CertificateException {
      throw notAServer();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String keyType)
        throws CertificateException {
      throw notAServer();
    }

    private static CertificateException notAServer() {
      return new CertificateException("nobody connects to this end");
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}

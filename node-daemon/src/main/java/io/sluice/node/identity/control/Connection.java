package io.sluice.node.identity.control;

import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.sluice.node.identity.x509.Credential;
import io.sluice.proxy.tls.TlsStack;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/** One gRPC channel with the TLS context that belongs to it. Any thread. */
final class Connection {
  /** More than eight roots, six certificates and the roots of other meshes can take. */
  private static final int LONGEST_ANSWER_BYTES = 256 * 1_024;

  final ControlAddress address;
  final ManagedChannel channel;
  final ControllerVerifier verifier;

  /** Calls that would not end by themselves. */
  final Context.CancellableContext streams = Context.ROOT.withCancellation();

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

  /** Lets single calls finish. */
  void retire() {
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
}

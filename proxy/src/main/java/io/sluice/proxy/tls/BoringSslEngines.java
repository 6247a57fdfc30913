package io.sluice.proxy.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSslContextOption;
import io.netty.handler.ssl.ReferenceCountedOpenSslEngine;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.internal.tcnative.SSL;
import io.netty.util.ReferenceCounted;
import io.sluice.mesh.TlsParameters;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/** Engines of BoringSSL; each holds a reference to the native context it was made by. */
final class BoringSslEngines implements Engines {
  /** Seven certificates with P-256 keys are below 8 KiB. */
  private static final int MAX_CERTIFICATE_BYTES = 32 * 1_024;

  private final SslContext server;
  private final SslContext client;
  private final AtomicInteger uses = new AtomicInteger(1);

  private BoringSslEngines(SslContext server, SslContext client) {
    this.server = server;
    this.client = client;
  }

  static BoringSslEngines make(
      TlsParameters wanted, WorkloadCredentials credentials, PeerVerifier verifier)
      throws SSLException {
    X509Certificate[] chain = credentials.chain().toArray(X509Certificate[]::new);
    SslContext server =
        common(SslContextBuilder.forServer(credentials.key(), chain), wanted, verifier)
            .clientAuth(ClientAuth.REQUIRE)
            .build();
    try {
      SslContext client =
          common(
                  SslContextBuilder.forClient().keyManager(credentials.key(), chain),
                  wanted,
                  verifier)
              .endpointIdentificationAlgorithm("") // identities are SPIFFE's, not host names
              .build();
      return new BoringSslEngines(server, client);
    } catch (SSLException | RuntimeException e) {
      ((ReferenceCounted) server).release();
      throw e;
    }
  }

  private static SslContextBuilder common(
      SslContextBuilder builder, TlsParameters wanted, PeerVerifier verifier) {
    return builder
        .sslProvider(SslProvider.OPENSSL_REFCNT)
        .keyStoreType("JKS") // of the key, in memory: PKCS#12 takes 20,000 rounds of a hash for it
        .protocols(Engines.protocols(wanted))
        .ciphers(List.of(Engines.suites(wanted)))
        .trustManager(verifier)
        .option(OpenSslContextOption.GROUPS, groups(wanted))
        .option(OpenSslContextOption.MAX_CERTIFICATE_LIST_BYTES, MAX_CERTIFICATE_BYTES)
        .applicationProtocolConfig(
            new ApplicationProtocolConfig(
                Protocol.ALPN,
                SelectorFailureBehavior.NO_ADVERTISE,
                SelectedListenerFailureBehavior.ACCEPT,
                ALPN));
  }

  private static String[] groups(TlsParameters wanted) {
    return wanted.offeredGroups().stream().map(TlsParameters.Group::word).toArray(String[]::new);
  }

  @Override
  public SSLEngine server(ByteBufAllocator allocator) {
    ReferenceCountedOpenSslEngine engine =
        (ReferenceCountedOpenSslEngine) batching(server, allocator);
    // Netty turns the tickets of TLS 1.3 on in each engine, unless a property of the JVM forbids.
    SSL.setOptions(engine.sslPointer(), SSL.SSL_OP_NO_TICKET);
    return engine;
  }

  @Override
  public SSLEngine client(ByteBufAllocator allocator) {
    return batching(client, allocator);
  }

  /** Unwraps many records at once; what {@code newEngine} makes gives one, as the JDK's does. */
  private static SSLEngine batching(SslContext context, ByteBufAllocator allocator) {
    return context.newHandler(allocator).engine();
  }

  @Override
  public boolean retain() {
    return uses.getAndUpdate(count -> count == 0 ? 0 : count + 1) > 0;
  }

  @Override
  public void release() {
    if (uses.decrementAndGet() == 0) {
      ((ReferenceCounted) server).release();
      ((ReferenceCounted) client).release();
    }
  }
}

package io.sluice.proxy.tls;

import io.netty.buffer.ByteBufAllocator;
import io.sluice.mesh.TlsParameters;
import java.security.GeneralSecurityException;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/**
 * Makes TLS engines for one {@link WorkloadCredentials}. Session resumption is not offered, and a
 * client that resumes all the same is refused, since only a full handshake proves an identity. Any
 * thread.
 */
sealed interface Engines permits BoringSslEngines, JdkEngines {
  /** The one protocol inside (RFC 9113 §3.1). */
  String ALPN = "h2";

  /** BoringSSL offers all suites of TLS 1.3, whatever it is told: with fewer, the JDK is asked. */
  static Engines make(
      TlsStack stack,
      TlsParameters parameters,
      WorkloadCredentials credentials,
      PeerVerifier verifier)
      throws SSLException, GeneralSecurityException {
    return stack == TlsStack.BORINGSSL && parameters.leavesTls13Alone()
        ? BoringSslEngines.make(parameters, credentials, verifier)
        : new JdkEngines(parameters, credentials, verifier);
  }

  static String[] protocols(TlsParameters parameters) {
    return parameters.versions().stream()
        .map(TlsParameters.Version::protocol)
        .toArray(String[]::new);
  }

  static String[] suites(TlsParameters parameters) {
    return parameters.offeredSuites().stream()
        .map(TlsParameters.Suite::name)
        .toArray(String[]::new);
  }

  /** Asks for a certificate and fails without. */
  SSLEngine server(ByteBufAllocator allocator);

  SSLEngine client(ByteBufAllocator allocator);

  /** Keeps the native part for one more user; false once it has gone. */
  boolean retain();

  /** Gives up one use of the native part; engines that were made live on. */
  void release();
}

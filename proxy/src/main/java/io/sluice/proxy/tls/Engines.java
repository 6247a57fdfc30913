package io.sluice.proxy.tls;

import io.netty.buffer.ByteBufAllocator;
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

  String PROTOCOL = "TLSv1.3";

  /** All of TLS 1.3 with 128 bits or more, the fastest on common hardware first. */
  String[] CIPHER_SUITES = {
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"
  };

  static Engines make(TlsStack stack, WorkloadCredentials credentials, PeerVerifier verifier)
      throws SSLException, GeneralSecurityException {
    return switch (stack) {
      case BORINGSSL -> BoringSslEngines.make(credentials, verifier);
      case JDK -> new JdkEngines(credentials, verifier);
    };
  }

  /** Asks for a certificate and fails without. */
  SSLEngine server(ByteBufAllocator allocator);

  SSLEngine client(ByteBufAllocator allocator);

  /** Keeps the native part for one more user; false once it has gone. */
  boolean retain();

  /** Gives up one use of the native part; engines that were made live on. */
  void release();
}

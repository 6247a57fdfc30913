package io.sluice.proxy.tls;

import io.netty.handler.ssl.OpenSsl;

/** Implementations of TLS that the proxy can use. */
public enum TlsStack {
  /** BoringSSL through netty-tcnative: x86-64 and aarch64. */
  BORINGSSL,
  /** The JDK's own: everywhere, and slower. */
  JDK;

  /** Whether it loads on this machine; found out by loading it. */
  public boolean isAvailable() {
    return switch (this) {
      case BORINGSSL -> OpenSsl.isAvailable();
      case JDK -> true;
    };
  }

  /** BoringSSL where it loads. */
  public static TlsStack best() {
    return BORINGSSL.isAvailable() ? BORINGSSL : JDK;
  }
}

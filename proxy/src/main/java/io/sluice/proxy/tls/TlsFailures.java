package io.sluice.proxy.tls;

import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import java.io.IOException;
import java.util.Locale;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** From what a TLS stack throws to the one reason. */
public final class TlsFailures {
  private static final int MAX_DEPTH = 8;

  private TlsFailures() {}

  /**
   * The reason behind {@code failure}, or {@link TlsReason#CONNECTION_LOST} when the stack gave
   * none. The stacks report three cases in words alone; tests hold the words against both.
   */
  public static TlsReason reason(@Nullable Throwable failure) {
    Throwable cause = failure;
    Throwable last = failure;
    for (int depth = 0; cause != null && depth < MAX_DEPTH; depth++) {
      if (cause instanceof PeerRefused refused) {
        return refused.reason;
      }
      if (cause instanceof SslHandshakeTimeoutException) {
        return TlsReason.TIMEOUT;
      }
      if (!(last instanceof SSLException)) {
        last = cause; // the first word of TLS, else the root of it all
      }
      cause = cause.getCause();
    }
    return last == null ? TlsReason.CONNECTION_LOST : ofOne(last);
  }

  private static TlsReason ofOne(Throwable cause) {
    String text = String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT);
    if (cause instanceof NotSslRecordException) {
      return TlsReason.PROTOCOL;
    }
    if (cause instanceof SSLException) {
      if (text.contains("peer_did_not_return_a_certificate")
          || text.contains("empty client certificate chain")) {
        return TlsReason.NO_CERTIFICATE;
      }
      if (text.contains("key_usage_bit_incorrect")) {
        return TlsReason.NOT_AN_SVID; // BoringSSL looks before we are asked
      }
      if (text.contains("_alert_") || text.contains("received fatal alert")) {
        return TlsReason.REFUSED_BY_PEER;
      }
      return text.contains("closed") ? TlsReason.CONNECTION_LOST : TlsReason.PROTOCOL;
    }
    return cause instanceof IOException ? TlsReason.CONNECTION_LOST : TlsReason.INTERNAL;
  }
}

package io.sluice.proxy.tls;

import java.security.cert.CertificateException;

/** The peer's certificate was refused; travels through the TLS stack to where it is reported. */
final class PeerRefused extends CertificateException {
  private static final long serialVersionUID = 1;

  final TlsReason reason;

  PeerRefused(TlsReason reason, String detail) {
    super(detail);
    this.reason = reason;
  }

  PeerRefused(TlsReason reason, String detail, Throwable cause) {
    super(detail, cause);
    this.reason = reason;
  }
}

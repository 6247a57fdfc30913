package io.sluice.mesh.svid;

import java.security.cert.CertificateException;

/** A chain proves nobody; the message names the broken rule. */
public final class SvidRefused extends CertificateException {
  private static final long serialVersionUID = 1;

  private final SvidReason reason;

  SvidRefused(SvidReason reason, String problem) {
    super(problem);
    this.reason = reason;
  }

  SvidRefused(SvidReason reason, String problem, Throwable cause) {
    super(problem, cause);
    this.reason = reason;
  }

  /** The one word for it. */
  public SvidReason reason() {
    return reason;
  }
}

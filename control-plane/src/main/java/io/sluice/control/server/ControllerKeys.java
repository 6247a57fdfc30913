package io.sluice.control.server;

import io.sluice.control.tls.HandshakeKeys;
import io.sluice.control.tls.HandshakeKeys.Presented;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;

/** The controller's certificate of the moment; none for a handshake below TLS 1.3, which fails. */
record ControllerKeys(ControllerCertificate certificate) implements HandshakeKeys.Choice {
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

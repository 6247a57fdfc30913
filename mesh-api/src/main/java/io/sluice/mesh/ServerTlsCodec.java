package io.sluice.mesh;

import com.google.protobuf.ByteString;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.function.Consumer;

/** By what servers are believed, as a message and back. */
final class ServerTlsCodec {
  private ServerTlsCodec() {}

  /** Tells {@code out} by what {@code server} is believed, unless it is asked in clear. */
  static void tell(NamedServer server, Consumer<io.sluice.api.resources.v1.ServerTls> out) {
    ServerTls tls = server.tlsOrNull();
    if (tls != null) {
      out.accept(message(tls));
    }
  }

  private static io.sluice.api.resources.v1.ServerTls message(ServerTls tls) {
    var message = io.sluice.api.resources.v1.ServerTls.newBuilder();
    tls.roots().forEach(root -> message.addRoots(ByteString.copyFrom(FederatedBundles.der(root))));
    return message.build();
  }

  static ServerTls model(io.sluice.api.resources.v1.ServerTls message, Checks checks) {
    return checks.value(
        "tls",
        () ->
            new ServerTls(
                checks.list(
                    "tls.roots",
                    message.getRootsList(),
                    FederatedBundles.MOST_ROOTS,
                    ServerTlsCodec::certificate)));
  }

  private static X509Certificate certificate(ByteString der) {
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509").generateCertificate(der.newInput());
    } catch (CertificateException | RuntimeException e) { // hostile bytes reach many parsers
      throw new IllegalArgumentException("it is no certificate: " + e.getMessage(), e);
    }
  }
}

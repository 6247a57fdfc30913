package io.sluice.control.server;

import com.google.protobuf.ByteString;
import io.sluice.api.identity.v1.Certificate;
import io.sluice.api.identity.v1.FederatedBundle;
import io.sluice.api.identity.v1.TrustBundle;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.mesh.TrustDomain;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Comparator;
import java.util.Map;

/** Values of the authority as messages of the wire. */
final class Messages {
  private Messages() {}

  static Certificate of(IssuedCertificate issued) {
    Certificate.Builder message = Certificate.newBuilder();
    issued.chain().forEach(certificate -> message.addChain(der(certificate)));
    return message.build();
  }

  static TrustBundle of(io.sluice.control.authority.TrustBundle bundle) {
    TrustBundle.Builder message =
        TrustBundle.newBuilder()
            .setTrustDomain(bundle.trustDomain().name())
            .setGeneration(bundle.generation());
    bundle.roots().forEach(root -> message.addRoots(der(root)));
    bundle.otherDomains().forEach(domain -> message.addOtherTrustDomains(domain.name()));
    bundle
        .federated()
        .ifPresent(others -> {
          message.setFederationKnown(true);
          others.roots().entrySet().stream()
              .sorted(Map.Entry.comparingByKey(Comparator.comparing(TrustDomain::name)))
              .forEach(each ->
                  message.addFederated(
                      FederatedBundle.newBuilder()
                          .setTrustDomain(each.getKey().name())
                          .addAllRoots(each.getValue().stream().map(Messages::der).toList())));
        });
    return message.build();
  }

  private static ByteString der(X509Certificate certificate) {
    try {
      return ByteString.copyFrom(certificate.getEncoded());
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a parsed certificate has an encoding", e);
    }
  }
}

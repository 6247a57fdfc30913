package io.sluice.control.server;

import com.google.protobuf.ByteString;
import io.sluice.api.identity.v1.Certificate;
import io.sluice.api.identity.v1.FederatedBundle;
import io.sluice.api.identity.v1.TrustBundle;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.mesh.FederatedBundles;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

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
          new TreeMap<>(byName(others))
              .forEach((domain, roots) ->
                  message.addFederated(
                      FederatedBundle.newBuilder()
                          .setTrustDomain(domain)
                          .addAllRoots(roots.stream().map(Messages::der).toList())));
        });
    return message.build();
  }

  private static Map<String, List<X509Certificate>> byName(FederatedBundles others) {
    return others.roots().entrySet().stream()
        .collect(Collectors.toMap(entry -> entry.getKey().name(), Map.Entry::getValue));
  }

  private static ByteString der(X509Certificate certificate) {
    try {
      return ByteString.copyFrom(certificate.getEncoded());
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a parsed certificate has an encoding", e);
    }
  }
}

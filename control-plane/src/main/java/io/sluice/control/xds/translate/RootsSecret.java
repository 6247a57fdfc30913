package io.sluice.control.xds.translate;

import io.sluice.api.envoy.core.DataSource;
import io.sluice.api.envoy.tls.CertificateValidationContext;
import io.sluice.api.envoy.tls.Secret;
import io.sluice.control.authority.svid.Pem;
import io.sluice.mesh.MeshSnapshot;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;

/**
 * The trust bundle, named by its trust domain as SPIFFE's servers of secrets name theirs. It is the
 * only secret that is told: private keys stay where they were made.
 */
final class RootsSecret {
  private RootsSecret() {}

  static String name(MeshSnapshot snapshot) {
    return "spiffe://" + snapshot.settings().trustDomain();
  }

  static Optional<XdsResource> of(String name, MeshSnapshot snapshot, List<X509Certificate> roots) {
    if (roots.isEmpty() || !name.equals(name(snapshot))) {
      return Optional.empty();
    }
    return Optional.of(
        XdsResource.of(
            name,
            Secret.newBuilder()
                .setName(name)
                .setValidationContext(
                    CertificateValidationContext.newBuilder()
                        .setTrustedCa(
                            DataSource.newBuilder()
                                .setInlineString(new Pem(roots, List.of()).text())))
                .build()));
  }
}

package io.sluice.control.validate;

import io.sluice.control.objects.MeshConfig;
import io.sluice.control.validate.Finding.Level;
import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.mesh.svid.SvidReason;
import io.sluice.mesh.svid.SvidRefused;
import java.security.cert.X509Certificate;
import java.security.interfaces.EdECKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Whether the roots of other meshes could prove anybody now, by the rules of the nodes' judge. The
 * compiler knows no time, and a mesh goes on when a root ends: nobody is proven by it any more.
 * What cannot prove anybody is not to be written, though.
 */
final class FederatedRoots {
  private FederatedRoots() {}

  /**
   * What is wrong with the roots that {@code config} names.
   *
   * @param present what is in force already: of an entry that is the same there, nothing is an
   *     error
   */
  static List<Finding> check(
      String file, MeshConfig config, FederatedBundles present, Instant now) {
    List<Finding> findings = new ArrayList<>();
    int index = 0;
    for (var entry : config.federatesWith().roots().entrySet()) {
      TrustDomain domain = entry.getKey();
      List<X509Certificate> roots = entry.getValue();
      boolean isPresent = roots.equals(present.roots().get(domain));
      boolean haveAllEnded =
          roots.stream()
              .allMatch(root ->
                  refusal(root, domain, now)
                      .filter(refused -> refused.reason() == SvidReason.EXPIRED)
                      .isPresent());
      String field = "spec.certificate.federatesWith[" + index++ + "]";
      for (X509Certificate root : roots) {
        judged(root, domain, haveAllEnded, now)
            .map(told ->
                new Finding(
                    file,
                    config.meta().line(),
                    config.ref().toString(),
                    field,
                    isPresent ? Level.WARNING : told.level(),
                    "certificate %s of trust domain %s %s"
                        .formatted(Certificates.id(root), domain, told.reason()),
                    told.mend()))
            .ifPresent(findings::add);
      }
    }
    return findings;
  }

  private record Told(Level level, String reason, String mend) {}

  private static Optional<Told> judged(
      X509Certificate root, TrustDomain domain, boolean haveAllEnded, Instant now) {
    Optional<SvidRefused> refusal = refusal(root, domain, now);
    if (refusal.isEmpty()) {
      return root.getPublicKey() instanceof EdECKey
          ? Optional.of(
              new Told(
                  Level.WARNING,
                  "has an Ed25519 key, which works on nodes with the JDK's TLS only",
                  "have that mesh sign with P-256"))
          : Optional.empty();
    }
    return Optional.of(
        switch (refusal.get().reason()) {
          case EXPIRED ->
              new Told(
                  haveAllEnded ? Level.ERROR : Level.WARNING,
                  "has ended at " + root.getNotAfter().toInstant(),
                  haveAllEnded
                      ? "write the present root of that mesh"
                      : "remove the one that has ended");
          case NOT_YET_VALID ->
              new Told(
                  Level.WARNING,
                  "begins at " + root.getNotBefore().toInstant() + " and proves nobody before",
                  "keep the present root beside it until then");
          case WEAK ->
              new Told(
                  Level.ERROR,
                  "proves nobody: " + refusal.get().getMessage(),
                  "have that mesh make a root with such a key");
          case NO_CERTIFICATE,
              CHAIN_TOO_LONG,
              UNREADABLE,
              NOT_AN_SVID,
              WRONG_PURPOSE,
              FOREIGN_TRUST_DOMAIN,
              NAME_CONSTRAINED,
              UNTRUSTED ->
              new Told(
                  Level.ERROR,
                  "proves nobody: " + refusal.get().getMessage(),
                  "write the present root of that mesh");
        });
  }

  private static Optional<SvidRefused> refusal(
      X509Certificate root, TrustDomain domain, Instant now) {
    try {
      SvidJudge.requireRoot(root, domain, now);
      return Optional.empty();
    } catch (SvidRefused e) {
      return Optional.of(e);
    }
  }
}

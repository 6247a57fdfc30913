package io.sluice.control.authority.builtin;

import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.TrustBundle;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.time.Instant;
import java.util.Date;
import java.util.stream.Collectors;

/** What a peer that has only the JDK and a bundle makes of a chain. */
final class Peers {
  private Peers() {}

  static boolean accept(IssuedCertificate issued, TrustBundle bundle, Instant now) {
    try {
      PKIXParameters parameters =
          new PKIXParameters(
              bundle.roots().stream()
                  .map(root -> new TrustAnchor(root, null))
                  .collect(Collectors.toSet()));
      parameters.setRevocationEnabled(false);
      parameters.setDate(Date.from(now));
      CertPathValidator.getInstance("PKIX")
          .validate(
              CertificateFactory.getInstance("X.509").generateCertPath(issued.chain()), parameters);
      return true;
    } catch (CertPathValidatorException e) {
      return false;
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }
}

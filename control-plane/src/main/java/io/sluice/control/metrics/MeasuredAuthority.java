package io.sluice.control.metrics;

import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.TrustBundle;
import io.sluice.mesh.TrustDomain;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;

/** An authority whose signatures are timed. Closes {@code authority} with itself. */
public record MeasuredAuthority(CertificateAuthority authority, ControllerMetrics metrics)
    implements CertificateAuthority {
  @Override
  public IssuedCertificate sign(CertificateRequest request) {
    long begin = System.nanoTime();
    IssuedCertificate issued = authority.sign(request);
    metrics.signed(Duration.ofNanos(System.nanoTime() - begin));
    return issued;
  }

  @Override
  public List<X509Certificate> signClient(
      List<String> names, PublicKey key, Duration lifetime, String requester) {
    return authority.signClient(names, key, lifetime, requester);
  }

  @Override
  public TrustBundle trustBundle() {
    return authority.trustBundle();
  }

  @Override
  public void signFor(TrustDomain domain) {
    authority.signFor(domain);
  }

  @Override
  public AuthorityHealth health() {
    return authority.health();
  }

  @Override
  public void close() {
    authority.close();
  }
}

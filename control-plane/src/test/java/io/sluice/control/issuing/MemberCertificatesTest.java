package io.sluice.control.issuing;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.TrustBundle;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.OddChains;
import io.sluice.mesh.svid.SvidReason;
import io.sluice.mesh.svid.SvidRefused;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MemberCertificatesTest {
  /** Nobody asks it for a certificate here. */
  private record Roots(List<X509Certificate> roots) implements CertificateAuthority {
    @Override
    public TrustBundle trustBundle() {
      return new TrustBundle(OddChains.DOMAIN, 1, roots);
    }

    @Override
    public IssuedCertificate sign(CertificateRequest request) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void signFor(TrustDomain domain) {
      throw new UnsupportedOperationException();
    }

    @Override
    public AuthorityHealth health() {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  }

  private static Stream<OddChains.Chain> chains() {
    return OddChains.all();
  }

  @Tag("attack")
  @ParameterizedTest
  @MethodSource("chains")
  void takesNobodyByAnOddChain(OddChains.Chain chain) {
    MemberCertificates members =
        new MemberCertificates(
            new Roots(chain.roots()), () -> DeniedPeers.NONE, InstantSource.fixed(OddChains.NOW));
    List<X509Certificate> shown;
    try {
      shown = chain.der().isEmpty() ? List.of() : Certificates.parse(chain.der(), 100);
    } catch (SvidRefused e) {
      assertThat(chain.refusal()).as("TLS does not hand it over").contains(e.reason());
      return;
    }

    Optional<RefusalReason> refused = refusal(members, shown);

    assertThat(refused).isEqualTo(chain.refusal().map(MemberCertificatesTest::told));
    refused.ifPresent(reason ->
        Attack.tried("at the controller's port, a chain: " + chain.name())
            .refusedBy("MemberCertificates: " + chain.refusal().orElseThrow())
            .countedAs("sluice_control_refusals_total{reason=\"" + reason.label() + "\"}"));
  }

  private static RefusalReason told(SvidReason judged) {
    if (judged == SvidReason.NO_CERTIFICATE) {
      return RefusalReason.CERTIFICATE_MISSING;
    }
    return judged == SvidReason.EXPIRED
        ? RefusalReason.CERTIFICATE_EXPIRED
        : RefusalReason.CERTIFICATE_UNTRUSTED;
  }

  private static Optional<RefusalReason> refusal(
      MemberCertificates members, List<X509Certificate> shown) {
    try {
      assertThat(members.member(shown).identity()).isEqualTo(OddChains.IDENTITY);
      return Optional.empty();
    } catch (RefusedException e) {
      return Optional.of(e.reason());
    }
  }
}

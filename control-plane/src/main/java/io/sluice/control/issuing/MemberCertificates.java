package io.sluice.control.issuing;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.TrustBundle;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.svid.SiteTime;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.mesh.svid.SvidJudge.Purpose;
import io.sluice.mesh.svid.SvidRefused;
import java.math.BigInteger;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Whom a client certificate proves. TLS has shown that the peer holds the leaf's key; all else is
 * looked at here, for each call anew, so that a certificate that ends, is denied or lost its root
 * ends its rights at once. Any thread.
 */
public final class MemberCertificates {
  private final CertificateAuthority authority;
  private final Supplier<DeniedPeers> denied;
  private final SiteTime clock;

  /**
   * By the authority's present roots.
   *
   * @param denied the newest deny list; asked for each call, so it never blocks
   */
  public MemberCertificates(
      CertificateAuthority authority, Supplier<DeniedPeers> denied, InstantSource clock) {
    this.authority = authority;
    this.denied = denied;
    this.clock = SiteTime.of(clock);
  }

  /**
   * Whom this chain proves.
   *
   * @param chain leaf first, as it came
   * @throws RefusedException where it proves nobody of this mesh
   */
  public MeshMember member(List<X509Certificate> chain) {
    TrustBundle bundle = bundle();
    SpiffeId identity;
    try {
      identity =
          SvidJudge.of(bundle.domains(), bundle.roots())
              .prove(chain, Set.of(Purpose.CLIENT), clock)
              .identity();
    } catch (SvidRefused e) {
      throw refused(e);
    }
    BigInteger serial = chain.getFirst().getSerialNumber();
    DeniedPeers list = denied.get();
    if (list.denies(identity, serial, bundle.domains())) {
      throw new RefusedException(
          RefusalReason.CERTIFICATE_DENIED,
          "the certificate of " + identity + " is on the mesh's deny list",
          "take it off spec.certificate of the MeshConfig, or have the node admitted anew");
    }
    return new MeshMember(identity, chain);
  }

  /**
   * Why a call that {@code member} began is to end now; empty while its certificate proves it, and
   * while the authority cannot be asked.
   */
  public Optional<RefusedException> noLongerProven(MeshMember member) {
    try {
      member(member.chain());
      return Optional.empty();
    } catch (RefusedException e) {
      return Optional.of(e).filter(why -> why.reason() != RefusalReason.AUTHORITY_UNAVAILABLE);
    }
  }

  private TrustBundle bundle() {
    try {
      return authority.trustBundle();
    } catch (AuthorityException e) {
      throw RefusedException.of(e);
    }
  }

  private static RefusedException refused(SvidRefused why) {
    return switch (why.reason()) {
      case NO_CERTIFICATE ->
          new RefusedException(
              RefusalReason.CERTIFICATE_MISSING,
              "this call needs a certificate of the mesh",
              "a node gets one by NodeAdmission/Admit");
      case EXPIRED ->
          new RefusedException(
              RefusalReason.CERTIFICATE_EXPIRED,
              String.valueOf(why.getMessage()),
              "have the node admitted anew, with a new token");
      case CHAIN_TOO_LONG,
          UNREADABLE,
          NOT_AN_SVID,
          WRONG_PURPOSE,
          WEAK,
          NOT_YET_VALID,
          FOREIGN_TRUST_DOMAIN,
          NAME_CONSTRAINED,
          UNTRUSTED ->
          new RefusedException(
              RefusalReason.CERTIFICATE_UNTRUSTED,
              "the client certificate is refused: " + why.getMessage(),
              "use the certificate that this controller issued, or have the node admitted anew");
    };
  }

  /**
   * Whoever holds a certificate of the mesh: a workload, a node or the mesh itself.
   *
   * @param chain leaf first, as it came
   */
  public record MeshMember(SpiffeId identity, List<X509Certificate> chain) {
    public MeshMember {
      chain = List.copyOf(chain);
    }
  }
}

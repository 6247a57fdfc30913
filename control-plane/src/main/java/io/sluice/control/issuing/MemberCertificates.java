package io.sluice.control.issuing;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.svid.SvidRules;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SvidLeaf;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Whom a client certificate proves. TLS has shown that the peer holds the leaf's key; all else is
 * looked at here, for each call anew, so that a certificate that ends, is denied or lost its root
 * ends its rights at once. Any thread.
 */
public final class MemberCertificates {
  private final CertificateAuthority authority;
  private final Supplier<DeniedPeers> denied;
  private final InstantSource clock;

  /**
   * By the authority's present roots.
   *
   * @param denied the newest deny list; asked for each call, so it never blocks
   */
  public MemberCertificates(
      CertificateAuthority authority, Supplier<DeniedPeers> denied, InstantSource clock) {
    this.authority = authority;
    this.denied = denied;
    this.clock = clock;
  }

  /**
   * Whom this chain proves.
   *
   * @param chain leaf first, as it came
   * @throws RefusedException where it proves nobody of this mesh
   */
  public MeshMember member(List<X509Certificate> chain) {
    if (chain.isEmpty()) {
      throw new RefusedException(
          RefusalReason.CERTIFICATE_MISSING,
          "this call needs a certificate of the mesh",
          "a node gets one by NodeAdmission/Admit");
    }
    TrustBundle bundle = bundle();
    X509Certificate leaf = chain.getFirst();
    Instant now = clock.instant();
    SpiffeId identity = identity(leaf);
    if (now.isAfter(leaf.getNotAfter().toInstant())) {
      throw new RefusedException(
          RefusalReason.CERTIFICATE_EXPIRED,
          "the certificate of " + identity + " ended at " + leaf.getNotAfter().toInstant(),
          "have the node admitted anew, with a new token");
    }
    Optional<String> violation =
        SvidRules.violation(
            chain,
            new SvidRules.Expectation(
                identity, leaf.getPublicKey(), CertificateRequest.LONGEST_LIFETIME, bundle.roots()),
            now);
    if (violation.isPresent()) {
      throw untrusted("the client certificate is refused: " + violation.get());
    }
    if (!identity.trustDomain().equals(bundle.trustDomain())) {
      throw untrusted(identity + " is not of trust domain " + bundle.trustDomain());
    }
    if (denied.get().denies(identity, leaf.getSerialNumber())) {
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

  /** A leaf that breaks a rule for leaves names nobody. */
  private static SpiffeId identity(X509Certificate leaf) {
    SvidLeaf shape = SvidLeaf.of(leaf);
    if (!(shape instanceof SvidLeaf.Proper(String uri))) {
      throw untrusted(
          "the client certificate is refused: " + SvidRules.violation(shape).orElse("its form"));
    }
    try {
      return SpiffeId.parse(uri);
    } catch (IllegalArgumentException e) {
      throw untrusted("the client certificate names no identity of a mesh: " + e.getMessage());
    }
  }

  private static RefusedException untrusted(String problem) {
    return new RefusedException(
        RefusalReason.CERTIFICATE_UNTRUSTED,
        problem,
        "use the certificate that this controller issued, or have the node admitted anew");
  }
}

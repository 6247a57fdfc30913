package io.sluice.control.issuing;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.svid.SvidRules;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Which node a client certificate proves. TLS has shown that the peer holds the leaf's key; all
 * else is looked at here, for each call anew, so that a certificate that ends, is denied or lost
 * its root ends its rights at once. Any thread.
 */
public final class NodeCertificates {
  private static final int URI = 6; // GeneralName, RFC 5280 §4.2.1.6

  private final CertificateAuthority authority;
  private final Denials denials;
  private final InstantSource clock;

  /** By the authority's present roots. */
  public NodeCertificates(CertificateAuthority authority, Denials denials, InstantSource clock) {
    this.authority = authority;
    this.denials = denials;
    this.clock = clock;
  }

  /**
   * The node of this chain.
   *
   * @param chain leaf first, as it came
   * @throws RefusedException where it proves no node of this mesh
   */
  public Caller caller(List<X509Certificate> chain) {
    if (chain.isEmpty()) {
      throw new RefusedException(
          RefusalReason.CERTIFICATE_MISSING,
          "this call needs a node's certificate",
          "get one by NodeAdmission/Admit");
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
    String nodeName =
        SystemIdentity.nodeName(identity)
            .orElseThrow(() ->
                new RefusedException(
                    RefusalReason.NOT_A_NODE,
                    identity + " is no node of the mesh",
                    "call with the node's own certificate"));
    if (denials.denies(identity, leaf.getSerialNumber())) {
      throw new RefusedException(
          RefusalReason.CERTIFICATE_DENIED,
          "the certificate of " + identity + " is on the mesh's deny list",
          "take it off spec.certificate of the MeshConfig, or have the node admitted anew");
    }
    return new Caller(nodeName, identity, chain);
  }

  private TrustBundle bundle() {
    try {
      return authority.trustBundle();
    } catch (AuthorityException e) {
      throw RefusedException.of(e);
    }
  }

  private static SpiffeId identity(X509Certificate leaf) {
    try {
      Collection<List<?>> names = leaf.getSubjectAlternativeNames();
      for (List<?> name : names == null ? List.<List<?>>of() : names) {
        if (name.getFirst().equals(URI)) {
          return SpiffeId.parse(String.valueOf(name.get(1)));
        }
      }
    } catch (CertificateParsingException | IllegalArgumentException e) {
      throw untrusted("the client certificate names no identity of a mesh: " + e.getMessage());
    }
    throw untrusted("the client certificate has no SPIFFE ID");
  }

  private static RefusedException untrusted(String problem) {
    return new RefusedException(
        RefusalReason.CERTIFICATE_UNTRUSTED,
        problem,
        "use the certificate that this controller issued, or have the node admitted anew");
  }
}

package io.sluice.control.authority;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.math.BigInteger;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * Signs identities of one trust domain at a time. Whether the asker may have the identity is not
 * decided here: callers admit first, then ask.
 *
 * <p>All methods may be called by any thread, several at once. They may block on disk or network
 * for as long as the implementation states, so never from an event loop; a virtual thread is right.
 */
public interface CertificateAuthority extends AutoCloseable {
  /**
   * Issues a leaf certificate for the key of the request.
   *
   * @throws AuthorityException with a reason that says whether trying again can help
   */
  IssuedCertificate sign(CertificateRequest request);

  /**
   * Issues a certificate by which a client that is no workload proves DNS names, and nothing else:
   * no server shows it.
   *
   * @param names one or more, below the trust domain; who may have them the caller has decided
   * @param lifetime from now to not-after
   * @param requester who asked; for the journal
   * @return leaf first, then each issuer, without the root
   * @throws AuthorityException with a reason that says whether trying again can help; always by one
   *     that signs workloads alone
   */
  default List<X509Certificate> signClient(
      List<String> names, PublicKey key, Duration lifetime, String requester) {
    throw new AuthorityException(
        AuthorityException.Reason.BACKEND_REFUSED,
        "certificate for " + String.join(", ", names),
        "the authority of this mesh signs for workloads alone",
        "have it issued where the authority is kept");
  }

  /**
   * The roots that every member of the mesh has to trust now. A change of content has a higher
   * generation, also across restarts.
   *
   * @throws AuthorityException where the roots are kept elsewhere and were never reached
   */
  TrustBundle trustBundle();

  /**
   * From now on it signs identities of {@code domain} and no others. What was signed before stays
   * as it is. Nothing happens where it does so already.
   *
   * @throws AuthorityException where it cannot; it goes on as before then
   */
  void signFor(TrustDomain domain);

  /**
   * Whether it can sign, looked up without a side effect that anybody would notice. Never throws.
   */
  AuthorityHealth health();

  /** Releases files and connections; what was issued stays valid. */
  @Override
  void close();

  /**
   * State of an authority, for readiness, metrics and people.
   *
   * @param condition whether it signs
   * @param detail what is wrong and what to do, or what is in use when nothing is wrong
   */
  record AuthorityHealth(Condition condition, String detail) {
    /** Whether requests are served, ordered from good to bad. */
    public enum Condition {
      /** Signs. */
      READY,
      /** Signs, but somebody has to act before it stops. */
      DEGRADED,
      /** Does not sign now. */
      UNAVAILABLE
    }
  }

  /**
   * A certificate with what a peer needs to follow it to a root.
   *
   * @param identity what the leaf proves
   * @param chain leaf first, then each issuer; without the root, which peers have in their bundle
   */
  record IssuedCertificate(SpiffeId identity, List<X509Certificate> chain) {
    public IssuedCertificate {
      chain = List.copyOf(chain);
      if (chain.isEmpty()) {
        throw new IllegalArgumentException("a chain begins with the leaf and cannot be empty");
      }
    }

    /** The certificate of the identity itself. */
    public X509Certificate leaf() {
      return chain.getFirst();
    }

    /** Unique per issuer. */
    public BigInteger serial() {
      return leaf().getSerialNumber();
    }

    /** Last instant at which peers accept it. */
    public Instant notAfter() {
      return leaf().getNotAfter().toInstant();
    }
  }
}

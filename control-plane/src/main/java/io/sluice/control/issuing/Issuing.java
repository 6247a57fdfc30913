package io.sluice.control.issuing;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.SigningRequest;
import io.sluice.control.issuing.NodeCertificates.Caller;
import io.sluice.control.limit.BoundedMap;
import io.sluice.mesh.Sha256;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import java.security.PublicKey;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Certificates for those who may have them. Any thread; blocks for as long as the authority does.
 */
public final class Issuing {
  private final CertificateAuthority authority;
  private final Supplier<AuthorityHealth> health;
  private final Supplier<TrustDomain> trustDomain;
  private final Placements placements;
  private final Lifetimes lifetimes;
  private final KeyUses keys = new KeyUses();

  /**
   * How long certificates live.
   *
   * @param leaf of a pod's identity, now; no longer than of a node
   * @param node of a node's own
   */
  public record Lifetimes(Supplier<Duration> leaf, Duration node) {}

  /**
   * Signs by {@code authority} what {@code placements} allow.
   *
   * @param health the authority's, as it is known: strangers are not to have it asked anew
   * @param trustDomain the one that is signed for now
   */
  public Issuing(
      CertificateAuthority authority,
      Supplier<AuthorityHealth> health,
      Supplier<TrustDomain> trustDomain,
      Placements placements,
      Lifetimes lifetimes) {
    this.authority = authority;
    this.health = health;
    this.trustDomain = trustDomain;
    this.placements = placements;
    this.lifetimes = lifetimes;
  }

  /**
   * The first certificate of a node.
   *
   * @param nodeName what the node says it is called
   * @param admission throws unless the node of that key is proven, and may use up its token: called
   *     once everything else is known to be in order
   * @throws RefusedException where it gets none
   */
  public IssuedCertificate admit(
      String nodeName, byte[] signingRequest, Consumer<PublicKey> admission) {
    SpiffeId identity;
    try {
      identity = SystemIdentity.node(trustDomain.get(), nodeName);
    } catch (IllegalArgumentException e) {
      throw new RefusedException(
          RefusalReason.NODE_NAME_MALFORMED,
          "this is no Kubernetes node name",
          "use lower-case letters, digits, '-' and '.', at most "
              + SystemIdentity.LONGEST_NODE_NAME);
    }
    SigningRequest proof = proof(signingRequest);
    requireNames(proof, identity);
    if (health.get().condition() == Condition.UNAVAILABLE) {
      throw new RefusedException(
          RefusalReason.AUTHORITY_UNAVAILABLE,
          "the authority cannot sign now, so the token was left unused",
          "'sluice control status' on the controller says why");
    }
    keys.requireFree(proof.publicKey(), nodeName, identity);
    admission.accept(proof.publicKey());
    keys.claim(proof.publicKey(), nodeName, identity);
    return sign(identity, proof, lifetimes.node(), nodeName);
  }

  /** The next certificate of a node, for a key that it did not have before. */
  public IssuedCertificate renew(Caller caller, byte[] signingRequest) {
    placements.requireDenials();
    SigningRequest proof = proof(signingRequest);
    SpiffeId identity = caller.identity().in(trustDomain.get());
    requireNames(proof, identity);
    if (proof.publicKey().equals(caller.leaf().getPublicKey())) {
      throw new RefusedException(
          RefusalReason.KEY_REUSED,
          "the request is for the key that the node has already",
          "make a new key for each renewal");
    }
    keys.claim(proof.publicKey(), caller.nodeName(), identity);
    return sign(identity, proof, lifetimes.node(), caller.nodeName());
  }

  /** A certificate for the identity of a pod on the caller's node. */
  public IssuedCertificate issue(Caller caller, String wanted, byte[] signingRequest) {
    SpiffeId identity;
    try {
      identity = SpiffeId.parse(wanted);
    } catch (IllegalArgumentException e) {
      throw new RefusedException(
          RefusalReason.IDENTITY_MALFORMED,
          "the wanted identity is not of the form that the mesh issues",
          "ask for spiffe://<trust domain>/ns/<namespace>/sa/<service account>");
    }
    placements.require(caller.nodeName(), identity);
    SigningRequest proof = proof(signingRequest);
    requireNames(proof, identity);
    keys.claim(proof.publicKey(), caller.nodeName(), identity);
    Duration leaf = lifetimes.leaf().get();
    Duration life = leaf.compareTo(lifetimes.node()) > 0 ? lifetimes.node() : leaf;
    return sign(identity, proof, life, caller.nodeName());
  }

  private static SigningRequest proof(byte[] signingRequest) {
    try {
      return SigningRequest.parse(signingRequest);
    } catch (AuthorityException e) {
      throw RefusedException.of(e);
    }
  }

  private static void requireNames(SigningRequest proof, SpiffeId identity) {
    if (!proof.namesNobodyBut(identity)) {
      throw new RefusedException(
          RefusalReason.REQUEST_NAMES_OTHERS,
          "the certificate request carries other names than " + identity,
          "put exactly this one URI into it, or no name");
    }
  }

  private IssuedCertificate sign(
      SpiffeId identity, SigningRequest proof, Duration lifetime, String nodeName) {
    try {
      return authority.sign(new CertificateRequest(identity, proof, lifetime, nodeName));
    } catch (AuthorityException e) {
      throw RefusedException.of(e);
    }
  }

  /**
   * Which key proves which identity on which node. A request that somebody recorded is of no use
   * without its key, and here it is not even signed again: a key stays with the node and the
   * identity that had it first. The newest keys are remembered, and nothing across a restart. Any
   * thread.
   */
  public static final class KeyUses {
    /** Two for each pod of the largest mesh, for a week of daily renewals. */
    static final int MOST_KEYS = 16_384;

    private final Map<String, Use> uses = BoundedMap.byAge(MOST_KEYS);

    /**
     * Notes that {@code nodeName} proves {@code identity} by {@code key}. The same once more is
     * fine: an answer may have been lost on its way.
     *
     * @throws RefusedException where the key belongs to another node or identity
     */
    public void claim(PublicKey key, String nodeName, SpiffeId identity) {
      Use use = new Use(nodeName, identity);
      synchronized (uses) {
        requireSame(uses.putIfAbsent(Sha256.hex(key.getEncoded()), use), use);
      }
    }

    /** Throws as {@link #claim} does, and notes nothing: for those who are not known yet. */
    public void requireFree(PublicKey key, String nodeName, SpiffeId identity) {
      synchronized (uses) {
        requireSame(uses.get(Sha256.hex(key.getEncoded())), new Use(nodeName, identity));
      }
    }

    private static void requireSame(@Nullable Use first, Use use) {
      if (first != null && !first.equals(use)) {
        throw new RefusedException(
            RefusalReason.KEY_REUSED,
            "the key of this request was used for something else",
            "make a new key for each identity");
      }
    }

    private record Use(String nodeName, SpiffeId identity) {}
  }
}

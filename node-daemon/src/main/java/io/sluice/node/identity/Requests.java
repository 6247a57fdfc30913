package io.sluice.node.identity;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.mesh.svid.SvidRefused;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControlFailure.Reason;
import io.sluice.node.identity.control.Controller;
import io.sluice.node.identity.store.KeptNode;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.SigningRequests;
import io.sluice.node.identity.x509.TrustRoots;
import io.sluice.proxy.tls.WorkloadCredentials;
import java.security.KeyPair;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Each kind of request from the new key to the checked certificate. Blocks, so on virtual threads
 * only; several at once.
 */
final class Requests {
  private final String nodeName;
  private final Controller controller;
  private final AdmissionProof proof;
  private final IdentityClock clock;
  private final RandomGenerator random;

  Requests(
      String nodeName,
      Controller controller,
      AdmissionProof proof,
      IdentityClock clock,
      RandomGenerator random) {
    this.nodeName = nodeName;
    this.controller = controller;
    this.proof = proof;
    this.clock = clock;
    this.random = random;
  }

  /**
   * The node's first certificate, or the first after its last one has ended.
   *
   * @param known what the node was until now
   */
  KeptNode admit(Optional<KeptNode> known) {
    return admit(proof.read(known));
  }

  /**
   * The first certificate of a node that does not believe who answers. Only roots that it did not
   * have until now can change that, and they come from the operator alone: by the ConfigMap of the
   * roots, or by a new join token. Without such a one nobody is asked.
   *
   * @param disbelief why it does not; told on where this cannot mend it
   */
  KeptNode admitAnew(KeptNode known, ControlFailure disbelief) {
    AdmissionProof.Read read;
    try {
      read = proof.read(Optional.of(known));
    } catch (ControlFailure e) {
      throw still(disbelief, String.valueOf(e.getMessage()));
    }
    if (!read.namesMoreThan(known.roots())) {
      throw still(disbelief, "the operator vouches for the roots that it has, and for no others");
    }
    return admit(read);
  }

  private static ControlFailure still(ControlFailure disbelief, String why) {
    return new ControlFailure(
        Reason.UNTRUSTED_CONTROLLER,
        disbelief.getMessage() + "; the node is not admitted anew: " + why,
        disbelief);
  }

  private KeptNode admit(AdmissionProof.Read read) {
    KeyPair key = SigningRequests.newKey();
    Controller.Admission admission =
        controller.admit(read.trust(), nodeName, read.token(), SigningRequests.of(key));
    TrustRoots roots = admission.roots();
    Credential own =
        checked(
            admission.chain(),
            key,
            SystemIdentity.node(roots.trustDomain(), nodeName),
            roots,
            "the admission");
    return new KeptNode(own, roots, read.joinTokenId());
  }

  /** The node's next certificate. */
  Credential renewNode(TrustRoots roots) {
    KeyPair key = SigningRequests.newKey();
    return checked(
        controller.renewNode(SigningRequests.of(key)),
        key,
        SystemIdentity.node(roots.trustDomain(), nodeName),
        roots,
        "the renewal of the node");
  }

  /**
   * A certificate for pods of this node, in the trust domain that the controller issues in: the
   * registry may say the next one already.
   */
  Credential issue(NamespacedName account, TrustRoots roots) {
    SpiffeId identity = new SpiffeId(roots.trustDomain(), account.namespace(), account.name());
    KeyPair key = SigningRequests.newKey();
    return checked(
        controller.issue(identity, SigningRequests.of(key, identity)),
        key,
        identity,
        roots,
        "the request for " + identity);
  }

  private Credential checked(
      List<X509Certificate> chain, KeyPair key, SpiffeId identity, TrustRoots roots, String what) {
    Instant now = clock.now();
    try {
      SpiffeId proven = roots.judge().prove(chain, SvidJudge.BOTH, now).identity();
      if (!proven.equals(identity)) {
        throw new CertificateException("it is of " + proven + " and not of " + identity);
      }
      if (!chain.getFirst().getPublicKey().equals(key.getPublic())) {
        throw new CertificateException("it is for another key");
      }
      // What the data path asks of its credentials.
      var _ = new WorkloadCredentials(identity, chain, key.getPrivate(), roots.bundles());
    } catch (CertificateException | IllegalArgumentException e) {
      boolean ofTime = e instanceof SvidRefused refused && refused.reason().isOfTime();
      throw ofTime
          ? new ControlFailure(
              Reason.CLOCK,
              what
                  + " brought a certificate out of its time; compare the clocks of this node and"
                  + " the controller: "
                  + e.getMessage(),
              e)
          : new ControlFailure(
              Reason.BAD_ANSWER, what + " brought an unusable certificate: " + e.getMessage(), e);
    }
    return new Credential(
        identity,
        chain,
        key.getPrivate(),
        now,
        RenewalPoint.of(now, Certificates.end(chain), random));
  }
}

package io.sluice.node.identity;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.mesh.svid.SvidRefused;
import io.sluice.node.identity.ControlSettings.Admission;
import io.sluice.node.identity.control.ControlFailure;
import io.sluice.node.identity.control.ControlFailure.Reason;
import io.sluice.node.identity.control.ControllerClient;
import io.sluice.node.identity.control.ControllerTrust;
import io.sluice.node.identity.control.JoinToken;
import io.sluice.node.identity.store.KeptNode;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.SigningRequests;
import io.sluice.node.identity.x509.TrustRoots;
import io.sluice.node.store.MeshMark;
import io.sluice.proxy.tls.WorkloadCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Each kind of request from the new key to the checked certificate. Blocks, so on virtual threads
 * only; several at once.
 */
record Requests(
    String nodeName,
    ControllerClient controller,
    AdmissionProof proof,
    IdentityClock clock,
    RandomGenerator random) {
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
    KeyPair key = proof.keyFor(read);
    ControllerClient.Admission admission =
        controller.admit(read.trust(), nodeName, read.token(), SigningRequests.of(key));
    TrustRoots roots = admission.roots();
    Credential own =
        checked(
            admission.chain(),
            key,
            SystemIdentity.node(roots.trustDomain(), nodeName),
            roots,
            "the admission");
    proof.hasAdmitted();
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
    try {
      SpiffeId proven = roots.judge().prove(chain, SvidJudge.BOTH, clock).identity();
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
    clock.heard(chain.getFirst().getNotBefore().toInstant());
    Instant now = clock.instant();
    return new Credential(
        identity,
        chain,
        key.getPrivate(),
        now,
        RenewalPoint.of(now, Certificates.end(chain), random));
  }

  /**
   * When a certificate is renewed: at a random point around the middle of what is left of its life
   * when it comes. Not of all its life, which begins minutes before its issue; of a short one that
   * would be over before.
   */
  static final class RenewalPoint {
    private static final double EARLIEST = 0.45;
    private static final double LATEST = 0.55;

    private RenewalPoint() {}

    static Instant of(Instant receivedAt, Instant end, RandomGenerator random) {
      long left = Duration.between(receivedAt, end).toMillis();
      return receivedAt.plusMillis((long) (left * random.nextDouble(EARLIEST, LATEST)));
    }
  }

  /** What this node proves itself with, and believes the controller by, before it is admitted. */
  static final class AdmissionProof {
    /** The controller takes no longer one. */
    private static final int LONGEST_TOKEN = 8_192;

    private static final int LONGEST_ROOTS_FILE = 128 * 1_024;

    /** File beside that of the roots. */
    private static final String MESH_ID = "mesh-id";

    /**
     * One reading of the files.
     *
     * @param joinTokenId which join token it is; empty for tokens that can be used again
     * @param roots SHA-256 of each root that the controller may be believed by
     */
    record Read(ControllerTrust trust, String token, String joinTokenId, Set<String> roots) {
      /** Whether it names a root that is not among those. */
      boolean namesMoreThan(TrustRoots known) {
        return !fingerprints(known.roots()).containsAll(roots);
      }
    }

    private final Admission admission;
    private @Nullable Tried tried; // guarded by this

    /** The key that a join token was sent with. */
    private record Tried(String token, KeyPair key) {}

    AdmissionProof(Admission admission) {
      this.admission = admission;
    }

    /**
     * A new key; of a join token that was sent before the one of then: the controller may have
     * admitted it by that, for nobody else, and the answer was lost.
     */
    synchronized KeyPair keyFor(Read read) {
      Tried before = tried;
      if (before != null && before.token.equals(read.token())) {
        return before.key;
      }
      KeyPair key = SigningRequests.newKey();
      tried = read.joinTokenId().isEmpty() ? null : new Tried(read.token(), key);
      return key;
    }

    /** The answer has come: the next admission is for another key. */
    synchronized void hasAdmitted() {
      tried = null;
    }

    /**
     * Reads the files anew.
     *
     * @param known what the node was until now. Its trust domain holds unless every root is
     *     another, for others may have a controller below the same root
     * @throws ControlFailure with {@link Reason#NO_TOKEN} when there is nothing to try with
     */
    Read read(Optional<KeptNode> known) {
      return switch (admission) {
        case Admission.JoinToken(Path file) -> joinToken(file, known);
        case Admission.ServiceAccountToken(Path file, Path roots) -> {
          List<X509Certificate> read = roots(roots);
          Set<String> named = fingerprints(read);
          yield new Read(
              ControllerTrust.byRoots(read, trustDomains(known, named)),
              text(file, LONGEST_TOKEN).strip(),
              "",
              named);
        }
      };
    }

    private static List<TrustDomain> trustDomains(Optional<KeptNode> known, Set<String> named) {
      return known
          .map(KeptNode::roots)
          .filter(roots -> !Collections.disjoint(fingerprints(roots.roots()), named))
          .map(TrustRoots::domains)
          .orElse(List.of());
    }

    /**
     * Which mesh the files speak of, before anybody was asked: by the ConfigMap of the roots, else
     * by a join token that is still to be used, else by what is known. Never fails: files that
     * cannot be read say nothing.
     */
    MeshMark mesh(Optional<KeptNode> known) {
      MeshMark kept = known.map(node -> mark(node.roots())).orElse(MeshMark.UNKNOWN);
      try {
        Read read = read(known);
        boolean namesOthers = Collections.disjoint(kept.roots(), read.roots());
        return new MeshMark(meshId(), namesOthers ? "" : kept.trustDomain(), read.roots());
      } catch (ControlFailure e) {
        return new MeshMark(meshId(), kept.trustDomain(), kept.roots());
      }
    }

    /** Which mesh the node is in that goes by those roots. */
    MeshMark mesh(TrustRoots roots) {
      MeshMark mark = mark(roots);
      return new MeshMark(meshId(), mark.trustDomain(), mark.roots());
    }

    private static MeshMark mark(TrustRoots roots) {
      return new MeshMark("", roots.trustDomain().name(), fingerprints(roots.roots()));
    }

    /** The key beside the roots in their ConfigMap; empty where there is none. */
    private String meshId() {
      if (!(admission instanceof Admission.ServiceAccountToken(Path _, Path roots))) {
        return "";
      }
      try {
        String id = text(roots.resolveSibling(MESH_ID), MeshMark.LONGEST_ID).strip();
        return id.chars().allMatch(one -> one > ' ' && one < 127) ? id : "";
      } catch (ControlFailure e) {
        return ""; // the controller is older, or the ConfigMap is not its own
      }
    }

    private static Set<String> fingerprints(List<X509Certificate> roots) {
      return roots.stream().map(Certificates::fingerprint).collect(Collectors.toUnmodifiableSet());
    }

    private static Read joinToken(Path file, Optional<KeptNode> known) {
      JoinToken token;
      try {
        token = JoinToken.parse(text(file, LONGEST_TOKEN));
      } catch (IllegalArgumentException e) {
        throw new ControlFailure(Reason.NO_TOKEN, "file " + file + " holds " + e.getMessage(), e);
      }
      if (known.filter(node -> node.usedToken().equals(token.id())).isPresent()) {
        throw new ControlFailure(
            Reason.NO_TOKEN,
            "the join token "
                + token.id()
                + " in "
                + file
                + " was used up when this node was admitted, and its certificate is of no use any"
                + " more; make a new one with `sluice control token --node NAME` and put it there");
      }
      Set<String> named = Set.of(token.rootFingerprint());
      return new Read(
          ControllerTrust.byFingerprint(token.rootFingerprint(), trustDomains(known, named)),
          token.presented(),
          token.id(),
          named);
    }

    private static String text(Path file, int longest) {
      try {
        if (Files.size(file) > longest) {
          throw new ControlFailure(
              Reason.NO_TOKEN, "file " + file + " has more than " + longest + " bytes");
        }
        return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
      } catch (IOException e) {
        throw new ControlFailure(Reason.NO_TOKEN, "file " + file + " cannot be read: " + e, e);
      }
    }

    private static List<X509Certificate> roots(Path file) {
      byte[] pem = text(file, LONGEST_ROOTS_FILE).getBytes(StandardCharsets.ISO_8859_1);
      List<X509Certificate> roots = new ArrayList<>();
      try {
        CertificateFactory.getInstance("X.509")
            .generateCertificates(new ByteArrayInputStream(pem))
            .forEach(one -> roots.add((X509Certificate) one));
      } catch (CertificateException e) {
        throw new ControlFailure(
            Reason.NO_TOKEN, "file " + file + " does not hold certificates in PEM", e);
      }
      if (roots.isEmpty() || roots.size() > TrustRoots.MOST) {
        throw new ControlFailure(
            Reason.NO_TOKEN,
            "file "
                + file
                + " holds "
                + roots.size()
                + " certificates; there have to be 1 to "
                + TrustRoots.MOST);
      }
      return roots;
    }
  }
}

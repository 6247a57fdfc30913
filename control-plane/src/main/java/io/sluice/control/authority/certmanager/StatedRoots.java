package io.sluice.control.authority.certmanager;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.SigningRequest;
import io.sluice.control.authority.remote.Deadline;
import io.sluice.control.authority.remote.RemoteIssuing;
import io.sluice.control.authority.remote.RemoteRoots;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The root that cert-manager's answers state ({@code status.ca}), or those of the settings. There
 * is no other way to ask: where no answer was seen lately, a certificate for a key that is thrown
 * away tells it. A stated root counts only where the answer's own leaf leads to it. Any thread.
 */
final class StatedRoots {
  private static final Duration TRIAL_LIFETIME = Duration.ofHours(1);

  /** Certificates of one answer, the leaf first; and the root it states, or nothing. */
  record Answer(List<X509Certificate> certificates, List<X509Certificate> root) {}

  private record Seen(X509Certificate root, Instant at) {}

  private final CertManagerSettings settings;
  private final InstantSource clock;
  private final BiFunction<CertificateRequest, Deadline, Answer> backend;
  private volatile @Nullable Seen seen;
  private volatile TrustDomain trustDomain;

  StatedRoots(
      CertManagerSettings settings,
      InstantSource clock,
      BiFunction<CertificateRequest, Deadline, Answer> backend) {
    this.settings = settings;
    this.trustDomain = settings.profile().trustDomain();
    this.clock = clock;
    this.backend = backend;
  }

  /** What is in use now; may wait for a certificate. */
  List<X509Certificate> current() {
    if (!settings.trustedRoots().isEmpty()) {
      return settings.trustedRoots();
    }
    Seen known = seen;
    if (known != null && clock.instant().isBefore(known.at().plus(RemoteRoots.LOOK_AGAIN_AFTER))) {
      return List.of(known.root());
    }
    return List.of(byTrial());
  }

  /** Takes note of the root of an answer; false for one that does not hold what it says. */
  boolean holds(CertificateRequest request, Answer answer) {
    Instant now = clock.instant();
    List<X509Certificate> chain = RemoteIssuing.chainOf(answer.certificates());
    List<X509Certificate> root = answer.root();
    boolean holds =
        root.size() == 1
            && RemoteRoots.isSelfSigned(root.getFirst())
            && RemoteIssuing.violation(request, chain, root, now).isEmpty();
    if (holds) {
      seen = new Seen(root.getFirst(), now);
    }
    return holds;
  }

  /** Trial certificates are of {@code domain} from now on. */
  void signFor(TrustDomain domain) {
    trustDomain = domain;
  }

  private X509Certificate byTrial() {
    SpiffeId controller = SystemIdentity.controller(trustDomain);
    KeyPair thrownAway = SigningKey.P256.generate();
    CertificateRequest trial =
        new CertificateRequest(
            controller,
            SigningRequest.of(thrownAway, controller),
            settings.longestLeaf().compareTo(TRIAL_LIFETIME) < 0
                ? settings.longestLeaf()
                : TRIAL_LIFETIME,
            "controller");
    Answer answer = backend.apply(trial, Deadline.in(settings.patience()));
    if (!holds(trial, answer)) {
      throw new AuthorityException(
          Reason.BACKEND_ANSWER_REFUSED,
          "cert-manager's " + settings.issuer(),
          "its answers state no self-signed root that their certificates lead to",
          "set the mesh's roots in a file");
    }
    return answer.root().getFirst();
  }
}

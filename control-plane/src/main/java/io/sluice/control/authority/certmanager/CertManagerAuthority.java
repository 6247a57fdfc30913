package io.sluice.control.authority.certmanager;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.IssueJournal;
import io.sluice.control.authority.SigningRequest;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.remote.RemoteIssuing;
import io.sluice.control.authority.remote.RemoteIssuing.Deadline;
import io.sluice.control.authority.remote.RemoteRoots;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * An issuer of cert-manager as the authority. cert-manager takes names from the PKCS#10 request, so
 * the node has to ask in it for exactly the identity that it was admitted for: nobody else can sign
 * for the node's key, and a request that asks for anything more is refused before it is passed on.
 *
 * <p>Any thread; {@link #sign} blocks as {@link RemoteIssuing} says.
 */
public final class CertManagerAuthority implements CertificateAuthority {
  private static final Logger LOG = System.getLogger(CertManagerAuthority.class.getName());

  private final KubernetesApi api;
  private final IssueJournal journal;
  private final InstantSource clock;
  private final CertificateRequests requests;
  private final StatedRoots stated;
  private final RemoteRoots roots;
  private final RemoteIssuing issuing;
  private final Thread sweeping;

  /**
   * Connects to nothing itself; a thread of its own begins to look for what an earlier process left
   * behind.
   *
   * @param api closed with the authority
   * @param journal closed with the authority
   */
  public CertManagerAuthority(
      CertManagerSettings settings, KubernetesApi api, IssueJournal journal, InstantSource clock) {
    this.api = api;
    this.journal = journal;
    this.clock = clock;
    this.requests = new CertificateRequests(api, settings);
    this.stated = new StatedRoots(settings, clock, this::answer);
    this.roots =
        new RemoteRoots(
            settings.profile().trustDomain(), settings.distributeFor(), stated::current);
    RemoteIssuing.Terms terms =
        new RemoteIssuing.Terms(
            "cert-manager's " + settings.issuer(),
            "correct the issuer: see \"cert-manager\" in docs/identity.md",
            settings.patience(),
            settings.longestLeaf(),
            settings.distributeFor());
    this.issuing = new RemoteIssuing(terms, roots, journal, clock);
    Duration between = settings.patience().multipliedBy(2); // longer than anybody waits
    this.sweeping =
        Thread.ofVirtual().name("sluice-certificate-requests").start(() -> sweep(between));
  }

  @Override
  public IssuedCertificate sign(CertificateRequest request) {
    request
        .proof()
        .deviationFrom(request.identity())
        .ifPresent(deviation -> {
          throw new AuthorityException(
              Reason.REQUEST_MALFORMED,
              "certificate request for " + request.identity(),
              deviation,
              "cert-manager copies names from the request: it must ask for that URI alone");
        });
    return issuing.sign(
        request,
        (wish, deadline) -> {
          StatedRoots.Answer answer = answer(wish, deadline);
          stated.holds(wish, answer);
          return answer.certificates();
        });
  }

  private StatedRoots.Answer answer(CertificateRequest request, Deadline deadline) {
    JsonNode status = requests.issue(request, deadline);
    return new StatedRoots.Answer(
        certificates(status.path("certificate")), certificates(status.path("ca")));
  }

  private List<X509Certificate> certificates(JsonNode base64) {
    if (base64.asText().isEmpty()) {
      return List.of();
    }
    try {
      byte[] pem = Base64.getDecoder().decode(base64.asText());
      String text = new String(pem, StandardCharsets.US_ASCII);
      return new ArrayList<>(Pem.parse(text, "cert-manager's answer").certificates());
    } catch (IllegalArgumentException | AuthorityException e) {
      throw issuing.refused("a certificate in the answer cannot be read");
    }
  }

  private void sweep(Duration between) {
    while (!Thread.currentThread().isInterrupted()) {
      try {
        requests.sweep();
      } catch (KubernetesApiException e) {
        LOG.log(Level.WARNING, "certmanager_leftovers_not_removed {0}", e.getMessage());
      }
      try {
        Thread.sleep(between);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  @Override
  public TrustBundle trustBundle() {
    return roots.bundle(clock.instant());
  }

  @Override
  public void signFor(TrustDomain domain) {
    stated.signFor(domain);
    roots.signFor(domain);
  }

  @Override
  public AuthorityHealth health() {
    try {
      requests.probe();
      return new AuthorityHealth(Condition.READY, "cert-manager at " + api.server());
    } catch (AuthorityException e) {
      return new AuthorityHealth(Condition.UNAVAILABLE, String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void close() {
    sweeping.interrupt();
    api.close();
    journal.close();
  }

  /**
   * The root that cert-manager's answers state ({@code status.ca}), or those of the settings. There
   * is no other way to ask: where no answer was seen lately, a certificate for a key that is thrown
   * away tells it. A stated root counts only where the answer's own leaf leads to it. Any thread.
   */
  private static final class StatedRoots {
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
      if (known != null
          && clock.instant().isBefore(known.at().plus(RemoteRoots.LOOK_AGAIN_AFTER))) {
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
}

package io.sluice.control.authority.remote;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.IssueJournal;
import io.sluice.control.authority.JournalEntry;
import io.sluice.control.authority.svid.SvidRules;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.process.Backoff;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * From a request to a certificate that somebody else has signed: what may be asked, how often, and
 * whether the answer is what was asked for. A backend that signs other names, or for longer, is
 * refused and not corrected.
 *
 * <p>Any thread; {@link #sign} blocks for at most the patience of the terms, once to get a turn and
 * once to be served, and for what the backend takes beyond its deadline.
 */
public final class RemoteIssuing {
  /** Requests on the way at once; the others wait, so that a slow backend is not buried. */
  private static final int MOST_AT_ONCE = 16;

  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofMillis(3_200);

  /** One try: the certificates of the answer, the leaf first, its issuers in any order. */
  @FunctionalInterface
  public interface Backend {
    /**
     * Asks for one certificate.
     *
     * @throws AuthorityException which is tried again where its reason says so
     */
    List<X509Certificate> sign(CertificateRequest request, Deadline deadline);
  }

  /**
   * What is asked of whom.
   *
   * @param backend whom to name in messages, with its address
   * @param mend where to read what the backend has to be told, for messages
   * @param patience for one signature with all its tries
   * @param longestLeaf greatest lifetime asked for
   * @param distributeFor how long a new root is made known before leaves below it are handed out
   */
  public record Terms(
      String backend,
      String mend,
      Duration patience,
      Duration longestLeaf,
      Duration distributeFor) {}

  private final Terms terms;
  private final RemoteRoots roots;
  private final IssueJournal journal;
  private final InstantSource clock;
  private final Semaphore slots = new Semaphore(MOST_AT_ONCE, true);
  private final AtomicLong cameBack = new AtomicLong();

  /** Asks nobody yet. */
  public RemoteIssuing(Terms terms, RemoteRoots roots, IssueJournal journal, InstantSource clock) {
    this.terms = terms;
    this.roots = roots;
    this.journal = journal;
    this.clock = clock;
  }

  /**
   * A certificate that has been checked and written into the journal.
   *
   * @throws AuthorityException with the reason of the last try
   */
  public IssuedCertificate sign(CertificateRequest request, Backend backend) {
    TrustDomain domain = roots.trustDomain();
    if (!request.identity().trustDomain().equals(domain)) {
      throw new AuthorityException(
          Reason.TRUST_DOMAIN_FOREIGN,
          "certificate for " + request.identity(),
          "this authority signs for " + domain,
          "ask the authority of that trust domain");
    }
    if (request.lifetime().compareTo(terms.longestLeaf()) > 0) {
      throw new AuthorityException(
          Reason.LIFETIME_REFUSED,
          "certificate for " + request.identity(),
          "a lifetime of " + request.lifetime() + " is asked for",
          "ask for at most " + terms.longestLeaf());
    }
    acquireSlot();
    try {
      return signWithRetries(request, backend);
    } finally {
      cameBack.incrementAndGet();
      slots.release();
    }
  }

  /** Patience ends only where nothing came back all the while: a long queue that moves is fine. */
  private void acquireSlot() {
    try {
      long before;
      do {
        before = cameBack.get();
        if (slots.tryAcquire(terms.patience().toMillis(), TimeUnit.MILLISECONDS)) {
          return;
        }
      } while (cameBack.get() != before);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new AuthorityException(
        Reason.BACKEND_UNAVAILABLE,
        terms.backend(),
        MOST_AT_ONCE + " requests are on the way and none came back",
        "look at its load");
  }

  /** Tries again what may succeed later, with growing pauses of random length. */
  private IssuedCertificate signWithRetries(CertificateRequest request, Backend backend) {
    Deadline deadline = Deadline.in(terms.patience());
    Backoff backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE);
    while (true) {
      try {
        return signOnce(request, backend, deadline);
      } catch (AuthorityException e) {
        Duration pause = backoff.failed();
        if (!e.reason().isRetryable() || deadline.isWithin(pause)) {
          throw e;
        }
        try {
          Thread.sleep(pause);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          throw e;
        }
      }
    }
  }

  private IssuedCertificate signOnce(
      CertificateRequest request, Backend backend, Deadline deadline) {
    List<X509Certificate> chain = chainOf(backend.sign(request, deadline));
    Instant now = clock.instant();
    Optional<String> violation = violation(request, chain, roots.usable(now), now);
    if (violation.isPresent()) {
      // The root may be new there. Then it is distributed from now on, and used later.
      if (violation(request, chain, roots.refreshed(now).roots(), now).isPresent()) {
        throw refused(violation.get());
      }
      throw new AuthorityException(
          Reason.BACKEND_UNAVAILABLE,
          terms.backend(),
          "it signs below a root that nodes do not know yet",
          "the root is being distributed; certificates below it are used after "
              + terms.distributeFor());
    }
    IssuedCertificate issued = new IssuedCertificate(request.identity(), chain);
    journal.append(
        JournalEntry.of(now, issued.leaf(), request.identity().toString(), request.requester()));
    return issued;
  }

  /** Leaf and its issuers in order, whatever order they came in; without roots. */
  public static List<X509Certificate> chainOf(List<X509Certificate> answered) {
    List<X509Certificate> chain = new ArrayList<>();
    Optional<X509Certificate> next = answered.stream().findFirst();
    while (next.isPresent() && chain.size() < SvidJudge.LONGEST_CHAIN) {
      X509Certificate certificate = next.get();
      chain.add(certificate);
      next =
          answered.stream()
              .skip(1)
              .filter(issuer -> !RemoteRoots.isSelfSigned(issuer))
              .filter(issuer ->
                  issuer.getSubjectX500Principal().equals(certificate.getIssuerX500Principal()))
              .findFirst();
    }
    return chain;
  }

  /** The first rule that an answer breaks where {@code roots} are the trusted ones. */
  public static Optional<String> violation(
      CertificateRequest request,
      List<X509Certificate> chain,
      List<X509Certificate> roots,
      Instant now) {
    return SvidRules.violation(
        chain,
        new SvidRules.Expectation(
            request.identity(), request.proof().publicKey(), request.lifetime(), roots),
        now);
  }

  /** An answer that must not be used. */
  public AuthorityException refused(String violation) {
    return new AuthorityException(
        Reason.BACKEND_ANSWER_REFUSED,
        "what " + terms.backend() + " signed",
        violation,
        terms.mend());
  }

  /**
   * A moment after which nobody waits any longer.
   *
   * @param nanoTime of {@link System#nanoTime()}
   */
  public record Deadline(long nanoTime) {
    /** In {@code time} from now. */
    public static Deadline in(Duration time) {
      return new Deadline(System.nanoTime() + time.toNanos());
    }

    /** True from {@code time} before the moment on. */
    public boolean isWithin(Duration time) {
      return System.nanoTime() + time.toNanos() - nanoTime >= 0;
    }
  }
}

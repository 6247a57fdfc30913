package io.sluice.control.authority.builtin;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth.Condition;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.IssueJournal;
import io.sluice.control.authority.JournalEntry;
import io.sluice.control.authority.RotationPhase;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.builtin.AuthorityStore.StoredState;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.mesh.TrustDomain;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * An authority on a directory of this machine. It has no thread: what has become due, the next
 * phase of a rotation or the next intermediate, happens within the first call after that time, so
 * whoever serves the bundle asks for it regularly.
 *
 * <p>Any thread; {@link #sign} costs one signature and waits for the disk to have the journal
 * entry.
 */
public final class BuiltInAuthority implements CertificateAuthority {
  private static final Logger LOG = System.getLogger(BuiltInAuthority.class.getName());
  private static final Duration RETRY_STORE_AFTER = Duration.ofMinutes(1);

  /** Part of an issuer's life in which somebody should renew what we cannot renew ourselves. */
  private static final int LAST_TENTH = 10;

  private final BuiltInSettings settings;
  private final IssueJournal journal;
  private final InstantSource clock;
  private final RootKeeper keeper;
  private final ReentrantLock changing = new ReentrantLock();
  private volatile InForce inForce;

  /** Why the last change that was due did not get to the disk; guarded by {@link #changing}. */
  private volatile @Nullable AuthorityException notStored;

  private volatile Instant retryAt = Instant.MIN;

  private BuiltInAuthority(
      BuiltInSettings settings,
      IssueJournal journal,
      InstantSource clock,
      RootKeeper keeper,
      InForce inForce) {
    this.settings = settings;
    this.journal = journal;
    this.clock = clock;
    this.keeper = keeper;
    this.inForce = inForce;
  }

  /**
   * Opens the authority in the directory of {@code settings}. The first start makes a root, or
   * takes {@code imported}; later ones use the root that is there. Where {@code imported} is
   * another than the one in use, a rotation to it begins.
   *
   * @param journal closed with the authority
   * @throws AuthorityException where the directory is damaged, open to others or in use; nothing in
   *     it is changed then
   */
  public static BuiltInAuthority open(
      BuiltInSettings settings,
      Optional<Issuer> imported,
      IssueJournal journal,
      InstantSource clock) {
    return open(settings, new FileIssuers(settings.directory()), imported, journal, clock);
  }

  /** As the other, with issuers and their keys in {@code issuers} instead of the directory. */
  public static BuiltInAuthority open(
      BuiltInSettings settings,
      IssuerStore issuers,
      Optional<Issuer> imported,
      IssueJournal journal,
      InstantSource clock) {
    RootKeeper keeper = new RootKeeper(settings, issuers);
    try {
      InForce inForce = keeper.open(imported, clock.instant());
      return new BuiltInAuthority(settings, journal, clock, keeper, inForce);
    } catch (RuntimeException e) {
      keeper.close();
      throw e;
    }
  }

  @Override
  public IssuedCertificate sign(CertificateRequest request) {
    Instant now = clock.instant();
    InForce state = current(now);
    Issuer signer = state.signer();
    check(request, state, now);
    List<X509Certificate> chain = new ArrayList<>();
    chain.add(
        keeper
            .profile(state.state())
            .leaf(
                signer, request.identity(), request.proof().publicKey(), now, request.lifetime()));
    chain.addAll(signer.intermediates());
    IssuedCertificate issued = new IssuedCertificate(request.identity(), chain);
    journal.append(
        JournalEntry.of(now, issued.leaf(), request.identity().toString(), request.requester()));
    return issued;
  }

  @Override
  public List<X509Certificate> signClient(
      List<String> names, PublicKey key, Duration lifetime, String requester) {
    Instant now = clock.instant();
    InForce state = current(now);
    Issuer signer = state.signer();
    String told = String.join(",", names);
    checkTimes("certificate for " + told, lifetime, signer, now);
    List<X509Certificate> chain = new ArrayList<>();
    chain.add(keeper.profile(state.state()).client(signer, names, key, now, lifetime));
    chain.addAll(signer.intermediates());
    journal.append(JournalEntry.of(now, chain.getFirst(), told, requester));
    return List.copyOf(chain);
  }

  private void check(CertificateRequest request, InForce state, Instant now) {
    String subject = "certificate for " + request.identity();
    TrustDomain domain = state.state().trustDomain();
    if (!request.identity().trustDomain().equals(domain)) {
      throw new AuthorityException(
          Reason.TRUST_DOMAIN_FOREIGN,
          subject,
          "this authority signs for " + domain,
          "ask the authority of that trust domain");
    }
    checkTimes(subject, request.lifetime(), state.signer(), now);
  }

  private void checkTimes(String subject, Duration lifetime, Issuer signer, Instant now) {
    if (lifetime.compareTo(settings.longestLeaf()) > 0) {
      throw new AuthorityException(
          Reason.LIFETIME_REFUSED,
          subject,
          "a lifetime of " + lifetime + " is asked for",
          "ask for at most " + settings.longestLeaf());
    }
    if (now.isBefore(signer.notBefore())) {
      throw new AuthorityException(
          Reason.CLOCK_BEHIND,
          subject,
          "the clock says " + now + ", the issuer begins at " + signer.notBefore(),
          "set the clock of the controller");
    }
    if (signer.notAfter().isBefore(now.plus(CertificateRequest.SHORTEST_LIFETIME))) {
      throw new AuthorityException(
          Reason.ISSUER_EXPIRED,
          subject,
          "the issuer ends at " + signer.notAfter(),
          "begin a rotation to a new root");
    }
  }

  @Override
  public void signFor(TrustDomain domain) {
    change(state ->
        state.state().trustDomain().equals(domain)
            ? state
            : keeper.signFor(state, domain, clock.instant()));
  }

  /**
   * The trust domain that the authority in {@code directory} signs for, without opening it; empty
   * where there is none yet.
   */
  public static Optional<TrustDomain> trustDomain(Path directory) {
    return AuthorityStore.state(directory).map(AuthorityStore.StoredState::trustDomain);
  }

  @Override
  public TrustBundle trustBundle() {
    return current(clock.instant()).bundle();
  }

  /** Where a change of the root stands. */
  public RotationPhase rotation() {
    return current(clock.instant()).state().phase();
  }

  /** Begins to distribute a new root; it signs after the set time, and the old one is withdrawn. */
  public void beginRotation() {
    beginRotation(settings.distributeFor());
  }

  /**
   * As {@link #beginRotation()}, with another time until the new root signs; a restart uses the set
   * one.
   *
   * @throws IllegalArgumentException where it is negative or longer than a year
   */
  public void beginRotation(Duration distributeFor) {
    BuiltInSettings.requireDistribution(distributeFor);
    change(state -> keeper.beginRotation(state, clock.instant(), distributeFor));
  }

  /** Drops the next root while it is only being distributed. */
  public void cancelRotation() {
    change(keeper::cancelRotation);
  }

  private void change(UnaryOperator<InForce> step) {
    changing.lock();
    try {
      inForce = step.apply(current(clock.instant()));
    } finally {
      changing.unlock();
    }
  }

  /**
   * What is in force at {@code now}. A change that is due and cannot be stored is tried again after
   * a while; until then what was in force stays: it is still valid.
   */
  private InForce current(Instant now) {
    InForce known = inForce;
    if (!keeper.isDue(known, now) || now.isBefore(retryAt)) {
      return known;
    }
    changing.lock();
    try {
      if (keeper.isDue(inForce, now)) {
        inForce = keeper.advance(inForce, now);
        notStored = null;
      }
    } catch (AuthorityException e) {
      notStored = e;
      retryAt = now.plus(RETRY_STORE_AFTER);
      LOG.log(Level.ERROR, "authority_change_not_stored {0}", e.getMessage());
    } finally {
      changing.unlock();
    }
    return inForce;
  }

  @Override
  public AuthorityHealth health() {
    Instant now = clock.instant();
    InForce state = current(now);
    Issuer signer = state.signer();
    if (now.isBefore(signer.notBefore())) {
      return new AuthorityHealth(
          Condition.UNAVAILABLE, "clock is behind the issuer's " + signer.notBefore());
    }
    if (!now.isBefore(signer.notAfter())) {
      return new AuthorityHealth(
          Condition.UNAVAILABLE, "the issuer ended at " + signer.notAfter() + "; rotate the root");
    }
    Optional<String> outage = keeper.outage();
    if (outage.isPresent()) {
      return new AuthorityHealth(Condition.UNAVAILABLE, outage.get());
    }
    AuthorityException failed = notStored;
    if (failed != null) {
      return new AuthorityHealth(Condition.DEGRADED, String.valueOf(failed.getMessage()));
    }
    Issuer root = state.activeRoot();
    if (isNearItsEnd(root, now) || isNearItsEnd(signer, now)) {
      return new AuthorityHealth(
          Condition.DEGRADED, "the issuer ends at " + root.notAfter() + "; rotate the root");
    }
    return new AuthorityHealth(Condition.READY, signer + " until " + signer.notAfter());
  }

  private static boolean isNearItsEnd(Issuer issuer, Instant now) {
    Duration left = Duration.between(now, issuer.notAfter());
    Duration life = Duration.between(issuer.notBefore(), issuer.notAfter());
    return left.multipliedBy(LAST_TENTH).compareTo(life) < 0;
  }

  @Override
  public void close() {
    changing.lock();
    try {
      keeper.close();
    } finally {
      changing.unlock();
      journal.close();
    }
  }

  /**
   * Everything that signing reads, as one value that is replaced as a whole.
   *
   * @param roots by id; those of the bundle
   * @param signer what signs leaves: the active root's intermediate, or that root itself
   */
  record InForce(StoredState state, Map<String, Issuer> roots, Issuer signer, TrustBundle bundle) {
    InForce {
      roots = Map.copyOf(roots);
    }

    static InForce of(StoredState state, Map<String, Issuer> roots, Issuer signer) {
      TrustBundle bundle =
          new TrustBundle(
              state.trustDomain(),
              state.generation(),
              state.phase().trusted().stream()
                  .map(id -> known(roots, id).root())
                  .distinct()
                  .toList());
      return new InForce(state, roots, signer, bundle);
    }

    Issuer root(String id) {
      return known(roots, id);
    }

    Issuer activeRoot() {
      return root(state.phase().active());
    }

    static Issuer known(Map<String, Issuer> roots, String id) {
      Issuer root = roots.get(id);
      if (root == null) {
        throw new IllegalStateException("root " + id + " was not loaded");
      }
      return root;
    }
  }
}

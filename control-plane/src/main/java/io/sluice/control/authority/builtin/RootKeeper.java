package io.sluice.control.authority.builtin;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.DurableFiles;
import io.sluice.control.authority.RotationPhase;
import io.sluice.control.authority.RotationPhase.Distributing;
import io.sluice.control.authority.RotationPhase.Single;
import io.sluice.control.authority.RotationPhase.Using;
import io.sluice.control.authority.builtin.AuthorityStore.StoredState;
import io.sluice.control.authority.builtin.BuiltInAuthority.InForce;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.authority.svid.SvidRules;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes, loads and changes roots and intermediates. Everything is on disk before it is in force:
 * keys first, then the state that names them.
 *
 * <p>Not for several threads at once.
 */
final class RootKeeper implements AutoCloseable {
  private static final Logger LOG = System.getLogger(RootKeeper.class.getName());

  /** Before this software was written no clock was right. */
  private static final Instant EARLIEST_PLAUSIBLE = Instant.parse("2026-01-01T00:00:00Z");

  private static final Duration TRIAL_LIFETIME = Duration.ofMinutes(1);

  private final BuiltInSettings settings;
  private final AuthorityStore store;

  private final IssuerStore issuers;

  RootKeeper(BuiltInSettings settings, IssuerStore issuers) {
    this.settings = settings;
    this.store = AuthorityStore.open(settings.directory());
    this.issuers = issuers;
  }

  /** As {@link IssuerStore#outage()}. */
  Optional<String> outage() {
    return issuers.outage();
  }

  /** What the directory holds; in an empty one, {@code imported} or a new root. */
  InForce open(Optional<Issuer> imported, Instant now) {
    StoredState state = store.state().orElseGet(() -> begin(imported, now));
    if (!state.trustDomain().equals(settings.profile().trustDomain())) {
      throw DurableFiles.damaged(
          settings.directory(),
          "it belongs to trust domain "
              + state.trustDomain()
              + ", the settings say "
              + settings.profile().trustDomain());
    }
    RotationPhase phase = state.phase().afterStart(now, settings.distributeFor());
    InForce loaded = load(new StoredState(state.trustDomain(), state.generation(), phase), now);
    InForce current = imported.map(root -> follow(loaded, root, now)).orElse(loaded);
    for (String id : issuers.rootIds()) {
      if (!current.roots().containsKey(id)) {
        LOG.log(Level.WARNING, "authority_root_not_in_use id={0} in={1}", id, settings.directory());
      }
    }
    return current;
  }

  /** A first start, or one that was cut off before the state was written: its root is kept. */
  private StoredState begin(Optional<Issuer> imported, Instant now) {
    List<String> left = issuers.rootIds();
    if (left.size() > 1) {
      throw DurableFiles.damaged(
          settings.directory().resolve("state.json"),
          "it is missing, and there is more than one root");
    }
    Issuer root =
        left.isEmpty() ? imported.orElseGet(() -> newRoot(now)) : issuers.root(left.getFirst());
    if (left.isEmpty()) {
      signerBelow(root, settings.profile(), now); // proves that it can sign before it is kept
      issuers.writeRoot(root);
    }
    StoredState state = new StoredState(settings.profile().trustDomain(), 1, new Single(root.id()));
    store.write(state);
    return state;
  }

  private Issuer newRoot(Instant now) {
    if (now.isBefore(EARLIEST_PLAUSIBLE)) {
      throw new AuthorityException(
          Reason.CLOCK_BEHIND,
          settings.directory().toString(),
          "the clock says " + now + ", no root is made by that",
          "set the clock, then start again");
    }
    return settings
        .profile()
        .root(issuers.newKey(settings.signingKey()), now, BuiltInSettings.ROOT_LIFETIME);
  }

  private InForce load(StoredState state, Instant now) {
    Map<String, Issuer> roots = new HashMap<>();
    for (String id : state.phase().trusted()) {
      roots.put(id, issuers.root(id));
    }
    Issuer active = InForce.known(roots, state.phase().active());
    return InForce.of(state, roots, signer(active, profile(state), now));
  }

  /** The settings bring a root along: it is, or becomes, the one that signs. */
  private InForce follow(InForce current, Issuer imported, Instant now) {
    if (current.state().phase().trusted().contains(imported.id())) {
      return current;
    }
    LOG.log(Level.INFO, "authority_imported_root_changed id={0}", imported.id());
    return beginRotation(current, imported, now, settings.distributeFor());
  }

  /** From one root to two of which the old one signs. */
  private InForce beginRotation(InForce current, Issuer next, Instant now, Duration distributeFor) {
    if (!(current.state().phase() instanceof Single(String active))) {
      throw new AuthorityException(
          Reason.ROTATION_REFUSED,
          "root " + next.id(),
          "another change of the root is under way: " + current.state().phase(),
          "wait until it has ended, or cancel it while it is being distributed");
    }
    if (active.equals(next.id())) {
      throw new AuthorityException(
          Reason.ROTATION_REFUSED,
          "root " + active,
          "it signs already",
          "nothing needs to be done");
    }
    Issuer signer = signerBelow(next, profile(current.state()), now);
    issuers.writeRoot(next);
    if (signer != next) {
      issuers.writeIntermediate(next.id(), signer);
    }
    return inPhase(
        current,
        new Distributing(active, next.id(), now.plus(distributeFor)),
        Map.of(active, current.activeRoot(), next.id(), next),
        current.signer());
  }

  /** To a root made now, which is made known for {@code distributeFor}. */
  InForce beginRotation(InForce current, Instant now, Duration distributeFor) {
    return beginRotation(current, newRoot(now), now, distributeFor);
  }

  /** Back to the one root, while the next has signed nothing. */
  InForce cancelRotation(InForce current) {
    if (!(current.state().phase() instanceof Distributing(String active, String next, Instant _))) {
      throw new AuthorityException(
          Reason.ROTATION_REFUSED,
          "change of the root",
          "only one that is being distributed can be cancelled: " + current.state().phase(),
          "begin another one when this has ended");
    }
    InForce single =
        inPhase(
            current, new Single(active), Map.of(active, current.activeRoot()), current.signer());
    try {
      issuers.forget(next);
    } catch (AuthorityException e) {
      // Thrown on, it would leave the former state in force: the root would sign in its time.
      LOG.log(Level.WARNING, "authority_root_not_removed id={0} {1}", next, e.getMessage());
    }
    return single;
  }

  /** Whether {@link #advance} would change something. */
  boolean isDue(InForce current, Instant now) {
    RotationPhase phase = current.state().phase();
    return !phase.at(now, longestAccepted()).equals(phase) || isRenewalDue(current, now);
  }

  /** The next phase, or the next intermediate, where it is time for it. */
  InForce advance(InForce current, Instant now) {
    RotationPhase phase = current.state().phase();
    RotationPhase due = phase.at(now, longestAccepted());
    if (!due.equals(phase)) {
      Map<String, Issuer> roots = new HashMap<>(current.roots());
      roots.keySet().retainAll(due.trusted());
      Issuer signer =
          due.active().equals(phase.active())
              ? current.signer()
              : signer(current.root(due.active()), profile(current.state()), now);
      InForce next = inPhase(current, due, roots, signer);
      if (phase instanceof Using(String _, String previous, Instant _)) {
        issuers.forget(previous);
      }
      return next;
    }
    return isRenewalDue(current, now) ? renewed(current, now) : current;
  }

  private Duration longestAccepted() {
    return settings.longestLeaf().plus(SvidProfile.CLOCK_SKEW);
  }

  private InForce inPhase(
      InForce current, RotationPhase phase, Map<String, Issuer> roots, Issuer signer) {
    StoredState before = current.state();
    boolean sameRoots =
        before.phase().trusted().containsAll(phase.trusted())
            && phase.trusted().containsAll(before.phase().trusted());
    StoredState state =
        new StoredState(before.trustDomain(), before.generation() + (sameRoots ? 0 : 1), phase);
    InForce next = InForce.of(state, roots, signer);
    store.write(state);
    LOG.log(Level.INFO, "authority_rotation phase={0} generation={1}", phase, state.generation());
    return next;
  }

  private boolean isRenewalDue(InForce current, Instant now) {
    Issuer root = current.activeRoot();
    Issuer signer = current.signer();
    if (!root.maySignIntermediates() || signer.equals(root)) {
      return false;
    }
    Duration life = Duration.between(signer.notBefore(), signer.notAfter());
    Instant renewAt = signer.notBefore().plus(life.multipliedBy(2).dividedBy(3));
    // Near the root's own end there is nothing to gain.
    return !now.isBefore(renewAt) && root.notAfter().isAfter(signer.notAfter());
  }

  private InForce renewed(InForce current, Instant now) {
    Issuer signer = signerBelow(current.activeRoot(), profile(current.state()), now);
    issuers.writeIntermediate(current.activeRoot().id(), signer);
    LOG.log(Level.INFO, "authority_intermediate_renewed until={0}", signer.notAfter());
    return InForce.of(current.state(), current.roots(), signer);
  }

  /** Certificates as settings and state say together: only the trust domain ever changes. */
  SvidProfile profile(StoredState state) {
    return settings.profile().in(state.trustDomain());
  }

  /** The same roots sign for {@code domain}, through an intermediate of its own. */
  InForce signFor(InForce current, TrustDomain domain, Instant now) {
    StoredState before = current.state();
    StoredState state = new StoredState(domain, before.generation() + 1, before.phase());
    Issuer signer = signerBelow(current.activeRoot(), profile(state), now);
    store.write(state); // from here on an intermediate of the former domain is replaced at a start
    if (signer != current.activeRoot()) {
      issuers.writeIntermediate(current.activeRoot().id(), signer);
    }
    LOG.log(Level.INFO, "authority_trust_domain from={0} to={1}", before.trustDomain(), domain);
    return InForce.of(state, current.roots(), signer);
  }

  /**
   * The stored intermediate of {@code root}, made where there is none for the trust domain; proven
   * either way.
   */
  private Issuer signer(Issuer root, SvidProfile profile, Instant now) {
    if (!root.maySignIntermediates()) {
      return proven(root, profile, now);
    }
    return issuers
        .intermediate(root.id())
        .filter(intermediate -> !profile.isForAnother(intermediate))
        .map(intermediate -> proven(intermediate, profile, now))
        .orElseGet(() -> {
          Issuer made = signerBelow(root, profile, now);
          issuers.writeIntermediate(root.id(), made);
          return made;
        });
  }

  private Issuer signerBelow(Issuer root, SvidProfile profile, Instant now) {
    if (!root.maySignIntermediates()) {
      return proven(root, profile, now);
    }
    return proven(
        profile.intermediate(
            root,
            issuers.newKey(settings.signingKey()),
            now,
            BuiltInSettings.INTERMEDIATE_LIFETIME),
        profile,
        now);
  }

  /**
   * Signs a leaf for nobody and validates it as a peer would: an authority that was brought along
   * may be bound to other names, which would otherwise show at the first handshake.
   */
  private Issuer proven(Issuer signer, SvidProfile profile, Instant now) {
    Instant at = within(signer, now);
    SpiffeId nobody = new SpiffeId(profile.trustDomain(), "sluice", "trial");
    KeyPair key = SigningKey.P256.generate();
    List<X509Certificate> chain = new ArrayList<>();
    chain.add(profile.leaf(signer, nobody, key.getPublic(), at, TRIAL_LIFETIME));
    chain.addAll(signer.intermediates());
    SvidRules.violation(
            chain,
            new SvidRules.Expectation(
                nobody, key.getPublic(), TRIAL_LIFETIME, List.of(signer.root())),
            at)
        .ifPresent(violation -> {
          throw new AuthorityException(
              Reason.STORE_DAMAGED,
              signer.toString(),
              "what it signs would be refused: " + violation,
              "use an authority that may sign for " + profile.trustDomain());
        });
    return signer;
  }

  /** An instant of the signer's life, also while the clock is wrong or the signer has expired. */
  private static Instant within(Issuer signer, Instant now) {
    Instant earliest = signer.notBefore().plus(SvidProfile.CLOCK_SKEW);
    Instant latest = signer.notAfter().minus(TRIAL_LIFETIME);
    Instant at = now.isBefore(earliest) ? earliest : now;
    return at.isAfter(latest) ? latest : at;
  }

  @Override
  public void close() {
    store.close();
  }
}

package io.sluice.node.identity;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.svid.Certificates;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.TrustRoots;
import io.sluice.process.Backoff;
import io.sluice.proxy.tls.TlsIdentity;
import io.sluice.proxy.tls.TlsPolicy;
import io.sluice.proxy.tls.TlsSettings;
import io.sluice.proxy.tls.TlsStack;
import io.sluice.proxy.tls.WorkloadCredentials;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The identities that this node has, or waits for. Changed by the keeper's thread alone; looked up
 * by any.
 */
final class HeldIdentities implements AutoCloseable {
  /** Pods whose object is gone still finish their handshakes. */
  static final Duration DROP_AFTER = Duration.ofSeconds(30);

  /** The identities of one snapshot, and which others are in use all the same. */
  private record Wanted(Set<SpiffeId> identities, Predicate<SpiffeId> stillUsed) {}

  private final TlsPolicy policy;
  private final InstantSource clock;
  private final RandomGenerator random;
  private final Map<NamespacedName, HeldIdentity> held = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable Wanted> newlyWanted = new AtomicReference<>();
  private Wanted wanted = new Wanted(Set.of(), identity -> false);

  HeldIdentities(TlsPolicy policy, InstantSource clock, RandomGenerator random) {
    this.policy = policy;
    this.clock = clock;
    this.random = random;
  }

  /** The one of its account: the trust domain is the mesh's, whichever that is now. */
  @Nullable HeldIdentity of(SpiffeId identity) {
    return held.get(identity.serviceAccountName());
  }

  Collection<HeldIdentity> all() {
    return held.values();
  }

  /** Notes what is wanted from now on; any thread. False when an earlier note is not taken yet. */
  boolean note(Set<SpiffeId> identities, Predicate<SpiffeId> stillUsed) {
    return newlyWanted.getAndSet(new Wanted(Set.copyOf(identities), stillUsed)) == null;
  }

  /** Goes by the latest note. */
  void takeNote(long nanos) {
    Wanted next = newlyWanted.getAndSet(null);
    if (next == null) {
      return;
    }
    wanted = next;
    for (SpiffeId identity : next.identities) {
      if (!SystemIdentity.isSystem(identity)) {
        hold(identity).isWantedAs(identity);
      }
    }
    Set<NamespacedName> accounts =
        next.identities.stream().map(SpiffeId::serviceAccountName).collect(Collectors.toSet());
    for (HeldIdentity one : held.values()) {
      if (!accounts.contains(one.account) && one.unwantedSinceNanos == null) {
        one.unwantedSinceNanos = nanos;
      }
    }
  }

  HeldIdentity hold(SpiffeId identity) {
    return held.computeIfAbsent(
        identity.serviceAccountName(), _ -> new HeldIdentity(identity, policy, clock, random));
  }

  /** Drops, and tells of, those without a pod for a while. */
  void dropUnwanted(long nanos, Consumer<SpiffeId> dropped) {
    for (HeldIdentity one : held.values()) {
      Long since = one.unwantedSinceNanos;
      if (since != null
          && nanos - since >= DROP_AFTER.toNanos()
          && !one.busy
          && !wanted.stillUsed.test(one.identity())) {
        SpiffeId identity = one.identity();
        held.remove(one.account);
        one.close();
        dropped.accept(identity);
      }
    }
  }

  /** Those to be asked for now, at most so many, the most urgent first. */
  List<HeldIdentity> due(Instant now, long nanos, int most) {
    return held.values().stream()
        .filter(one -> one.unwantedSinceNanos == null && one.isDue(now, nanos))
        .sorted(Comparator.comparing(HeldIdentity::urgency))
        .limit(most)
        .toList();
  }

  void trust(TrustRoots roots) {
    held.values().forEach(one -> one.trust(roots));
  }

  /** All of them are due to be asked for. */
  void renewNow() {
    held.values().forEach(HeldIdentity::renewNow);
  }

  void forgetPauses() {
    held.values().forEach(one -> one.backoff.reset());
  }

  /** Forgets every key. */
  @Override
  public void close() {
    held.values().forEach(HeldIdentity::close);
    held.clear();
  }

  /**
   * One identity of pods on this node and its end of mutual TLS. Changed by the keeper's thread
   * alone; what is volatile is read by any.
   */
  static final class HeldIdentity implements AutoCloseable {
    /** What is in use, as one value. */
    private record InUse(Credential credential, WorkloadCredentials presented, Instant end) {}

    final NamespacedName account;
    final Backoff backoff;
    private final Optional<TlsIdentity> tls;
    private volatile @Nullable InUse inUse;
    private volatile @Nullable Trouble trouble;
    private long renewDueNanos;
    private boolean renewNow;

    /** As the registry names it, until a certificate says it otherwise. */
    private volatile SpiffeId wanted;

    /** When snapshots stopped asking for it; null while they do. */
    @Nullable Long unwantedSinceNanos;

    /** Whether a request for it is under way. */
    boolean busy;

    HeldIdentity(SpiffeId identity, TlsPolicy policy, InstantSource clock, RandomGenerator random) {
      this.account = identity.serviceAccountName();
      this.wanted = identity;
      this.backoff = new Backoff(random);
      this.tls =
          Optional.of(
              new TlsIdentity(
                  TlsStack.best(), this::presented, policy, TlsSettings.DEFAULTS, clock));
    }

    /** Its end of TLS while its certificate is valid. Never blocks. */
    Optional<TlsIdentity> usable(Instant now) {
      InUse present = inUse;
      return present == null || now.isAfter(present.end) ? Optional.empty() : tls;
    }

    /**
     * A handshake may still begin by an end that was handed out before its identity was dropped.
     */
    private WorkloadCredentials presented() {
      InUse present = inUse;
      if (present == null) {
        throw new IllegalStateException("no pod of this node has identity " + wanted + " any more");
      }
      return present.presented;
    }

    /** That of its certificate; without one, as the registry names it. */
    SpiffeId identity() {
      InUse present = inUse;
      return present == null ? wanted : present.credential.identity();
    }

    /** The registry names it so now. */
    void isWantedAs(SpiffeId identity) {
      wanted = identity;
      unwantedSinceNanos = null;
    }

    Optional<Credential> credential() {
      return Optional.ofNullable(inUse).map(InUse::credential);
    }

    Optional<Trouble> trouble() {
      return Optional.ofNullable(trouble);
    }

    /** Uses it for new handshakes from now on. */
    void use(Credential credential, TrustRoots roots, Instant now, long nowNanos) {
      present(credential, roots);
      renewDueNanos = nowNanos + Math.max(0, Duration.between(now, credential.renewAt()).toNanos());
      trouble = null;
      backoff.reset();
    }

    /** Believes peers by other roots, and in other trust domains. */
    void trust(TrustRoots roots) {
      InUse present = inUse;
      if (present != null) {
        present(present.credential, roots);
      }
    }

    /**
     * One that none of the roots covers, or of another trust domain than is issued in now, is
     * renewed at once.
     */
    private void present(Credential credential, TrustRoots roots) {
      inUse =
          new InUse(
              credential,
              new WorkloadCredentials(
                  credential.identity(), credential.chain(), credential.key(), roots.bundles()),
              credential.end());
      renewNow =
          Certificates.root(credential.chain(), roots.roots()).isEmpty()
              || !credential.identity().trustDomain().equals(roots.trustDomain());
    }

    /** It is due, whatever its certificate says. */
    void renewNow() {
      renewNow = true;
      backoff.reset();
    }

    void failed(Trouble met, long nowNanos) {
      trouble = met;
      backoff.failed(nowNanos);
    }

    /**
     * Whether a certificate should be asked for. By either clock, since the wall clock may jump.
     */
    boolean isDue(Instant now, long nowNanos) {
      InUse present = inUse;
      boolean due =
          present == null
              || renewNow
              || !now.isBefore(present.credential.renewAt())
              || nowNanos - renewDueNanos >= 0;
      return due && !busy && backoff.isOver(nowNanos);
    }

    /** What is used first where not everything can be asked for at once. */
    Instant urgency() {
      InUse present = inUse;
      return present == null ? Instant.MIN : present.end;
    }

    /** Forgets the key; connections that stand are not touched. */
    @Override
    public void close() {
      inUse = null;
      tls.orElseThrow().close();
    }
  }
}

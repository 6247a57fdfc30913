package io.sluice.node.identity;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.node.identity.x509.TrustRoots;
import io.sluice.proxy.tls.DenyList;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
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

  private final DenyList denyList;
  private final RandomGenerator random;
  private final Map<NamespacedName, HeldIdentity> held = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable Wanted> newlyWanted = new AtomicReference<>();
  private Wanted wanted = new Wanted(Set.of(), identity -> false);

  HeldIdentities(DenyList denyList, RandomGenerator random) {
    this.denyList = denyList;
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
        identity.serviceAccountName(), _ -> new HeldIdentity(identity, denyList, random));
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

  void forgetPauses() {
    held.values().forEach(one -> one.backoff.reset());
  }

  /** Forgets every key. */
  @Override
  public void close() {
    held.values().forEach(HeldIdentity::close);
    held.clear();
  }
}

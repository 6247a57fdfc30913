package io.sluice.proxy.decide;

import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.SnapshotDifference;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import java.net.InetAddress;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Of which open connections another snapshot may say something else: those of workloads that
 * changed, those to identities whose permissions changed, or all. Immutable.
 */
public final class Affected {
  /** So many names cost more to gather than a look at every connection. */
  private static final int MANY = 1_024;

  private static final Affected ALL = new Affected(true, Set.of(), Set.of(), Set.of());

  private final boolean all;
  private final Set<NamespacedName> workloads;
  private final Set<InetAddress> addresses; // of those workloads, then and now
  private final Set<SpiffeId> called;

  private Affected(
      boolean all,
      Set<NamespacedName> workloads,
      Set<InetAddress> addresses,
      Set<SpiffeId> called) {
    this.all = all;
    this.workloads = workloads;
    this.addresses = addresses;
    this.called = called;
  }

  /** By what differs; costs what that costs to find. */
  public static Affected between(MeshSnapshot before, MeshSnapshot now) {
    SnapshotDifference differing = now.since(before);
    if (differsInMoreThanNames(before.settings(), now.settings())
        || !differing.of(Kind.INGRESS).isEmpty()
        || !differing.of(Kind.EGRESS).isEmpty()
        || differing.workloads().size() + differing.permissions().size() > MANY) {
      return ALL;
    }
    Set<InetAddress> addresses = new HashSet<>();
    for (NamespacedName name : differing.workloads()) {
      before.workload(name).map(Workload::addresses).ifPresent(addresses::addAll);
      now.workload(name).map(Workload::addresses).ifPresent(addresses::addAll);
    }
    Set<SpiffeId> called = new HashSet<>();
    for (NamespacedName name : differing.permissions()) {
      Stream.of(before.permission(name), now.permission(name))
          .flatMap(Optional::stream)
          .map(Permission::destination)
          .map(account ->
              new SpiffeId(now.settings().trustDomain(), account.namespace(), account.name()))
          .forEach(called::add);
    }
    return new Affected(false, differing.workloads(), addresses, called);
  }

  /** What an address was called when a connection was let out lasts as long as that. */
  private static boolean differsInMoreThanNames(MeshSettings before, MeshSettings now) {
    return !before.onNodeWith(before.nodeResolvers(), now.names()).equals(now);
  }

  /** Whether there is none. */
  public boolean isNone() {
    return !all && workloads.isEmpty() && called.isEmpty();
  }

  /** Those of both. */
  public Affected and(Affected other) {
    if (all || other.all || workloads.size() + other.workloads.size() > MANY) {
      return ALL;
    }
    return new Affected(
        false,
        union(workloads, other.workloads),
        union(addresses, other.addresses),
        union(called, other.called));
  }

  private static <T> Set<T> union(Set<T> one, Set<T> other) {
    Set<T> both = new HashSet<>(one);
    both.addAll(other);
    return both;
  }

  /**
   * Whether a connection is among them.
   *
   * @param pod whose listener it came by
   * @param sourceOrNull the workload that opened it, where that is known
   * @param toOrNull the address that it leads to
   * @param calledOrNull who is there, where that is known
   */
  boolean includes(
      NamespacedName pod,
      @Nullable NamespacedName sourceOrNull,
      @Nullable InetAddress toOrNull,
      @Nullable SpiffeId calledOrNull) {
    return all
        || workloads.contains(pod)
        || (sourceOrNull != null && workloads.contains(sourceOrNull))
        || (toOrNull != null && addresses.contains(toOrNull))
        || (calledOrNull != null && called.contains(calledOrNull));
  }
}

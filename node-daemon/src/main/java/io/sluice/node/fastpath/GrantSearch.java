package io.sluice.node.fastpath;

import io.sluice.interception.FastPathTable;
import io.sluice.interception.PodPlacement;
import io.sluice.interception.maps.GrantKey;
import io.sluice.interception.maps.GrantValue;
import io.sluice.interception.maps.GrantValue.GrantEndpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.FastPath;
import io.sluice.node.fastpath.PodSocketTables.Listeners;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Which calls between pods of the node the kernel may lead, by one snapshot. Searched by the
 * address called, of which most lead nowhere that it may, and then by who may call it: a node of
 * 500 pods and 10,000 services has five million pairs. One thread.
 */
final class GrantSearch {
  /** Fewest grants that a pod may have, however many pods there are. */
  private static final int LEAST_SHARE = 32;

  private final MeshSnapshot snapshot;
  private final Map<Long, Listeners> listeners;
  private final Map<NamespacedName, PodPlacement> here = new TreeMap<>();
  private final Map<GrantKey, GrantValue> grants = new LinkedHashMap<>();
  private final Set<Pair> pairs = new HashSet<>();
  private final Set<PodPlacement> unlisted = new HashSet<>();

  /** Two pods of which one calls the other. */
  record Pair(NamespacedName caller, NamespacedName called, InetSocketAddress endpoint) {
    boolean isBetween(Set<NamespacedName> pods) {
      return pods.contains(caller) && pods.contains(called);
    }
  }

  /**
   * Searches among {@link FastPath#calls all calls} that are worth it.
   *
   * @param present pods in force
   * @param listeners of those of them that were asked, by cookie
   * @param superseded asked again and again whether nobody wants what is found any more
   */
  GrantSearch(
      MeshSnapshot snapshot,
      Collection<PodPlacement> present,
      Map<Long, Listeners> listeners,
      BooleanSupplier superseded) {
    this(snapshot, present, listeners);
    Map<NamespacedName, List<PodPlacement>> byAccount = byAccount();
    int share = Math.max(LEAST_SHARE, FastPathTable.MAX_GRANTS / Math.max(1, here.size()));
    Map<NamespacedName, Integer> granted = new HashMap<>();
    for (InetSocketAddress called : FastPath.calls(snapshot, here.keySet())) {
      if (superseded.getAsBoolean()) {
        return;
      }
      FastPath path = FastPath.to(snapshot, called);
      if (mayBeLed(path)) {
        for (PodPlacement caller : callers(path, byAccount)) {
          if (granted.getOrDefault(caller.name(), 0) < share
              && grants.size() < FastPathTable.MAX_GRANTS
              && path.from(caller.name()).isByKernel()) {
            grant(caller, called, path.endpoints());
            granted.merge(caller.name(), 1, Integer::sum);
          }
        }
      }
    }
  }

  /** What the kernel may go on leading of what it leads. */
  static Map<GrantKey, GrantValue> among(
      Set<GrantKey> granted,
      MeshSnapshot snapshot,
      Collection<PodPlacement> present,
      Map<Long, Listeners> listeners) {
    GrantSearch search = new GrantSearch(snapshot, present, listeners);
    Map<Long, PodPlacement> byCookie = new HashMap<>();
    present.forEach(pod -> byCookie.put(pod.cookie(), pod));
    Map<InetSocketAddress, List<PodPlacement>> callers = new HashMap<>();
    for (GrantKey key : granted) {
      PodPlacement caller = byCookie.get(key.netnsCookie());
      if (caller != null) {
        callers.computeIfAbsent(key.destination(), _ -> new ArrayList<>()).add(caller);
      }
    }
    callers.forEach((called, those) -> {
      FastPath path = FastPath.to(snapshot, called);
      if (search.mayBeLed(path)) {
        for (PodPlacement caller : those) {
          if (path.from(caller.name()).isByKernel()) {
            search.grant(caller, called, path.endpoints());
          }
        }
      }
    });
    return search.grants;
  }

  private GrantSearch(
      MeshSnapshot snapshot, Collection<PodPlacement> present, Map<Long, Listeners> listeners) {
    this.snapshot = snapshot;
    this.listeners = listeners;
    present.forEach(pod -> here.put(pod.name(), pod));
  }

  /** What is to be granted. */
  Map<GrantKey, GrantValue> grants() {
    return grants;
  }

  /** Between whom. */
  Set<Pair> pairs() {
    return pairs;
  }

  /** Pods that are taken to listen, for they were not asked yet. */
  Set<PodPlacement> unlisted() {
    return unlisted;
  }

  /** Whether calls of anybody reach an application that takes them. */
  private boolean mayBeLed(FastPath path) {
    List<InetSocketAddress> endpoints = path.endpoints();
    return !endpoints.isEmpty() && endpoints.stream().allMatch(this::isTaken);
  }

  private boolean isTaken(InetSocketAddress endpoint) {
    PodPlacement pod = owner(endpoint);
    if (pod == null
        || pod.excludesInbound(endpoint)
        || !pod.network().own().contains(endpoint.getAddress())) {
      return false;
    }
    Listeners known = listeners.get(pod.cookie());
    return known == null || known.take(endpoint); // it may be on loopback alone
  }

  private Map<NamespacedName, List<PodPlacement>> byAccount() {
    Map<NamespacedName, List<PodPlacement>> pods = new HashMap<>();
    here.forEach((name, pod) ->
        snapshot
            .workload(name)
            .map(workload -> workload.identity().serviceAccountName())
            .ifPresent(account -> pods.computeIfAbsent(account, _ -> new ArrayList<>()).add(pod)));
    return pods;
  }

  private List<PodPlacement> callers(
      FastPath path, Map<NamespacedName, List<PodPlacement>> byAccount) {
    return path.callers()
        .map(accounts ->
            accounts.stream()
                .flatMap(account -> byAccount.getOrDefault(account, List.of()).stream())
                .toList())
        .orElseGet(() -> List.copyOf(here.values()));
  }

  private void grant(PodPlacement caller, InetSocketAddress called, List<InetSocketAddress> to) {
    List<GrantEndpoint> endpoints = new ArrayList<>(to.size());
    for (InetSocketAddress each : to) {
      PodPlacement owner = Objects.requireNonNull(owner(each));
      pairs.add(new Pair(caller.name(), owner.name(), each));
      endpoints.add(new GrantEndpoint(owner.cookie(), each));
      if (!listeners.containsKey(owner.cookie())) {
        unlisted.add(owner);
      }
    }
    grants.put(new GrantKey(caller.cookie(), called), new GrantValue(endpoints));
  }

  private @Nullable PodPlacement owner(InetSocketAddress endpoint) {
    return snapshot
        .workloadAt(endpoint.getAddress())
        .map(owner -> here.get(owner.name()))
        .orElse(null);
  }
}

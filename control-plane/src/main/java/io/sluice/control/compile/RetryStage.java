package io.sluice.control.compile;

import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.Retry;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.RetryPolicy.Condition;
import io.sluice.mesh.SnapshotEditor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Retries, which are compiled together: there are few, and they stand in each other's way. */
final class RetryStage {
  private final Statuses.StatusBook statuses;
  private final Map<ObjectRef, Retry> retries = new HashMap<>();
  private Set<NamespacedName> made = Set.of();
  private boolean enabled;
  private boolean due;

  RetryStage(Statuses.StatusBook statuses) {
    this.statuses = statuses;
  }

  void add(Retry retry) {
    retries.put(retry.ref(), retry);
    due = true;
  }

  void remove(Retry retry) {
    retries.remove(retry.ref());
    due = true;
  }

  /** Whether the MeshConfig lets them have effect. */
  void enable(boolean now) {
    due |= enabled != now;
    enabled = now;
  }

  void compile(SnapshotEditor editor) {
    if (!due) {
      return;
    }
    due = false;
    Statuses found = new Statuses();
    List<RetryPolicy> now = policies(retries.values(), enabled, found);
    Set<NamespacedName> names = now.stream().map(RetryPolicy::name).collect(Collectors.toSet());
    made.stream()
        .filter(name -> !names.contains(name))
        .forEach(name -> editor.remove(Kind.RETRY.key(name)));
    now.forEach(editor::put);
    made = names;
    statuses.put(retries.keySet(), found);
  }

  /** What {@code retries} make: all there are. */
  static List<RetryPolicy> policies(Collection<Retry> retries, boolean enabled, Statuses statuses) {
    List<RetryPolicy> policies = new ArrayList<>();
    Map<Map.Entry<NamespacedName, NamespacedName>, NamespacedName> first = new HashMap<>();
    retries.stream()
        .sorted(Comparator.comparing(retry -> retry.policy().name()))
        .forEach(retry -> {
          RetryPolicy policy = retry.policy();
          report(retry, enabled, statuses);
          if (!policy.source().namespace().equals(policy.name().namespace())) {
            statuses.add(
                retry,
                Severity.UNUSABLE,
                "spec.source.namespace",
                "is another namespace, whose calls this one may not have made again",
                "write the Retry in namespace " + policy.source().namespace());
            return;
          }
          for (NamespacedName destination : policy.destinations()) {
            NamespacedName before =
                first.putIfAbsent(Map.entry(policy.source(), destination), policy.name());
            if (before != null) {
              statuses.warning(
                  retry,
                  "spec.destinations",
                  "name Service " + destination + ", which Retry " + before + " is for already",
                  "remove it from one of the two");
            }
          }
          if (enabled) {
            policies.add(policy);
          }
        });
    return policies;
  }

  private static void report(Retry retry, boolean enabled, Statuses statuses) {
    RetryPolicy policy = retry.policy();
    if (!enabled) {
      statuses.add(
          retry,
          Severity.UNUSABLE,
          "",
          "has no effect while spec.featureFlags.enableRetryPolicy of the MeshConfig is not true",
          "set it to true");
    }
    if (policy.statuses().isEmpty() && policy.on().contains(Condition.RETRIABLE_STATUS_CODES)) {
      statuses.warning(
          retry,
          "spec.retryPolicy.retryOn",
          "has retriable-status-codes and no status, so the word means nothing",
          "write statuses beside it, such as 503");
    }
  }
}

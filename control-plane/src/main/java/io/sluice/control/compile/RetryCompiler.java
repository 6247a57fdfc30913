package io.sluice.control.compile;

import io.sluice.control.objects.Retry;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.RetryPolicy.Condition;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What Retries say, which stand in each other's way. */
final class RetryCompiler {
  private RetryCompiler() {}

  /** What {@code retries} make: at least all of their namespaces. */
  static List<RetryPolicy> policies(Collection<Retry> retries, boolean enabled, Statuses statuses) {
    List<RetryPolicy> policies = new ArrayList<>();
    Map<Map.Entry<NamespacedName, NamespacedName>, Retry> first = new HashMap<>();
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
            Retry before = first.putIfAbsent(Map.entry(policy.source(), destination), retry);
            if (before != null) {
              statuses.conflict(
                  retry,
                  Severity.WARNING,
                  "spec.destinations",
                  "name Service " + destination + ", which " + before.ref() + " is for already",
                  "remove it from one of the two",
                  before.ref());
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

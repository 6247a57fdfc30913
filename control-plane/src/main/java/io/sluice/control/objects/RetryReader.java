package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.manifest.WrittenDuration;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.RetryPolicy.Condition;
import io.sluice.mesh.WireLimits;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Reads a Retry. */
final class RetryReader {
  private static final String RETRY_ON = "retryOn";
  private static final String RETRIES = "numRetries";
  private static final String DESTINATIONS = "destinations";

  private RetryReader() {}

  static Retry read(Fields document, ObjectMeta meta) {
    Fields spec = document.objectOrEmpty("spec");
    Fields source = spec.requiredObject("source").isPresent() ? spec.objectOrEmpty("source") : spec;
    Fields policy = spec.objectOrEmpty("retryPolicy");
    List<Fields> destinations = spec.objects(DESTINATIONS);
    if (destinations.isEmpty() || destinations.size() > WireLimits.RETRY_DESTINATIONS) {
      spec.problem(
          DESTINATIONS,
          "there are " + (destinations.isEmpty() ? "none" : "too many"),
          "name 1 to " + WireLimits.RETRY_DESTINATIONS + " Services");
    }
    Set<NamespacedName> services = new HashSet<>();
    destinations.forEach(one -> services.add(named(one, "Service", meta)));
    Set<Condition> on = EnumSet.noneOf(Condition.class);
    Set<Integer> statuses = new HashSet<>();
    readConditions(policy, on, statuses);
    int most = policy.number(RETRIES, "a number of tries").orElse(RetryPolicy.DEFAULT_TRIES);
    if (most > RetryPolicy.MOST_TRIES) {
      policy.problem(RETRIES, most + " is too much", "write up to " + RetryPolicy.MOST_TRIES);
      most = 0;
    }
    return new Retry(
        meta,
        new RetryPolicy(
            meta.namespacedName(),
            source == spec
                ? new NamespacedName(meta.namespace(), "unknown")
                : named(source, TrafficTarget.ACCOUNT, meta),
            services,
            on,
            statuses,
            most,
            millis(policy, "perTryTimeout", 0),
            millis(policy, "retryBackoffBaseInterval", RetryPolicy.DEFAULT_BACKOFF_MILLIS)));
  }

  private static NamespacedName named(Fields reference, String kind, ObjectMeta meta) {
    String written = reference.requiredText("kind");
    if (!written.isEmpty() && !written.equals(kind)) {
      reference.problem("kind", "'" + written + "' is not known", "use " + kind);
    }
    return new NamespacedName(
        reference
            .requiredParsed("namespace", Rfc1123::label, Rfc1123.MEND)
            .orElse(meta.namespace()),
        reference.requiredParsed("name", Rfc1123::subdomain, Rfc1123.MEND).orElse("unknown"));
  }

  private static void readConditions(Fields policy, Set<Condition> on, Set<Integer> statuses) {
    for (String each : policy.requiredText(RETRY_ON).split(",", -1)) {
      String word = each.strip();
      if (word.matches("[1-5][0-9]{2}")) {
        statuses.add(Integer.valueOf(word));
        on.add(Condition.RETRIABLE_STATUS_CODES); // as Istio reads it
      } else if (!word.isEmpty()) {
        Condition.of(word)
            .ifPresentOrElse(
                on::add,
                () ->
                    policy.problem(
                        RETRY_ON,
                        "'" + word + "' is not known",
                        "use statuses, or " + String.join(", ", Condition.words())));
      }
    }
  }

  private static long millis(Fields policy, String name, long otherwise) {
    return policy
        .parsed(name, WrittenDuration::parseParts, "write a duration such as 25ms, 1s or 1m30s")
        .map(Duration::toMillis)
        .orElse(otherwise);
  }
}

package io.sluice.mesh;

import io.sluice.api.resources.v1.Retry;
import java.util.HashSet;

/** Retries as messages and back. */
final class RetryCodec {
  static final Codec<RetryPolicy> CODEC =
      Codec.of(Retry.getDefaultInstance(), RetryCodec::message, RetryCodec::model);

  private RetryCodec() {}

  private static Retry message(RetryPolicy policy) {
    return Retry.newBuilder()
        .setNamespace(policy.name().namespace())
        .setName(policy.name().name())
        .setSource(policy.source().toString())
        .addAllDestinations(
            policy.destinations().stream().sorted().map(NamespacedName::toString).toList())
        .addAllConditions(policy.on().stream().sorted().map(RetryPolicy.Condition::word).toList())
        .addAllStatuses(policy.statuses().stream().sorted().toList())
        .setMost(policy.most())
        .setTryMillis(policy.tryMillis())
        .setBackoffMillis(policy.backoffMillis())
        .build();
  }

  private static RetryPolicy model(Retry message, Checks checks) {
    var destinations =
        checks.list(
            "destinations",
            message.getDestinationsList(),
            WireLimits.RETRY_DESTINATIONS,
            NamespacedName::parse);
    var conditions =
        checks.list(
            "conditions",
            message.getConditionsList(),
            RetryPolicy.Condition.values().length,
            word ->
                RetryPolicy.Condition.of(word)
                    .orElseThrow(() -> new IllegalArgumentException("no condition " + word)));
    checks.atMost("statuses", message.getStatusesCount(), WireLimits.RETRY_STATUSES);
    return checks.value(
        "retry",
        () ->
            new RetryPolicy(
                new NamespacedName(message.getNamespace(), message.getName()),
                NamespacedName.parse(message.getSource()),
                new HashSet<>(destinations),
                new HashSet<>(conditions),
                new HashSet<>(message.getStatusesList()),
                message.getMost(),
                message.getTryMillis(),
                message.getBackoffMillis()));
  }
}

package io.sluice.control.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.Gauge;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * What of {@link ControllerMetrics} is about what one of several controllers writes. Any thread.
 */
public final class ReplicaMetrics {
  /** What came of the try to write a status. */
  public enum StatusWrite {
    /** The server took it. */
    WRITTEN,
    /** Somebody changed the object first; it is looked at again. */
    CONFLICT,
    /** The object, or the status of its kind, is not there. */
    MISSING,
    /** A rule of access is missing. */
    FORBIDDEN,
    /** The server did not answer, or not now. */
    UNAVAILABLE,
    /** Any other refusal. */
    REJECTED;

    private String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final CollectorRegistry registry;
  private final Counter writes;

  ReplicaMetrics(CollectorRegistry registry) {
    this.registry = registry;
    this.writes =
        Counter.build(
                "sluice_control_status_writes",
                "Tries to write the status of an object of the cluster, by what came of them.")
            .labelNames("result")
            .register(registry);
    for (StatusWrite each : StatusWrite.values()) {
      writes.labels(each.label());
    }
  }

  /** A status was written, or not. */
  public void status(StatusWrite result) {
    writes.labels(result.label()).inc();
  }

  /** Shows how the Lease stands at every look; once. */
  public void lease(BooleanSupplier held, LongSupplier transitions) {
    Gauge.build(
            "sluice_control_lease_held",
            "1 while this controller is the one of its cluster that writes.")
        .create()
        .setChild(
            new Gauge.Child() {
              @Override
              public double get() {
                return held.getAsBoolean() ? 1 : 0;
              }
            })
        .<Collector>register(registry);
    Counter.build(
            "sluice_control_lease_transitions",
            "How often this controller began or ceased to hold the lease.")
        .create()
        .setChild(
            new Counter.Child() {
              @Override
              public double get() {
                return transitions.getAsLong();
              }
            })
        .<Collector>register(registry);
  }
}

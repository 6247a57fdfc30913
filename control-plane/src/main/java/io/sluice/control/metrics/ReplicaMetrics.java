package io.sluice.control.metrics;

import io.prometheus.client.Collector;
import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.Gauge;
import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * What of {@link ControllerMetrics} is about what one of several controllers writes. Any thread.
 */
public final class ReplicaMetrics {
  /** What came of the try to write an object. */
  public enum WriteResult {
    /** The server took it. */
    WRITTEN,
    /** Somebody changed the object first; it is looked at again. */
    CONFLICT,
    /** The object, the status of its kind, or its namespace is not there. */
    MISSING,
    /** A rule of access is missing. */
    FORBIDDEN,
    /** The server did not answer, or not now. */
    UNAVAILABLE,
    /** Any other refusal. */
    REJECTED;

    /** What a failure to write counts as. */
    public static WriteResult of(Failure failure) {
      return switch (failure) {
        case CONFLICT -> CONFLICT;
        case NOT_FOUND -> MISSING;
        case FORBIDDEN -> FORBIDDEN;
        case UNREACHABLE, BUSY, UNAUTHENTICATED -> UNAVAILABLE;
        case REJECTED -> REJECTED;
      };
    }

    private String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final CollectorRegistry registry;
  private final OsmMetrics osm;
  private final Counter statusWrites;
  private final Counter rootsWrites;
  private final Gauge rootsPublished;

  ReplicaMetrics(CollectorRegistry registry, OsmMetrics osm) {
    this.registry = registry;
    this.osm = osm;
    this.statusWrites =
        writes(
            "sluice_control_status_writes",
            "Tries to write the status of an object of the cluster, by what came of them.");
    this.rootsWrites =
        writes(
            "sluice_control_roots_writes",
            "Tries to write the ConfigMap with the mesh's roots, by what came of them.");
    this.rootsPublished =
        Gauge.build(
                "sluice_control_roots_published",
                "1 where this controller saw at its last look that the ConfigMap says the present"
                    + " roots; 0 for one that does not write, or cannot.")
            .register(registry);
  }

  private Counter writes(String name, String help) {
    Counter writes = Counter.build(name, help).labelNames("result").register(registry);
    for (WriteResult each : WriteResult.values()) {
      writes.labels(each.label());
    }
    return writes;
  }

  /** A status was written, or not. */
  public void status(WriteResult result) {
    statusWrites.labels(result.label()).inc();
  }

  /** The ConfigMap with the roots was written, or not. */
  public void roots(WriteResult result) {
    rootsWrites.labels(result.label()).inc();
    if (result == WriteResult.WRITTEN) {
      osm.reconciled("ConfigMap");
    }
  }

  /** A Secret of a client's certificate was written. */
  public void secretWritten() {
    osm.reconciled("Secret");
  }

  /** Whether the ConfigMap says the present roots, as far as this controller writes it. */
  public void rootsPublished(boolean published) {
    rootsPublished.set(published ? 1 : 0);
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

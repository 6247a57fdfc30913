package io.sluice.node.identity;

import io.sluice.node.identity.control.ControlFailure;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Requests for certificates by who they were for and what came of them. Any thread. */
public final class RequestCounts {
  /** Whom a certificate is for. */
  public enum Holder {
    /** The daemon itself. */
    NODE("node"),
    /** A pod on the node. */
    WORKLOAD("workload");

    private final String label;

    Holder(String label) {
      this.label = label;
    }

    /** Value of the metric label {@code holder}. */
    public String label() {
      return label;
    }
  }

  /** Result of a request that brought a certificate; else it is the failure's reason. */
  public static final String ISSUED = "issued";

  /** One series. */
  public record Series(Holder holder, String result) {}

  private final Map<Series, LongAdder> counts = new ConcurrentHashMap<>();

  RequestCounts() {
    for (Holder holder : Holder.values()) {
      counts.put(new Series(holder, ISSUED), new LongAdder()); // 0 from the start
      for (ControlFailure.Reason reason : ControlFailure.Reason.values()) {
        counts.put(new Series(holder, reason.label()), new LongAdder());
      }
    }
  }

  void issued(Holder holder) {
    add(new Series(holder, ISSUED));
  }

  void failed(Holder holder, ControlFailure.Reason reason) {
    add(new Series(holder, reason.label()));
  }

  private void add(Series series) {
    counts.computeIfAbsent(series, one -> new LongAdder()).increment();
  }

  /** Every series and its value now. */
  public Map<Series, Long> values() {
    Map<Series, Long> values =
        new TreeMap<>(Comparator.comparing(Series::holder).thenComparing(Series::result));
    counts.forEach((series, count) -> values.put(series, count.sum()));
    return values;
  }
}

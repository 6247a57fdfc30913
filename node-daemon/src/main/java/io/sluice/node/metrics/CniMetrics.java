package io.sluice.node.metrics;

import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.Counter;
import io.prometheus.client.Histogram;
import io.sluice.cni.protocol.CniCommand;
import io.sluice.node.cni.CallListener;
import io.sluice.node.cni.CallListener.CallResult;
import java.time.Duration;
import java.util.Locale;

/** Counts the calls of the CNI client. */
final class CniMetrics implements CallListener {
  private static final String UNKNOWN = "unknown";
  private static final double NANOS_PER_SECOND = 1e9;

  private final Counter calls =
      Counter.build(
              "sluice_cni_calls",
              "Calls of the CNI client: refused ones told the runtime to try again, failed ones"
                  + " met a fault of the daemon or lost their client.")
          .labelNames("command", "result")
          .create();

  /** Up to the daemon's deadline of nine seconds. */
  private final Histogram seconds =
      Histogram.build(
              "sluice_cni_call_seconds",
              "What a call of the CNI client took in the daemon; a pod waits for its ADD.")
          .labelNames("command")
          .buckets(0.01, 0.03, 0.1, 0.3, 1, 3, 9)
          .create();

  CniMetrics(CollectorRegistry registry) {
    for (CniCommand command : CniCommand.values()) {
      for (CallResult result : CallResult.values()) {
        calls.labels(label(command), result.label()); // 0 from the start
      }
      seconds.labels(label(command));
    }
    calls.labels(UNKNOWN, CallResult.REFUSED.label());
    calls.register(registry);
    seconds.register(registry);
  }

  @Override
  public void served(CniCommand command, CallResult result, Duration duration) {
    calls.labels(label(command), result.label()).inc();
    seconds.labels(label(command)).observe(duration.toNanos() / NANOS_PER_SECOND);
  }

  @Override
  public void undecodable() {
    calls.labels(UNKNOWN, CallResult.REFUSED.label()).inc();
  }

  private static String label(CniCommand command) {
    return command.name().toLowerCase(Locale.ROOT);
  }
}

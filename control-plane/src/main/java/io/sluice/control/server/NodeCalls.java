package io.sluice.control.server;

import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.limit.BoundedMap;
import io.sluice.control.metrics.ControllerMetrics.Call;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;

/** Who called last, and when: for people. The latest callers only. Any thread. */
public final class NodeCalls {
  private static final int MOST_CALLERS = 1_024;

  private final InstantSource clock;
  private final Map<String, LastCall> latest = BoundedMap.byUse(MOST_CALLERS);

  /** Nobody has called yet. */
  public NodeCalls(InstantSource clock) {
    this.clock = clock;
  }

  /**
   * The last call of one caller.
   *
   * @param who the node's name where it was proven, else the remote address
   * @param result the call that was served, or why it was refused
   */
  public record LastCall(String who, Instant at, String result) {}

  void served(String who, Call call) {
    put(new LastCall(who, clock.instant(), call.name()));
  }

  void refused(String who, RefusalReason reason) {
    put(new LastCall(who, clock.instant(), reason.label()));
  }

  private void put(LastCall call) {
    synchronized (latest) {
      latest.put(call.who(), call);
    }
  }

  /** Who called last comes last. */
  public List<LastCall> list() {
    synchronized (latest) {
      return List.copyOf(latest.values());
    }
  }
}

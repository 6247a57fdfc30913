package io.sluice.control.kubernetes;

import io.sluice.control.kubernetes.KindObjects.Update;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.registry.ObjectChange;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Changes that wait for delivery, the newest of each object only: so never more than there are
 * objects. Any thread.
 */
final class Changes {
  private final Map<ObjectRef, ObjectChange> waiting = new LinkedHashMap<>();
  private final Map<ObjectRef, Optional<ReportedObject>> reported = new LinkedHashMap<>();
  private boolean awake;

  synchronized void add(List<Update> updates) {
    for (Update update : updates) {
      ObjectChange change = update.changeOrNull();
      if (change != null) {
        waiting.put(change.ref(), change);
        awake = true;
      }
      // Together with the change: who writes a status must not take one content for another.
      if (ReportedObject.isOf(update.ref())) {
        reported.put(update.ref(), Optional.ofNullable(update.reportedOrNull()));
        awake = true;
      }
    }
    if (awake) {
      notifyAll();
    }
  }

  /** Ends the present or the next wait: something else than an object has changed. */
  synchronized void wake() {
    awake = true;
    notifyAll();
  }

  /** Waits for a reason to deliver, at most {@code longest}. */
  synchronized void await(Duration longest) throws InterruptedException {
    long end = System.nanoTime() + longest.toNanos();
    for (long left = longest.toMillis(); !awake && left > 0; ) {
      wait(left);
      left = Duration.ofNanos(end - System.nanoTime()).toMillis();
    }
    awake = false;
  }

  /** What waits, in order of first change; nothing waits then. */
  synchronized Taken take() {
    Taken taken = new Taken(List.copyOf(waiting.values()), Map.copyOf(reported));
    waiting.clear();
    reported.clear();
    return taken;
  }

  /**
   * What had changed.
   *
   * @param reported what statuses say now; empty of objects that have gone
   */
  record Taken(List<ObjectChange> changes, Map<ObjectRef, Optional<ReportedObject>> reported) {}
}

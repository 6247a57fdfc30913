package io.sluice.control.kubernetes;

import io.sluice.control.objects.ObjectRef;
import io.sluice.control.registry.ObjectChange;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Changes that wait for delivery, the newest of each object only: so never more than there are
 * objects. Any thread.
 */
final class Changes {
  private final Map<ObjectRef, ObjectChange> waiting = new LinkedHashMap<>();
  private boolean awake;

  synchronized void add(List<ObjectChange> changes) {
    for (ObjectChange change : changes) {
      waiting.put(change.ref(), change);
    }
    if (!changes.isEmpty()) {
      wake();
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
  synchronized List<ObjectChange> take() {
    List<ObjectChange> taken = List.copyOf(waiting.values());
    waiting.clear();
    return taken;
  }
}

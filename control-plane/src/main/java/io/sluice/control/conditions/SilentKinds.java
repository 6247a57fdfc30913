package io.sluice.control.conditions;

import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.ReadableKind;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Kinds whose statuses cannot be written now, and why: each is told once and left alone for a
 * while. Any thread.
 */
final class SilentKinds {
  private static final Logger LOG = System.getLogger(SilentKinds.class.getName());
  private static final Duration WITHOUT_RULE = Duration.ofSeconds(30);
  private static final Duration WITHOUT_SUBRESOURCE = Duration.ofMinutes(10);

  /** By then the registry would have told of an object that is gone. */
  private static final Duration SURELY_SEEN = Duration.ofSeconds(3);

  private static final int MOST_MISSING = 1_000;

  private final Map<ReadableKind, Silence> silent = new EnumMap<>(ReadableKind.class);
  private final Map<ObjectRef, Long> missing = new HashMap<>();

  private record Silence(long until, String problem) {}

  /** Whether statuses of {@code kind} are to be left alone now. */
  synchronized boolean isSilent(ReadableKind kind) {
    Silence silence = silent.get(kind);
    return silence != null && System.nanoTime() - silence.until() < 0;
  }

  /** Whether the server had no such status a moment ago, and the registry may not know why yet. */
  synchronized boolean isMissing(ObjectRef ref) {
    Long since = missing.get(ref);
    return since != null && System.nanoTime() - since < SURELY_SEEN.toNanos();
  }

  /** The server does not let us write statuses of {@code kind}. */
  void forbidden(ReadableKind kind, String said) {
    silence(
        kind,
        WITHOUT_RULE,
        said
            + "; allow it to the controller's account: {apiGroups: [\""
            + kind.group()
            + "\"], resources: ["
            + kind.resource()
            + "/status], verbs: [patch]}");
  }

  /**
   * The server has no such status. Of an object that is gone the registry tells soon; where it is
   * still there later, its kind has no statuses at all.
   */
  synchronized void missing(ReadableKind kind, ObjectRef ref) {
    if (missing.size() >= MOST_MISSING) {
      missing.clear();
    }
    if (missing.put(ref, System.nanoTime()) != null) {
      missing.remove(ref);
      silence(
          kind,
          WITHOUT_SUBRESOURCE,
          "the installed definition of "
              + kind.resource()
              + "."
              + kind.group()
              + " has no status subresource, so its objects tell nothing of the mesh; install that"
              + " of charts/sluice/crds, or leave it so");
    }
  }

  private synchronized void silence(ReadableKind kind, Duration time, String problem) {
    Silence before = silent.put(kind, new Silence(System.nanoTime() + time.toNanos(), problem));
    if (before == null || !before.problem().equals(problem)) {
      LOG.log(Level.WARNING, "status_not_written {0}", problem);
    }
  }

  /** A status of {@code kind} was written. */
  synchronized void written(ReadableKind kind, ObjectRef ref) {
    silent.remove(kind);
    missing.remove(ref);
  }

  /** Why statuses are not written, and what to do. */
  synchronized List<String> problems() {
    return silent.values().stream().map(Silence::problem).toList();
  }
}

package io.sluice.node.enrolment;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.mesh.NamespacedName;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * What keeps pods from being enrolled, as of one sweep, and whether it is news. Confined to the
 * enrolment thread, but for the map.
 */
final class PodProblems {
  /**
   * A pod is known here before its kubelet has made a sandbox for it, and that may take as long as
   * an address plan or a busy runtime does. Longer is worth a line.
   */
  private static final Duration SANDBOX_DUE = Duration.ofSeconds(30);

  private static final Set<Errno> ABSENT = Set.of(Errno.ENOENT, Errno.EAGAIN);

  private final LongSupplier nanoClock;
  private final Map<NamespacedName, String> current = new HashMap<>();
  private final Map<NamespacedName, Long> absentSince = new HashMap<>();
  private final Map<NamespacedName, String> told = new HashMap<>();

  PodProblems(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
  }

  /** Those of this sweep, by pod; a view. */
  Map<NamespacedName, String> current() {
    return current;
  }

  /** A new sweep finds its own; returns the pods that had one in the sweep before. */
  Set<NamespacedName> begin() {
    Set<NamespacedName> before = Set.copyOf(current.keySet());
    absentSince.keySet().retainAll(before);
    told.keySet().retainAll(before);
    current.clear();
    return before;
  }

  /**
   * Notes one.
   *
   * @param isExpected whether a kubelet makes the pod's namespace, so that it may not be there yet
   * @return whether it has not been told yet, and is to be
   */
  boolean note(NamespacedName name, Throwable cause, boolean isExpected) {
    String problem = String.valueOf(cause.getMessage());
    current.put(name, problem);
    boolean isAbsent =
        isExpected && cause instanceof LinuxException linux && ABSENT.contains(linux.errno());
    if (!isAbsent) {
      absentSince.remove(name);
      return !problem.equals(told.put(name, problem));
    }
    long since = absentSince.computeIfAbsent(name, _ -> nanoClock.getAsLong());
    return nanoClock.getAsLong() - since >= SANDBOX_DUE.toNanos()
        && told.put(name, problem) == null;
  }
}

package io.sluice.node.cni;

import io.sluice.cni.protocol.PodReference;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.Workload;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * The latest snapshot, for callers that wait for a pod to be known: a runtime often asks before the
 * registry has told. Any thread.
 */
final class SnapshotView {
  private final BooleanSupplier tellsOfEveryPod;
  private MeshSnapshot snapshot = MeshSnapshot.EMPTY;

  /** {@code tellsOfEveryPod} says whether a pod that is not known is only not known yet. */
  SnapshotView(BooleanSupplier tellsOfEveryPod) {
    this.tellsOfEveryPod = tellsOfEveryPod;
  }

  /** Wakes everyone who waits. */
  synchronized void publish(MeshSnapshot next) {
    snapshot = next;
    notifyAll();
  }

  /**
   * Whether a pod of this namespace may start without having been told of: nothing enrols it there
   * but words of its own, and who would tell of those is out of reach or does not know every pod.
   */
  boolean mayStartUntold(String namespace) {
    return membership(namespace).equals(Optional.of(NamespaceMembership.OUTSIDE))
        && !tellsOfEveryPod.getAsBoolean();
  }

  /** Whether somebody is there who tells of each pod: one that is not known comes by itself. */
  boolean isToldOfEveryPod() {
    return tellsOfEveryPod.getAsBoolean();
  }

  /** What is known of a namespace; empty when nothing is. */
  synchronized Optional<NamespaceMembership> membership(String namespace) {
    return snapshot.membership(namespace);
  }

  /**
   * The workload of this pod, waiting for it; empty at the deadline ({@link System#nanoTime}). One
   * with another UID is a former pod of the same name, as StatefulSets make them.
   */
  synchronized Optional<Workload> await(PodReference pod, long deadlineNanos)
      throws InterruptedException {
    while (true) {
      Optional<Workload> known =
          snapshot.workload(pod.name()).filter(workload -> isSame(pod, workload));
      long left = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
      if (known.isPresent() || left <= 0) {
        return known;
      }
      wait(left);
    }
  }

  private static boolean isSame(PodReference pod, Workload workload) {
    return pod.uid().isEmpty() || workload.uid().isEmpty() || pod.uid().equals(workload.uid());
  }
}

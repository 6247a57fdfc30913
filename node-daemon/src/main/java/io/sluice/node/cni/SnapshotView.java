package io.sluice.node.cni;

import io.sluice.cni.protocol.PodReference;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.Workload;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The latest snapshot, for callers that wait for a pod to be known: a runtime often asks before the
 * registry has told. Any thread.
 */
final class SnapshotView {
  private MeshSnapshot snapshot = MeshSnapshot.EMPTY;

  /** Wakes everyone who waits. */
  synchronized void publish(MeshSnapshot next) {
    snapshot = next;
    notifyAll();
  }

  /** What is known of a namespace; empty when nothing is. */
  synchronized Optional<NamespaceMembership> membership(String namespace) {
    return Optional.ofNullable(snapshot.namespaces().get(namespace));
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

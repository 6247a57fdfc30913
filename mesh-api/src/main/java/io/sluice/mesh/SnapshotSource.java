package io.sluice.mesh;

import java.util.function.Consumer;

/**
 * Where a node gets its snapshots from: a registry in the same process, or a controller. The
 * consumer is called once with the present snapshot before {@link #start} returns, then on a thread
 * of the source for every change, in order of revision, never concurrently. Where only that becomes
 * known, the next snapshot differs from the one before in being complete or not.
 */
public interface SnapshotSource extends AutoCloseable {
  /** Starts delivering; called once. */
  void start(Consumer<MeshSnapshot> consumer);

  /**
   * Whether a pod that the present snapshot lacks is only not known yet, because the source is in
   * touch with who knows every pod, also those outside the mesh. Any thread; never waits.
   */
  default boolean tellsOfEveryPod() {
    return false;
  }

  /** Stops delivering; no call of the consumer is under way or follows when it returns. */
  @Override
  void close();
}

package io.sluice.node.store;

import io.sluice.mesh.MeshSnapshot;
import java.time.Instant;

/**
 * A snapshot as it came from the disk.
 *
 * @param snapshot with the revision it had
 * @param complete whether the registry behind it was read completely then; says nothing of what has
 *     come since
 * @param savedAt when it was written, by the node's clock then, in milliseconds
 * @param mesh which mesh it is of
 */
public record Stored(MeshSnapshot snapshot, boolean complete, Instant savedAt, MeshMark mesh) {
  /** One of which it is not known. */
  public Stored(MeshSnapshot snapshot, boolean complete, Instant savedAt) {
    this(snapshot, complete, savedAt, MeshMark.UNKNOWN);
  }
}

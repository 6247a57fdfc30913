package io.sluice.node.store;

import io.sluice.mesh.MeshSnapshot;
import java.time.Instant;

/**
 * A snapshot as it came from the disk.
 *
 * @param snapshot with the revision it had; its being complete is of then, and says nothing of what
 *     has come since
 * @param savedAt when it was written, by the node's clock then, in milliseconds
 * @param mesh which mesh it is of
 */
public record Stored(MeshSnapshot snapshot, Instant savedAt, MeshMark mesh) {}

package io.sluice.mesh;

/** One of the things that make up a snapshot, and that nodes are told of. Immutable. */
public interface MeshObject {
  /** What it is. */
  Kind<?> kind();

  /** What it is, and what it is called among those of its kind. */
  default ResourceKey key() {
    return kind().keyOf(this);
  }
}

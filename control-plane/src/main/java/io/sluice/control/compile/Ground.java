package io.sluice.control.compile;

/** Why an object has a status, for programs that tell these apart: its sentence is for people. */
public enum Ground {
  /** The sentence alone says it. */
  SAID,
  /** The same object is there twice. */
  DUPLICATE,
  /** It claims what another one has: an address, a network namespace, a UID. */
  CLAIMED_TWICE,
  /** There is more than one MeshConfig. */
  SEVERAL_MESH_CONFIGS
}

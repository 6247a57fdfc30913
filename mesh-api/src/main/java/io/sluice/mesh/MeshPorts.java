package io.sluice.mesh;

/**
 * Port numbers that have a meaning for the mesh. None of them is taken inside a pod: its listeners
 * have ports that no application is given (RFC 6335 §6). {@code sluice_maps.h} repeats the ones
 * that the programs need; a test compares the two.
 */
public final class MeshPorts {
  /** HBONE: what nodes call at a pod's address, redirected to the inbound listener as all is. */
  public static final int HBONE = 15008;

  /**
   * Both ports of the daemon's own connections to a pod, and the destination port of those from
   * inside it, by which it sees whether interception works. Never listened on.
   */
  public static final int PATH_CHECK = 15009;

  /** gRPC of the controller, where nodes prove themselves and get certificates. */
  public static final int CONTROL = 15012;

  /** Pages of the controller about itself, while the MeshConfig wants them; as OSM's. */
  public static final int DEBUG = 9092;

  /** Metrics and health of the node daemon, on the node. */
  public static final int NODE_METRICS = 15020;

  /** DNS (RFC 1035 §4.2). */
  public static final int DNS = 53;

  private MeshPorts() {}
}

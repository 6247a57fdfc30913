package io.sluice.mesh;

/**
 * Bounds of what one end takes from the other. Far above what a mesh of 10,000 pods needs; they
 * keep a faulty or hostile peer from filling the memory.
 */
public final class WireLimits {
  /** Of one resource, in bytes. */
  public static final int CONTENT_BYTES = 1 << 20;

  /** In one part of a change. */
  public static final int RESOURCES_PER_PART = 1_000;

  /** Of all resources of one part, in bytes; at least one resource fits. */
  public static final int PART_CONTENT_BYTES = 3 << 20;

  /** Of one part as a message, in bytes: its contents with names and framing. */
  public static final int PART_MESSAGE_BYTES = 4 << 20;

  /** Of one message to the controller, in bytes. */
  public static final int REQUEST_BYTES = 1 << 16;

  /** That one node holds, and removals in one change. */
  public static final int RESOURCES = 100_000;

  /** Of all resources that one node holds, in bytes. */
  public static final long TOTAL_CONTENT_BYTES = 64L << 20;

  /** Of a resource's name: a kind, a namespace and a name, with slashes between them. */
  public static final int NAME_CHARACTERS = 350;

  /** In an answer that refuses a change. */
  public static final int PROBLEMS = 16;

  /** Of each of them. */
  public static final int PROBLEM_CHARACTERS = 256;

  static final int WORKLOAD_ADDRESSES = 64;
  static final int LABELS = 1_024;
  static final int LABEL_CHARACTERS = 4_096;
  static final int PATH_CHARACTERS = 4_096;
  static final int NODE_NAME_CHARACTERS = 253;
  static final int RULES = 16_384;
  static final int INTERFACE_CHARACTERS = 64;
  static final int VIRTUAL_ADDRESSES = 64;
  static final int SERVICE_PORTS = 1_024;
  static final int ENDPOINTS = 40_000;
  static final int PORT_NAME_CHARACTERS = 256;
  static final int SOURCES = 16_384;
  static final int PORTS = 65_535;

  /** Of one workload: ports that readiness probes ask. */
  public static final int HEALTH_CHECKS = 64;

  static final int HTTP_NAME_CHARACTERS = 256;
  static final int HTTP_METHODS = 64;
  static final int HTTP_HEADERS = 64;

  /** Of one permission or one rule of a route; a request may be compared with each. */
  public static final int HTTP_MATCHES = 1_024;

  /** Of one route. */
  public static final int ROUTE_RULES = 1_024;

  static final int KIND_CHARACTERS = 63;

  static final int FIELD_CHANGES = 128;
  static final int MIRRORS = 64;

  /** Of one rule of a route, one IngressBackend or AccessControl. */
  public static final int BACKENDS = 256;

  static final int RETRY_STATUSES = 600;

  /** Services of one Retry. */
  public static final int RETRY_DESTINATIONS = 256;

  /** Names of one Egress. */
  public static final int HOSTS = 256;

  /**
   * Ranges of all Isolations together; each call is compared with all of them, and each pod has
   * them in its rules: {@code SLUICE_MAX_ISOLATED_RANGES}.
   */
  public static final int ISOLATED = 512;

  /** Addresses and ranges of one IngressBackend or AccessControl. */
  public static final int INGRESS_SOURCES = 4_096;

  /** Principals of what is let in, and hosts of one of its ports. */
  public static final int INGRESS_NAMES = 256;

  static final int DENIED = 16_384;

  /** RFC 5280 §4.1.2.2 has 20; some authorities use one more for the sign. */
  static final int SERIAL_BYTES = 21;

  private WireLimits() {}
}

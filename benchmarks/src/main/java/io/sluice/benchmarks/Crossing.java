package io.sluice.benchmarks;

/** How a pod of one node reaches a pod of another. */
enum Crossing {
  /** Routed, nothing between. */
  DIRECT("direct"),
  /** Sluice on both nodes, mutual TLS on. */
  MUTUAL_TLS("mTLS"),
  /** Sluice on both nodes, mutual TLS off. */
  PLAINTEXT("mTLS off"),
  /** A haproxy in each pod, mutual TLS between them. */
  HAPROXY("haproxy mTLS");

  private final String heading;

  Crossing(String heading) {
    this.heading = heading;
  }

  /** In tables. */
  String heading() {
    return heading;
  }
}

package io.sluice.benchmarks;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** How a pod of one node reaches a pod of another. */
enum Crossing {
  /** Routed, nothing between. */
  DIRECT("direct"),
  /** Sluice on both nodes, mutual TLS on. */
  MUTUAL_TLS("mTLS"),
  /** Sluice on both nodes, mutual TLS off. */
  PLAINTEXT("mTLS off"),
  /** That of mutual TLS, on a port that is declared to be no HTTP: for HTTP only. */
  AS_BYTES("mTLS, as bytes"),
  /** A haproxy in each pod, mutual TLS between them. */
  HAPROXY("haproxy mTLS"),
  /** The same with nginx. */
  NGINX("nginx mTLS"),
  /** A program that was named and speaks HBONE, in each pod. */
  HBONE("HBONE peer");

  /** Other proxies, which clients are pointed at. */
  static final Set<Crossing> PEERS = Collections.unmodifiableSet(EnumSet.of(HAPROXY, NGINX, HBONE));

  private final String heading;

  Crossing(String heading) {
    this.heading = heading;
  }

  /** In tables. */
  String heading() {
    return heading;
  }
}

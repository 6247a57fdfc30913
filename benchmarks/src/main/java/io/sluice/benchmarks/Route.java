package io.sluice.benchmarks;

/** How client and server of a measurement are joined. */
enum Route {
  /** Two namespaces on the bridge, not enrolled. */
  DIRECT,
  /** Two enrolled namespaces on the same bridge: through the proxy on both sides. */
  MESHED,
  /** The same on a port that is declared to be no HTTP: for HTTP only. */
  AS_BYTES
}

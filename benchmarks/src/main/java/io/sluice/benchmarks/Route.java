package io.sluice.benchmarks;

/** How client and server of a measurement are joined. */
enum Route {
  /** Two namespaces on the bridge, not enrolled. */
  DIRECT("", ""),
  /** Two enrolled namespaces on the same bridge, led as the daemon leads them by default. */
  MESHED("", ""),
  /** The same where the proxy leads all: bytes only, for HTTP is never led otherwise. */
  BY_PROXY(".proxy", ", by the proxy"),
  /** The same on a port that is declared to be no HTTP: for HTTP only. */
  AS_BYTES(".bytes", ", as bytes");

  final String id; // behind a load's in that of a figure
  final String label; // behind a measure's

  Route(String id, String label) {
    this.id = id;
    this.label = label;
  }
}

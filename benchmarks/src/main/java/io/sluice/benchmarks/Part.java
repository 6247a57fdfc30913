package io.sluice.benchmarks;

/** What can be measured by itself; the names are those of the command line. */
enum Part {
  /** Start to first allowed answer. */
  start,
  /** Memory and CPU time of a daemon without traffic. */
  idle,
  /** Memory of connections that do nothing. */
  held,
  /** New connections. */
  connections,
  /** Small requests on lasting connections. */
  requests,
  /** Streams. */
  bulk,
  /** What a pod has of a neighbour that opens connections as fast as it can. */
  fairness,
  /** Networks of pods that start. */
  cni,
  /** From node to node, with and without mutual TLS, beside another proxy. */
  mtls,
  /** HTTP whose requests are decided, beside the same as bytes; asked for only. */
  http,
  /** Ten minutes of connections between two nodes while leaves and root change; asked for only. */
  rotation,
  /** What a controller tells a hundred nodes, for several sizes of the mesh; asked for only. */
  distribution,
  /** What each means of resilience costs HTTP between two nodes; asked for only. */
  resilience,
  /** What it costs HTTP between two nodes that requests are seen; asked for only. */
  telemetry,
  /** How the daemon of a node grows with its pods and their services; asked for only. */
  scale
}

package io.sluice.node.interception;

import java.net.InetSocketAddress;

/** How it is told that the node itself opened a connection to a pod. Any thread, never blocks. */
interface NodeOrigin {
  /**
   * Whether {@code peer} is the node.
   *
   * @param pod where the connection arrived
   * @param peer as the accepted socket names it
   * @param original destination that the peer asked for
   */
  boolean isNode(PodPlacement pod, InetSocketAddress peer, InetSocketAddress original);
}

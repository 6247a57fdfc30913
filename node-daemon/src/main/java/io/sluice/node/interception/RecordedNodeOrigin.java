package io.sluice.node.interception;

import io.sluice.linux.bpf.BpfMap;
import io.sluice.node.maps.ConnectionKey;
import io.sluice.node.maps.ConnectionValue;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Optional;

/**
 * Proof by what the hooks noted as the node's own socket sent its SYN. An accepted socket behind a
 * redirecting rule does not have the tuple on the wire, so it is the daemon that looks it up here.
 */
final class RecordedNodeOrigin implements NodeOrigin {
  private final BpfMap<ConnectionKey, ConnectionValue> connections;
  private final NodeAddresses nodeAddresses;

  RecordedNodeOrigin(
      BpfMap<ConnectionKey, ConnectionValue> connections, NodeAddresses nodeAddresses) {
    this.connections = connections;
    this.nodeAddresses = nodeAddresses;
  }

  @Override
  public boolean isNode(PodPlacement pod, InetSocketAddress peer, InetSocketAddress original) {
    ConnectionKey key = new ConnectionKey(pod.cookie(), peer, original);
    if (connections.lookup(key).filter(RecordedNodeOrigin::isNodes).isPresent()) {
      connections.remove(key); // one entry vouches for one connection
      return true;
    }
    Optional<ConnectionKey> other = withAnotherPort(key);
    other.ifPresent(connections::remove);
    return other.isPresent();
  }

  /**
   * Translation gives a connection another source port where two would look alike behind the
   * redirecting rule. The search is rare: only for peers with an address of the node.
   */
  private Optional<ConnectionKey> withAnotherPort(ConnectionKey key) {
    if (!nodeAddresses.contains(key.source().getAddress())) {
      return Optional.empty();
    }
    return connections.snapshot().entrySet().stream()
        .filter(entry -> isNodes(entry.getValue()))
        .map(Map.Entry::getKey)
        .filter(found ->
            found.netnsCookie() == key.netnsCookie()
                && found.source().getAddress().equals(key.source().getAddress())
                && found.destination().equals(key.destination()))
        .findFirst();
  }

  private static boolean isNodes(ConnectionValue value) {
    return value.kind() == ConnectionValue.KIND_NODE_ORIGIN;
  }
}

package io.sluice.node.interception;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.time.Duration;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Addresses of the node itself, read anew when they are older than {@link #MAX_AGE}. An address is
 * a weaker proof of origin than a socket of the node: iptables mode has no stronger one.
 */
final class NodeAddresses implements NodeOrigin {
  private static final Duration MAX_AGE = Duration.ofSeconds(10);

  private record Seen(Set<InetAddress> addresses, long nanos) {}

  private volatile Seen seen = new Seen(Set.of(), System.nanoTime() - MAX_AGE.toNanos() - 1);

  @Override
  public boolean isNode(PodPlacement pod, InetSocketAddress peer, InetSocketAddress original) {
    return contains(peer.getAddress());
  }

  /** Whether the node has this address; now and then the caller pays for a look, about 1 ms. */
  boolean contains(InetAddress address) {
    Seen latest = seen;
    if (System.nanoTime() - latest.nanos > MAX_AGE.toNanos()) {
      latest = new Seen(read(), System.nanoTime());
      seen = latest;
    }
    return latest.addresses.contains(address);
  }

  private static Set<InetAddress> read() {
    try {
      return NetworkInterface.networkInterfaces()
          .flatMap(NetworkInterface::inetAddresses)
          .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
          .collect(Collectors.toUnmodifiableSet());
    } catch (SocketException e) {
      return Set.of(); // then nothing is exempt
    }
  }
}

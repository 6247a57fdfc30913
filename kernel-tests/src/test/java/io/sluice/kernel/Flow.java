package io.sluice.kernel;

import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Transport;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * One connection or datagram between the pod and its neighbour, or within the pod.
 *
 * @param direction outbound: the pod sends; inbound: the neighbour sends to the pod
 * @param transport TCP or UDP
 * @param socketFamily family of the socket; an IPv6 one may call an IPv4-mapped destination
 * @param device what the socket is bound to (SO_BINDTODEVICE), or empty
 * @param source what the socket is bound to; the unspecified address leaves it to the kernel
 * @param sourcePort no other flow from the same namespace has it
 */
record Flow(
    Direction direction,
    Transport transport,
    Family socketFamily,
    String device,
    InetAddress source,
    int sourcePort,
    InetSocketAddress destination) {

  boolean isBoundToDevice() {
    return !device.isEmpty();
  }

  @Override
  public String toString() {
    return "%s %s from %s socket%s, %s to %s"
        .formatted(
            direction.label(),
            transport,
            socketFamily,
            isBoundToDevice() ? " on " + device : "",
            IpAddresses.text(new InetSocketAddress(source, sourcePort)),
            IpAddresses.text(destination));
  }
}

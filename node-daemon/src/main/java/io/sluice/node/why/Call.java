package io.sluice.node.why;

import io.sluice.mesh.Workload;
import io.sluice.proxy.http.WrittenRequest;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * One call.
 *
 * @param called what the application asked for
 * @param host name outside the mesh by which it found that; empty for none
 * @param tls whether it begins with TLS that names the host
 * @param udp whether it is a datagram
 */
record Call(
    Workload source,
    InetSocketAddress called,
    @Nullable WrittenRequest requestOrNull,
    String host,
    boolean tls,
    boolean udp) {
  /** The pod's own address, of the family called. */
  InetSocketAddress client() {
    return new InetSocketAddress(
        source.addressLike(called.getAddress()).orElse(InetAddress.getLoopbackAddress()), 0);
  }
}

package io.sluice.scenario;

import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;

/** A name server in a pod, which knows one name: the pod's own, and its addresses. */
public final class NameServer implements AutoCloseable {
  private static final int PORT = 5353;

  private static final int HEADER_BYTES = 12;
  private static final int A = 1;
  private static final int SECONDS = 60;

  private final SitePod pod;
  private final DatagramChannel channel;

  public NameServer(SitePod pod) {
    this.pod = pod;
    this.channel = pod.call(() -> DatagramChannel.open().bind(new InetSocketAddress("::", PORT)));
    Thread.ofVirtual().name("name-server").start(this::serve);
  }

  /** A cluster's DNS at {@code server}. */
  public static String manifest(InetAddress server) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: kube-dns, namespace: kube-system}
    spec: {clusterIP: None, ports: [{name: dns, port: 53, targetPort: %1$d}]}
    ---
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: {name: kube-dns, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
    addressType: IPv4
    endpoints: [{addresses: ["%2$s"]}]
    ports: [{name: dns, port: %1$d}]
    """
        .formatted(PORT, IpAddresses.text(server));
  }

  private void serve() {
    ByteBuffer message = ByteBuffer.allocate(512);
    try {
      while (true) {
        message.clear();
        SocketAddress client = channel.receive(message);
        answer(message);
        channel.send(message.flip(), client);
      }
    } catch (IOException e) {
      // closed
    }
  }

  /** Behind the question stands the answer, where the name is known. */
  private void answer(ByteBuffer message) {
    int end = message.position();
    int type = message.getShort(end - 4);
    int length = message.get(HEADER_BYTES);
    byte[] label = new byte[Math.max(length, 0)];
    message.get(HEADER_BYTES + 1, label);
    boolean known = new String(label).equals(pod.name()) && end == HEADER_BYTES + length + 6;
    message.putShort(2, (short) (known ? 0x8180 : 0x8183));
    if (known) {
      byte[] address = pod.address(type == A ? Family.IPV4 : Family.IPV6).getAddress();
      message.putShort(6, (short) 1);
      message.putShort((short) (0xc000 | HEADER_BYTES)).putShort((short) type);
      message.putShort((short) 1).putInt(SECONDS);
      message.putShort((short) address.length).put(address);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

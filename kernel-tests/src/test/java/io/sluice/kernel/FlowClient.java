package io.sluice.kernel;

import io.sluice.lab.site.Await;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Transport;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.Set;

/** Sends one flow on a bare socket of the calling thread's namespace. */
final class FlowClient {
  /** What became of a flow, as its client sees it. */
  enum Seen {
    /** The server answered, and was called from the client's own port. */
    ANSWERED,
    /** The server answered, and was called from another port: somebody stood between. */
    ANSWERED_THROUGH_PROXY,
    /** Connected, and reset. */
    RESET,
    /** Never connected or sent: not permitted (EPERM), or connection refused. */
    REFUSED,
    /** The datagram went off. */
    SENT,
    /** No answer came in time. */
    SILENT,
    /** Another error. */
    FAILED,
    /** Nobody looked. */
    UNWATCHED
  }

  private static final int IPPROTO_ICMP = 1;
  private static final int IPPROTO_ICMPV6 = 58;
  private static final int ECHO_HEADER = 8;
  private static final int ECHO_REQUEST = 8;
  private static final int ECHO_REQUEST_V6 = 128;
  private static final int SO_RCVTIMEO = 20;
  private static final int SO_SNDTIMEO = 21;

  /** Far above any answer in a site. */
  private static final byte[] TIMEOUT =
      ByteBuffer.allocate(2 * Long.BYTES)
          .order(ByteOrder.nativeOrder())
          .putLong(Await.patience(3).toSeconds())
          .putLong(0)
          .array();

  private static final int MAX_ANSWER_BYTES = 16;
  private static final Set<Errno> REFUSALS = EnumSet.of(Errno.EPERM, Errno.ECONNREFUSED);

  private FlowClient() {}

  /** Sends it; when nobody watches, returns as soon as the verdict has fallen. */
  static Seen send(Flow flow, boolean watched) {
    boolean tcp = flow.transport() == Transport.TCP;
    int type = tcp ? Sockets.SOCK_STREAM : Sockets.SOCK_DGRAM;
    int socket =
        Sockets.socket(
            flow.socketFamily().domain(), watched ? type : type | Sockets.SOCK_NONBLOCK, 0);
    try {
      prepare(socket, flow);
      Seen seen = tcp ? converse(socket, flow, watched) : sendDatagram(socket, flow);
      return watched ? seen : Seen.UNWATCHED;
    } catch (LinuxException e) {
      return watched ? seen(e.errno()) : Seen.UNWATCHED;
    } finally {
      Sockets.close(socket);
    }
  }

  /** Sends an echo request to the flow's destination by its device, and waits for no answer. */
  static Seen ping(Flow flow, int payloadBytes) {
    boolean ipv4 = flow.socketFamily() == Family.IPV4;
    int type = Sockets.SOCK_DGRAM | Sockets.SOCK_NONBLOCK;
    int socket =
        Sockets.socket(flow.socketFamily().domain(), type, ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    try {
      bindToDevice(socket, flow);
      ByteBuffer request = ByteBuffer.allocate(ECHO_HEADER + payloadBytes);
      request.put(0, (byte) (ipv4 ? ECHO_REQUEST : ECHO_REQUEST_V6));
      Sockets.sendTo(socket, request, 0, new InetSocketAddress(flow.destination().getAddress(), 0));
      return Seen.SENT;
    } catch (LinuxException e) {
      return seen(e.errno());
    } finally {
      Sockets.close(socket);
    }
  }

  private static void bindToDevice(int socket, Flow flow) {
    if (flow.isBoundToDevice()) {
      byte[] device = flow.device().getBytes(StandardCharsets.US_ASCII);
      Sockets.setsockopt(socket, Sockets.SOL_SOCKET, Sockets.SO_BINDTODEVICE, device);
    }
  }

  private static void prepare(int socket, Flow flow) {
    bindToDevice(socket, flow);
    Sockets.setsockopt(socket, Sockets.SOL_SOCKET, SO_RCVTIMEO, TIMEOUT);
    Sockets.setsockopt(socket, Sockets.SOL_SOCKET, SO_SNDTIMEO, TIMEOUT);
    boolean anywhere = flow.source().isAnyLocalAddress();
    // A mapped 0.0.0.0 would bind an IPv6 socket to IPv4 alone: not what applications do.
    InetAddress source =
        anywhere && flow.socketFamily() == Family.IPV6 ? IpAddresses.parse("::") : flow.source();
    Sockets.bind(socket, new InetSocketAddress(source, flow.sourcePort()));
  }

  private static Seen sendDatagram(int socket, Flow flow) {
    Sockets.sendTo(socket, ByteBuffer.wrap(new byte[] {1}), 0, flow.destination());
    return Seen.SENT;
  }

  private static Seen converse(int socket, Flow flow, boolean watched) {
    if (!Sockets.connect(socket, flow.destination()) || !watched) {
      return Seen.SILENT;
    }
    ByteBuffer answer = ByteBuffer.allocate(MAX_ANSWER_BYTES);
    int got;
    do {
      got = Sockets.read(socket, answer);
    } while (got > 0);
    if (got == 0 || answer.position() == 0) {
      return Seen.SILENT;
    }
    String port = new String(answer.array(), 0, answer.position(), StandardCharsets.US_ASCII);
    return port.equals(Integer.toString(flow.sourcePort()))
        ? Seen.ANSWERED
        : Seen.ANSWERED_THROUGH_PROXY;
  }

  private static Seen seen(Errno errno) {
    if (errno == Errno.ECONNRESET) {
      return Seen.RESET;
    }
    return REFUSALS.contains(errno) ? Seen.REFUSED : Seen.FAILED;
  }
}

package io.sluice.iptables;

import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * What connection tracking knows of a redirected connection: where it was sent, by SO_ORIGINAL_DST,
 * and where it came from before its source port was changed
 * (linux/netfilter/nfnetlink_conntrack.h). Of a connection from before the rules it takes for the
 * opener who speaks first afterwards, and tells both ends the wrong way round.
 */
public final class TrackedConnection {
  private static final int GET = 1 << 8 | 1; // NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET
  private static final int ORIGINAL = 1; // CTA_TUPLE_ORIG
  private static final int REPLY = 2; // CTA_TUPLE_REPLY
  private static final int ADDRESSES = 1; // CTA_TUPLE_IP
  private static final int PROTOCOL = 2; // CTA_TUPLE_PROTO
  private static final int PROTOCOL_NUMBER = 1; // CTA_PROTO_NUM
  private static final int SOURCE_PORT = 2; // CTA_PROTO_SRC_PORT
  private static final int DESTINATION_PORT = 3; // CTA_PROTO_DST_PORT
  private static final int IPV4_SOURCE = 1; // CTA_IP_V4_SRC, and V4_DST after it
  private static final int IPV6_SOURCE = 3; // CTA_IP_V6_SRC, and V6_DST after it
  private static final int TCP = 6;
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;
  private static final int IPV4_BYTES = 4;

  private TrackedConnection() {}

  /**
   * Where the TCP connection that a listener accepted was sent; empty where nothing translated it,
   * nor where that is not known.
   *
   * @param fd the accepted socket
   */
  public static Optional<InetSocketAddress> destination(int fd) {
    InetSocketAddress local = Sockets.localAddress(fd);
    return Sockets.originalDestination(fd, Sockets.Family.of(local.getAddress()))
        // One that was made to the listener's own port has no other destination.
        .filter(destination -> !destination.equals(local))
        .filter(destination -> !isPeer(fd, destination));
  }

  private static boolean isPeer(int fd, InetSocketAddress address) {
    try {
      return Sockets.peerAddress(fd).equals(address);
    } catch (LinuxException e) {
      return false; // reset by now: whoever reads from it is told
    }
  }

  /**
   * The source of the TCP connection that a listener in the calling thread's namespace accepted, as
   * its opener knows it; empty where the kernel does not tell, or tracks no such connection. Needs
   * CAP_NET_ADMIN; does not wait.
   *
   * @param local the accepted socket's own end
   * @param peer its other end; of the same family
   */
  public static Optional<InetSocketAddress> source(
      InetSocketAddress local, InetSocketAddress peer) {
    boolean isIpv4 = local.getAddress().getAddress().length == IPV4_BYTES;
    int source = isIpv4 ? IPV4_SOURCE : IPV6_SOURCE;
    try (NfTablesSocket tracking = NfTablesSocket.openHere()) {
      return tracking
          .ask(
              GET,
              isIpv4 ? AF_INET : AF_INET6,
              to ->
                  NfTablesSocket.nested(
                      to,
                      REPLY,
                      tuple -> {
                        NfTablesSocket.nested(
                            tuple,
                            ADDRESSES,
                            ends -> {
                              NfTablesSocket.put(ends, source, local.getAddress().getAddress());
                              NfTablesSocket.put(ends, source + 1, peer.getAddress().getAddress());
                            });
                        NfTablesSocket.nested(
                            tuple,
                            PROTOCOL,
                            ports -> {
                              NfTablesSocket.put(ports, PROTOCOL_NUMBER, new byte[] {TCP});
                              NfTablesSocket.put(ports, SOURCE_PORT, bigEndian(local.getPort()));
                              NfTablesSocket.put(
                                  ports, DESTINATION_PORT, bigEndian(peer.getPort()));
                            });
                      }))
          .flatMap(told -> source(told, source))
          .filter(opener -> !opener.equals(local));
    } catch (LinuxException e) {
      return Optional.empty(); // this kernel tells nobody of its connections
    }
  }

  private static Optional<InetSocketAddress> source(ByteBuffer told, int kind) {
    Optional<ByteBuffer> original = NfTablesSocket.attribute(told, ORIGINAL);
    Optional<ByteBuffer> address =
        original
            .flatMap(tuple -> NfTablesSocket.attribute(tuple, ADDRESSES))
            .flatMap(ends -> NfTablesSocket.attribute(ends, kind));
    Optional<ByteBuffer> port =
        original
            .flatMap(tuple -> NfTablesSocket.attribute(tuple, PROTOCOL))
            .flatMap(ports -> NfTablesSocket.attribute(ports, SOURCE_PORT));
    if (address.isEmpty() || port.isEmpty() || port.get().remaining() < Short.BYTES) {
      return Optional.empty();
    }
    byte[] bytes = new byte[address.get().remaining()];
    address.get().get(bytes);
    try {
      return Optional.of(
          new InetSocketAddress(
              InetAddress.getByAddress(bytes),
              port.get().order(ByteOrder.BIG_ENDIAN).getShort() & 0xffff));
    } catch (UnknownHostException e) {
      return Optional.empty(); // no address has as many bytes
    }
  }

  private static byte[] bigEndian(int port) {
    return new byte[] {(byte) (port >> 8), (byte) port};
  }
}

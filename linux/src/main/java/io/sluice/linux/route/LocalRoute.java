package io.sluice.linux.route;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A route by which every address of an IPv6 prefix is one of the namespace's own, reached over
 * {@code lo}: {@code ip -6 route add local PREFIX dev lo src ::1}. What is sent there without a
 * source address gets {@code ::1}. Outlives the process. Keeps a socket, and with it the namespace,
 * until closed. For one thread at a time.
 */
public final class LocalRoute implements AutoCloseable {
  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW = 3;
  private static final int NETLINK_ROUTE = 0;

  // linux/netlink.h
  private static final int NLM_F_REQUEST = 1;
  private static final int NLM_F_ACK = 4;
  private static final int NLM_F_REPLACE = 0x100;
  private static final int NLM_F_CREATE = 0x400;
  private static final int NLMSG_ERROR = 2;

  // linux/rtnetlink.h
  private static final int RTM_NEWROUTE = 24;
  private static final int RTM_DELROUTE = 25;
  private static final int RTM_GETROUTE = 26;
  private static final int RT_TABLE_LOCAL = 255;
  private static final int RTPROT_STATIC = 4;
  private static final int RT_SCOPE_HOST = 254;
  private static final int RTN_LOCAL = 2;
  private static final int RTA_DST = 1;
  private static final int RTA_OIF = 4;
  private static final int RTA_PREFSRC = 7;

  private static final int SEQUENCE = 8; // in nlmsghdr
  private static final int MESSAGE_HEADER = 16; // nlmsghdr
  private static final int ROUTE_TYPE = MESSAGE_HEADER + 7; // rtm_type
  private static final int HEADER_BYTES = MESSAGE_HEADER + 12; // and rtmsg
  private static final int MESSAGE_BYTES = 4_096;

  /** Of {@code lo}, in every namespace. */
  private static final int LOOPBACK_INDEX = 1;

  private static final int ADDRESS_BITS = 128;
  private static final byte[] LOOPBACK = InetAddress.ofLiteral("::1").getAddress();

  private final byte[] prefix;
  private final int length;
  private final String subject;
  private final int socket;
  private final ByteBuffer message =
      ByteBuffer.allocateDirect(MESSAGE_BYTES).order(ByteOrder.nativeOrder());
  private int sequence;

  private LocalRoute(Inet6Address prefix, int length, int socket) {
    this.prefix = prefix.getAddress();
    this.length = length;
    this.subject = "route local " + prefix.getHostAddress() + "/" + length + " dev lo";
    this.socket = socket;
  }

  /**
   * Of the calling thread's namespace; changes nothing yet.
   *
   * @param length of the prefix, in bits
   */
  public static LocalRoute open(Inet6Address prefix, int length) {
    return new LocalRoute(
        prefix,
        length,
        Sockets.socket(AF_NETLINK, SOCK_RAW | Sockets.SOCK_NONBLOCK, NETLINK_ROUTE));
  }

  /**
   * Makes it, or renews it.
   *
   * @throws LinuxException when the kernel refuses, as where IPv6 is off, or where other routes or
   *     rules of the namespace lead elsewhere all the same
   */
  public void raise() {
    int error = change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
    if (error != 0) {
      throw failure("rtnetlink(RTM_NEWROUTE)", error, "IPv6 must be on at lo, and lo up");
    }
    if (!stands()) {
      throw failure(
          "rtnetlink(RTM_GETROUTE)",
          Errno.EADDRNOTAVAIL.number(),
          "another route or rule in the pod leads elsewhere: see `ip -6 rule`");
    }
  }

  /** Whether the kernel leads the prefix inside, asked of one of its addresses. */
  public boolean stands() {
    begin(RTM_GETROUTE, 0, ADDRESS_BITS, 0, 0, 0, 0);
    byte[] asked = prefix.clone();
    asked[asked.length - 1] |= 1;
    put(RTA_DST, asked);
    exchange();
    return message.getShort(4) == RTM_NEWROUTE
        && message.limit() >= HEADER_BYTES
        && message.get(ROUTE_TYPE) == RTN_LOCAL
        && outgoing() == LOOPBACK_INDEX;
  }

  /**
   * Takes it away; does nothing where there is none.
   *
   * @throws LinuxException when the kernel refuses
   */
  public void remove() {
    int error = change(RTM_DELROUTE, 0);
    if (error != 0 && error != Errno.ESRCH.number()) {
      throw failure("rtnetlink(RTM_DELROUTE)", error, "needs CAP_NET_ADMIN over the namespace");
    }
  }

  /** The (positive) error number, 0 for success. */
  private int change(int type, int flags) {
    begin(type, NLM_F_ACK | flags, length, RT_TABLE_LOCAL, RTPROT_STATIC, RT_SCOPE_HOST, RTN_LOCAL);
    put(RTA_DST, prefix);
    put(RTA_PREFSRC, LOOPBACK);
    message.putShort((short) 8).putShort((short) RTA_OIF).putInt(LOOPBACK_INDEX);
    exchange();
    return message.getShort(4) == NLMSG_ERROR ? -message.getInt(MESSAGE_HEADER) : 0;
  }

  private void begin(
      int type, int flags, int bits, int table, int protocol, int scope, int routeType) {
    message
        .clear()
        .putInt(0)
        .putShort((short) type)
        .putShort((short) (NLM_F_REQUEST | flags))
        .putInt(++sequence)
        .putInt(0)
        .put((byte) Sockets.Family.IPV6.domain())
        .put((byte) bits)
        .put((byte) 0)
        .put((byte) 0)
        .put((byte) table)
        .put((byte) protocol)
        .put((byte) scope)
        .put((byte) routeType)
        .putInt(0);
  }

  private void put(int kind, byte[] value) {
    message.putShort((short) (4 + value.length)).putShort((short) kind).put(value);
  }

  /** Sends what is in the buffer, and has the answer there; the kernel gives it at once. */
  private void exchange() {
    message.putInt(0, message.position());
    Sockets.write(socket, message.flip());
    do {
      if (Sockets.read(socket, message.clear()) < MESSAGE_HEADER + Integer.BYTES) {
        throw failure("rtnetlink", Errno.EBADMSG.number(), "the kernel has not answered");
      }
      message.flip();
    } while (message.getInt(SEQUENCE) != sequence);
  }

  /** The interface that the answered route leads to; 0 where it names none. */
  private int outgoing() {
    for (int at = HEADER_BYTES; at + 8 <= message.limit(); ) {
      int bytes = Short.toUnsignedInt(message.getShort(at));
      if (bytes < 4) {
        break;
      }
      if (message.getShort(at + 2) == RTA_OIF) {
        return message.getInt(at + 4);
      }
      at += bytes + 3 & ~3;
    }
    return 0;
  }

  private LinuxException failure(String operation, int number, String hint) {
    return new LinuxException(operation, Errno.of(number), subject, hint);
  }

  @Override
  public void close() {
    Sockets.close(socket);
  }
}

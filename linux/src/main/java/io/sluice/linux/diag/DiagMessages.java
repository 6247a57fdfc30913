package io.sluice.linux.diag;

import io.sluice.linux.socket.Sockets.Family;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * Layouts of {@code struct inet_diag_req_v2} and {@code struct inet_diag_msg} ({@code
 * linux/inet_diag.h}), each behind a {@code struct nlmsghdr}. Numbers are in native byte order;
 * addresses and ports in network byte order.
 */
final class DiagMessages {
  static final int HEADER_BYTES = 16;
  static final int REQUEST_BYTES = HEADER_BYTES + 56;
  static final int MESSAGE_BYTES = 72;

  private static final short SOCK_DIAG_BY_FAMILY = 20;
  private static final short SOCK_DESTROY = 21;
  private static final short REQUEST = 0x1;
  private static final short ACK = 0x4;
  private static final short DUMP = 0x300;
  private static final int ADDRESS_BYTES = 16;
  private static final int UNREAD_AT = 56; // idiag_rqueue
  private static final int UNACKNOWLEDGED_AT = 60; // idiag_wqueue

  private static final int INET_DIAG_INFO = 2; // struct tcp_info, linux/tcp.h
  private static final int INET_DIAG_CGROUP_ID = 21;
  private static final int ATTRIBUTE_HEADER_BYTES = 4;

  private static final int LAST_DATA_SENT_AT = 44; // in milliseconds ago, by the kernel's ticks
  private static final int LAST_DATA_RECEIVED_AT = 52;
  private static final int LAST_ACK_RECEIVED_AT = 56;
  private static final int DATA_SEGMENTS_IN_AT = 152; // since Linux 4.6

  /** Until the peer has sent so much it may acknowledge at once what it has not answered yet. */
  private static final int QUICK_SEGMENTS = 4;

  private DiagMessages() {}

  /**
   * A request for every socket of one protocol and family in these states.
   *
   * @param info whether {@link #isBetweenCalls} is to be asked of them: in {@code idiag_ext} bit n
   *     - 1 asks for attribute n
   */
  static void encodeDump(
      Transport transport,
      Family family,
      Set<TcpState> states,
      boolean info,
      int sequence,
      ByteBuffer out) {
    header(out, SOCK_DIAG_BY_FAMILY, DUMP, sequence);
    request(out, transport, family, info ? 1 << INET_DIAG_INFO - 1 : 0, TcpState.mask(states));
    out.put(new byte[48]); // all addresses
  }

  /** A request to end one socket; its cookie keeps a successor with the same addresses safe. */
  static void encodeDestroy(InetSocket socket, int sequence, ByteBuffer out) {
    header(out, SOCK_DESTROY, ACK, sequence);
    request(out, socket.transport(), socket.family(), 0, 1 << socket.state().number());
    out.order(ByteOrder.BIG_ENDIAN)
        .putShort((short) socket.local().getPort())
        .putShort((short) socket.peer().getPort());
    address(out, socket.family(), socket.local().getAddress());
    address(out, socket.family(), socket.peer().getAddress());
    // Two halves, the lower first, whatever the byte order of the machine.
    out.order(ByteOrder.nativeOrder())
        .putInt(socket.ifindex())
        .putInt((int) socket.cookie())
        .putInt((int) (socket.cookie() >>> 32));
  }

  private static void header(ByteBuffer out, short type, short flags, int sequence) {
    out.order(ByteOrder.nativeOrder())
        .putInt(REQUEST_BYTES)
        .putShort(type)
        .putShort((short) (flags | REQUEST))
        .putInt(sequence)
        .putInt(0); // the kernel fills in our port
  }

  private static void request(
      ByteBuffer out, Transport transport, Family family, int attributes, int states) {
    out.put((byte) family.domain()).put((byte) transport.number());
    out.put((byte) attributes).put((byte) 0);
    out.putInt(states);
  }

  private static void address(ByteBuffer out, Family family, InetAddress address) {
    byte[] raw = address.getAddress();
    if (raw.length == ADDRESS_BYTES) {
      out.put(raw);
    } else if (family == Family.IPV6) {
      out.putLong(0).putShort((short) 0).putShort((short) 0xFFFF).put(raw);
    } else {
      out.put(raw).putInt(0).putLong(0);
    }
  }

  /** Reads the body of one answer to a dump; empty for a state this list does not know. */
  static Optional<InetSocket> decode(Transport transport, ByteBuffer body) {
    ByteBuffer in = body.slice().order(ByteOrder.nativeOrder());
    Optional<TcpState> state = TcpState.of(Byte.toUnsignedInt(in.get(1)));
    if (state.isEmpty()) {
      return Optional.empty();
    }
    Family family = in.get(0) == Family.IPV6.domain() ? Family.IPV6 : Family.IPV4;
    return Optional.of(
        new InetSocket(
            transport,
            family,
            state.get(),
            address(in, family, 8, 4),
            address(in, family, 24, 6),
            in.getInt(40),
            Integer.toUnsignedLong(in.getInt(44)) | (long) in.getInt(48) << 32,
            Integer.toUnsignedLong(in.getInt(68)),
            cgroupId(in)));
  }

  private static InetSocketAddress address(ByteBuffer in, Family family, int at, int portAt) {
    byte[] raw = new byte[family == Family.IPV6 ? ADDRESS_BYTES : 4];
    in.get(at, raw);
    int high = Byte.toUnsignedInt(in.get(portAt));
    int low = Byte.toUnsignedInt(in.get(portAt + 1));
    try {
      return new InetSocketAddress(InetAddress.getByAddress(raw), high << 8 | low);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("4 and 16 bytes always are an address", e);
    }
  }

  private static long cgroupId(ByteBuffer in) {
    int at = attribute(in, INET_DIAG_CGROUP_ID, Long.BYTES);
    return at < 0 ? 0 : in.getLong(at);
  }

  /**
   * Whether the peer of a TCP connection spoke last, and both ends have read or have everything;
   * false where the kernel does not say.
   *
   * @param quiet so long ago at least; less than a tick of the kernel (10 ms or less) is one
   */
  static boolean isBetweenCalls(ByteBuffer body, Duration quiet) {
    ByteBuffer in = body.slice().order(ByteOrder.nativeOrder());
    int info = attribute(in, INET_DIAG_INFO, DATA_SEGMENTS_IN_AT + Integer.BYTES);
    if (info < 0 || in.getInt(UNREAD_AT) != 0 || in.getInt(UNACKNOWLEDGED_AT) != 0) {
      return false;
    }
    int received = in.getInt(info + LAST_DATA_RECEIVED_AT);
    int order = Integer.compareUnsigned(received, in.getInt(info + LAST_DATA_SENT_AT));
    // One tick says nothing of the order within it: what was sent behind the peer's last word has
    // an acknowledgement of its own, which comes later.
    boolean isAnswered =
        in.getInt(info + LAST_ACK_RECEIVED_AT) == received
            && in.getInt(info + DATA_SEGMENTS_IN_AT) >= QUICK_SEGMENTS;
    return received > 0
        && Integer.compareUnsigned(received, (int) quiet.toMillis()) >= 0
        && (order < 0 || (order == 0 && isAnswered));
  }

  /**
   * Where the value of one begins that has so many bytes at least, or -1. Attributes follow the
   * fixed part: length with header, type, value, padding to 4 bytes.
   */
  private static int attribute(ByteBuffer in, int type, int bytes) {
    int at = MESSAGE_BYTES;
    while (at + ATTRIBUTE_HEADER_BYTES <= in.limit()) {
      int length = Short.toUnsignedInt(in.getShort(at));
      if (length < ATTRIBUTE_HEADER_BYTES || at + length > in.limit()) {
        break;
      }
      if (in.getShort(at + 2) == type && length >= ATTRIBUTE_HEADER_BYTES + bytes) {
        return at + ATTRIBUTE_HEADER_BYTES;
      }
      at += (length + 3) & ~3;
    }
    return -1;
  }
}

package io.sluice.iptables;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * Talks to nf_tables of one namespace without a program (netlink(7), linux/netfilter/nf_tables.h).
 * Keeps a socket, and with it the namespace, until closed. For one thread at a time.
 */
final class NfTablesSocket implements AutoCloseable {
  private static final int SUBSYSTEM = 10; // NFNL_SUBSYS_NFTABLES
  static final int NLM_F_REQUEST = 1;
  private static final int NLM_F_DUMP = 0x300;
  private static final int NLMSG_ERROR = 2;
  private static final int NLMSG_DONE = 3;

  private static final int NLMSG_BYTES = 16;

  /** Of every message: nlmsghdr and nfgenmsg. */
  private static final int HEADER_BYTES = 20;

  private static final int GET_GENERATION = type(16);
  private static final int UNSPECIFIED = 0; // AF_UNSPEC: the number is of all families
  private static final int GENERATION_ID = 1; // NFTA_GEN_ID

  private static final int GET_TABLE = type(1);
  private static final int GET_CHAIN = type(4);
  private static final int GET_RULE = type(7);
  private static final int GET_OBJECT = type(19);

  // NFTA_TABLE_* and NFTA_CHAIN_*; the table's name is the first of both.
  private static final int NAME = 1;
  private static final int TABLE_FLAGS = 2;
  private static final int CHAIN_NAME = 3;
  private static final int OBJECT_NAME = 2; // NFTA_OBJ_*
  private static final int OBJECT_TYPE = 3;
  private static final int CHAIN_HOOK = 4;
  private static final int CHAIN_USE = 6;
  private static final int RULE_CHAIN = 2; // NFTA_RULE_*
  private static final int RULE_EXPRESSIONS = 4;
  private static final int EXPRESSION_NAME = 1; // NFTA_EXPR_*
  private static final int EXPRESSION_DATA = 2;
  private static final int COUNTER_PACKETS = 2; // NFTA_COUNTER_*

  static final int AF_NETLINK = 16;
  static final int SOCK_RAW = 3;
  private static final int NETLINK_NETFILTER = 12;
  private static final int NESTED = 0x8000; // NLA_F_NESTED
  private static final int ATTRIBUTE_KIND = 0x3fff; // without the flags in the upper bits
  private static final int MESSAGE_BYTES = 4_096;

  /** At least what the kernel puts into one message of several rules, on pages of any size. */
  private static final int SEVERAL_BYTES = 8_192;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  /** The name of what counts in a rule. */
  private static final ByteBuffer COUNTER =
      ByteBuffer.wrap("counter\0".getBytes(StandardCharsets.US_ASCII)).asReadOnlyBuffer();

  // Kept, not made for each: the pods of a node are asked every second.
  private final ByteBuffer question = buffer();
  private final ByteBuffer answer = buffer();
  private final int socket;

  private NfTablesSocket(int socket) {
    this.socket = socket;
  }

  /** Opens it inside {@code namespace}; on a platform thread. */
  static NfTablesSocket open(NetworkNamespaces namespaces, NetnsHandle namespace) {
    return new NfTablesSocket(namespaces.callIn(namespace, NfTablesSocket::netfilterSocket));
  }

  /** Opens it in the calling thread's namespace. */
  static NfTablesSocket openHere() {
    return new NfTablesSocket(netfilterSocket());
  }

  private static int netfilterSocket() {
    return Sockets.socket(AF_NETLINK, SOCK_RAW | Sockets.SOCK_NONBLOCK, NETLINK_NETFILTER);
  }

  /** The number of a message of nf_tables, {@code NFT_MSG_*}. */
  static int type(int message) {
    return SUBSYSTEM << 8 | message;
  }

  /** Room for what is sent at once. */
  static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(MESSAGE_BYTES).order(ByteOrder.nativeOrder());
  }

  /** Appends a request with these attributes. */
  static void message(
      ByteBuffer to, int type, int flags, int family, Consumer<ByteBuffer> attributes) {
    int start = to.position();
    header(to, type, NLM_F_REQUEST | flags, family, 0);
    attributes.accept(to);
    to.putInt(start, to.position() - start);
  }

  /**
   * Appends a request without attributes that is for a whole subsystem, as batches begin and end.
   */
  static void bound(ByteBuffer to, int type) {
    int start = to.position();
    header(to, type, NLM_F_REQUEST, 0, SUBSYSTEM);
    to.putInt(start, HEADER_BYTES);
  }

  private static void header(ByteBuffer to, int type, int flags, int family, int resource) {
    to.putInt(0)
        .putShort((short) type)
        .putShort((short) flags)
        .putInt(1)
        .putInt(0)
        .put((byte) family)
        .put((byte) 0)
        .put((byte) (resource >> 8))
        .put((byte) resource);
  }

  /** Sends what is in {@code buffer}; the kernel has answered by the time this returns. */
  void send(ByteBuffer buffer) {
    Sockets.write(socket, buffer.flip());
  }

  /** The next answer, with its header, until the one after it; empty when there is none left. */
  Optional<ByteBuffer> receive() {
    return Sockets.read(socket, answer.clear()) < HEADER_BYTES
        ? Optional.empty()
        : Optional.of(answer.flip());
  }

  /**
   * The attributes that are answered to one request, until the next one; empty where the answer is
   * an error.
   */
  Optional<ByteBuffer> ask(int type, int family, Consumer<ByteBuffer> attributes) {
    message(question.clear(), type, 0, family, attributes);
    send(question);
    return receive()
        .filter(received -> received.getShort(4) != NLMSG_ERROR)
        .map(received ->
            received
                .slice(HEADER_BYTES, received.getInt(0) - HEADER_BYTES)
                .order(ByteOrder.nativeOrder()));
  }

  /**
   * The number of the namespace's present rule set: the kernel raises it with every change by
   * anybody, so that an unchanged number means unchanged rules (NFT_MSG_GETGEN). Empty where it is
   * not told, as without nftables.
   */
  OptionalInt generation() {
    try {
      return ask(GET_GENERATION, UNSPECIFIED, _ -> {})
          .flatMap(told -> attribute(told, GENERATION_ID))
          .map(number -> OptionalInt.of(number.getInt()))
          .orElse(OptionalInt.empty());
    } catch (LinuxException e) {
      return OptionalInt.empty();
    }
  }

  /** Whether the kernel says that there is no such table; false too where it says nothing. */
  boolean lacks(int family, String table) {
    message(question.clear(), GET_TABLE, 0, family, body -> text(body, NAME, table));
    send(question);
    return receive().filter(told -> errorOf(told) == Errno.ENOENT.number()).isPresent();
  }

  /** Whether the table is there and its chains are in use. */
  boolean isAwake(int family, String table) {
    return ask(GET_TABLE, family, body -> text(body, NAME, table))
        .filter(told -> number(told, TABLE_FLAGS) == 0)
        .isPresent();
  }

  /** What is told of a chain; empty where there is none. */
  Optional<ByteBuffer> chain(int family, String table, String chain) {
    return ask(
        GET_CHAIN,
        family,
        body -> {
          text(body, NAME, table);
          text(body, CHAIN_NAME, chain);
        });
  }

  /** What is told of an object with a state, such as a counter; empty where there is none. */
  Optional<ByteBuffer> object(int family, String table, String name, int type) {
    return ask(
        GET_OBJECT,
        family,
        body -> {
          text(body, NAME, table);
          text(body, OBJECT_NAME, name);
          put(body, OBJECT_TYPE, ByteBuffer.allocate(Integer.BYTES).putInt(type).array());
        });
  }

  /**
   * The packets that each rule of a chain has counted, in the order of the rules; 0 for one that
   * does not count, nothing of a chain that is not there.
   *
   * @throws LinuxException when the kernel does not tell
   */
  List<Long> packets(int family, String table, String chain) {
    message(
        question.clear(),
        GET_RULE,
        NLM_F_DUMP,
        family,
        body -> {
          text(body, NAME, table);
          text(body, RULE_CHAIN, chain);
        });
    send(question);
    List<Long> packets = new ArrayList<>();
    ByteBuffer several = ByteBuffer.allocateDirect(SEVERAL_BYTES).order(ByteOrder.nativeOrder());
    while (Sockets.read(socket, several.clear()) >= NLMSG_BYTES) {
      several.flip();
      for (int at = 0; at + HEADER_BYTES <= several.limit(); ) {
        int length = several.getInt(at);
        if (length < HEADER_BYTES || length > several.limit() - at) {
          throw untold(Errno.EPROTO, table, chain);
        }
        ByteBuffer one = several.slice(at, length).order(ByteOrder.nativeOrder());
        switch (one.getShort(4)) {
          case NLMSG_DONE, NLMSG_ERROR -> { // both with an error number, 0 at a good end
            if (one.getInt(NLMSG_BYTES) != 0) {
              throw untold(Errno.of(-one.getInt(NLMSG_BYTES)), table, chain);
            }
            return packets;
          }
          default -> packets.add(packetsOfRule(one.slice(HEADER_BYTES, length - HEADER_BYTES)));
        }
        at += length + 3 & ~3;
      }
    }
    throw untold(Errno.ENODATA, table, chain);
  }

  private static LinuxException untold(Errno errno, String table, String chain) {
    return new LinuxException("NFT_MSG_GETRULE", errno, "chain " + table + " " + chain, "");
  }

  /** What a counter has counted, by its attributes, whether in a rule or an object of its own. */
  static Optional<Long> packets(ByteBuffer counter) {
    return attribute(counter, COUNTER_PACKETS)
        .map(packets -> packets.order(ByteOrder.BIG_ENDIAN).getLong());
  }

  private static long packetsOfRule(ByteBuffer rule) {
    ByteBuffer expressions =
        attribute(rule.order(ByteOrder.nativeOrder()), RULE_EXPRESSIONS).orElse(NOTHING);
    for (int at = 0; at + 4 <= expressions.limit(); ) {
      int length = expressions.getShort(at) & 0xffff;
      if (length < 4 || length > expressions.limit() - at) {
        break;
      }
      ByteBuffer one = expressions.slice(at + 4, length - 4).order(ByteOrder.nativeOrder());
      Optional<Long> counted =
          attribute(one, EXPRESSION_NAME)
              .filter(COUNTER::equals)
              .flatMap(_ -> attribute(one, EXPRESSION_DATA))
              .flatMap(NfTablesSocket::packets);
      if (counted.isPresent()) {
        return counted.get();
      }
      at += length + 3 & ~3;
    }
    return 0;
  }

  /** How many rules a chain has that is asked about packets; empty where none is. */
  OptionalInt rulesAtHook(int family, String table, String chain) {
    return chain(family, table, chain)
        .filter(told -> attribute(told, CHAIN_HOOK).isPresent())
        .map(told -> OptionalInt.of(number(told, CHAIN_USE)))
        .orElse(OptionalInt.empty());
  }

  /** A number in network order; -1 where there is none. */
  static int number(ByteBuffer attributes, int kind) {
    return attribute(attributes, kind)
        .map(value -> value.order(ByteOrder.BIG_ENDIAN).getInt())
        .orElse(-1);
  }

  /** The error number behind the header (struct nlmsgerr); 0 where it is none. */
  static int errorOf(ByteBuffer answer) {
    return answer.getShort(4) == NLMSG_ERROR ? -answer.getInt(16) : 0;
  }

  /** The value of the first attribute of that kind. */
  static Optional<ByteBuffer> attribute(ByteBuffer attributes, int kind) {
    for (int at = 0; at + 4 <= attributes.limit(); ) {
      int length = attributes.getShort(at) & 0xffff;
      if (length < 4 || at + length > attributes.limit()) {
        break;
      }
      if ((attributes.getShort(at + 2) & ATTRIBUTE_KIND) == kind) {
        return Optional.of(attributes.slice(at + 4, length - 4).order(ByteOrder.nativeOrder()));
      }
      at += length + 3 & ~3;
    }
    return Optional.empty();
  }

  /** Appends a text, with the zero that ends it. */
  static void text(ByteBuffer to, int kind, String text) {
    put(to, kind, (text + "\0").getBytes(StandardCharsets.US_ASCII));
  }

  /** Appends an attribute. */
  static void put(ByteBuffer to, int kind, byte[] value) {
    to.putShort((short) (4 + value.length)).putShort((short) kind).put(value);
    while (to.position() % 4 != 0) {
      to.put((byte) 0);
    }
  }

  /** Appends an attribute of the attributes that {@code body} appends. */
  static void nested(ByteBuffer to, int kind, Consumer<ByteBuffer> body) {
    int start = to.position();
    to.putShort((short) 0).putShort((short) (kind | NESTED));
    body.accept(to);
    to.putShort(start, (short) (to.position() - start));
  }

  @Override
  public void close() {
    Sockets.close(socket);
  }
}

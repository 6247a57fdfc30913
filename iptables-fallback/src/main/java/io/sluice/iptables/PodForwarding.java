package io.sluice.iptables;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * Refuses what one pod forwards, and nothing else: such packets belong to no socket, so that no
 * hook at a cgroup sees them. An nftables table for each family with one chain that is asked about
 * forwarded packets only, drops and counts them. Told to the kernel directly
 * (linux/netfilter/nf_tables.h), without a program. What was raised outlives the process. Keeps a
 * socket, and with it the namespace, until closed. For one thread at a time.
 */
public final class PodForwarding implements AutoCloseable {
  /** Nobody else's, so that what is left of a daemon can be recognised. */
  public static final String TABLE = "sluice_forward";

  private static final String CHAIN = "passing";
  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW = 3;
  private static final int NETLINK_NETFILTER = 12;
  private static final int NFNL_SUBSYS_NFTABLES = 10;
  private static final int NLMSG_ERROR = 2;
  private static final int BATCH_BEGIN = 0x10;
  private static final int BATCH_END = 0x11;
  private static final int NEW_TABLE = NFNL_SUBSYS_NFTABLES << 8;
  private static final int GET_TABLE = NEW_TABLE | 1;
  private static final int DELETE_TABLE = NEW_TABLE | 2;
  private static final int NEW_CHAIN = NEW_TABLE | 3;
  private static final int GET_CHAIN = NEW_TABLE | 4;
  private static final int NLM_F_REQUEST = 1;
  private static final int NLM_F_ACK = 4;
  private static final int NLM_F_CREATE = 0x400;
  private static final int NLA_F_NESTED = 0x8000;
  private static final int ATTRIBUTE_KIND = 0x3fff;
  private static final int HEADER_BYTES = 20; // nlmsghdr and nfgenmsg
  private static final int MESSAGE_BYTES = 4_096;

  // NFTA_TABLE_*, NFTA_CHAIN_*, NFTA_HOOK_* and NFTA_COUNTER_*.
  private static final int TABLE_NAME = 1;
  private static final int TABLE_FLAGS = 2;
  private static final int CHAIN_TABLE = 1;
  private static final int CHAIN_NAME = 3;
  private static final int CHAIN_HOOK = 4;
  private static final int CHAIN_POLICY = 5;
  private static final int CHAIN_USE = 6;
  private static final int CHAIN_TYPE = 7;
  private static final int CHAIN_COUNTERS = 8;
  private static final int HOOK_NUMBER = 1;
  private static final int HOOK_PRIORITY = 2;
  private static final int COUNTER_BYTES = 1;
  private static final int COUNTER_PACKETS = 2;

  private static final int NF_DROP = 0;
  private static final int NF_INET_FORWARD = 2;

  /** Before everybody else: what is accepted later is refused all the same. */
  private static final int PRIORITY = -310;

  private final int socket;

  /** Packets counted by tables that have been replaced. */
  private final Map<Family, Long> former = new EnumMap<>(Family.class);

  private PodForwarding(int socket) {
    this.socket = socket;
  }

  /** Changes nothing yet; on a platform thread. */
  public static PodForwarding open(NetworkNamespaces namespaces, NetnsHandle namespace) {
    try {
      return new PodForwarding(
          namespaces.callIn(
              namespace,
              () ->
                  Sockets.socket(AF_NETLINK, SOCK_RAW | Sockets.SOCK_NONBLOCK, NETLINK_NETFILTER)));
    } catch (LinuxException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("socket() throws nothing but LinuxException", e);
    }
  }

  /**
   * Refuses forwarded packets of the family from now on, in one transaction; leaves alone what
   * stands.
   *
   * @throws LinuxException when the kernel refuses, as one without nf_tables does
   */
  public void raise(Family family) {
    if (stands(family)) {
      return;
    }
    former.merge(family, counter(family).orElse(0), Long::sum);
    ByteBuffer batch = begin();
    message(batch, NEW_TABLE, NLM_F_CREATE, family, PodForwarding::name);
    message(batch, DELETE_TABLE, 0, family, PodForwarding::name);
    message(batch, NEW_TABLE, NLM_F_CREATE, family, PodForwarding::name);
    message(
        batch,
        NEW_CHAIN,
        NLM_F_CREATE | NLM_F_ACK,
        family,
        body -> {
          text(body, CHAIN_TABLE, TABLE);
          text(body, CHAIN_NAME, CHAIN);
          nested(
              body,
              CHAIN_HOOK,
              hook -> {
                number(hook, HOOK_NUMBER, NF_INET_FORWARD);
                number(hook, HOOK_PRIORITY, PRIORITY);
              });
          number(body, CHAIN_POLICY, NF_DROP);
          text(body, CHAIN_TYPE, "filter");
          nested(
              body,
              CHAIN_COUNTERS,
              counters -> {
                longNumber(counters, COUNTER_BYTES);
                longNumber(counters, COUNTER_PACKETS);
              });
        });
    commit(batch, family);
  }

  /** Whether the chain is as {@link #raise} leaves it: asked, without rules that let pass. */
  public boolean stands(Family family) {
    Optional<ByteBuffer> table = ask(GET_TABLE, family, PodForwarding::name);
    Optional<ByteBuffer> chain = chain(family);
    return table.isPresent()
        && numberOf(table.get(), TABLE_FLAGS) == 0 // else it may be asleep
        && chain.isPresent()
        && numberOf(chain.get(), CHAIN_POLICY) == NF_DROP
        && numberOf(chain.get(), CHAIN_USE) == 0
        && attribute(chain.get(), CHAIN_HOOK).isPresent();
  }

  /** Packets refused so far, by this object's tables and the one that it found. */
  public long refused(Family family) {
    return former.getOrDefault(family, 0L) + counter(family).orElse(0);
  }

  private OptionalLong counter(Family family) {
    return chain(family)
        .flatMap(chain -> attribute(chain, CHAIN_COUNTERS))
        .flatMap(counters -> attribute(counters, COUNTER_PACKETS))
        .map(packets -> OptionalLong.of(bigEndian(packets).getLong()))
        .orElse(OptionalLong.empty());
  }

  private Optional<ByteBuffer> chain(Family family) {
    return ask(
        GET_CHAIN,
        family,
        body -> {
          text(body, CHAIN_TABLE, TABLE);
          text(body, CHAIN_NAME, CHAIN);
        });
  }

  /** Takes it away without a trace; does nothing where there is none. */
  public void lower(Family family) {
    ByteBuffer batch = begin();
    message(batch, NEW_TABLE, NLM_F_CREATE, family, PodForwarding::name);
    message(batch, DELETE_TABLE, NLM_F_ACK, family, PodForwarding::name);
    commit(batch, family);
  }

  private static void name(ByteBuffer body) {
    text(body, TABLE_NAME, TABLE);
  }

  private static ByteBuffer begin() {
    ByteBuffer batch = ByteBuffer.allocateDirect(MESSAGE_BYTES).order(ByteOrder.nativeOrder());
    bound(batch, BATCH_BEGIN);
    return batch;
  }

  private static void bound(ByteBuffer batch, int type) {
    header(batch, type, NLM_F_REQUEST, 0).putShort((short) 0);
    bigEndian(batch.slice(batch.position() - 2, 2)).putShort((short) NFNL_SUBSYS_NFTABLES);
    batch.putInt(batch.position() - HEADER_BYTES, HEADER_BYTES);
  }

  private static ByteBuffer header(ByteBuffer to, int type, int flags, int family) {
    return to.putInt(0)
        .putShort((short) type)
        .putShort((short) flags)
        .putInt(1)
        .putInt(0)
        .put((byte) family)
        .put((byte) 0);
  }

  private static void message(
      ByteBuffer to, int type, int flags, Family family, Consumer<ByteBuffer> body) {
    int start = to.position();
    header(to, type, NLM_F_REQUEST | flags, family.domain()).putShort((short) 0);
    body.accept(to);
    to.putInt(start, to.position() - start);
  }

  private static void text(ByteBuffer to, int kind, String text) {
    attribute(to, kind, (text + "\0").getBytes(StandardCharsets.US_ASCII));
  }

  private static void number(ByteBuffer to, int kind, int number) {
    attribute(to, kind, ByteBuffer.allocate(Integer.BYTES).putInt(number).array());
  }

  /** Zero, in eight bytes. */
  private static void longNumber(ByteBuffer to, int kind) {
    attribute(to, kind, new byte[Long.BYTES]);
  }

  private static void attribute(ByteBuffer to, int kind, byte[] value) {
    to.putShort((short) (4 + value.length)).putShort((short) kind).put(value);
    to.position(to.position() + 3 & ~3);
  }

  private static void nested(ByteBuffer to, int kind, Consumer<ByteBuffer> body) {
    int start = to.position();
    to.putShort((short) 0).putShort((short) (kind | NLA_F_NESTED));
    body.accept(to);
    to.putShort(start, (short) (to.position() - start));
  }

  private void commit(ByteBuffer batch, Family family) {
    bound(batch, BATCH_END);
    Sockets.write(socket, batch.flip());
    // The kernel has answered by the time the question is sent: an error each, 0 for success.
    for (Optional<ByteBuffer> answer = receive(); answer.isPresent(); answer = receive()) {
      int error = errorOf(answer.get());
      if (error != 0) {
        throw new LinuxException(
            "nf_tables",
            Errno.of(error),
            "table " + TABLE + ", " + family,
            "load nf_tables on the node: without it pods may forward");
      }
    }
  }

  private Optional<ByteBuffer> ask(int type, Family family, Consumer<ByteBuffer> body) {
    ByteBuffer question = ByteBuffer.allocateDirect(MESSAGE_BYTES).order(ByteOrder.nativeOrder());
    message(question, type, 0, family, body);
    Sockets.write(socket, question.flip());
    return receive()
        .filter(answer -> answer.getShort(4) != NLMSG_ERROR)
        .map(answer ->
            answer
                .slice(HEADER_BYTES, answer.getInt(0) - HEADER_BYTES)
                .order(ByteOrder.nativeOrder()));
  }

  private Optional<ByteBuffer> receive() {
    ByteBuffer answer = ByteBuffer.allocateDirect(MESSAGE_BYTES).order(ByteOrder.nativeOrder());
    return Sockets.read(socket, answer) < HEADER_BYTES
        ? Optional.empty()
        : Optional.of(answer.flip());
  }

  /** The error number behind the header (struct nlmsgerr); 0 where it is none. */
  private static int errorOf(ByteBuffer answer) {
    return answer.getShort(4) == NLMSG_ERROR ? -answer.getInt(16) : 0;
  }

  private static int numberOf(ByteBuffer attributes, int kind) {
    return attribute(attributes, kind).map(value -> bigEndian(value).getInt()).orElse(-1);
  }

  private static Optional<ByteBuffer> attribute(ByteBuffer attributes, int kind) {
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

  private static ByteBuffer bigEndian(ByteBuffer bytes) {
    return bytes.duplicate().order(ByteOrder.BIG_ENDIAN);
  }

  @Override
  public void close() {
    Sockets.close(socket);
  }
}

package io.sluice.iptables;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
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
  private static final int BATCH_BEGIN = 0x10;
  private static final int BATCH_END = 0x11;
  private static final int NEW_TABLE = NfTablesSocket.type(0);
  private static final int DELETE_TABLE = NfTablesSocket.type(2);
  private static final int NEW_CHAIN = NfTablesSocket.type(3);
  private static final int NLM_F_ACK = 4;
  private static final int NLM_F_CREATE = 0x400;

  // NFTA_TABLE_*, NFTA_CHAIN_*, NFTA_HOOK_* and NFTA_COUNTER_*.
  private static final int TABLE_NAME = 1;
  private static final int CHAIN_TABLE = 1;
  private static final int CHAIN_NAME = 3;
  private static final int CHAIN_HOOK = 4;
  private static final int CHAIN_POLICY = 5;
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

  private final NfTablesSocket socket;

  /** Of the rule set in which all were last seen to stand. */
  private OptionalInt stoodAt = OptionalInt.empty();

  /** Packets counted by tables that have been replaced. */
  private final Map<Family, Long> former = new EnumMap<>(Family.class);

  private PodForwarding(NfTablesSocket socket) {
    this.socket = socket;
  }

  /** Changes nothing yet; on a platform thread. */
  public static PodForwarding open(NetworkNamespaces namespaces, NetnsHandle namespace) {
    return new PodForwarding(NfTablesSocket.open(namespaces, namespace));
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
          NfTablesSocket.text(body, CHAIN_TABLE, TABLE);
          NfTablesSocket.text(body, CHAIN_NAME, CHAIN);
          NfTablesSocket.nested(
              body,
              CHAIN_HOOK,
              hook -> {
                number(hook, HOOK_NUMBER, NF_INET_FORWARD);
                number(hook, HOOK_PRIORITY, PRIORITY);
              });
          number(body, CHAIN_POLICY, NF_DROP);
          NfTablesSocket.text(body, CHAIN_TYPE, "filter");
          NfTablesSocket.nested(
              body,
              CHAIN_COUNTERS,
              counters -> {
                longNumber(counters, COUNTER_BYTES);
                longNumber(counters, COUNTER_PACKETS);
              });
        });
    commit(batch, family);
  }

  /**
   * Whether the chains of these families are as {@link #raise} leaves them: asked, without rules
   * that let pass. Looked at again only where somebody has changed a rule of the namespace.
   */
  public boolean stand(Set<Family> families) {
    OptionalInt now = socket.generation();
    if (now.isPresent() && now.equals(stoodAt)) {
      return true;
    }
    boolean all = families.stream().allMatch(this::stands);
    stoodAt = all ? now : OptionalInt.empty();
    return all;
  }

  private boolean stands(Family family) {
    return socket.isAwake(family.domain(), TABLE)
        && socket.rulesAtHook(family.domain(), TABLE, CHAIN).equals(OptionalInt.of(0))
        && chain(family)
            .filter(chain -> NfTablesSocket.number(chain, CHAIN_POLICY) == NF_DROP)
            .isPresent();
  }

  /** Packets refused so far, by this object's tables and the one that it found. */
  public long refused(Family family) {
    return former.getOrDefault(family, 0L) + counter(family).orElse(0);
  }

  private OptionalLong counter(Family family) {
    return chain(family)
        .flatMap(chain -> NfTablesSocket.attribute(chain, CHAIN_COUNTERS))
        .flatMap(counters -> NfTablesSocket.attribute(counters, COUNTER_PACKETS))
        .map(packets -> OptionalLong.of(packets.duplicate().order(ByteOrder.BIG_ENDIAN).getLong()))
        .orElse(OptionalLong.empty());
  }

  private Optional<ByteBuffer> chain(Family family) {
    return socket.chain(family.domain(), TABLE, CHAIN);
  }

  /** Takes it away without a trace; does nothing where there is none. */
  public void lower(Family family) {
    ByteBuffer batch = begin();
    message(batch, NEW_TABLE, NLM_F_CREATE, family, PodForwarding::name);
    message(batch, DELETE_TABLE, NLM_F_ACK, family, PodForwarding::name);
    commit(batch, family);
  }

  private static void name(ByteBuffer body) {
    NfTablesSocket.text(body, TABLE_NAME, TABLE);
  }

  private static ByteBuffer begin() {
    ByteBuffer batch = NfTablesSocket.buffer();
    NfTablesSocket.bound(batch, BATCH_BEGIN);
    return batch;
  }

  private static void message(
      ByteBuffer to, int type, int flags, Family family, Consumer<ByteBuffer> body) {
    NfTablesSocket.message(to, type, flags, family.domain(), body);
  }

  private static void number(ByteBuffer to, int kind, int number) {
    NfTablesSocket.put(to, kind, ByteBuffer.allocate(Integer.BYTES).putInt(number).array());
  }

  /** Zero, in eight bytes. */
  private static void longNumber(ByteBuffer to, int kind) {
    NfTablesSocket.put(to, kind, new byte[Long.BYTES]);
  }

  private void commit(ByteBuffer batch, Family family) {
    NfTablesSocket.bound(batch, BATCH_END);
    socket.send(batch);
    // An error each, 0 for success.
    for (Optional<ByteBuffer> answer = socket.receive();
        answer.isPresent();
        answer = socket.receive()) {
      int error = NfTablesSocket.errorOf(answer.get());
      if (error != 0) {
        throw new LinuxException(
            "nf_tables",
            Errno.of(error),
            "table " + TABLE + ", " + family,
            "load nf_tables on the node: without it pods may forward");
      }
    }
  }

  @Override
  public void close() {
    socket.close();
  }
}

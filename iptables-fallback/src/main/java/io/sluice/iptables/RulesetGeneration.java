package io.sluice.iptables;

import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import java.util.OptionalInt;

/**
 * The number of the present nftables rule set of one namespace: the kernel raises it with every
 * change by anybody, so that an unchanged number means unchanged rules
 * (linux/netfilter/nf_tables.h, NFT_MSG_GETGEN). Two system calls instead of two processes. Keeps a
 * socket, and with it the namespace, until closed.
 */
public final class RulesetGeneration implements AutoCloseable {
  private static final int GET_GENERATION = NfTablesSocket.type(16);
  private static final int UNSPECIFIED = 0; // AF_UNSPEC: the number is of all families
  private static final int GENERATION_ID = 1; // NFTA_GEN_ID

  private final NfTablesSocket socket;

  private RulesetGeneration(NfTablesSocket socket) {
    this.socket = socket;
  }

  /** Opens the question inside {@code namespace}; on a platform thread. */
  public static RulesetGeneration open(NetworkNamespaces namespaces, NetnsHandle namespace) {
    return new RulesetGeneration(NfTablesSocket.open(namespaces, namespace));
  }

  /** The number now; empty where the kernel does not tell it, as without nftables. */
  public OptionalInt current() {
    try {
      return socket
          .ask(GET_GENERATION, UNSPECIFIED, _ -> {})
          .flatMap(answer -> NfTablesSocket.attribute(answer, GENERATION_ID))
          .map(generation -> OptionalInt.of(generation.getInt()))
          .orElse(OptionalInt.empty());
    } catch (LinuxException e) {
      return OptionalInt.empty();
    }
  }

  @Override
  public void close() {
    socket.close();
  }
}

package io.sluice.iptables;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import java.util.OptionalInt;

/**
 * The number of the present nftables rule set of one namespace: unchanged, it means unchanged
 * rules. Two system calls instead of two processes. Keeps a socket, and with it the namespace,
 * until closed. Any thread.
 */
public final class RulesetGeneration implements AutoCloseable {
  private final NfTablesSocket socket;

  private RulesetGeneration(NfTablesSocket socket) {
    this.socket = socket;
  }

  /** Opens the question inside {@code namespace}; on a platform thread. */
  public static RulesetGeneration open(NetworkNamespaces namespaces, NetnsHandle namespace) {
    return new RulesetGeneration(NfTablesSocket.open(namespaces, namespace));
  }

  /** The number now; empty where the kernel does not tell it, as without nftables. */
  public synchronized OptionalInt current() {
    return socket.generation();
  }

  @Override
  public synchronized void close() {
    socket.close();
  }
}

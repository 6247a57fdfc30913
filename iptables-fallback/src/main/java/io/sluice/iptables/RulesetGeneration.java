package io.sluice.iptables;

import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalInt;

/**
 * The number of the present nftables rule set of one namespace: the kernel raises it with every
 * change by anybody, so that an unchanged number means unchanged rules
 * (linux/netfilter/nf_tables.h, NFT_MSG_GETGEN). Two system calls instead of two processes. Keeps a
 * socket, and with it the namespace, until closed.
 */
public final class RulesetGeneration implements AutoCloseable {
  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW = 3;
  private static final int NETLINK_NETFILTER = 12;
  private static final int NFT_MSG_NEWGEN = 10 << 8 | 15;
  private static final short NFT_MSG_GETGEN = (short) (10 << 8 | 16);
  private static final short NLM_F_REQUEST = 1;
  private static final int HEADER_BYTES = 20; // nlmsghdr and nfgenmsg
  private static final int NFTA_GEN_ID = 1;
  private static final int ATTRIBUTE_KIND = 0x3fff; // without the flags in the upper bits
  private static final int ANSWER_BYTES = 512;

  private final int socket;

  private RulesetGeneration(int socket) {
    this.socket = socket;
  }

  /** Opens the question inside {@code namespace}; on a platform thread. */
  public static RulesetGeneration open(NetworkNamespaces namespaces, NetnsHandle namespace) {
    try {
      return new RulesetGeneration(
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

  /** The number now; empty where the kernel does not tell it, as without nftables. */
  public OptionalInt current() {
    ByteBuffer question = ByteBuffer.allocateDirect(HEADER_BYTES).order(ByteOrder.nativeOrder());
    question.putInt(HEADER_BYTES).putShort(NFT_MSG_GETGEN).putShort(NLM_F_REQUEST);
    question.putInt(1).putInt(0).putInt(0).flip();
    try {
      Sockets.write(socket, question);
      ByteBuffer answer = ByteBuffer.allocateDirect(ANSWER_BYTES).order(ByteOrder.nativeOrder());
      // The kernel has answered by the time the question is sent.
      int length = Sockets.read(socket, answer);
      return length < HEADER_BYTES ? OptionalInt.empty() : generation(answer.flip());
    } catch (LinuxException e) {
      return OptionalInt.empty();
    }
  }

  private static OptionalInt generation(ByteBuffer answer) {
    if (answer.getShort(4) != NFT_MSG_NEWGEN) {
      return OptionalInt.empty();
    }
    for (int at = HEADER_BYTES; at + 8 <= answer.limit(); ) {
      int length = answer.getShort(at) & 0xffff;
      if ((answer.getShort(at + 2) & ATTRIBUTE_KIND) == NFTA_GEN_ID) {
        return OptionalInt.of(answer.getInt(at + 4));
      }
      if (length < 4) {
        break;
      }
      at += length + 3 & ~3;
    }
    return OptionalInt.empty();
  }

  @Override
  public void close() {
    Sockets.close(socket);
  }
}

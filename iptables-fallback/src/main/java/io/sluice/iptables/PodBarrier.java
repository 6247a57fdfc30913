package io.sluice.iptables;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.process.ShortProgram;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshPorts;
import java.net.InetAddress;
import java.util.List;

/**
 * Refuses everything of one pod but its loopback, in both directions: an nftables table of its own,
 * which shares nothing with either mechanism, comes and goes in one transaction, and holds whatever
 * other tables accept, since a drop anywhere is final. New TCP connections are reset; packets of
 * established ones are dropped, so that those outlive a short time behind the barrier. Any thread;
 * starts a process each, some milliseconds.
 */
public final class PodBarrier {
  /** Nobody else's, so that what is left of a daemon can be recognised. */
  public static final String TABLE = "sluice_closed";

  private static final String LIST = "list table inet " + TABLE;

  /** Adding before deleting works whether or not it exists. */
  private static final String REMOVE =
      "add table inet %1$s\ndelete table inet %1$s\n".formatted(TABLE);

  /** Neighbour discovery (RFC 4861): without it the path could not be looked at over IPv6. */
  private static final String NEIGHBOURS =
      "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }"
          + " accept";

  /** A reset made by the kernel for a refused connection passes; it carries nothing. */
  private static final String RESETS = "tcp flags & (fin | syn | rst | psh) == rst accept";

  private static final String REFUSE_NEW = "tcp flags & (syn | ack) == syn reject with tcp reset";

  private PodBarrier() {}

  /**
   * A connection by which the daemon looks from the node whether the pod could be opened again; it
   * never carries data.
   *
   * @param node the node's address towards the pod
   * @param pod an address of the pod, of the same family
   */
  public record Exemption(InetAddress node, InetAddress pod) {}

  /**
   * Refuses everything from now on, or renews a barrier that is up.
   *
   * @return what the kernel holds then, for {@link #stands}
   * @throws RedirectionException when nft is missing or the kernel refuses
   */
  public static String raise(NetnsHandle namespace, List<Exemption> exemptions) {
    ShortProgram.End result = nft(namespace, script(exemptions, REFUSE_NEW));
    if (!result.isSuccess()) {
      // Kernels without nft_reject can still drop.
      result = nft(namespace, script(exemptions, ""));
    }
    if (!result.isSuccess()) {
      throw failure("add", result);
    }
    return nft(namespace, LIST).output();
  }

  /** Whether the barrier is as {@link #raise} left it. */
  public static boolean stands(NetnsHandle namespace, String raised) {
    return nft(namespace, LIST).output().equals(raised);
  }

  /** Takes the barrier away without a trace; does nothing when there is none. */
  public static void lower(NetnsHandle namespace) {
    ShortProgram.End result = nft(namespace, REMOVE);
    if (!result.isSuccess()) {
      throw failure("delete", result);
    }
  }

  private static ShortProgram.End nft(NetnsHandle namespace, String script) {
    return NamespaceCommand.run(namespace, List.of("nft", "-f", "-"), script);
  }

  private static RedirectionException failure(String action, ShortProgram.End result) {
    return new RedirectionException(
        "nft",
        action + " table inet " + TABLE,
        result.errors().lines().findFirst().orElse("status " + result.status()),
        "install nftables and load nf_tables: without them a broken pod cannot be refused");
  }

  /** The input of nft; without {@code refuseNew} new connections are dropped as well. */
  static String script(List<Exemption> exemptions, String refuseNew) {
    // Rules may redirect it in between, to a port that only they know.
    StringBuilder beforeTranslation = new StringBuilder();
    StringBuilder arriving = new StringBuilder();
    StringBuilder leaving = new StringBuilder();
    StringBuilder departing = new StringBuilder();
    for (Exemption exemption : exemptions) {
      String words = Family.of(exemption.pod()) == Family.IPV4 ? "ip" : "ip6";
      String node = IpAddresses.text(exemption.node());
      String pod = IpAddresses.text(exemption.pod());
      String coming = "%s saddr %s %s daddr %s".formatted(words, node, words, pod);
      String going = "%s saddr %s %s daddr %s".formatted(words, pod, words, node);
      int port = MeshPorts.PATH_CHECK;
      beforeTranslation.append(
          "    %s tcp sport %d tcp dport != %d drop\n".formatted(coming, port, port));
      arriving.append("    %s tcp sport %d accept\n".formatted(coming, port));
      leaving.append("    %s tcp dport %d accept\n".formatted(going, port));
      departing.append("    %s tcp sport %d tcp dport %d accept\n".formatted(going, port, port));
    }
    return REMOVE
        + """
        table inet %s {
          chain coming {
            type filter hook prerouting priority -310; policy accept;
        %s  }
          chain arriving {
            type filter hook input priority -310; policy drop;
            iifname "lo" accept
            %s
        %s    %s
          }
          chain passing {
            type filter hook forward priority -310; policy drop;
          }
          chain leaving {
            type filter hook output priority 310; policy drop;
            oifname "lo" accept
            ip6 saddr ::1 accept
            %s
            %s
        %s    %s
          }
          chain departing {
            type filter hook postrouting priority 310; policy drop;
            oifname "lo" accept
            %s
            %s
        %s  }
        }
        """
            .formatted(
                TABLE,
                beforeTranslation,
                NEIGHBOURS,
                arriving,
                refuseNew,
                NEIGHBOURS,
                RESETS,
                leaving,
                refuseNew,
                NEIGHBOURS,
                RESETS,
                departing);
  }
}

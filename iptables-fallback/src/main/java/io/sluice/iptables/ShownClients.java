package io.sluice.iptables;

import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.TrafficMark;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Whether what {@link ClientAddresses} has raised in one namespace still stands, asked without a
 * program: the way of what bears the mark (rtnetlink(7)), the table's chains, the settings. Keeps
 * two sockets, and with them the namespace, until closed. For one thread at a time.
 */
public final class ShownClients implements AutoCloseable {
  private static final int NETLINK_ROUTE = 0;
  private static final int RTM_NEWROUTE = 24;
  private static final int RTM_GETROUTE = 26;
  private static final int RTN_LOCAL = 2;

  /** Of every message: nlmsghdr and rtmsg. */
  private static final int HEADER_BYTES = 28;

  private static final int ROUTE_TYPE = 23; // rtm_type, behind nlmsghdr
  private static final int RTA_DST = 1;
  private static final int RTA_MARK = 16;

  /** Nobody's: only what bears the mark is led inside on its way there (RFC 5737, RFC 3849). */
  private static final InetAddress NOBODY4 = IpAddresses.parse("192.0.2.1");

  private static final InetAddress NOBODY6 = IpAddresses.parse("2001:db8::1");

  private static final int NFPROTO_INET = 1;

  private final NetworkNamespaces namespaces;
  private final NetnsHandle namespace;
  private final ByteBuffer message = NfTablesSocket.buffer();
  private final NfTablesSocket tables;
  private final int routes;

  private ShownClients(
      NetworkNamespaces namespaces, NetnsHandle namespace, NfTablesSocket tables, int routes) {
    this.namespaces = namespaces;
    this.namespace = namespace;
    this.tables = tables;
    this.routes = routes;
  }

  /** Opens the questions inside {@code namespace}, which is the caller's; on a platform thread. */
  public static ShownClients open(NetworkNamespaces namespaces, NetnsHandle namespace) {
    NfTablesSocket tables = NfTablesSocket.open(namespaces, namespace);
    try {
      int routes =
          namespaces.callIn(
              namespace,
              () ->
                  Sockets.socket(
                      NfTablesSocket.AF_NETLINK,
                      NfTablesSocket.SOCK_RAW | Sockets.SOCK_NONBLOCK,
                      NETLINK_ROUTE));
      return new ShownClients(namespaces, namespace, tables, routes);
    } catch (LinuxException e) {
      tables.close();
      throw e;
    } catch (Exception e) {
      tables.close();
      throw new IllegalStateException("socket() throws nothing but LinuxException", e);
    }
  }

  /** Whether all of it stands for these families; on a platform thread. */
  public boolean stand(Set<Family> families) {
    return families.stream().allMatch(this::leadsInside)
        && chainsStand()
        && ClientAddresses.areSet(namespaces, namespace, families);
  }

  private boolean leadsInside(Family family) {
    byte[] nobody = (family == Family.IPV4 ? NOBODY4 : NOBODY6).getAddress();
    message
        .clear()
        .putInt(0)
        .putShort((short) RTM_GETROUTE)
        .putShort((short) NfTablesSocket.NLM_F_REQUEST)
        .putInt(1)
        .putInt(0)
        .put((byte) family.domain())
        .put((byte) (nobody.length * Byte.SIZE))
        .put(new byte[HEADER_BYTES - 18]);
    NfTablesSocket.put(message, RTA_DST, nobody);
    NfTablesSocket.put(
        message,
        RTA_MARK,
        ByteBuffer.allocate(Integer.BYTES)
            .order(ByteOrder.nativeOrder())
            .putInt(TrafficMark.PRESENTING)
            .array());
    message.putInt(0, message.position());
    Sockets.write(routes, message.flip());
    int got = Sockets.read(routes, message.clear());
    message.flip();
    return got >= HEADER_BYTES
        && message.getShort(4) == RTM_NEWROUTE
        && message.get(ROUTE_TYPE) == RTN_LOCAL;
  }

  private boolean chainsStand() {
    return tables.isAwake(NFPROTO_INET, ClientAddresses.TABLE)
        && hasRules("leaving", 2)
        && hasRules("arriving", 1);
  }

  private boolean hasRules(String chain, int rules) {
    return tables
        .rulesAtHook(NFPROTO_INET, ClientAddresses.TABLE, chain)
        .equals(OptionalInt.of(rules));
  }

  @Override
  public void close() {
    Sockets.close(routes);
    tables.close();
  }
}

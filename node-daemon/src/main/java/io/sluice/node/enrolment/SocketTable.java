package io.sluice.node.enrolment;

import io.sluice.linux.LinuxException;
import io.sluice.linux.diag.InetSocket;
import io.sluice.linux.diag.InetSockets;
import io.sluice.linux.diag.TcpState;
import io.sluice.linux.diag.Transport;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The TCP, UDP and UDP-Lite sockets of one pod: the kernel's, or a test's. */
interface SocketTable extends AutoCloseable {
  /** Opens the table of a namespace. */
  @FunctionalInterface
  interface Opener {
    SocketTable open(NetnsHandle netns);
  }

  /** TCP sockets in the states of {@link UnprotectedConnections#LISTED}, connected others. */
  List<InetSocket> list();

  /** Ends a connection; false when it has ended already. */
  boolean destroy(InetSocket connection);

  @Override
  void close();

  /** The kernel's tables, opened by the thread that enters pods and read by the caller. */
  static Opener ofKernel(NetnsThread namespaces) {
    return netns -> new OfKernel(namespaces.submit(netns, InetSockets::open).join());
  }

  /** By sock_diag(7). */
  record OfKernel(InetSockets sockets) implements SocketTable {
    private static final System.Logger LOG = System.getLogger(SocketTable.class.getName());

    @Override
    public List<InetSocket> list() {
      List<InetSocket> all =
          new ArrayList<>(
              sockets.list(Transport.TCP, UnprotectedConnections.LISTED, socket -> true));
      all.addAll(connected(Transport.UDP));
      all.addAll(connected(Transport.UDP_LITE));
      return all;
    }

    /** What the kernel cannot list must not keep the others from being ended. */
    private List<InetSocket> connected(Transport transport) {
      try {
        return sockets.list(transport, Set.of(TcpState.ESTABLISHED), socket -> true);
      } catch (LinuxException e) {
        if (transport == Transport.UDP) { // kernels without UDP-Lite are the rule
          LOG.log(
              System.Logger.Level.WARNING,
              "earlier_datagram_sockets_unknown problem={0}",
              e.getMessage());
        }
        return List.of();
      }
    }

    @Override
    public boolean destroy(InetSocket connection) {
      return sockets.destroy(connection);
    }

    @Override
    public void close() {
      sockets.close();
    }
  }
}

package io.sluice.node.enrolment;

import io.sluice.linux.diag.TcpSocket;
import io.sluice.linux.diag.TcpSockets;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import java.util.List;

/** The TCP sockets of one pod: the kernel's, or a test's. */
interface TcpTable extends AutoCloseable {
  /** Opens the table of a namespace. */
  @FunctionalInterface
  interface Opener {
    TcpTable open(NetnsHandle netns);
  }

  /** Sockets in the states of {@link UnprotectedConnections#LISTED}. */
  List<TcpSocket> list();

  /** Ends a connection; false when it has ended already. */
  boolean destroy(TcpSocket connection);

  @Override
  void close();

  /** The kernel's tables, opened by the thread that enters pods and read by the caller. */
  static Opener ofKernel(NetnsThread namespaces) {
    return netns -> new OfKernel(namespaces.submit(netns, TcpSockets::open).join());
  }

  /** By sock_diag(7). */
  record OfKernel(TcpSockets sockets) implements TcpTable {
    @Override
    public List<TcpSocket> list() {
      return sockets.list(UnprotectedConnections.LISTED, socket -> true);
    }

    @Override
    public boolean destroy(TcpSocket connection) {
      return sockets.destroy(connection);
    }

    @Override
    public void close() {
      sockets.close();
    }
  }
}

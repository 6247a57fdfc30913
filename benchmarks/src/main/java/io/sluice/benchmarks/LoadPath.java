package io.sluice.benchmarks;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import java.util.concurrent.Callable;

/**
 * Between which two namespaces a load runs, and where its clients connect.
 *
 * @param name for messages
 * @param client namespace of the clients
 * @param server namespace of the servers
 * @param serverAddress IPv4 address on which they listen
 * @param target IPv4 address to which clients connect; the server's, unless a proxy is asked
 * @param portOffset added to the servers' ports by who connects; 0 to 50,000
 */
record LoadPath(
    String name,
    NetnsHandle client,
    NetnsHandle server,
    String serverAddress,
    String target,
    int portOffset) {
  private static final NetworkNamespaces NAMESPACES = new LinuxNetworkNamespaces();

  /** Clients connect to the server itself. */
  static LoadPath straight(
      String name, NetnsHandle client, NetnsHandle server, String serverAddress) {
    return new LoadPath(name, client, server, serverAddress, serverAddress, 0);
  }

  /** The same way, on which the mesh takes HTTP for bytes. */
  LoadPath asBytes() {
    return new LoadPath(
        name + " as bytes",
        client,
        server,
        serverAddress,
        target,
        portOffset + LoadServer.HTTP_AS_BYTES_PORT - LoadServer.HTTP_PORT);
  }

  /** Runs {@code body} with the calling thread inside the namespace. */
  static <T> T inside(NetnsHandle namespace, Callable<T> body) throws Exception {
    return NAMESPACES.callIn(namespace, body::call);
  }
}

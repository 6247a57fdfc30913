package io.sluice.kernel;

import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.net.InetSocketAddress;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/** Echo servers of both families at one port of a pod: what a change does is tried on each. */
final class Echoes implements AutoCloseable {
  final int port;
  private final SitePod pod;
  private final Map<Family, TcpServer> servers = new EnumMap<>(Family.class);

  Echoes(SitePod pod, int port) {
    this.pod = pod;
    this.port = port;
    for (Family family : Family.values()) {
      servers.put(family, TcpServer.echo(pod, family, port));
    }
  }

  TcpServer by(Family family) {
    return Objects.requireNonNull(servers.get(family));
  }

  InetSocketAddress at(Family family) {
    return pod.at(family, port);
  }

  @Override
  public void close() {
    servers.values().forEach(TcpServer::close);
  }
}

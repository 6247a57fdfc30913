package io.sluice.proxy;

import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.hbone.HboneStream;
import io.sluice.proxy.hbone.SocketTunnel;

/**
 * The two ends of a connection of which one is a socket and the other a stream. Runs on the
 * connection's event loop.
 */
final class Tunnel implements SocketTunnel.Listener {
  private final Connection connection;
  private final boolean clientIsSocket;
  private final SocketTunnel ends;

  /** Takes the socket over from its leg; when it throws, the socket is still the leg's. */
  Tunnel(Connection connection, Leg socket, boolean clientIsSocket) {
    this.connection = connection;
    this.clientIsSocket = clientIsSocket;
    this.ends = socket.handOver(this);
  }

  void join(HboneStream stream) {
    ends.join(stream);
  }

  /** Payload bytes that the client has sent. */
  long sent() {
    return clientIsSocket ? ends.bytesToStream() : ends.bytesToSocket();
  }

  /** Payload bytes that the upstream has sent. */
  long received() {
    return clientIsSocket ? ends.bytesToSocket() : ends.bytesToStream();
  }

  boolean isHalfClosed() {
    return ends.isHalfClosed();
  }

  /** What waits may have become less without anybody being told. */
  void lookAgain() {
    ends.account();
  }

  void reset() {
    ends.reset();
  }

  @Override
  public void ended(SocketTunnel joined, SocketTunnel.End how) {
    switch (how) {
      case FINISHED -> connection.ended(CloseKind.FIN);
      case RESET_BY_SOCKET -> connection.ended(reset(clientIsSocket));
      case RESET_BY_STREAM, CONNECTION_LOST -> connection.ended(reset(!clientIsSocket));
      case DENIED -> connection.end(CloseKind.DENIED, Reason.PEER_DENIED);
      case TIMEOUT -> connection.end(CloseKind.IDLE, Reason.IDLE_TIMEOUT);
      case NO_MEMORY -> connection.end(CloseKind.STALLED, Reason.BUFFER_LIMIT);
      case RESET_BY_US -> connection.end(CloseKind.ERROR, Reason.PEER_FAILED);
    }
  }

  private static CloseKind reset(boolean byClient) {
    return byClient ? CloseKind.RESET_BY_CLIENT : CloseKind.RESET_BY_UPSTREAM;
  }
}

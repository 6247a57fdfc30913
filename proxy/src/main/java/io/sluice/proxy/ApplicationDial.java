package io.sluice.proxy;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.decision.Reason;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;

/**
 * Reaches the pod's own application: at the address called and, where nobody listens there, on the
 * pod's loopback as far as {@link io.sluice.mesh.LoopbackEndpoints} has it. Runs on the
 * connection's event loop.
 */
final class ApplicationDial implements Attempt.Owner {
  private static final InetAddress LOOPBACK4 = InetAddress.ofLiteral("127.0.0.1");
  private static final InetAddress LOOPBACK6 = InetAddress.ofLiteral("::1");

  private final Connection connection;
  private final Attempt.Owner owner;
  private final MeshSnapshot snapshot;
  private final InetSocketAddress called;
  private final Optional<InetSocketAddress> presentedClient;
  private final LocalConnections.Origin origin;
  private boolean onLoopback;

  ApplicationDial(
      Connection connection,
      Attempt.Owner owner,
      MeshSnapshot snapshot,
      InetSocketAddress called,
      Optional<InetSocketAddress> presentedClient,
      LocalConnections.Origin origin) {
    this.connection = connection;
    this.owner = owner;
    this.snapshot = snapshot;
    this.called = called;
    this.presentedClient = presentedClient;
    this.origin = origin;
  }

  void start() {
    dial(called);
  }

  private void dial(InetSocketAddress address) {
    new Dial(connection, this, address, presentedClient, origin).start();
  }

  @Override
  public void failed(Reason reason) {
    if (onLoopback
        || reason != Reason.UPSTREAM_REFUSED
        || !connection.pod.hasLoopbackFor(called, snapshot)) {
      owner.failed(reason);
      return;
    }
    onLoopback = true;
    dial(new InetSocketAddress(loopback(), called.getPort()));
  }

  private InetAddress loopback() {
    return switch (Family.of(called.getAddress())) {
      case IPV4 -> LOOPBACK4;
      case IPV6 -> LOOPBACK6;
    };
  }
}

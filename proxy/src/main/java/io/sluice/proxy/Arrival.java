package io.sluice.proxy;

import io.netty.channel.epoll.EpollSocketChannel;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.limits.Source;
import io.sluice.proxy.tls.TlsIdentity;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * An accepted socket until it is known what it carries: one connection, or the many streams of a
 * peer's proxy. Runs on the loop that the socket is to live on, where it is not registered yet.
 */
final class Arrival implements Runnable, Admission {
  private static final long ASK_AGAIN_MILLIS = 1;

  private final DataPath path;
  private final Pod pod;
  private final Loop loop;
  private final Direction direction;
  private final EpollSocketChannel channel;
  private final long giveUpNanos;
  private @Nullable AcceptedFacts facts;
  private @Nullable Reason refusal;

  Arrival(DataPath path, Pod pod, Loop loop, Direction direction, EpollSocketChannel channel) {
    this.path = path;
    this.pod = pod;
    this.loop = loop;
    this.direction = direction;
    this.channel = channel;
    this.giveUpNanos = System.nanoTime() + path.settings.identityTimeout().toNanos();
  }

  @Override
  public void run() {
    try {
      AcceptedFacts known = path.sockets.accepted(pod.name, direction, channel.fd().intValue());
      facts = known;
      if (isForHbone(known)) {
        LocalConnections.Lookup opener = opener(known);
        if (opener.pending() && System.nanoTime() - giveUpNanos < 0) {
          loop.executor.schedule(this, ASK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
          return;
        }
        if (opener.originOrNull() == null && serveStreams()) {
          return;
        }
      }
    } catch (RuntimeException e) {
      path.failed("accepted-socket-unknown", pod.name, e);
      refusal = Reason.INTERNAL_ERROR;
    }
    beConnection();
  }

  private boolean isForHbone(AcceptedFacts known) {
    InetSocketAddress destination = known.originalDestinationOrNull();
    return direction == Direction.INBOUND
        && destination != null
        && destination.getPort() == MeshPorts.HBONE
        && known.rightNamespace()
        && path.snapshot.settings().mutualTls();
  }

  /**
   * Who opened it: what we have opened ourselves as a connection, for a pod of this node to an
   * application that has this very port, is none of a peer.
   */
  private LocalConnections.Lookup opener(AcceptedFacts known) {
    return path.localConnections.find(
        new LocalConnections.Tuple(
            channel.remoteAddress(), known.originalDestination().orElseThrow()));
  }

  /** False where it is refused, which then leaves the record of a connection. */
  private boolean serveStreams() {
    MeshSnapshot snapshot = path.snapshot;
    Optional<TlsIdentity> own = snapshot.identityOf(pod.name).flatMap(path.identities::of);
    if (pod.gone) {
      refusal = Reason.DRAINING;
    } else if (own.isEmpty()) {
      refusal = Reason.NO_CERTIFICATE;
    } else if (pod.hbone.isFull()) {
      refusal = Reason.CONNECTION_LIMIT;
    } else {
      channel.config().setAllocator(path.allocator);
      Source source = path.source(channel.remoteAddress().getAddress());
      pod.hbone.serve(
          channel, loop.executor, own.get(), source, new HboneRequests(path, pod, loop));
      path.live.decrementAndGet();
      return true;
    }
    return false;
  }

  private void beConnection() {
    Connection connection;
    try {
      connection = new Connection(path, pod, loop, direction, channel, this);
    } catch (RuntimeException e) {
      path.failed("accepted-socket-unusable", pod.name, e);
      abandon();
      return;
    }
    loop.executor
        .register(channel)
        .addListener(registered -> {
          Throwable failure = registered.cause();
          if (failure != null) {
            connection.failed(failure);
          }
        });
  }

  @Override
  public void admit(Connection connection, MeshSnapshot snapshot) {
    AcceptedFacts known = facts;
    InetSocketAddress destination = known == null ? null : known.originalDestinationOrNull();
    if (known == null) {
      connection.refuse(Reason.INTERNAL_ERROR, CloseKind.ERROR);
    } else if (!known.rightNamespace()) {
      connection.refuse(Reason.WRONG_NAMESPACE);
    } else if (destination == null) {
      connection.refuse(Reason.NO_ORIGINAL_DESTINATION);
    } else {
      connection.parties.calls(destination);
      if (refusal != null) {
        connection.refuse(refusal);
      } else {
        switch (direction) {
          case OUTBOUND -> new OutboundAdmission(connection, snapshot, destination).start();
          case INBOUND ->
              new InboundAdmission(connection, snapshot, destination, channel.localAddress())
                  .start();
        }
      }
    }
  }

  /** Closes a socket that became nothing. */
  void abandon() {
    path.live.decrementAndGet();
    channel.unsafe().closeForcibly();
  }
}

package io.sluice.proxy.accept;

import io.netty.channel.epoll.EpollSocketChannel;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AcceptedFacts;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.hbone.HboneExchange;
import io.sluice.proxy.limits.SocketBytes;
import io.sluice.proxy.limits.Source;
import io.sluice.proxy.relay.TcpChannel;
import io.sluice.proxy.tls.TlsIdentity;
import io.sluice.proxy.upstream.LocalConnections;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * An accepted socket until it is known what it carries: one connection, or the many streams of a
 * peer's proxy. Runs on the loop that the socket is to live on, where it is not registered yet.
 */
final class Arrival implements Runnable {
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
    pod.account.own(channel);
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
      channel.pipeline().addLast(SocketBytes.INSTANCE);
      Source source = path.source(channel.remoteAddress().getAddress());
      pod.hbone.serve(channel, loop.executor, own.get(), source, this::beConnection);
      loop.ended(pod, direction);
      return true;
    }
    return false;
  }

  /** Of each stream that the peer opens, for as long as its connection stands. */
  private void beConnection(HboneExchange asked) {
    if (asked.request().check()) {
      Checkup.begin(path, pod, loop, asked);
      return;
    }
    path.accepted.increment();
    loop.began(pod, direction);
    new Connection(
            path,
            pod,
            loop,
            new Subject(pod.name, direction, asked.remoteAddress()),
            new Source(asked.peer().sharer(), true),
            asked,
            new StreamCaller(path, pod, loop, asked))
        .begin();
  }

  private void beConnection() {
    Connection connection;
    try {
      TcpChannel downstream = new TcpChannel(channel, pod.sockets);
      InetSocketAddress peer = channel.remoteAddress();
      connection =
          new Connection(
              path,
              pod,
              loop,
              new Subject(pod.name, direction, peer),
              path.source(peer.getAddress()),
              downstream,
              new SocketCaller(path, pod, loop, facts, refusal, channel.localAddress()));
      downstream.whenActive(connection::begin);
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

  /** Closes a socket that became nothing. */
  void abandon() {
    loop.ended(pod, direction);
    channel.unsafe().closeForcibly();
  }
}

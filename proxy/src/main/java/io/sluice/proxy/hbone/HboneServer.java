package io.sluice.proxy.hbone;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.util.concurrent.Future;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.limits.Places;
import io.sluice.proxy.limits.Share;
import io.sluice.proxy.limits.Source;
import io.sluice.proxy.socket.Timers;
import io.sluice.proxy.tls.FirstFlight;
import io.sluice.proxy.tls.TlsHandshake;
import io.sluice.proxy.tls.TlsIdentity;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.VerifiedPeer;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Serves HBONE for one pod on sockets that were accepted elsewhere, since listeners live inside
 * pods. Any thread.
 */
public final class HboneServer {
  /** Decides requests and leads them on. */
  public interface Requests {
    /** Called on the event loop of the connection: must not block; answers now or later. */
    void connect(HboneExchange exchange);
  }

  /** How often the time for a ClientHello begins anew while places are not short. */
  private static final int LONGEST_SILENCE = 5;

  private final NamespacedName pod;
  private final HboneSettings settings;
  private final HboneEvents events;
  private final Set<Serving> servings = ConcurrentHashMap.newKeySet();
  private final ServerRoom node;
  private final BufferBudget budget;
  private final ConcurrentMap<Object, Caller> callers = new ConcurrentHashMap<>();
  private final ServerRoom.OfPod room;
  private volatile boolean draining;

  /**
   * A server without connections.
   *
   * @param node shared with the servers of the node's other pods
   * @param budget of the pod, which what waits for it is counted for
   */
  public HboneServer(
      NamespacedName pod,
      HboneSettings settings,
      HboneEvents events,
      ServerRoom node,
      BufferBudget budget) {
    this.pod = pod;
    this.settings = settings;
    this.events = events;
    this.node = node;
    this.budget = budget;
    this.room = node.new OfPod();
  }

  /** Whether it holds as many connections as it may. */
  public boolean isFull() {
    return room.connections.isFull() || node.connections.isFull();
  }

  /**
   * Takes over an accepted socket, which is not registered with an event loop yet.
   *
   * @param identity of the pod whose listener accepted it
   * @param source whom it counts for until it has proven itself
   */
  public void serve(
      EpollSocketChannel channel,
      EventLoop loop,
      TlsIdentity identity,
      Source source,
      Requests requests) {
    Serving serving = new Serving(channel, identity, source, requests);
    servings.add(serving);
    channel.closeFuture().addListener(closed -> serving.gone());
    // As an initializer, so that it is in place before the first read.
    channel
        .pipeline()
        .addLast(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel registered) {
                serving.begin();
              }
            });
    loop.register(channel)
        .addListener(registered -> {
          if (!registered.isSuccess()) {
            channel.unsafe().closeForcibly();
          }
        });
  }

  /** Connections that stand or are in their handshake. */
  public int connections() {
    return servings.size();
  }

  /** Cuts the connections whose peers are on the deny list, or of a mesh not believed any more. */
  public void recheck() {
    servings.forEach(serving -> serving.channel.eventLoop().execute(serving::recheck));
  }

  /** Tells every peer to go elsewhere; streams that run go on, later sockets are served. */
  public void sendAway() {
    servings.forEach(serving -> serving.channel.eventLoop().execute(serving::sendAway));
  }

  /**
   * Tells every peer to go elsewhere, lets streams finish until {@code timeout} is over, then cuts
   * the rest. Later sockets are closed. Completes when nothing is left.
   */
  public CompletableFuture<Void> drain(Duration timeout) {
    draining = true;
    List<CompletableFuture<Void>> closing = new ArrayList<>();
    for (Serving serving : servings) {
      CompletableFuture<Void> closed = new CompletableFuture<>();
      serving.channel.closeFuture().addListener(done -> closed.complete(null));
      closing.add(closed);
      if (serving.channel.isRegistered()) {
        serving.channel.eventLoop().execute(() -> serving.drain(timeout));
      }
    }
    return CompletableFuture.allOf(closing.toArray(CompletableFuture[]::new));
  }

  /**
   * What the connections of one {@link VerifiedPeer#sharer} have in common.
   *
   * @param budget its part of the pod's, as large as another's however many connections
   */
  private record Caller(BufferBudget budget, int connections) {
    Caller plusOne() {
      return new Caller(budget, connections + 1);
    }

    @Nullable Caller minusOne() {
      return connections == 1 ? null : new Caller(budget, connections - 1);
    }
  }

  private BufferBudget budgetOf(VerifiedPeer peer) {
    Caller caller =
        callers.merge(peer.sharer(), new Caller(budget.part(), 1), (known, _) -> known.plusOne());
    return caller.budget;
  }

  /** One accepted socket: silent, then in its handshake, then a connection. */
  final class Serving implements TlsHandshake.Listener, HboneConnection.Owner {
    final EpollSocketChannel channel;
    final InetSocketAddress remote;
    private final TlsIdentity identity;
    private final Source source;
    private final Requests requests;
    private @Nullable Places<Serving> places;
    private @Nullable Future<?> patience;
    private @Nullable VerifiedPeer counted;
    private @Nullable HboneConnection connection;
    private boolean settled;

    Serving(EpollSocketChannel channel, TlsIdentity identity, Source source, Requests requests) {
      this.channel = channel;
      this.remote = channel.remoteAddress();
      this.identity = identity;
      this.source = source;
      this.requests = requests;
    }

    void begin() {
      if (draining) {
        channel.close();
        return;
      }
      take(room.handshakes(channel.eventLoop()).silent);
      waitForHello(LONGEST_SILENCE);
      channel.pipeline().addLast(new FirstFlight(this::spoke));
    }

    /** A slow machine is waited for, as long as nobody else needs the place. */
    private void waitForHello(int times) {
      patience =
          channel
              .eventLoop()
              .schedule(
                  () -> {
                    Places<Serving> silent = places;
                    if (times > 1 && silent != null && !silent.areShort()) {
                      waitForHello(times - 1);
                    } else {
                      refuse(TlsReason.SILENT);
                    }
                  },
                  settings.server().hello().toNanos(),
                  TimeUnit.NANOSECONDS);
    }

    private void spoke() {
      stopWaiting();
      leave();
      take(room.handshakes(channel.eventLoop()).begun);
      try {
        Http2Stack.configure(channel, settings);
        identity.accept(channel.alloc(), this).addTo(channel.pipeline());
      } catch (RuntimeException e) {
        failed(TlsReason.INTERNAL, e);
        channel.close();
      }
    }

    @Override
    public void verified(ChannelHandlerContext context, VerifiedPeer peer) {
      leave();
      if (!isCounted(peer)) {
        return;
      }
      BufferBudget own = budgetOf(peer);
      settled = true;
      events.opened(pod, HboneEvents.Side.SERVER, remote, peer);
      connection =
          Http2Stack.start(
              channel, settings, peer, own, this, () -> new ServerStream(settings, requests));
      recheck(); // list and roots may have changed since the certificate was looked at
    }

    private boolean isCounted(VerifiedPeer peer) {
      Share.Answer answer = node.connections.take(sharerOfNode(peer));
      if (answer == Share.Answer.TAKEN) {
        answer = room.connections.take(peer.sharer());
        if (answer == Share.Answer.TAKEN) {
          counted = peer;
          return true;
        }
        node.connections.leave(sharerOfNode(peer));
      }
      refuse(answer == Share.Answer.FULL ? TlsReason.CONNECTION_LIMIT : TlsReason.SOURCE_LIMIT);
      return false;
    }

    /** A pod with its callers; but those of another mesh are one whichever pods they call. */
    private Object sharerOfNode(VerifiedPeer peer) {
      return peer.isForeign() ? peer.sharer() : pod;
    }

    @Override
    public void failed(TlsReason reason, @Nullable Throwable cause) {
      if (!settled) {
        settled = true;
        events.handshakeFailed(pod, HboneEvents.Side.SERVER, remote, reason, cause);
      }
    }

    private void take(Places<Serving> wanted) {
      places = wanted;
      Serving late = wanted.take(this, source);
      if (late != null) {
        late.refuse(TlsReason.GAVE_WAY);
      }
    }

    private void leave() {
      Places<Serving> held = places;
      if (held != null) {
        places = null;
        held.leave(this);
      }
    }

    private void stopWaiting() {
      Timers.cancel(patience);
      patience = null;
    }

    /** With a reset: the kernel is to keep nothing of it either. */
    private void refuse(TlsReason reason) {
      failed(reason, null);
      try {
        channel.config().setSoLinger(0);
      } catch (ChannelException e) {
        // The socket has gone already, so there is nobody left to reset.
      }
      channel.close();
    }

    /** The socket is closed. */
    void gone() {
      if (patience != null) {
        failed(TlsReason.CONNECTION_LOST, null); // later on, TLS tells
      }
      stopWaiting();
      leave();
      VerifiedPeer peer = counted;
      if (peer != null) {
        counted = null;
        room.connections.leave(peer.sharer());
        node.connections.leave(sharerOfNode(peer));
        callers.computeIfPresent(peer.sharer(), (_, known) -> known.minusOne());
      }
      servings.remove(this);
    }

    void recheck() {
      HboneConnection served = connection;
      if (served != null && identity.rejects(served.peer)) {
        served.cut(ConnectionEnd.DENIED);
      }
    }

    void sendAway() {
      HboneConnection served = connection;
      if (served != null) {
        served.sendAway();
      }
    }

    void drain(Duration timeout) {
      HboneConnection served = connection;
      if (served != null) {
        served.drain(timeout);
      } else {
        channel.close();
      }
    }

    @Override
    public void closed(HboneConnection served, ConnectionEnd reason) {
      events.closed(pod, HboneEvents.Side.SERVER, remote, served.peer, reason);
    }
  }
}

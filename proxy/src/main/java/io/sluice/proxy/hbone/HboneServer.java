package io.sluice.proxy.hbone;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollSocketChannel;
import io.sluice.mesh.NamespacedName;
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
import java.util.concurrent.atomic.AtomicInteger;
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

  private final NamespacedName pod;
  private final HboneSettings settings;
  private final HboneEvents events;
  private final AtomicInteger handshakes = new AtomicInteger();
  private final Set<Serving> servings = ConcurrentHashMap.newKeySet();
  private volatile boolean draining;

  /** A server without connections. */
  public HboneServer(NamespacedName pod, HboneSettings settings, HboneEvents events) {
    this.pod = pod;
    this.settings = settings;
    this.events = events;
  }

  /** Whether it holds as many connections, or is in as many handshakes, as it may. */
  public boolean isFull() {
    return servings.size() >= settings.server().maxConnections()
        || handshakes.get() >= settings.server().maxHandshakes();
  }

  /**
   * Takes over an accepted socket, which is not registered with an event loop yet.
   *
   * @param identity of the pod whose listener accepted it
   */
  public void serve(
      EpollSocketChannel channel, EventLoop loop, TlsIdentity identity, Requests requests) {
    Serving serving = new Serving(channel, identity, requests);
    servings.add(serving);
    handshakes.incrementAndGet();
    channel
        .closeFuture()
        .addListener(closed -> {
          serving.handshakeEnded();
          servings.remove(serving);
        });
    // As an initializer, so that TLS is in place before the first read.
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

  /** Cuts the connections whose peers have come onto the deny list. */
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

  /** One accepted socket. */
  private final class Serving implements TlsHandshake.Listener, HboneConnection.Owner {
    final EpollSocketChannel channel;
    final InetSocketAddress remote;
    private final TlsIdentity identity;
    private final Requests requests;
    private @Nullable HboneConnection connection;
    private boolean handshakeEnded;

    Serving(EpollSocketChannel channel, TlsIdentity identity, Requests requests) {
      this.channel = channel;
      this.remote = channel.remoteAddress();
      this.identity = identity;
      this.requests = requests;
    }

    void begin() {
      if (draining) {
        channel.close();
        return;
      }
      try {
        Http2Stack.configure(channel);
        identity.accept(channel.alloc(), this).addTo(channel.pipeline());
      } catch (RuntimeException e) {
        events.handshakeFailed(pod, HboneEvents.Side.SERVER, remote, TlsReason.INTERNAL, e);
        channel.close();
      }
    }

    @Override
    public void verified(ChannelHandlerContext context, VerifiedPeer peer) {
      handshakeEnded();
      events.opened(pod, HboneEvents.Side.SERVER, remote, peer);
      connection =
          Http2Stack.server(
              channel,
              settings,
              peer,
              this,
              (within, stream) ->
                  new HboneStream(within, stream, new ServerStream(settings, requests)));
      recheck(); // the list may have changed since the certificate was looked at
    }

    @Override
    public void failed(ChannelHandlerContext context, TlsReason reason, @Nullable Throwable cause) {
      events.handshakeFailed(pod, HboneEvents.Side.SERVER, remote, reason, cause);
    }

    /** On the event loop of the socket, as every other look at it. */
    void handshakeEnded() {
      if (!handshakeEnded) {
        handshakeEnded = true;
        handshakes.decrementAndGet();
      }
    }

    void recheck() {
      HboneConnection served = connection;
      if (served != null && identity.denyList().denies(served.peer)) {
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

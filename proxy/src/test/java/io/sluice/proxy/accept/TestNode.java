package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.epoll.LinuxSocket;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TlsParameters;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.Family;
import io.sluice.proxy.LeakCounter;
import io.sluice.proxy.ListenerFd;
import io.sluice.proxy.PodListeners;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.hbone.ConnectionEnd;
import io.sluice.proxy.hbone.HboneEvents;
import io.sluice.proxy.tls.TlsIdentity;
import io.sluice.proxy.tls.TlsPolicy;
import io.sluice.proxy.tls.TlsReason;
import io.sluice.proxy.tls.TlsSettings;
import io.sluice.proxy.tls.TlsStack;
import io.sluice.proxy.tls.VerifiedPeer;
import io.sluice.proxy.tls.WorkloadCredentials;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The proxy of one node, with certificates; closing it asserts that nothing leaked. */
public class TestNode implements HboneEvents, AutoCloseable {
  static {
    LeakCounter.install();
  }

  /** Sockets of its pods, and where they were going to. */
  public final FakePodSockets sockets = new FakePodSockets();

  final Recorder recorder = new Recorder();
  final Queue<TlsReason> refusedHandshakes = new ConcurrentLinkedQueue<>();
  final Queue<ConnectionEnd> ends = new ConcurrentLinkedQueue<>();
  final AtomicInteger shared = new AtomicInteger();
  TlsSettings handshakes = TlsSettings.DEFAULTS;
  volatile TlsParameters parameters = TlsParameters.DEFAULTS;
  volatile int receiveBufferBytes; // of what is accepted; 0 is the kernel's choice
  final Proxy proxy;
  private final TlsStack stack;
  private final Map<SpiffeId, TlsIdentity> identities = new ConcurrentHashMap<>();
  private final Queue<TlsIdentity> made = new ConcurrentLinkedQueue<>();
  private volatile MeshSnapshot snapshot = MeshSnapshot.EMPTY;

  /** One that knows nothing yet. */
  public TestNode(TlsStack stack, ProxySettings settings) {
    this.stack = stack;
    this.proxy =
        new Proxy(
            settings,
            sockets,
            identity -> Optional.ofNullable(identities.get(identity)),
            recorder,
            this);
  }

  /** Decides by this from now on. */
  public void publish(MeshSnapshot next) {
    snapshot = next;
    proxy.publish(next);
  }

  /** Lets the workloads of {@code identity} prove themselves with these credentials. */
  public void has(SpiffeId identity, WorkloadCredentials credentials) {
    TlsPolicy denied =
        new TlsPolicy() {
          @Override
          public boolean denies(VerifiedPeer peer) {
            return peer.isDeniedBy(snapshot.settings().denied());
          }

          @Override
          public TlsParameters parameters() {
            return parameters;
          }
        };
    TlsIdentity end = new TlsIdentity(stack, () -> credentials, denied, handshakes);
    made.add(end);
    identities.put(identity, end);
  }

  /** Nobody here has a certificate any more. */
  void hasNothing() {
    identities.clear();
  }

  /** Serves one listener; what it accepts was going to {@code destination}. */
  public InetSocketAddress serve(
      NamespacedName pod,
      Direction direction,
      InetSocketAddress bind,
      InetSocketAddress destination) {
    sockets.redirect(pod, direction, destination);
    return serve(pod, direction, bind);
  }

  /** Serves one listener and returns its address. */
  public final InetSocketAddress serve(
      NamespacedName pod, Direction direction, InetSocketAddress bind) {
    try {
      boolean v6 = Family.of(bind.getAddress()) == Family.IPV6;
      LinuxSocket socket = LinuxSocket.newSocketStream(v6);
      socket.setReuseAddress(true);
      if (receiveBufferBytes > 0) {
        socket.setReceiveBufferSize(receiveBufferBytes);
      }
      socket.bind(bind);
      socket.listen(1_024);
      InetSocketAddress bound = socket.localAddress();
      proxy
          .serve(new PodListeners(pod, List.of(new ListenerFd(socket.intValue(), direction))))
          .join();
      return bound;
    } catch (IOException e) {
      throw new UncheckedIOException(pod + " at " + bind, e);
    }
  }

  @Override
  public void opened(NamespacedName pod, Side side, InetSocketAddress remote, VerifiedPeer peer) {
    shared.incrementAndGet();
  }

  @Override
  public void handshakeFailed(
      NamespacedName pod,
      Side side,
      InetSocketAddress remote,
      TlsReason reason,
      @Nullable Throwable causeOrNull) {
    refusedHandshakes.add(reason);
  }

  @Override
  public void closed(
      NamespacedName pod,
      Side side,
      InetSocketAddress remote,
      VerifiedPeer peer,
      ConnectionEnd reason) {
    shared.decrementAndGet();
    ends.add(reason);
  }

  @Override
  public void close() {
    proxy.close();
    assertThat(proxy.path.live.get()).as("live connections after close").isZero();
    assertThat(proxy.path.budget.held()).as("buffered bytes after close").isZero();
    assertThat(shared).as("HBONE connections after close").hasValue(0);
    made.forEach(TlsIdentity::close);
    LeakCounter.assertAllFreed(proxy.path.allocator.metric());
  }
}

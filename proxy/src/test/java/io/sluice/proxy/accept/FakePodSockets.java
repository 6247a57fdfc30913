package io.sluice.proxy.accept;

import io.netty.channel.epoll.LinuxSocket;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.AcceptedFacts;
import io.sluice.proxy.Family;
import io.sluice.proxy.PodSockets;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Sockets on the plain loopback interface; the destination is set per pod and direction. */
public final class FakePodSockets implements PodSockets {
  record Key(NamespacedName pod, Direction direction) {}

  record Opened(NamespacedName inside, Optional<Application> application) {}

  final Map<Key, AcceptedFacts> facts = new ConcurrentHashMap<>();
  final Queue<Opened> opened = new ConcurrentLinkedQueue<>();
  volatile Supplier<CompletableFuture<Integer>> opener = CompletableFuture::new;
  volatile @Nullable InetSocketAddress pathCheckFrom;
  volatile boolean usesOpener;
  volatile boolean leadsPast;
  volatile @Nullable InetAddress unreachable;
  final Set<NamespacedName> cutOff = ConcurrentHashMap.newKeySet(); // by their own network
  volatile int sendBufferBytes;

  /** What {@code pod}'s listener accepts next was going there. */
  public void redirect(NamespacedName pod, Direction direction, InetSocketAddress destination) {
    facts.put(new Key(pod, direction), new AcceptedFacts(destination, true));
  }

  @Override
  public AcceptedFacts accepted(NamespacedName pod, Direction direction, int fd) {
    return facts.getOrDefault(new Key(pod, direction), new AcceptedFacts(null, true));
  }

  @Override
  public boolean isPathCheck(
      NamespacedName pod, Direction direction, int fd, InetSocketAddress peer) {
    return peer.equals(pathCheckFrom);
  }

  @Override
  public boolean canLeadPast(
      NamespacedName caller, NamespacedName callee, InetSocketAddress destination) {
    return leadsPast;
  }

  @Override
  public CompletableFuture<Integer> open(
      NamespacedName inside, InetAddress destination, Optional<Application> application) {
    opened.add(new Opened(inside, application));
    if (destination.equals(unreachable) || cutOff.contains(inside)) {
      return new CompletableFuture<>();
    }
    if (usesOpener) {
      return opener.get();
    }
    LinuxSocket socket = LinuxSocket.newSocketStream(Family.of(destination) == Family.IPV6);
    if (sendBufferBytes > 0) {
      try {
        socket.setSendBufferSize(sendBufferBytes);
      } catch (IOException e) {
        return CompletableFuture.failedFuture(e);
      }
    }
    return CompletableFuture.completedFuture(socket.intValue());
  }
}

package io.sluice.interception;

import io.sluice.interception.maps.SocketStateValue;
import io.sluice.linux.bpf.SocketStorage;
import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.AcceptedFacts;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Facts from the storage of the sockets themselves, where the hooks wrote them. */
record EbpfSocketFacts(SocketStorage<SocketStateValue> states) implements SocketFacts {
  @Override
  public AcceptedFacts accepted(PodPlacement pod, Direction direction, int fd) {
    Optional<SocketStateValue> stored = states.lookup(fd);
    if (stored.isEmpty()) {
      return new AcceptedFacts(null, true);
    }
    SocketStateValue state = stored.get();
    boolean rightNamespace = state.netnsCookie() == pod.cookie();
    return new AcceptedFacts(originalDestinationOrNull(direction, fd, state), rightNamespace);
  }

  private static @Nullable InetSocketAddress originalDestinationOrNull(
      Direction direction, int fd, SocketStateValue state) {
    if (direction == Direction.OUTBOUND
        && state.role() == SocketStateValue.ROLE_OUTBOUND_ACCEPTED) {
      return state.peer();
    }
    if (direction == Direction.INBOUND && state.role() == SocketStateValue.ROLE_INBOUND_ACCEPTED) {
      // Steered without translation: its own address is the original destination.
      return Sockets.localAddress(fd);
    }
    return null;
  }

  /** What leads to no application the hooks know by the proxy's cgroup. */
  @Override
  public void prepare(int fd, PodPlacement inside, Optional<Shown> shown) {
    shown.ifPresent(to ->
        states.put(
            fd,
            new SocketStateValue(
                to.pod().cookie(),
                to.client(),
                SocketStateValue.ROLE_PROXY,
                to.pod().cookie() == inside.cookie()
                    ? SocketStateValue.FLAG_PRESENTS_CLIENT
                    : SocketStateValue.FLAG_PRESENTS_CLIENT | SocketStateValue.FLAG_LED_PAST,
                Direction.INBOUND)));
  }

  /** Steering knows what it may let through by the tuple that the hooks write down. */
  @Override
  public boolean canLeadPast(PodPlacement caller, PodPlacement callee) {
    return true;
  }

  /** Steering changes no source. */
  @Override
  public Optional<InetSocketAddress> untranslatedSource(
      InetSocketAddress local, InetSocketAddress peer) {
    return Optional.empty();
  }

  /** The hook names the peer, wherever it is. */
  @Override
  public boolean canShowClientAt(InetAddress address) {
    return true;
  }

  @Override
  public void preparePathCheck(int fd, PodPlacement pod, Direction direction) {
    states.put(
        fd,
        new SocketStateValue(pod.cookie(), null, SocketStateValue.ROLE_PATH_CHECK, 0, direction));
  }

  /** The hook rewrites the address before a route is looked for. */
  @Override
  public boolean stayOnLoopback(Sockets.Family family) {
    return true;
  }
}

package io.sluice.interception;

import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.AcceptedFacts;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongPredicate;

/**
 * Facts while pods change from one mechanism to another: what is accepted there may have been sent
 * by either, or by both in turn. Rules come first on the way into a pod and programs last, so a
 * translation tells the true destination even of what was steered after it.
 */
final class ChangingSocketFacts implements SocketFacts {
  private final SocketFacts own;
  private final SocketFacts translated = new IptablesSocketFacts(true, _ -> false);
  private final Optional<SocketFacts> stored;
  private final Set<Long> changing;
  private final LongPredicate stillSteered;

  /**
   * @param stored what programs wrote down, where it can be read
   * @param changing cookies of the pods that change, as they are at the time of asking
   * @param stillSteered whether programs still take what comes for a pod that goes over to rules:
   *     from another address than the pod's own they would take the proxy's connections too
   */
  ChangingSocketFacts(
      SocketFacts own,
      Optional<SocketFacts> stored,
      Set<Long> changing,
      LongPredicate stillSteered) {
    this.own = own;
    this.stored = stored;
    this.changing = changing;
    this.stillSteered = stillSteered;
  }

  @Override
  public AcceptedFacts accepted(PodPlacement pod, Direction direction, int fd) {
    if (!changing.contains(pod.cookie())) {
      return own.accepted(pod, direction, fd);
    }
    AcceptedFacts byRules = translated.accepted(pod, direction, fd);
    return byRules.originalDestination().isPresent() || stored.isEmpty()
        ? byRules
        : stored.get().accepted(pod, direction, fd);
  }

  @Override
  public Optional<InetSocketAddress> untranslatedSource(
      InetSocketAddress local, InetSocketAddress peer) {
    return (changing.isEmpty() ? own : translated).untranslatedSource(local, peer);
  }

  /** Both must know the proxy's sockets: rules may tell them by a mark. */
  @Override
  public void prepare(
      int fd, PodPlacement pod, Optional<InetSocketAddress> presentedClient, boolean inbound) {
    if (changing.contains(pod.cookie())) {
      translated.prepare(fd, pod, presentedClient, inbound);
    }
    // Last: it may need a mark of its own.
    own.prepare(fd, pod, presentedClient.filter(_ -> !stillSteered.test(pod.cookie())), inbound);
  }

  @Override
  public boolean canShowClientAt(InetAddress address) {
    return own.canShowClientAt(address);
  }

  @Override
  public void preparePathCheck(int fd, PodPlacement pod, Direction direction) {
    own.preparePathCheck(fd, pod, direction);
  }

  @Override
  public boolean stayOnLoopback(Sockets.Family family) {
    return own.stayOnLoopback(family);
  }
}

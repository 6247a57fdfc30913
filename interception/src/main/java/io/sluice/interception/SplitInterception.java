package io.sluice.interception;

import io.sluice.interception.maps.CounterKey;
import io.sluice.interception.maps.DatagramPeerValue;
import io.sluice.interception.maps.EventValue;
import io.sluice.linux.bpf.RingBuffer;
import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.AcceptedFacts;
import io.sluice.proxy.ListenerFd;
import io.sluice.proxy.PodListeners;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Programs for what leaves the pods, rules for what arrives: for kernels that refuse only the
 * steering program. What loops without it does not loop here: the hooks know the proxy's sockets by
 * their cgroup, and what the proxy sends to the application arrives over loopback, which the rules
 * leave alone whichever of the pod's addresses it has.
 */
public final class SplitInterception implements Interception {
  private final EbpfInterception outbound;
  private final IptablesInterception inbound;
  private final SocketFacts facts;

  /**
   * Facts by direction. The proxy's own sockets are outbound ones, so they are prepared as the
   * outbound mechanism wants them.
   */
  private record Facts(SocketFacts outbound, SocketFacts inbound) implements SocketFacts {
    @Override
    public AcceptedFacts accepted(PodPlacement pod, Direction direction, int fd) {
      return (direction == Direction.OUTBOUND ? outbound : inbound).accepted(pod, direction, fd);
    }

    @Override
    public Optional<InetSocketAddress> untranslatedSource(
        InetSocketAddress local, InetSocketAddress peer) {
      return inbound.untranslatedSource(local, peer);
    }

    @Override
    public void prepare(int fd, PodPlacement inside, Optional<Shown> shown) {
      outbound.prepare(fd, inside, shown);
    }

    @Override
    public boolean canShowClientAt(InetAddress address) {
      return outbound.canShowClientAt(address);
    }

    @Override
    public void preparePathCheck(int fd, PodPlacement pod, Direction direction) {
      (direction == Direction.OUTBOUND ? outbound : inbound).preparePathCheck(fd, pod, direction);
    }

    /** Asked of outbound checks: an inbound one comes from the node. */
    @Override
    public boolean stayOnLoopback(Sockets.Family family) {
      return outbound.stayOnLoopback(family);
    }
  }

  /** Owns both; each must be made for its direction alone. */
  public SplitInterception(EbpfInterception outbound, IptablesInterception inbound) {
    this.outbound = outbound;
    this.inbound = inbound;
    this.facts = new Facts(outbound.sockets(), inbound.sockets());
  }

  @Override
  public Mechanism mechanism() {
    return Mechanism.SPLIT;
  }

  @Override
  public String understanding() {
    return outbound.understanding() + "; " + inbound.understanding();
  }

  @Override
  public void begin() {
    outbound.begin();
  }

  @Override
  public SocketFacts sockets() {
    return facts;
  }

  @Override
  public int knowPeers(Map<InetAddress, DatagramPeerValue> peers, boolean complete) {
    return outbound.knowPeers(peers, complete);
  }

  @Override
  public List<Long> leftBehind() {
    return Stream.concat(outbound.leftBehind().stream(), inbound.leftBehind().stream())
        .distinct()
        .toList();
  }

  @Override
  public boolean wasInForce(long cookie) {
    return outbound.wasInForce(cookie) && inbound.wasInForce(cookie);
  }

  @Override
  public Optional<NamespacedName> nameOf(long cookie) {
    return outbound.nameOf(cookie).or(() -> inbound.nameOf(cookie));
  }

  @Override
  public PodListeners prepare(PodPlacement pod) {
    PodListeners leaving = outbound.prepare(pod);
    try {
      List<ListenerFd> both = new ArrayList<>(leaving.listeners());
      both.addAll(inbound.prepare(pod).listeners());
      return new PodListeners(pod.name(), both);
    } catch (RuntimeException e) {
      PodListenerSockets.close(leaving.listeners());
      throw e;
    }
  }

  /**
   * Inbound first, as ever, but for a pod that has rules already: they may be for both directions,
   * and applying the inbound ones takes the others away. A steering program that an earlier daemon
   * left refuses everything and goes last.
   */
  @Override
  public void activate(PodPlacement pod) {
    if (inbound.leftBehind().contains(pod.cookie())) {
      outbound.activate(pod);
      inbound.activate(pod);
    } else {
      boolean wasInForce = inbound.wasInForce(pod.cookie());
      inbound.activate(pod);
      try {
        outbound.activate(pod);
      } catch (RuntimeException e) {
        if (!wasInForce) {
          inbound.release(pod.cookie()); // or the next try would take the pod for one that was
        }
        throw e;
      }
    }
    outbound.retireSteering(pod.cookie());
  }

  @Override
  public void update(PodPlacement pod) {
    inbound.update(pod);
    outbound.update(pod);
  }

  @Override
  public boolean redirects(Sockets.Family family) {
    return outbound.redirects(family) && inbound.redirects(family);
  }

  @Override
  public Optional<String> nodeProblem() {
    return outbound.nodeProblem();
  }

  @Override
  public void repairNode() {
    outbound.repairNode();
  }

  @Override
  public Optional<String> problem(PodPlacement pod) {
    return outbound.problem(pod).or(() -> inbound.problem(pod));
  }

  @Override
  public void repair(PodPlacement pod, Consumer<PodListeners> serve) {
    inbound.repair(pod, serve);
    outbound.repair(pod, serve);
  }

  @Override
  public void abandon(long cookie) {
    inbound.abandon(cookie);
    outbound.abandon(cookie);
  }

  @Override
  public void release(long cookie) {
    outbound.release(cookie);
    inbound.release(cookie);
  }

  @Override
  public Set<Long> translating() {
    return Stream.concat(outbound.translating().stream(), inbound.translating().stream())
        .collect(Collectors.toUnmodifiableSet());
  }

  /** Inbound counters that an earlier daemon left in the maps go on where they were. */
  @Override
  public List<VerdictCount> verdicts() {
    Map<CounterKey, Long> counts = new HashMap<>();
    Stream.concat(outbound.verdicts().stream(), inbound.verdicts().stream())
        .forEach(verdict -> counts.merge(verdict.key(), verdict.count(), Long::sum));
    return counts.entrySet().stream()
        .map(count -> new VerdictCount(count.getKey(), count.getValue()))
        .toList();
  }

  @Override
  public List<DatagramCount> datagrams() {
    return outbound.datagrams();
  }

  @Override
  public Map<String, Long> losses() {
    return outbound.losses();
  }

  @Override
  public void readEvents(Consumer<EventValue> consumer, RingBuffer.Ending ending) {
    outbound.readEvents(consumer, ending);
  }

  @Override
  public void close() {
    inbound.close();
    outbound.close();
  }
}

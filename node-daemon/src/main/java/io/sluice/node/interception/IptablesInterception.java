package io.sluice.node.interception;

import io.sluice.iptables.CountedVerdict;
import io.sluice.iptables.IptablesBackend;
import io.sluice.iptables.PodRedirection;
import io.sluice.iptables.PodTraffic;
import io.sluice.iptables.ProbeAnswer;
import io.sluice.iptables.RedirectionException;
import io.sluice.iptables.RulesetGeneration;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.node.maps.CounterKey;
import io.sluice.proxy.ListenerFd;
import io.sluice.proxy.PodListeners;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * Interception by iptables inside each pod. Rules stay when the daemon dies: with no listener
 * behind them new connections are refused by the kernel.
 */
public final class IptablesInterception implements Interception {
  private static final System.Logger LOG = System.getLogger(IptablesInterception.class.getName());
  private static final int BACKLOG = 4096;

  private final NetworkNamespaces namespaces;
  private final NetnsThread namespaceThread;
  private final IptablesBackend backend;
  private final EnrolledRecords records;
  private final SocketFacts facts = new IptablesSocketFacts(new NodeAddresses());
  private final Map<Long, Active> pods = new ConcurrentHashMap<>();

  /** A pod whose listeners are open. */
  private record Active(
      PodPlacement placement,
      PodRedirection redirection,
      RulesetGeneration generation,
      AtomicReference<OptionalInt> intactAt) {

    /** Asks the kernel for a number, and runs programs only when it has changed. */
    boolean isIntact() {
      OptionalInt now = redirection.isNftables() ? generation.current() : OptionalInt.empty();
      if (now.isPresent() && now.equals(intactAt.get())) {
        return true;
      }
      boolean intact = redirection.isIntact();
      intactAt.set(intact ? now : OptionalInt.empty());
      return intact;
    }

    void close() {
      redirection.close();
      generation.close();
    }
  }

  /**
   * Changes nothing yet.
   *
   * @param records directory that outlives the daemon but not the boot
   */
  public IptablesInterception(
      NetworkNamespaces namespaces,
      NetnsThread namespaceThread,
      IptablesBackend backend,
      Path records) {
    this.namespaces = namespaces;
    this.namespaceThread = namespaceThread;
    this.backend = backend;
    this.records = new EnrolledRecords(records);
  }

  @Override
  public Mechanism mechanism() {
    return Mechanism.IPTABLES;
  }

  @Override
  public SocketFacts sockets() {
    return facts;
  }

  @Override
  public List<Long> leftBehind() {
    return records.cookies();
  }

  @Override
  public Optional<NamespacedName> nameOf(long cookie) {
    return records.read(cookie).map(EnrolledRecords.Enrolled::pod);
  }

  @Override
  public PodListeners prepare(PodPlacement pod) {
    List<ListenerFd> opened = new ArrayList<>();
    try {
      for (Direction direction : Direction.values()) {
        for (Family family : Family.values()) {
          if (family == Family.IPV4 || pod.network().ipv6()) {
            opened.add(new ListenerFd(listen(pod, direction, family), direction));
          }
        }
      }
    } catch (RuntimeException e) {
      opened.forEach(listener -> Sockets.close(listener.fd()));
      throw e;
    }
    Active before =
        pods.put(
            pod.cookie(),
            new Active(
                pod,
                new PodRedirection(pod.netns(), backend),
                RulesetGeneration.open(namespaces, pod.netns()),
                new AtomicReference<>(OptionalInt.empty())));
    if (before != null) {
      before.close();
    }
    return new PodListeners(pod.name(), opened);
  }

  private int listen(PodPlacement pod, Direction direction, Family family) {
    // Redirected packets arrive at an address of the pod, in both directions.
    InetAddress address = InetAddress.ofLiteral(family == Family.IPV4 ? "0.0.0.0" : "::");
    int port = direction == Direction.OUTBOUND ? MeshPorts.OUTBOUND : MeshPorts.INBOUND;
    try {
      int listener =
          namespaceThread
              .submit(pod.netns(), () -> Sockets.listenTcp(address, port, BACKLOG))
              .join();
      if (Sockets.netnsCookie(listener) != pod.cookie()) {
        Sockets.close(listener);
        throw new InterceptionException(
            "listener for pod " + pod.name() + " was made in another network namespace",
            "the namespace changed while the pod was enrolled; it is tried again");
      }
      return listener;
    } catch (CompletionException e) {
      if (e.getCause() instanceof LinuxException linux && linux.errno() == Errno.EADDRINUSE) {
        throw new InterceptionException(
            "port " + port + " is taken inside pod " + pod.name(),
            "iptables mode needs it: move the application to another port, or use eBPF mode");
      }
      throw e;
    }
  }

  @Override
  public void activate(PodPlacement pod) {
    Active active = pods.get(pod.cookie());
    if (active == null) {
      throw new IllegalStateException("pod " + pod.name() + " was not prepared");
    }
    records.write(pod.name(), pod.path(), pod.cookie());
    active.redirection.apply(traffic(pod));
  }

  @Override
  public void update(PodPlacement pod) {
    Active active = pods.get(pod.cookie());
    if (active == null) {
      throw new IllegalStateException("pod " + pod.name() + " is not active");
    }
    active.redirection.apply(traffic(pod));
    pods.put(pod.cookie(), new Active(pod, active.redirection, active.generation, active.intactAt));
  }

  @Override
  public boolean redirects(Family family) {
    return backend.ability(family) == ProbeAnswer.Ability.REDIRECTS;
  }

  @Override
  public Optional<String> problem(PodPlacement pod) {
    Active active = pods.get(pod.cookie());
    return active == null || !active.isIntact()
        ? Optional.of("its rules were flushed, changed or moved from first place")
        : Optional.empty();
  }

  @Override
  public void repair(PodPlacement pod, Consumer<PodListeners> serve) {
    update(pod);
  }

  private static PodTraffic traffic(PodPlacement pod) {
    PodNetwork network = pod.network();
    return new PodTraffic(
        pod.settings(),
        network.primary(),
        network.own(),
        network.excludedAddresses(),
        network.excludedRanges(),
        network.excludedInterfaces(),
        network.otherInterfaces(),
        pod.permissive(),
        true,
        network.ipv6(),
        MeshPorts.OUTBOUND,
        MeshPorts.INBOUND);
  }

  @Override
  public void abandon(long cookie) {
    Active active = pods.remove(cookie);
    if (active == null) {
      return;
    }
    if (records.read(cookie).isEmpty()) {
      active.redirection.remove(); // never in force; what an earlier daemon left stays: refused
    }
    active.close();
  }

  @Override
  public void release(long cookie) {
    Active active = pods.get(cookie);
    try {
      if (active != null) {
        active.redirection.remove();
      } else {
        removeLeftover(cookie);
      }
    } catch (LinuxException | RedirectionException e) {
      // The record stays: without it nobody would ever look for these rules again.
      throw new InterceptionException(
          "rules of namespace " + Long.toUnsignedString(cookie) + " not removed: " + e.getMessage(),
          "it is tried again; `sluice node cleanup` does so too");
    }
    if (active != null) {
      pods.remove(cookie);
      active.close();
    }
    records.remove(cookie);
  }

  /** Rules of an earlier daemon: the namespace may have gone, or its path may lead elsewhere. */
  private void removeLeftover(long cookie) {
    Optional<EnrolledRecords.Enrolled> record = records.read(cookie);
    if (record.isEmpty()) {
      return;
    }
    try (NetnsHandle namespace = namespaces.open(record.get().path())) {
      if (namespace.cookie() == cookie) {
        new PodRedirection(namespace, backend).remove();
      }
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT && e.errno() != Errno.EINVAL) {
        throw e;
      } // else its rules have gone with it
    }
  }

  @Override
  public List<VerdictCount> verdicts() {
    List<VerdictCount> counts = new ArrayList<>();
    pods.forEach((cookie, active) -> {
      try {
        active.redirection.verdicts().forEach(verdict -> counts.add(count(cookie, verdict)));
      } catch (LinuxException | RedirectionException e) {
        LOG.log(System.Logger.Level.DEBUG, "verdicts_not_read netns_cookie=" + cookie, e);
      }
    });
    return counts;
  }

  private static VerdictCount count(long cookie, CountedVerdict verdict) {
    return new VerdictCount(
        new CounterKey(
            cookie,
            verdict.direction(),
            verdict.family() == Family.IPV4 ? 4 : 6,
            verdict.outcome(),
            verdict.reason()),
        verdict.count());
  }

  @Override
  public void close() {
    pods.values().forEach(Active::close);
  }
}

package io.sluice.interception;

import io.sluice.interception.RulesInForce.MeshAddresses;
import io.sluice.interception.RulesInForce.PresentedClients;
import io.sluice.interception.maps.CounterKey;
import io.sluice.interception.maps.DatagramPeerValue;
import io.sluice.iptables.ClientAddresses.ShownClients;
import io.sluice.iptables.CountedVerdict;
import io.sluice.iptables.IptablesBackend;
import io.sluice.iptables.PodRedirection;
import io.sluice.iptables.ProbeAnswer;
import io.sluice.iptables.RedirectionException;
import io.sluice.iptables.RulesetGeneration;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.FailMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ListenerFd;
import io.sluice.proxy.PodListeners;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Interception by iptables inside each pod. Rules stay when the daemon dies: with no listener
 * behind them new connections are refused by the kernel.
 */
public final class IptablesInterception implements Interception {
  private static final System.Logger LOG = System.getLogger(IptablesInterception.class.getName());

  /**
   * A container runtime ends a pod's namespace soon after its network, and the rules with it; to
   * take them away one by one keeps pods that start meanwhile waiting for some 200 ms.
   */
  private static final Duration LEAST_LEFT = Duration.ofSeconds(1);

  private final NetworkNamespaces namespaces;
  private final PodListenerSockets listeners;
  private final IptablesBackend backend;
  private final EnrolledRecords records;
  private final NamespaceSearch everywhere;
  private final Set<Direction> directions;
  private final SocketFacts facts;
  private final PresentedClients clients;
  private final Map<Long, RulesInForce> pods = new ConcurrentHashMap<>();
  private final Map<Long, Long> translating = new ConcurrentHashMap<>(); // nanoTime when it left
  private volatile MeshAddresses peers = MeshAddresses.NONE;

  /**
   * Changes nothing yet.
   *
   * @param inherited listeners that are used before new ones are made
   * @param records directory that outlives the daemon but not the boot
   * @param everywhere where namespaces of earlier enrolment are searched
   * @param directions both, or inbound alone where something else takes what leaves
   */
  public IptablesInterception(
      NetworkNamespaces namespaces,
      NetnsThread namespaceThread,
      InheritedListeners inherited,
      IptablesBackend backend,
      Path records,
      NamespaceSearch everywhere,
      Set<Direction> directions) {
    this.namespaces = namespaces;
    this.listeners = new PodListenerSockets(namespaceThread, inherited);
    this.backend = backend;
    this.clients = new PresentedClients(namespaces);
    this.facts = new IptablesSocketFacts(backend.believesMarks(), clients::isPossible);
    this.records = new EnrolledRecords(records);
    this.everywhere = everywhere;
    this.directions = Set.copyOf(directions);
    long longAgo = System.nanoTime() - LEAST_LEFT.toNanos();
    // By a daemon that ended before they were idle.
    this.records.left().forEach(cookie -> translating.put(cookie, longAgo));
  }

  @Override
  public Mechanism mechanism() {
    return Mechanism.IPTABLES;
  }

  @Override
  public String understanding() {
    return mechanism().label()
        + ", own sockets by "
        + (backend.believesMarks() ? "mark" : "cgroup");
  }

  @Override
  public SocketFacts sockets() {
    return facts;
  }

  @Override
  public int knowPeers(Map<InetAddress, DatagramPeerValue> known, boolean complete) {
    Set<InetAddress> all = new HashSet<>(known.keySet());
    if (!complete) {
      all.addAll(peers.all());
    }
    MeshAddresses now = new MeshAddresses(Set.copyOf(all), complete);
    if (!now.equals(peers)) {
      peers = now;
    }
    return 0;
  }

  @Override
  public List<Long> leftBehind() {
    return records.cookies().stream().filter(cookie -> !translating.containsKey(cookie)).toList();
  }

  @Override
  public boolean wasInForce(long cookie) {
    return records.wasInForce(cookie);
  }

  @Override
  public Optional<NamespacedName> nameOf(long cookie) {
    return records.read(cookie).map(EnrolledRecords.Enrolled::pod);
  }

  @Override
  public PodListeners prepare(PodPlacement pod) {
    // Redirected packets arrive at an address of the pod, in both directions.
    List<ListenerFd> opened = listeners.onEveryAddress(pod, directions);
    RulesInForce before;
    try {
      before = pods.put(pod.cookie(), rulesOf(pod, opened));
    } catch (RuntimeException e) {
      PodListenerSockets.close(opened);
      throw e;
    }
    if (before != null) {
      before.close();
    }
    return new PodListeners(pod.name(), opened);
  }

  private RulesInForce rulesOf(PodPlacement pod, List<ListenerFd> opened) {
    RulesetGeneration generation = RulesetGeneration.open(namespaces, pod.netns());
    try {
      return new RulesInForce(
          records,
          clients,
          new PodRedirection(pod.netns(), backend),
          generation,
          ShownClients.open(namespaces, pod.netns()),
          () -> peers,
          directions,
          opened,
          pod);
    } catch (RuntimeException e) {
      generation.close();
      throw e;
    }
  }

  @Override
  public void activate(PodPlacement pod) {
    RulesInForce active = pods.get(pod.cookie());
    if (active == null) {
      throw new IllegalStateException("pod " + pod.name() + " was not prepared");
    }
    if (pod.settings().openings().fail() == FailMode.OPEN) {
      LOG.log(
          System.Logger.Level.WARNING,
          "fail_open_without_effect pod={0} problem={1}",
          pod.name(),
          "rules cannot tell whether a daemon runs, so they refuse without one; use eBPF");
    }
    active.begin();
    translating.remove(pod.cookie()); // not before: where it fails, they go on by what was there
  }

  @Override
  public void update(PodPlacement pod) {
    RulesInForce active = pods.get(pod.cookie());
    if (active == null) {
      throw new IllegalStateException("pod " + pod.name() + " is not active");
    }
    active.update(pod);
  }

  @Override
  public boolean redirects(Family family) {
    return backend.ability(family) == ProbeAnswer.Ability.REDIRECTS;
  }

  @Override
  public Optional<String> problem(PodPlacement pod) {
    RulesInForce active = pods.get(pod.cookie());
    if (active != null) {
      active.followPeers();
    }
    if (active == null || !active.isIntact()) {
      return Optional.of("its rules were flushed, changed or moved from first place");
    }
    return active.showsClientsAsRaised()
        ? Optional.empty()
        : Optional.of("what shows its application the true client was taken away");
  }

  @Override
  public void repair(PodPlacement pod, Consumer<PodListeners> serve) {
    update(pod);
  }

  @Override
  public void abandon(long cookie) {
    RulesInForce active = pods.remove(cookie);
    if (active == null) {
      return;
    }
    try {
      if (wasNeverInForce(cookie)) {
        active.remove();
        records.remove(cookie);
      } // else it stays: refused
    } finally {
      active.close();
    }
  }

  /** Not what may have been, nor what another node or connections from before still need. */
  private boolean wasNeverInForce(long cookie) {
    if (records.isHeldByAnother(cookie)) {
      return false;
    }
    return records
        .read(cookie)
        .map(record -> !record.inForce() && !translating.containsKey(cookie))
        .orElseGet(() -> !records.cookies().contains(cookie));
  }

  @Override
  public void release(long cookie) {
    RulesInForce active = pods.get(cookie);
    if (active == null && hasJustLeft(cookie)) {
      return; // and is released again
    }
    try {
      if (active != null) {
        active.detach();
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
      translating.put(cookie, System.nanoTime());
      records.leave(cookie); // by which a later daemon finds what is left
      return;
    }
    translating.remove(cookie);
    records.remove(cookie);
  }

  private boolean hasJustLeft(long cookie) {
    Long left = translating.get(cookie);
    return left != null && System.nanoTime() - left < LEAST_LEFT.toNanos();
  }

  @Override
  public Set<Long> translating() {
    return Set.copyOf(translating.keySet());
  }

  /**
   * Rules of an earlier daemon, unless another node has the pod in force by them too. The recorded
   * path may have gone or lead elsewhere, while another one still leads there; without any the
   * namespace has gone, and its rules with it.
   */
  private void removeLeftover(long cookie) {
    if (records.isHeldByAnother(cookie)) {
      return;
    }
    Optional<NetnsHandle> found =
        records
            .read(cookie)
            .map(record -> everywhere.find(record.path(), cookie))
            .orElseGet(() -> everywhere.withCookie(cookie));
    if (found.isPresent()) {
      try (NetnsHandle namespace = found.get()) {
        new PodRedirection(namespace, backend).remove();
        clients.lower(cookie, namespace);
        SpreadPods.gather(namespaces, namespace); // of connect hooks before the rules
      }
    }
  }

  @Override
  public List<VerdictCount> verdicts() {
    List<VerdictCount> counts = new ArrayList<>();
    pods.forEach((cookie, active) -> {
      try {
        active.verdicts().forEach(verdict -> counts.add(count(cookie, verdict)));
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
    pods.values().forEach(RulesInForce::close);
  }
}

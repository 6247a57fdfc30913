package io.sluice.interception;

import io.sluice.interception.PassedTrial.BootId;
import io.sluice.interception.maps.AddressKey;
import io.sluice.interception.maps.ConfigValue;
import io.sluice.interception.maps.DatagramPeerValue;
import io.sluice.interception.maps.EventValue;
import io.sluice.interception.maps.InstallationValue;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.PodKey;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.interception.maps.SocketStateValue;
import io.sluice.linux.bpf.PerCpuBpfMap;
import io.sluice.linux.bpf.RingBuffer;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.socket.FamilyPorts;
import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ListenerFd;
import io.sluice.proxy.PodListeners;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Interception by eBPF on one node. Adopts what an earlier daemon pinned, replaces programs
 * atomically, and leaves everything in force when it is closed: only {@link #release} and {@link
 * PinDirectory#removeAll} take anything away.
 */
public final class EbpfInterception implements Interception {
  private static final InetAddress LOOPBACK4 = InetAddress.ofLiteral("127.0.0.1");

  private final LoadedPrograms programs;
  private final SluiceMaps maps;
  private volatile CgroupHooks hooks;
  private final PodListenerSockets listeners;
  private final EbpfShape shape;
  private final long hostCookie;
  private int livenessListener = -1; // of the thread that begins
  private final long cgroupId;
  private final SocketFacts facts;
  private final ForwardingPods forwarding;
  private final SpreadPods spread;
  private final Map<Long, PodSteering> steering = new ConcurrentHashMap<>();
  private final Map<Long, FamilyPorts> outboundPorts = new ConcurrentHashMap<>();
  private final PodEntries entries;
  private final FastPathTable fastPath;
  private final DatagramPeers peers;
  private final DatagramRules datagrams;

  /**
   * Nothing is in force before {@link #begin}.
   *
   * @param programs which directions, and which programs must do; closed with this
   * @param ownCgroup cgroup2 directory of this process: sockets of its members are the proxy's
   * @param hostNamespace the node's network namespace
   * @param namespaces thread that enters pods
   * @param inherited listeners that are used before new ones are made
   * @param forwarding keeps pods from forwarding; closed with this
   * @param spread gives pods a loopback range of IPv6; closed with this
   */
  public EbpfInterception(
      LoadedPrograms programs,
      Path ownCgroup,
      NetnsHandle hostNamespace,
      NetnsThread namespaces,
      InheritedListeners inherited,
      ForwardingPods forwarding,
      SpreadPods spread) {
    this.programs = programs;
    this.forwarding = forwarding;
    this.spread = spread;
    this.maps = programs.maps();
    this.hooks = CgroupHooks.NONE;
    this.hostCookie = hostNamespace.cookie();
    this.listeners = new PodListenerSockets(namespaces, inherited);
    this.shape = programs.shape();
    this.cgroupId = maps.kernel().cgroupId(ownCgroup);
    this.facts = new EbpfSocketFacts(maps.sockets());
    this.datagrams = new DatagramRules(maps.datagramRules());
    this.entries = new PodEntries(maps, datagrams, System::nanoTime);
    this.fastPath = new FastPathTable(maps);
    this.peers = new DatagramPeers(maps.datagramPeers());
  }

  /** Puts the node's hooks in force. */
  @Override
  public void begin() {
    try (CgroupHooks.Loaded loaded = programs.hooks()) {
      maps.installation()
          .put(
              0,
              new InstallationValue(
                  PinDirectory.SCHEMA_VERSION, BootId.current(), programs.nodeName()));
      maps.config().put(0, new ConfigValue(hostCookie, 0));
      // First of all: a hook that met the proxy's sockets without it would redirect them.
      maps.proxyCgroups().put(cgroupId, ownPid());
      maps.proxyCgroups()
          .snapshot()
          .keySet()
          .forEach(id -> {
            if (id != cgroupId) {
              maps.proxyCgroups().remove(id);
            }
          });
      if (!shape.steers()) {
        fastPath.grant(Map.of()); // of a daemon before this one, whose steering let it pass
      }
      livenessListener = Sockets.listenTcp(LOOPBACK4, 0, 1);
      maps.liveness().put(0, livenessListener);
      hooks = CgroupHooks.attach(loaded, maps);
    }
  }

  private static int ownPid() {
    return (int) ProcessHandle.current().pid();
  }

  @Override
  public Mechanism mechanism() {
    return Mechanism.EBPF;
  }

  @Override
  public SocketFacts sockets() {
    return facts;
  }

  /** Where a steering program lets pass what the kernel leads. */
  @Override
  public Optional<FastPathTable> fastPath() {
    return shape.steers() ? Optional.of(fastPath) : Optional.empty();
  }

  @Override
  public int knowPeers(Map<InetAddress, DatagramPeerValue> known, boolean complete) {
    Map<AddressKey, DatagramPeerValue> entries = new HashMap<>();
    known.forEach((address, peer) -> entries.put(new AddressKey(address), peer));
    return peers.know(entries, complete);
  }

  /** What all pods share. */
  SluiceMaps maps() {
    return maps;
  }

  @Override
  public List<Long> leftBehind() {
    return maps.pins().podCookies();
  }

  @Override
  public boolean wasInForce(long cookie) {
    return maps.pods().lookup(new PodKey(cookie)).isPresent();
  }

  @Override
  public Optional<NamespacedName> nameOf(long cookie) {
    return maps.podNames()
        .lookup(new PodKey(cookie))
        .map(name -> new NamespacedName(name.namespace(), name.name()))
        .or(() -> spread.nameOf(cookie));
  }

  @Override
  public PodListeners prepare(PodPlacement pod) {
    entries.write(pod, rulesOf(pod));
    List<ListenerFd> opened = shape.steers() ? steered(pod) : addressed(pod);
    outboundPorts.put(pod.cookie(), PodListenerSockets.ports(opened, Direction.OUTBOUND));
    return new PodListeners(pod.name(), opened);
  }

  /** Listeners in the slots of a steering program; their addresses mean nothing. */
  private List<ListenerFd> steered(PodPlacement pod) {
    PodSteering prepared = programs.steering(pod.cookie());
    List<ListenerFd> opened = List.of();
    try {
      opened = marked(listeners.onLoopback(pod, shape.directions()), pod);
      opened.forEach(prepared::put);
    } catch (RuntimeException e) {
      PodListenerSockets.close(opened);
      prepared.close();
      throw e;
    }
    PodSteering before = steering.put(pod.cookie(), prepared);
    if (before != null) {
      prepared.succeed(before);
    }
    return opened;
  }

  /** Listeners at the very addresses that the connect hooks write. */
  private List<ListenerFd> addressed(PodPlacement pod) {
    maps.pins().createPod(pod.cookie()); // by which a later daemon finds the pod
    return marked(listeners.onEveryAddress(pod, shape.directions()), pod);
  }

  /** What they accept inherits this, and waits for its original destination. */
  private List<ListenerFd> marked(List<ListenerFd> opened, PodPlacement pod) {
    try {
      for (ListenerFd listener : opened) {
        maps.sockets()
            .put(
                listener.fd(),
                new SocketStateValue(
                    pod.cookie(), null, SocketStateValue.ROLE_LISTENER, 0, listener.direction()));
      }
      return opened;
    } catch (RuntimeException e) {
      PodListenerSockets.close(opened);
      throw e;
    }
  }

  @Override
  public void activate(PodPlacement pod) {
    if (shape.steers()) {
      PodSteering prepared = steering.get(pod.cookie());
      if (prepared == null) {
        throw new IllegalStateException("pod " + pod.name() + " was not prepared");
      }
      prepared.attach(pod.netns());
    }
    spread.spread(pod); // before a hook sends anything there
    maps.pods().put(new PodKey(pod.cookie()), rulesOf(pod).pod());
    forwarding.refuse(pod);
    // What another release's daemon steers it by refuses everything, and goes only now.
    maps.pins().otherSchemas().forEach(former -> former.removePod(pod.cookie()));
  }

  @Override
  public void update(PodPlacement pod) {
    entries.write(pod, rulesOf(pod));
    maps.pods().put(new PodKey(pod.cookie()), rulesOf(pod).pod());
  }

  /** Takes away the steering program that an earlier daemon left, where it is not wanted. */
  void retireSteering(long cookie) {
    PodSteering.detach(
        maps.kernel(), maps.pins().pod(cookie)); // which the daemon before has open still
    maps.pins().removePod(cookie);
    maps.pins().createPod(cookie);
  }

  private PodRules rulesOf(PodPlacement pod) {
    return PodRules.of(
        pod,
        shape.failOpen(),
        spread.isSpread(pod.cookie()),
        outboundPorts.getOrDefault(pod.cookie(), FamilyPorts.NONE));
  }

  @Override
  public void abandon(long cookie) {
    if (!wasInForce(cookie)) {
      release(cookie);
      return;
    }
    outboundPorts.remove(cookie);
    PodSteering prepared = steering.remove(cookie);
    if (prepared != null) {
      prepared.close();
    }
  }

  @Override
  public void release(long cookie) {
    if (spread.isLeaving(cookie) && !steering.containsKey(cookie)) {
      spread.release(cookie); // all else has gone
      return;
    }
    fastPath.revoke(cookie);
    forwarding.allow(cookie);
    maps.pods().remove(new PodKey(cookie));
    outboundPorts.remove(cookie);
    programs.forget(cookie);
    PodSteering active = steering.remove(cookie);
    if (active != null) {
      active.close();
    }
    maps.pins().removePod(cookie);
    entries.remove(cookie);
    spread.release(cookie);
  }

  @Override
  public Set<Long> translating() {
    return spread.released();
  }

  @Override
  public Optional<String> nodeProblem() {
    return hooks.problem();
  }

  @Override
  public void repairNode() {
    CgroupHooks broken = hooks;
    entries.distrust(); // whoever did that may have done more
    maps.pins().create();
    try (CgroupHooks.Loaded loaded = CgroupHooks.load(maps, shape.without())) {
      hooks = CgroupHooks.attach(loaded, maps);
    }
    broken.close();
  }

  @Override
  public Optional<String> problem(PodPlacement pod) {
    PodSteering active = steering.get(pod.cookie());
    if (active == null && shape.steers()) {
      return Optional.of("its steering was never prepared");
    }
    if (maps.pods().lookup(new PodKey(pod.cookie())).isEmpty()) {
      return Optional.of("its entry in the map pods is missing");
    }
    return Optional.ofNullable(active)
        .flatMap(steering -> steering.problem(pod.netns()))
        .or(() -> forwarding.problem(pod))
        .or(() -> spread.problem(pod));
  }

  @Override
  public void repair(PodPlacement pod, Consumer<PodListeners> serve) {
    entries.distrust();
    if (shape.steers()) {
      serve.accept(prepare(pod));
      activate(pod);
    } else {
      spread.spread(pod);
      update(pod); // its listeners have their port and serve on
      forwarding.refuse(pod);
    }
  }

  @Override
  public Map<String, Long> losses() {
    PerCpuBpfMap<Integer> losses = maps.losses();
    return Map.of(
        "events", losses.sum(SluiceMaps.LOST_EVENTS),
        "counters", losses.sum(SluiceMaps.LOST_COUNTERS));
  }

  @Override
  public List<VerdictCount> verdicts() {
    List<VerdictCount> counts = new ArrayList<>();
    maps.verdictCounters().forEachSum((key, sum) -> counts.add(new VerdictCount(key, sum)));
    counts.addAll(forwarding.verdicts());
    return counts;
  }

  @Override
  public List<DatagramCount> datagrams() {
    return datagrams.counts();
  }

  /** One reader only. */
  @Override
  public void readEvents(Consumer<EventValue> consumer, RingBuffer.Ending ending) {
    RingBuffer.follow(
        maps.events(), bytes -> consumer.accept(EventValue.CODEC.decode(bytes)), ending);
  }

  /** Closes descriptors. What is pinned stays in force: new connections are refused. */
  @Override
  public void close() {
    try {
      maps.proxyCgroups()
          .lookup(cgroupId)
          .filter(daemon -> daemon == ownPid()) // and not another one that took its place
          .ifPresent(own -> maps.proxyCgroups().remove(cgroupId));
    } finally {
      steering.values().forEach(PodSteering::close);
      forwarding.close();
      spread.close();
      hooks.close();
      if (livenessListener >= 0) {
        Sockets.close(livenessListener);
      }
      programs.close();
    }
  }
}

package io.sluice.node.replacement;

import io.sluice.cni.protocol.CniRequest.PodReference;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Workload;
import io.sluice.node.cni.CniOptions.ReplacementMode;
import io.sluice.node.cni.PodReplacement;
import io.sluice.node.replacement.KubeletPods.NotReplaced;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Pods that started in the place of others while no controller told of them. Until it tells again,
 * every snapshot is given them: as their predecessors were, and reached where those were. Nothing
 * is granted that the node had not been told of a pod of the same service account on this very
 * node. Any thread; reads small files.
 */
public final class Replacements implements PodReplacement {
  private static final System.Logger LOG = System.getLogger(Replacements.class.getName());

  /** More pods than a node has. */
  private static final int MOST = 512;

  /** Labels that name one pod, or one generation of pods. */
  private static final Set<String> OF_ONE_POD =
      Set.of(
          "pod-template-hash",
          "controller-revision-hash",
          "pod-template-generation",
          "statefulset.kubernetes.io/pod-name",
          "apps.kubernetes.io/pod-index");

  /** What the node knows besides snapshots; asked by any thread, must not block. */
  public interface Facts {
    /** Whether a sandbox of that pod is attached. */
    boolean isHere(NamespacedName pod);

    /** Whether this node has a valid certificate of the identity. */
    boolean hasCertificate(SpiffeId identity);

    /** Whether a controller is there that tells of every pod. */
    boolean isToldOfEveryPod();
  }

  private final ReplacementMode mode;
  private final String nodeName;
  private final KubeletPods kubelet;
  private final Facts facts;
  private final Map<NamespacedName, StandIn> standIns = new LinkedHashMap<>();
  private MeshSnapshot told = MeshSnapshot.EMPTY;
  private volatile Runnable changed = () -> {};

  /**
   * Knows of none yet.
   *
   * @param kubeletDirectory the kubelet's, such as {@code /var/lib/kubelet}
   */
  public Replacements(ReplacementMode mode, String nodeName, Path kubeletDirectory, Facts facts) {
    this.mode = mode;
    this.nodeName = nodeName;
    this.kubelet = new KubeletPods(kubeletDirectory);
    this.facts = facts;
  }

  /** Has {@code listener} called, without a lock, when {@link #addTo} would say something else. */
  public void onChange(Runnable listener) {
    changed = listener;
  }

  @Override
  public Optional<String> replace(PodReference pod, List<InetAddress> addresses) {
    try {
      StandIn standIn = standIn(pod, addresses);
      LOG.log(
          System.Logger.Level.WARNING,
          "pod_started_in_place_of_another pod={0} of={1} identity={2}",
          standIn.name(),
          standIn.predecessor().name(),
          standIn.predecessor().identity());
    } catch (NotReplaced e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
    changed.run();
    return Optional.empty();
  }

  private StandIn standIn(PodReference pod, List<InetAddress> addresses) throws NotReplaced {
    requireMode();
    PodUid uid = pod.uid().orElseThrow(() -> new NotReplaced("the runtime does not say its UID"));
    NamespacedName account = kubelet.accountOf(pod.name(), uid);
    synchronized (this) {
      requireOneNode();
      List<Workload> known = predecessors(account);
      Workload like = known.getFirst();
      if (!facts.hasCertificate(like.identity())) {
        throw new NotReplaced("this node has no valid certificate of " + like.identity());
      }
      requireAddresses(pod.name(), addresses);
      if (standIns.size() >= MOST) {
        throw new NotReplaced("it already has " + MOST + " pods in the place of others");
      }
      Set<NamespacedName> taken =
          Set.copyOf(standIns.values().stream().map(one -> one.predecessor().name()).toList());
      Workload predecessor =
          known.stream()
              .min(
                  Comparator.<Workload, Boolean>comparing(one -> !one.name().equals(pod.name()))
                      .thenComparing(one -> taken.contains(one.name()))
                      .thenComparing(one -> facts.isHere(one.name()))
                      .thenComparing(one -> one.name().toString()))
              .orElse(like);
      StandIn made = new StandIn(pod.name(), uid, List.copyOf(addresses), predecessor);
      standIns.put(made.name(), made);
      return made;
    }
  }

  private void requireMode() throws NotReplaced {
    if (mode == ReplacementMode.NEVER) {
      throw new NotReplaced("the node starts none in the place of another (never)");
    }
  }

  private void requireOneNode() throws NotReplaced {
    Optional<String> other =
        told.keys(Kind.WORKLOAD, Kind.WORKLOADS_BY_NODE).stream()
            .filter(name -> !name.isEmpty() && !name.equals(nodeName))
            .findFirst();
    if (mode == ReplacementMode.AUTO && other.isPresent()) {
      throw new NotReplaced(
          "the mesh has other nodes, such as "
              + other.get()
              + ", where its pods may be meant to"
              + " be (auto)");
    }
  }

  /** Pods of the account that the node was told of here; alike, or nobody knows which it is. */
  private List<Workload> predecessors(NamespacedName account) throws NotReplaced {
    List<Workload> known =
        told.workloadsOn(nodeName).stream()
            .filter(pod -> pod.enrolled() && pod.nodeName().equals(Optional.of(nodeName)))
            .filter(pod -> pod.identity().serviceAccountName().equals(account))
            .toList();
    if (known.isEmpty()) {
      throw new NotReplaced("no pod of service account " + account + " was known on this node");
    }
    if (known.stream().map(Replacements::kind).distinct().count() > 1) {
      throw new NotReplaced(
          "pods of service account " + account + " on this node differ in labels or settings");
    }
    return known;
  }

  /** What of a pod policy and interception go by, but for its name and place. */
  private static List<Object> kind(Workload pod) {
    Map<String, String> labels = new HashMap<>(pod.labels());
    labels.keySet().removeAll(OF_ONE_POD);
    return List.of(
        pod.identity(),
        labels,
        pod.interception(),
        pod.probePorts(),
        pod.mtlsMode(),
        pod.connections());
  }

  private void requireAddresses(NamespacedName pod, List<InetAddress> addresses)
      throws NotReplaced {
    if (addresses.isEmpty()) {
      throw new NotReplaced("the plugins before this one gave it no address");
    }
    for (InetAddress address : addresses) {
      Stream<NamespacedName> known =
          told.workloadsAt(address).stream().filter(one -> !isGone(one)).map(Workload::name);
      Stream<NamespacedName> others =
          standIns.values().stream()
              .filter(one -> !one.name().equals(pod) && one.addresses().contains(address))
              .map(StandIn::name);
      Optional<NamespacedName> owner = Stream.concat(known, others).findFirst();
      if (owner.isPresent()) {
        throw new NotReplaced(IpAddresses.text(address) + " is that of pod " + owner.get());
      }
    }
  }

  /** Whether a pod was on this node, and has no sandbox any more. */
  private boolean isGone(Workload pod) {
    return pod.nodeName().equals(Optional.of(nodeName)) && !facts.isHere(pod.name());
  }

  @Override
  public void left(PodReference pod) {
    boolean matters;
    synchronized (this) {
      matters = !standIns.isEmpty() && !facts.isHere(pod.name());
      if (matters) {
        standIns.computeIfPresent(
            pod.name(), (_, one) -> one.uid().equals(pod.uid().orElse(one.uid())) ? null : one);
      }
    }
    if (matters) {
      changed.run();
    }
  }

  /**
   * Adds to {@code editor} what {@code found} does not tell yet.
   *
   * @param found the newest snapshot of the source
   */
  public synchronized void addTo(SnapshotEditor editor, MeshSnapshot found) {
    told = found;
    if (standIns.isEmpty()) {
      return;
    }
    boolean isTold = found.isComplete() && facts.isToldOfEveryPod();
    standIns.values().removeIf(one -> isTold || isKnown(one, found));
    List<StandIn> alone = new ArrayList<>();
    for (StandIn one : standIns.values()) {
      for (InetAddress address : one.addresses()) {
        found.workloadsAt(address).stream()
            .filter(this::isGone)
            .forEach(owner -> editor.remove(owner.key()));
      }
      Workload predecessor = one.predecessor();
      if (predecessor.name().equals(one.name()) || isGone(predecessor)) {
        editor.remove(predecessor.key());
        alone.add(one);
      }
    }
    standIns.values().forEach(one -> editor.put(one.workload()));
    for (Service service : found.services()) {
      Service led = service;
      for (StandIn one : alone) {
        led = one.takingOver(led);
      }
      if (led != service) {
        editor.put(led);
      }
    }
  }

  private static boolean isKnown(StandIn one, MeshSnapshot found) {
    return found
        .workload(one.name())
        .filter(pod -> pod.uid().isEmpty() || pod.uid().get().equals(one.uid()))
        .isPresent();
  }

  /**
   * A pod in the place of another.
   *
   * @param predecessor as the last snapshot had it
   */
  record StandIn(
      NamespacedName name, PodUid uid, List<InetAddress> addresses, Workload predecessor) {
    /** All that its predecessor was, but for what makes it another pod. */
    Workload workload() {
      return new Workload(
          name,
          predecessor.identity(),
          addresses,
          predecessor.labels(),
          predecessor.enrolled(),
          null,
          uid,
          predecessor.nodeNameOrNull(),
          predecessor.hostNetwork(),
          predecessor.interception(),
          predecessor.probePorts(),
          predecessor.mtlsMode(),
          predecessor.connections(),
          predecessor.healthChecks(),
          predecessor.zoneOrNull());
    }

    /** The service with calls led to this pod that would go to its predecessor. */
    Service takingOver(Service service) {
      boolean isMet = false;
      List<ServicePort> ports = new ArrayList<>();
      for (ServicePort port : service.ports()) {
        List<Endpoint> endpoints = new ArrayList<>();
        for (Endpoint endpoint : port.endpoints()) {
          InetSocketAddress was = endpoint.address();
          if (predecessor.addresses().contains(was.getAddress())) {
            isMet = true;
            ofFamily(was.getAddress())
                .map(own ->
                    new Endpoint(
                        new InetSocketAddress(own, was.getPort()),
                        endpoint.ready(),
                        endpoint.warmUpOrNull()))
                .ifPresent(endpoints::add);
          } else {
            endpoints.add(endpoint);
          }
        }
        ports.add(new ServicePort(port.name(), port.port(), port.protocol(), endpoints));
      }
      return isMet
          ? new Service(
              service.name(),
              service.virtualAddresses(),
              ports,
              service.affinity(),
              service.nearness())
          : service;
    }

    private Optional<InetAddress> ofFamily(InetAddress of) {
      return addresses.stream().filter(one -> one.getClass().equals(of.getClass())).findFirst();
    }
  }
}

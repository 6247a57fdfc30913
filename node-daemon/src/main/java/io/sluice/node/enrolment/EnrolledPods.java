package io.sluice.node.enrolment;

import io.sluice.interception.DatagramPeers;
import io.sluice.interception.FormerMechanism;
import io.sluice.interception.Interception;
import io.sluice.interception.InterceptionException;
import io.sluice.interception.NamespaceSockets;
import io.sluice.interception.PodPlacement;
import io.sluice.iptables.RedirectionException;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import io.sluice.node.enrolment.NamespaceClaims.NamespaceConflictException;
import io.sluice.node.enrolment.Verification.OtherNode;
import io.sluice.node.fault.FaultPoint;
import io.sluice.node.placement.PodNamespaces;
import io.sluice.node.placement.PodNamespaces.FoundNamespace;
import io.sluice.proxy.PodListeners;
import io.sluice.proxy.ReleaseMode;
import io.sluice.proxy.accept.Proxy;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The pods that are enrolled now, and the steps by which one becomes enrolled and ceases to be. A
 * step that fails takes back the ones before it. For one thread at a time; every step may block.
 */
final class EnrolledPods {
  private static final System.Logger LOG = System.getLogger(EnrolledPods.class.getName());

  /** For the last connections of a pod that leaves: they arrive within some milliseconds. */
  private static final Duration ARRIVAL_PATIENCE = Duration.ofSeconds(1);

  private final Interception interception;
  private final NamespaceSockets sockets;
  private final Proxy proxy;
  private final PodNamespaces places;
  private final Placements placements;
  private final NetnsHandle hostNamespace;
  private final EarlierConnections earlier;
  private final Verification verification;
  private final FormerMechanism former;
  private final Predicate<Workload> isWanted;
  private final Map<NamespacedName, PodPlacement> enrolled = new HashMap<>();

  /** What the snapshot said of them when their networks were looked at; not while they change. */
  private final Map<NamespacedName, Workload> looked = new HashMap<>();

  /** Of pods that are to be brought, and served as another mechanism has them in force. */
  private final Map<NamespacedName, FoundNamespace> formerly = new HashMap<>();

  /** Cookies of namespaces that another node had in force while its daemon ran. */
  private final Set<Long> leftToOthers = new HashSet<>();

  private final NamespaceClaims claims;

  /** Whose addresses the kernel knows. */
  private @Nullable MeshSnapshot known;

  /** {@code isWanted} says which workloads of a snapshot are to be enrolled on this node. */
  EnrolledPods(
      Interception interception,
      NamespaceSockets sockets,
      Proxy proxy,
      PodNamespaces places,
      Placements placements,
      NetnsHandle hostNamespace,
      EarlierConnections earlier,
      Verification verification,
      FormerMechanism former,
      Predicate<Workload> isWanted) {
    this.interception = interception;
    this.sockets = sockets;
    this.proxy = proxy;
    this.places = places;
    this.claims = new NamespaceClaims(places);
    this.placements = placements;
    this.hostNamespace = hostNamespace;
    this.earlier = earlier;
    this.verification = verification;
    this.former = former;
    this.isWanted = isWanted;
  }

  Optional<PodPlacement> find(NamespacedName name) {
    return Optional.ofNullable(enrolled.get(name));
  }

  /** Names, as they are now. */
  Set<NamespacedName> names() {
    return Set.copyOf(enrolled.keySet());
  }

  /** Namespace cookies, as they are now. */
  Set<Long> cookies() {
    return enrolled.values().stream()
        .map(PodPlacement::cookie)
        .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * To be called before a round of {@link #bring}: where several claim one namespace, none has it.
   */
  void compareClaims(Collection<Workload> wanted) {
    claims.compare(wanted, enrolled.keySet());
  }

  /**
   * Serves a pod that is not enrolled yet by the listeners that the daemon of another mechanism has
   * handed over, so that nothing waits while {@link #bring} changes what is in force. Does nothing
   * where there are none, or all is not well with the pod.
   */
  void serveFormerly(Workload workload, MeshSnapshot current) {
    if (!former.hasWaitingListeners()) {
      return;
    }
    FoundNamespace found;
    try {
      found = places.open(workload);
    } catch (LinuxException e) {
      return; // it is met again, and told, when the pod is brought
    }
    NetnsHandle netns = found.netns();
    try {
      long cookie = netns.cookie();
      requireClaim(workload, netns, cookie, current);
      if (former.meets(cookie)) {
        PodPlacement pod =
            placements.of(workload, found.path(), netns, cookie, found.addresses(), current);
        Optional<PodListeners> left = former.listenersAhead(pod);
        if (left.isPresent()) {
          sockets.add(pod);
          proxy.serve(left.get()).join();
          formerly.put(pod.name(), found);
          return;
        }
      }
    } catch (LinuxException
        | UncheckedIOException
        | InterceptionException
        | RedirectionException
        | NamespaceConflictException
        | CompletionException e) {
      LOG.log(System.Logger.Level.DEBUG, "pod_not_served_formerly pod=" + workload.name(), e);
      sockets.remove(workload.name());
    }
    netns.close();
  }

  /** Whether {@link #serveFormerly} serves the pod, which has not been brought yet. */
  boolean isServedFormerly(NamespacedName name) {
    return formerly.containsKey(name);
  }

  /** What of a pod that is enrolled may be another than before. */
  enum Change {
    /** Its namespace. */
    PLACE,
    /** What the snapshot says, too. */
    WORDS,
    /** Its network as well. */
    NETWORK
  }

  /** Enrols the workload, or brings it up to date. */
  void bring(Workload workload, MeshSnapshot current, Change change) {
    FoundNamespace served = formerly.remove(workload.name());
    if (served != null) {
      bringServed(workload, served, current);
      return;
    }
    if (!isWanted.test(workload)) {
      return; // given back since the sweep began
    }
    PodPlacement before = enrolled.get(workload.name());
    // Of its network a snapshot that says the same of the pod tells nothing.
    Change may =
        change == Change.WORDS && !workload.equals(looked.get(workload.name()))
            ? Change.NETWORK
            : change;
    if (may == Change.NETWORK
        || before == null
        || !places.isStill(workload, before.path(), before.netns())) {
      bring(workload, open(workload), current, may);
    } else if (may == Change.WORDS) {
      update(before, placements.again(before, workload, current));
    }
  }

  /** One that {@link #serveFormerly} serves: without enrolment nothing of that stays. */
  private void bringServed(Workload workload, FoundNamespace served, MeshSnapshot current) {
    try {
      if (isWanted.test(workload)) {
        bring(workload, served, current, Change.NETWORK);
      } else {
        served.netns().close();
      }
    } finally {
      if (!enrolled.containsKey(workload.name())) {
        CompletableFuture<Void> _ =
            releaseListeners(workload.name(), ReleaseMode.RESET_ESTABLISHED);
        sockets.remove(workload.name());
      }
    }
  }

  private void bring(Workload workload, FoundNamespace present, MeshSnapshot current, Change may) {
    PodPlacement before = enrolled.get(workload.name());
    if (before != null && before.netns().isSameAs(present.netns())) {
      present.netns().close();
      if (may == Change.NETWORK) {
        refresh(workload, before, present.addresses(), current);
      } else if (may == Change.WORDS) {
        update(before, placements.again(before, workload, current));
      }
      return;
    }
    try {
      requireOwn(workload, present.netns(), current); // else the pod would lose what it has
      // The sandbox was made anew: same pod, another namespace.
      if (before != null && places.sandboxes().holds(before.cookie())) {
        retire(before);
      } else {
        release(workload.name(), ReleaseMode.RESET_ESTABLISHED);
      }
      enrol(workload, present, current);
    } catch (RuntimeException e) {
      present.netns().close();
      throw e;
    }
  }

  /**
   * Puts the workload in force in a namespace that its runtime has just made.
   *
   * @param found is the callee's
   * @throws RuntimeException when it is not in force afterwards
   */
  void attach(Workload workload, FoundNamespace found, MeshSnapshot current) {
    bring(workload, found, current, Change.NETWORK);
    PodPlacement pod = enrolled.get(workload.name());
    Optional<String> problem = pod == null ? Optional.empty() : interception.problem(pod);
    if (problem.isPresent()) {
      throw new InterceptionException(problem.get(), "it is being repaired");
    }
  }

  /**
   * Looks whether the pod is intercepted as it should be, puts it right, or refuses it.
   *
   * @param isInTurn else only at what is due
   * @return what is or was wrong, until a look has found it whole
   */
  Optional<String> verify(NamespacedName name, boolean isInTurn) {
    PodPlacement pod = enrolled.get(name);
    return pod == null ? Optional.empty() : verification.verify(pod, isInTurn);
  }

  /**
   * Refuses everything of a pod that is wanted and cannot be enrolled, unless the mesh is
   * permissive. Does nothing where others would be hit: in the node's namespace, in that of another
   * pod and in what another node has in force.
   *
   * @return whether it is refused
   */
  boolean refusePending(Workload workload, MeshSnapshot current, String problem) {
    if (enrolled.containsKey(workload.name())) {
      return false;
    }
    FoundNamespace found;
    try {
      found = places.open(workload);
    } catch (LinuxException e) {
      return false; // it has gone, or is not there yet
    }
    try (NetnsHandle netns = found.netns()) {
      long cookie = netns.cookie();
      if (netns.isSameAs(hostNamespace)
          || isOfAnother(workload.name(), cookie, current)
          || otherHolder(cookie).isPresent()) {
        return false;
      }
      if (current.settings().permissive()) {
        verification.closedPods().open(cookie, netns);
      } else {
        verification.closePending(
            workload.name(), found.path(), netns, cookie, workload.addresses(), problem);
      }
      return verification.isClosed(cookie);
    } catch (LinuxException | RedirectionException | UncheckedIOException e) {
      LOG.log(System.Logger.Level.DEBUG, "pending_pod_not_refused pod=" + workload.name(), e);
      return false; // it cannot be entered
    }
  }

  private FoundNamespace open(Workload workload) {
    try {
      return places.open(workload);
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        release(workload.name(), ReleaseMode.RESET_ESTABLISHED);
      }
      throw e;
    }
  }

  private void enrol(Workload workload, FoundNamespace found, MeshSnapshot current) {
    NetnsHandle netns = found.netns();
    long cookie = netns.cookie();
    PodPlacement pod =
        placements.of(workload, found.path(), netns, cookie, found.addresses(), current);
    boolean adopted = former.wasInForce(cookie);
    former.meets(cookie);
    sockets.add(pod);
    try {
      PodListeners own = interception.prepare(pod);
      try {
        former.prepared(pod, own);
        former.listeners(pod).ifPresent(left -> proxy.serve(left).join());
      } catch (RuntimeException e) {
        own.listeners().forEach(listener -> Sockets.close(listener.fd()));
        throw e;
      }
      proxy.serveBeside(own).join();
      FaultPoint.POD_PREPARED.reached();
      if (!adopted) {
        earlier.beforeActivation(pod);
      }
      interception.activate(pod);
    } catch (RuntimeException e) {
      undo(pod, e);
      throw e;
    }
    former.replacedIn(pod);
    proxy.leaveEarlier(pod.name());
    FaultPoint.POD_ACTIVE.reached();
    enrolled.put(pod.name(), pod);
    looked.put(pod.name(), workload);
    tellLeftOut(pod);
    earlier.activated(pod);
    sockets.activated(pod.name());
    verification.enrolled(pod);
    LOG.log(
        System.Logger.Level.INFO,
        "pod_enrolled pod={0} netns_cookie={1}",
        pod.name(),
        Long.toUnsignedString(cookie));
  }

  private void requireOwn(Workload workload, NetnsHandle netns, MeshSnapshot current) {
    if (netns.isSameAs(hostNamespace)) {
      throw new InterceptionException(
          "pod " + workload.name() + " shares the node's network namespace",
          "pods on the host network cannot be enrolled; remove the label");
    }
    requireClaim(workload, netns, netns.cookie(), current);
  }

  /**
   * Throws where the namespace is another pod's or another node's, or another pod claims it with
   * equal right.
   */
  private void requireClaim(
      Workload workload, NetnsHandle netns, long cookie, MeshSnapshot current) {
    NamespacedName claimant = workload.name();
    Optional<OtherNode> other = otherHolder(cookie);
    if (other.isPresent()) {
      throw new InterceptionException(
          "pod " + claimant + " is not enrolled: " + other.get(), other.get().remedy());
    }
    Optional<NamespacedName> holder = holder(cookie, current);
    if (holder.isPresent()) {
      if (!holder.get().equals(claimant)) {
        throw NamespaceConflictException.held(claimant, holder.get());
      }
      return;
    }
    for (NamespacedName rival : claims.of(workload, netns)) {
      if (!rival.equals(claimant)) {
        throw NamespaceConflictException.undecided(claimant, rival);
      }
    }
  }

  /**
   * Whose the namespace is already. What is in force stays, whatever the pods are called: also what
   * the runtime has told of, and what an earlier daemon has put in force for a pod that is wanted
   * still and has not turned up elsewhere.
   */
  private Optional<NamespacedName> holder(long cookie, MeshSnapshot current) {
    return enrolled.values().stream()
        .filter(other -> other.cookie() == cookie)
        .map(PodPlacement::name)
        .findFirst()
        .or(() -> places.sandboxes().podOf(cookie))
        .or(() ->
            interception
                .nameOf(cookie)
                .filter(former ->
                    !enrolled.containsKey(former)
                        && current.workload(former).filter(isWanted).isPresent()));
  }

  /**
   * The node that this one leaves the namespace to: two proxies would intercept each other without
   * end. One that has died keeps what it had while it ran beside this daemon, so that it has it
   * when it is back; what one leaves that was dead before is no obstacle.
   */
  private Optional<OtherNode> otherHolder(long cookie) {
    Optional<OtherNode> other = verification.otherNode(cookie);
    if (other.isEmpty()) {
      leftToOthers.remove(cookie);
    } else if (other.get().isRunning()) {
      leftToOthers.add(cookie);
    }
    return other.filter(_ -> leftToOthers.contains(cookie));
  }

  private boolean isOfAnother(NamespacedName claimant, long cookie, MeshSnapshot current) {
    return holder(cookie, current).filter(holder -> !holder.equals(claimant)).isPresent();
  }

  private void undo(PodPlacement pod, RuntimeException cause) {
    CompletableFuture<Void> _ = releaseListeners(pod.name(), ReleaseMode.RESET_ESTABLISHED);
    sockets.remove(pod.name());
    earlier.forget(pod.name());
    try {
      interception.abandon(pod.cookie());
    } catch (LinuxException | UncheckedIOException | RedirectionException e) {
      cause.addSuppressed(e); // the next attempt finds what is left
    }
  }

  /** What is returned never fails. */
  private CompletableFuture<Void> releaseListeners(NamespacedName name, ReleaseMode mode) {
    return proxy
        .release(name, mode)
        .exceptionally(failure -> {
          LOG.log(System.Logger.Level.WARNING, "listeners_not_closed pod=" + name, failure);
          return null;
        });
  }

  private void refresh(
      Workload workload, PodPlacement before, List<InetAddress> given, MeshSnapshot current) {
    update(
        before,
        placements.of(workload, before.path(), before.netns(), before.cookie(), given, current));
    looked.put(workload.name(), workload);
  }

  private void update(PodPlacement before, PodPlacement now) {
    Workload seen = looked.remove(now.name()); // until all of it is done: it may fail half way
    if (seen == null || !now.equals(before)) {
      interception.update(now);
      sockets.add(now);
      enrolled.put(now.name(), now);
      tellLeftOut(now);
    }
    if (seen != null) {
      looked.put(now.name(), seen);
    }
  }

  private static void tellLeftOut(PodPlacement pod) {
    if (!pod.addressesLeftOut().isEmpty()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "pod_addresses_left_out pod={0} problem={1}",
          pod.name(),
          pod.addressesLeftOut());
    }
    if (!pod.datagramsLeftOut().isEmpty()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "datagram_rules_left_out pod={0} problem={1}",
          pod.name(),
          pod.datagramsLeftOut());
    }
  }

  /** Lets the kernel know whose the mesh's addresses are, before pods are brought to a snapshot. */
  void knowPeers(MeshSnapshot current) {
    if (known == current) {
      return;
    }
    int leftOut =
        interception.knowPeers(placements.datagrams(current).peers(), current.isComplete());
    known = current;
    if (leftOut > 0) {
      LOG.log(
          System.Logger.Level.WARNING,
          "datagram_peers_left_out addresses={0} most={1}",
          leftOut,
          DatagramPeers.MAX_ADDRESSES);
    }
  }

  /** Releases every pod that is not wanted any more; one that fails stays, to be tried again. */
  void releaseOthers(Set<NamespacedName> wanted) {
    for (NamespacedName name : names()) {
      if (!wanted.contains(name)) {
        try {
          release(name, ReleaseMode.KEEP_ESTABLISHED);
        } catch (LinuxException
            | UncheckedIOException
            | InterceptionException
            | RedirectionException e) {
          LOG.log(System.Logger.Level.WARNING, "pod_not_released pod=" + name, e);
        }
      }
    }
  }

  /** Ends interception of the pod; does nothing when it is not enrolled. */
  void release(NamespacedName name, ReleaseMode mode) {
    PodPlacement pod = enrolled.get(name);
    if (pod == null) {
      return;
    }
    interception.release(pod.cookie());
    forget(pod, mode);
    FaultPoint.POD_RELEASED.reached();
    LOG.log(System.Logger.Level.INFO, "pod_released pod={0}", name);
  }

  /**
   * Serves a sandbox no more that was replaced by another while its runtime has not ended it: what
   * may run inside is refused, not left alone.
   */
  private void retire(PodPlacement pod) {
    interception.abandon(pod.cookie());
    forget(pod, ReleaseMode.RESET_ESTABLISHED);
    LOG.log(
        System.Logger.Level.INFO,
        "sandbox_replaced pod={0} netns_cookie={1}",
        pod.name(),
        Long.toUnsignedString(pod.cookie()));
  }

  private void forget(PodPlacement pod, ReleaseMode mode) {
    // First of all: whatever fails from here on, the pod is in force no more. What refuses it as a
    // whole is taken away as a leftover then.
    enrolled.remove(pod.name());
    looked.remove(pod.name());
    former.forget(pod.cookie());
    earlier.forget(pod.name());
    try {
      verification.released(pod);
    } finally {
      letGo(pod, mode);
    }
  }

  private void letGo(PodPlacement pod, ReleaseMode mode) {
    CompletableFuture<Void> closed = releaseListeners(pod.name(), mode);
    if (mode == ReleaseMode.KEEP_ESTABLISHED) {
      // What was redirected before goes on, which takes a socket inside the pod.
      closed.completeOnTimeout(null, ARRIVAL_PATIENCE.toMillis(), TimeUnit.MILLISECONDS).join();
    }
    sockets.remove(pod.name());
    pod.netns().close();
  }

  /** Looks after the connections that pods had before they were enrolled. */
  void followEarlierConnections() {
    enrolled.values().forEach(earlier::follow);
  }

  /** Whether each of these is in force, and is until something is mounted or unmounted. */
  boolean areSettled(Set<NamespacedName> wanted) {
    return wanted.equals(enrolled.keySet())
        && enrolled.values().stream().allMatch(pod -> places.isMounted(pod.path(), pod.netns()));
  }

  /** Closes the namespaces; the pods stay enrolled in the kernel. */
  void closeNamespaces() {
    enrolled.values().forEach(pod -> pod.netns().close());
  }
}

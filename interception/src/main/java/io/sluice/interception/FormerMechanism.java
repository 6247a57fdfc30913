package io.sluice.interception;

import io.sluice.interception.maps.PinDirectory;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.AcceptedFacts;
import io.sluice.proxy.ListenerFd;
import io.sluice.proxy.PodListeners;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongPredicate;

/**
 * What a daemon in another mode, or of a release with another map schema, left in force. Pod by
 * pod, the present mechanism takes over first and then the former one goes, so that one of them
 * always holds. Where that daemon handed its listeners over, they are served till then and a while
 * longer: what either mechanism sends is understood, and nothing is refused.
 *
 * <p>{@link #holds} and {@link #missing} may be called from any thread, the rest by one at a time.
 */
public final class FormerMechanism {
  private static final System.Logger LOG = System.getLogger(FormerMechanism.class.getName());

  private final Interception present;
  private final InheritedListeners inherited;
  private final FormerPrograms programs;
  private final FormerRules rules;
  // By cookie: at least until when, in nanoseconds; longer while the former mechanism holds.
  private final Map<Long, Long> changing = new ConcurrentHashMap<>();
  private final Duration translated;
  private final Map<Long, PodPlacement> inForce = new ConcurrentHashMap<>();
  private volatile boolean done; // written by the enrolment thread

  /**
   * Changes nothing yet.
   *
   * @param inherited listeners that a daemon handed over; those that the present mechanism has no
   *     use for are served while pods change
   * @param everywhere where namespaces of earlier daemons' pods are searched
   * @param records where iptables mode notes its pods
   * @param translated how long the kernel goes on translating connections from before, once the
   *     rules have gone
   */
  public FormerMechanism(
      String nodeName,
      Interception present,
      InheritedListeners inherited,
      NetworkNamespaces namespaces,
      NetnsThread thread,
      NamespaceSearch everywhere,
      Path records,
      Duration translated) {
    this(
        present,
        inherited,
        new FormerPrograms(PinDirectory.ofNode(nodeName), namespaces, everywhere),
        new FormerRules(records, namespaces, thread, everywhere, translated),
        translated);
    if (present.mechanism() == Mechanism.EBPF && rules.exist()) {
      rules.probe(); // takes its time, and nothing waits for it yet
    }
  }

  FormerMechanism(
      Interception present,
      InheritedListeners inherited,
      FormerPrograms programs,
      FormerRules rules,
      Duration translated) {
    this.present = present;
    this.inherited = inherited;
    this.programs = programs;
    this.rules = rules;
    this.translated = translated;
  }

  /** How sockets are explained, those of pods that change included. */
  public SocketFacts sockets() {
    return new ChangingSocketFacts(
        present.sockets(),
        programs.facts(),
        changing.keySet(),
        cookie -> present.mechanism() == Mechanism.IPTABLES && holds(cookie));
  }

  /**
   * Whether another mechanism than the present one has the pod in force, which is about to be
   * enrolled; to be asked before it is prepared.
   */
  public boolean meets(long cookie) {
    boolean met =
        switch (present.mechanism()) {
          case EBPF -> rules.hold(cookie);
          case IPTABLES -> programs.hold(cookie);
          // It has half of either for its own, and understands both anyway.
          case SPLIT -> rules.hold(cookie) || programs.hold(cookie);
        };
    if (met) {
      if (changing.isEmpty() && present.mechanism() != Mechanism.EBPF) {
        programs.revokeGrants();
      }
      changing.put(cookie, System.nanoTime() + translated.toNanos());
    }
    return met;
  }

  /**
   * Whether the pod was wholly in force by what an earlier daemon had: connections from before that
   * have been looked for. What is only begun, or left, is no proof of it.
   */
  public boolean wasInForce(long cookie) {
    return present.wasInForce(cookie)
        || switch (present.mechanism()) {
          case EBPF -> rules.wereInForce(cookie);
          case IPTABLES -> programs.wereInForce(cookie);
          case SPLIT -> rules.wereInForce(cookie) || programs.steered(cookie);
        };
  }

  /**
   * The listeners to which the former mechanism sends what it takes from the pod, if a daemon has
   * handed them over; the caller owns the descriptors. To be served until it has gone: it works as
   * long as they do. None for a pod that {@link #meets} does not know.
   */
  public Optional<PodListeners> listeners(PodPlacement pod) {
    return changing.containsKey(pod.cookie())
        ? of(pod, inherited.takeAll(pod.cookie(), PodListeners.MAX_LISTENERS))
        : Optional.empty();
  }

  /**
   * The same by second descriptors, all of them, before the present mechanism takes those that it
   * has a use for.
   */
  public Optional<PodListeners> listenersAhead(PodPlacement pod) {
    return of(pod, inherited.duplicates(pod.cookie(), PodListeners.MAX_LISTENERS));
  }

  private static Optional<PodListeners> of(PodPlacement pod, List<ListenerFd> listeners) {
    return listeners.isEmpty()
        ? Optional.empty()
        : Optional.of(new PodListeners(pod.name(), listeners));
  }

  /** Whether listeners were handed over on which nobody accepts. */
  public boolean hasWaitingListeners() {
    return inherited.isAcceptedByNobody();
  }

  /** Lets the former mechanism know the listeners of the present one, before both are in force. */
  public void prepared(PodPlacement pod, PodListeners own) {
    if (changing.containsKey(pod.cookie()) && present.mechanism() == Mechanism.IPTABLES) {
      programs.mark(pod, own);
    }
  }

  /** The pod is in force by the present mechanism: takes the other one away from it. */
  public void replacedIn(PodPlacement pod) {
    if (!done) {
      inForce.put(pod.cookie(), pod);
      lift(pod);
    }
  }

  /** The pod has left the mesh, or its namespace has gone. */
  public void forget(long cookie) {
    inForce.remove(cookie);
    changing.remove(cookie);
    rules.forget(cookie);
  }

  /** Whether another mechanism has the pod in force beside the present one. Cheap. */
  public boolean holds(long cookie) {
    return !done
        && switch (present.mechanism()) {
          case EBPF -> programs.hasOtherSchemas() || rules.hold(cookie);
          case IPTABLES -> programs.hold(cookie);
          case SPLIT -> programs.hasOtherSchemas();
        };
  }

  /** Why not every enrolled pod is under the present mechanism alone; nothing where it is. */
  public Optional<String> missing() {
    List<String> left =
        inForce.values().stream()
            .filter(pod -> holds(pod.cookie()))
            .map(pod -> pod.name().toString())
            .sorted()
            .toList();
    return left.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "what another mode left is still in force beside "
                + present.mechanism().label()
                + " in "
                + String.join(", ", left)
                + "; it is removed as soon as it can be, the log says why it could not");
  }

  /**
   * Tries again what failed, and takes away what all pods shared once no pod needs it that is not
   * under the present mechanism. To be called after every round of pods.
   */
  public void settle() {
    if (!done) {
      if (present.mechanism() == Mechanism.IPTABLES && programs.areOnlyOf(inForce.keySet())) {
        attempt("all pods", this::removePrograms);
      }
      inForce.values().stream().filter(pod -> holds(pod.cookie())).forEach(this::lift);
    }
    rules.endTranslations();
    changing.forEach((cookie, end) -> {
      if (System.nanoTime() - end >= 0 && !holds(cookie)) {
        if (present.mechanism() == Mechanism.IPTABLES) {
          programs.gather(cookie); // what it cannot take away is told, and in nobody's way
        }
        changing.remove(cookie, end);
      }
    });
  }

  /** Takes away all that is left; to be called when every pod that is wanted is in force. */
  public void removeAll() {
    if (done) {
      return;
    }
    boolean removed =
        attempt(
            "pods that have left",
            () -> {
              switch (present.mechanism()) {
                case IPTABLES -> removePrograms();
                case EBPF -> {
                  programs.removeOtherSchemas();
                  rules.removeAll();
                }
                // Needs both; what a pod had too much went when that pod was activated.
                case SPLIT -> programs.removeOtherSchemas();
              }
            });
    if (removed && (present.mechanism() != Mechanism.EBPF || !rules.exist())) {
      done = true;
      inForce.clear();
    }
  }

  /** Whether {@link #settle} and {@link #removeAll} have nothing more to do. */
  public boolean isSettled() {
    return done && changing.isEmpty() && !hasWaitingListeners();
  }

  private void removePrograms() {
    if (programs.exist()) {
      programs.removeAll(changing.keySet());
      LOG.log(System.Logger.Level.INFO, "former_mechanism_removed mode=ebpf");
    }
  }

  private void lift(PodPlacement pod) {
    switch (present.mechanism()) {
      case IPTABLES -> {
        if (programs.hold(pod.cookie())) {
          attempt(pod.name().toString(), () -> programs.lift(pod));
        }
      }
      case EBPF -> {
        if (rules.hold(pod.cookie())) {
          attempt(pod.name().toString(), () -> rules.lift(pod));
        }
      }
      case SPLIT -> {} // its own activation has done it
    }
  }

  /** Whether it succeeded; else the next sweep tries again, and both refuse till then. */
  private static boolean attempt(String where, Runnable step) {
    try {
      step.run();
      LOG.log(System.Logger.Level.DEBUG, "former_mechanism_removed where=\"{0}\"", where);
      return true;
    } catch (RuntimeException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "former_mechanism_not_removed where=\"{0}\" problem={1}",
          where,
          e.getMessage());
      return false;
    }
  }

  /**
   * Facts while pods change from one mechanism to another: what is accepted there may have been
   * sent by either, or by both in turn. Rules come first on the way into a pod and programs last,
   * so a translation tells the true destination even of what was steered after it.
   */
  static final class ChangingSocketFacts implements SocketFacts {
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
    public void prepare(int fd, PodPlacement inside, Optional<Shown> shown) {
      if (changing.contains(inside.cookie())) {
        translated.prepare(fd, inside, shown);
      }
      // Last: it may need a mark of its own.
      own.prepare(fd, inside, shown.filter(_ -> !stillSteered.test(inside.cookie())));
    }

    /** Not from or to a pod that changes: its former mechanism would take the connection. */
    @Override
    public boolean canLeadPast(PodPlacement caller, PodPlacement callee) {
      return !changing.contains(caller.cookie())
          && !changing.contains(callee.cookie())
          && own.canLeadPast(caller, callee);
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
}

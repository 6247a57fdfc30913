package io.sluice.node.enrolment;

import io.sluice.interception.ClosedPods;
import io.sluice.interception.Interception;
import io.sluice.interception.PathChecks;
import io.sluice.interception.PodPlacement;
import io.sluice.iptables.RedirectionException;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.NamespacedName;
import io.sluice.process.Backoff;
import io.sluice.proxy.accept.Proxy;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongFunction;
import java.util.function.LongPredicate;

/**
 * Looks whether every enrolled pod is intercepted as it should be: programs, slots and rules when
 * it is the pod's turn, the paths themselves after enrolment, after every repair and now and then.
 * What is off is put right; a pod that stays off is refused as a whole until it is found right
 * again. For one thread at a time, but for {@link #stop}.
 */
public final class Verification {
  private static final System.Logger LOG = System.getLogger(Verification.class.getName());

  /**
   * Groups in which pods that are enrolled at once are looked at later: a node of many is not busy
   * with all of them at once, and one of few with several together, which costs less.
   */
  private static final int GROUPS = 3;

  private final Interception interception;
  private final Proxy proxy;
  private final PathChecks paths;
  private final ClosedPods closedPods;
  private final ProtectionListener listener;
  private final long intervalNanos;
  private final boolean failOpen;
  private final LongPredicate formerHolds;
  private final LongFunction<Optional<OtherNode>> otherNodes;
  private final Map<NamespacedName, Watch> watches = new HashMap<>();
  private final Backoff nodeRepairs = new Backoff(Backoff.SHORTEST, Backoff.LONGEST);
  private Optional<String> nodeProblem = Optional.empty();
  private boolean nodeIsRepaired = true;
  private final LongAdder looks = new LongAdder();
  private volatile boolean stopped;
  private boolean looking;
  private int group; // of the next pod

  /**
   * Another node of this machine that has a pod in force, or has left it so.
   *
   * @param isRunning whether its daemon runs
   */
  public record OtherNode(String name, boolean isRunning) {
    @Override
    public String toString() {
      return "node '%s', %s, holds it"
          .formatted(name, isRunning ? "whose daemon runs" : "which is dead");
    }

    /** What the operator can do about it. */
    String remedy() {
      String cleanup = "`sluice node cleanup --node-name " + name + "`";
      return isRunning
          ? "take the pod out of one of the two registries, or end that daemon and " + cleanup
          : cleanup + " ends that";
    }
  }

  /** What is known of one enrolled pod. */
  private static final class Watch {
    private enum State {
      /** Nothing is known to be wrong. */
      WHOLE,
      /** Something was wrong and has been put right; a look at the paths has to confirm it. */
      REPAIRED,
      /** The last repair did not help. */
      BROKEN
    }

    State state = State.WHOLE;
    String problem = "";
    String notChecked = "";
    long nextLook;

    /** By so much the second look comes before its time, or all pods would have theirs at once. */
    long earlier;

    final Backoff repairs = new Backoff(Backoff.SHORTEST, Backoff.LONGEST);
  }

  /**
   * Looks at nothing yet.
   *
   * @param interval between two looks at the paths of one pod that is whole
   * @param failOpen whether the operator prefers open pods to refused ones
   * @param formerHolds whether another mechanism has the pod with this cookie in force as well:
   *     then its connections may be refused, which would be taken for a fault of the paths
   * @param otherNodes which other node has the pod with this cookie in force
   */
  public Verification(
      Interception interception,
      Proxy proxy,
      PathChecks paths,
      ClosedPods closedPods,
      ProtectionListener listener,
      Duration interval,
      boolean failOpen,
      LongPredicate formerHolds,
      LongFunction<Optional<OtherNode>> otherNodes) {
    this.interception = interception;
    this.proxy = proxy;
    this.paths = paths;
    this.closedPods = closedPods;
    this.listener = listener;
    this.intervalNanos = interval.toNanos();
    this.failOpen = failOpen;
    this.formerHolds = formerHolds;
    this.otherNodes = otherNodes;
  }

  /**
   * Ends looking, repairing and refusing: the proxy is about to close its listeners. Any thread.
   */
  void stop() {
    stopped = true;
  }

  /** Tells that the pod was found in a namespace that is another one's, and is not enrolled. */
  void tellOfConflict(NamespacedName claimant) {
    listener.namespaceConflict(claimant);
  }

  /** Looks at what all pods share; once before the pods of a sweep. */
  void beginSweep() {
    if (stopped) {
      return;
    }
    nodeProblem = interception.nodeProblem();
    nodeIsRepaired = nodeProblem.isEmpty();
    if (nodeIsRepaired) {
      nodeRepairs.reset();
      return;
    }
    LOG.log(System.Logger.Level.WARNING, "interception_broken node problem={0}", nodeProblem.get());
    if (!nodeRepairs.attempt()) {
      return;
    }
    try {
      interception.repairNode();
      nodeIsRepaired = interception.nodeProblem().isEmpty();
    } catch (LinuxException | UncheckedIOException e) {
      LOG.log(System.Logger.Level.WARNING, "interception_not_repaired node", e);
    }
  }

  /** Begins to look after a pod that has just been enrolled. */
  void enrolled(PodPlacement pod) {
    Watch watch = new Watch();
    if (closedPods.isNoted(pod.cookie())) {
      // By an earlier daemon, or while it could not be enrolled: it opens when it is found right.
      watch.state = Watch.State.BROKEN;
      watch.problem = "it was refused; its paths have not been looked at since";
    }
    watches.put(pod.name(), watch);
    watch.nextLook = System.nanoTime();
    watch.earlier = intervalNanos * group / GROUPS;
    group = (group + 1) % GROUPS;
    if (!formerHolds.test(pod.cookie())) {
      look(pod, watch);
    }
  }

  /** Which other node has the pod in force; one that runs comes first. */
  Optional<OtherNode> otherNode(long cookie) {
    return otherNodes.apply(cookie);
  }

  /** Ends looking after a pod; {@code netns} is still open. */
  void released(PodPlacement pod) {
    watches.remove(pod.name());
    paths.forgetAll(pod);
    closedPods.open(pod.cookie(), pod.netns());
  }

  /** Whether a pod is to be looked at although it is not its turn. */
  boolean isDue(NamespacedName pod) {
    Watch watch = watches.get(pod);
    return nodeProblem.isPresent()
        || paths.isUnderWay(pod)
        || watch != null
            && (watch.state != Watch.State.WHOLE || System.nanoTime() - watch.nextLook >= 0);
  }

  /**
   * Looks at one pod, and puts it right or refuses it.
   *
   * @param isInTurn else a look at its paths that goes on is followed, or whatever else is due
   * @return what is or was wrong, until a look has found it whole
   */
  Optional<String> verify(PodPlacement pod, boolean isInTurn) {
    Watch watch = watches.get(pod.name());
    if (stopped || watch == null) {
      return Optional.empty();
    }
    boolean looksOn = !isInTurn && watch.state == Watch.State.WHOLE && paths.isUnderWay(pod.name());
    Optional<String> found = nodeProblem.isPresent() || looksOn ? nodeProblem : problem(pod);
    if (found.isEmpty() && formerHolds.test(pod.cookie())) {
      paths.forget(pod.name());
      return Optional.empty(); // it goes once nothing is wrong; what is refused stays so till then
    }
    Optional<PathChecks.Verdict> verdict =
        found.isEmpty() ? paths.poll(pod.name()) : Optional.empty();
    if (verdict.flatMap(PathChecks.Verdict::problem).isPresent()) {
      found = looksOn ? problem(pod) : found; // names the cause
      found = found.or(() -> verdict.flatMap(PathChecks.Verdict::problem));
    }
    verdict.ifPresent(seen -> note(pod, watch, seen));
    if (found.isPresent()) {
      broken(pod, watch, found.get(), nodeProblem.isEmpty());
    } else if (watch.state == Watch.State.WHOLE) {
      if (System.nanoTime() - watch.nextLook >= 0 && !paths.isUnderWay(pod.name())) {
        look(pod, watch);
      }
    } else if (verdict.isPresent()) {
      whole(pod, watch);
    } else {
      if (!paths.isUnderWay(pod.name())) {
        look(pod, watch);
      }
      keepClosed(pod, watch);
    }
    return watch.problem.isEmpty() ? Optional.empty() : Optional.of(watch.problem);
  }

  /** What cannot be looked at cannot be relied on either. */
  private Optional<String> problem(PodPlacement pod) {
    try {
      return interception.problem(pod);
    } catch (LinuxException | RedirectionException | UncheckedIOException e) {
      return Optional.of("it cannot be looked at: " + e.getMessage());
    }
  }

  /** Looks at paths from now on; before, the proxy may accept nothing yet. */
  void beginLooking() {
    looking = true;
  }

  private void look(PodPlacement pod, Watch watch) {
    if (!looking) {
      return; // it stays due
    }
    paths.begin(pod);
    watch.nextLook = System.nanoTime() + intervalNanos - watch.earlier;
    watch.earlier = 0;
  }

  private void note(PodPlacement pod, Watch watch, PathChecks.Verdict seen) {
    looks.increment();
    String notChecked = String.join("; ", seen.notChecked());
    if (!notChecked.equals(watch.notChecked)) {
      LOG.log(
          System.Logger.Level.INFO,
          "path_not_checked pod={0} reason={1}",
          pod.name(),
          notChecked.isEmpty() ? "none any more" : notChecked);
      watch.notChecked = notChecked;
    }
  }

  private void whole(PodPlacement pod, Watch watch) {
    closedPods.open(pod.cookie(), pod.netns());
    LOG.log(System.Logger.Level.INFO, "interception_repaired pod={0}", pod.name());
    watch.state = Watch.State.WHOLE;
    watch.problem = "";
    watch.repairs.reset();
  }

  private void broken(PodPlacement pod, Watch watch, String found, boolean isOfThePod) {
    String problem =
        found + otherNode(pod.cookie()).map(node -> "; " + node + ": " + node.remedy()).orElse("");
    if (!problem.equals(watch.problem)) {
      LOG.log(
          System.Logger.Level.WARNING,
          "interception_broken pod={0} problem={1}",
          pod.name(),
          problem);
      watch.problem = problem;
    }
    boolean repaired = isOfThePod ? repair(pod, watch) : nodeIsRepaired;
    if (repaired && watch.state == Watch.State.WHOLE) {
      watch.state = Watch.State.REPAIRED;
    } else {
      watch.state = Watch.State.BROKEN;
      keepClosed(pod, watch);
    }
    if (repaired) {
      look(pod, watch);
    } else {
      paths.forget(pod.name());
    }
  }

  /** Whether everything but the paths is right after it. */
  private boolean repair(PodPlacement pod, Watch watch) {
    if (!watch.repairs.attempt()) {
      return problem(pod).isEmpty();
    }
    try {
      interception.repair(pod, listeners -> proxy.serve(listeners).join());
      return problem(pod).isEmpty();
    } catch (RuntimeException e) {
      // Whatever it was: the pod is refused, and told to be.
      LOG.log(System.Logger.Level.WARNING, "interception_not_repaired pod=" + pod.name(), e);
      return false;
    }
  }

  private void keepClosed(PodPlacement pod, Watch watch) {
    if (watch.state == Watch.State.BROKEN && !failOpen) {
      close(
          pod.name(),
          pod.path(),
          pod.netns(),
          pod.cookie(),
          pod.network().primary(),
          watch.problem);
    }
  }

  /** Refuses everything of a pod that is wanted in a strict mesh and cannot be enrolled. */
  void closePending(
      NamespacedName pod,
      Path path,
      NetnsHandle netns,
      long cookie,
      List<InetAddress> addresses,
      String problem) {
    if (!failOpen && !stopped) {
      close(pod, path, netns, cookie, addresses, problem);
    }
  }

  private void close(
      NamespacedName pod,
      Path path,
      NetnsHandle netns,
      long cookie,
      List<InetAddress> addresses,
      String problem) {
    if (stopped) {
      return;
    }
    try {
      if (closedPods.close(pod, path, netns, cookie, () -> paths.waysFromNode(addresses))) {
        LOG.log(
            System.Logger.Level.WARNING,
            "interception_failed_closed pod={0} problem={1}",
            pod,
            problem);
        listener.closed(pod, problem);
      }
    } catch (RedirectionException | LinuxException | UncheckedIOException e) {
      LOG.log(System.Logger.Level.ERROR, "pod_not_closed pod=" + pod, e);
    }
  }

  /** Looks at the paths of a pod that have come to an end; any thread. */
  long looks() {
    return looks.sum();
  }

  /** Whether everything of that pod is refused. */
  boolean isClosed(long cookie) {
    return closedPods.isClosed(cookie);
  }

  /** Whether the pod is enrolled and nothing says that it is not intercepted. */
  boolean isBroken(NamespacedName pod) {
    Watch watch = watches.get(pod);
    return watch != null && watch.state == Watch.State.BROKEN;
  }

  ClosedPods closedPods() {
    return closedPods;
  }
}

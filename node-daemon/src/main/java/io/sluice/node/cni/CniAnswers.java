package io.sluice.node.cni;

import io.sluice.cni.protocol.CniConfig;
import io.sluice.cni.protocol.CniConfig.PreviousResult;
import io.sluice.cni.protocol.CniError;
import io.sluice.cni.protocol.CniRequest;
import io.sluice.cni.protocol.CniRequest.PodReference;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.Workload;
import io.sluice.node.cni.CniService.SnapshotView;
import io.sluice.node.enrolment.SandboxEnrolment;
import io.sluice.node.fault.FaultPoint;
import io.sluice.node.placement.Sandbox;
import io.sluice.node.placement.SandboxRecords;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Decides what becomes of one call. Any thread; blocks until the answer is known or the deadline
 * has come.
 */
final class CniAnswers {
  private static final System.Logger LOG = System.getLogger(CniAnswers.class.getName());
  private static final byte[] NOTHING = {};

  /**
   * How long a pod of a namespace outside the mesh is waited for where nobody is there who tells of
   * every pod: it may bring a label of its own, and must not be kept for a registry that never
   * tells of it.
   */
  private static final Duration UNTOLD_PATIENCE = Duration.ofMillis(500);

  private static final Duration DETACH_PATIENCE = Duration.ofSeconds(2);

  /** Not in force: a code of our own, above those of the specification. */
  private static final int NOT_IN_FORCE = 100;

  private final Set<String> systemNamespaces;
  private final SnapshotView snapshots;
  private final SandboxRecords records;
  private final SandboxEnrolment enrolment;
  private final PodReplacement replacement;
  private final SandboxTurns turns = new SandboxTurns();

  CniAnswers(
      Set<String> systemNamespaces,
      SnapshotView snapshots,
      SandboxRecords records,
      SandboxEnrolment enrolment,
      PodReplacement replacement) {
    this.replacement = replacement;
    this.systemNamespaces = Set.copyOf(systemNamespaces);
    this.snapshots = snapshots;
    this.records = records;
    this.enrolment = enrolment;
  }

  /**
   * What the client prints; the call succeeded.
   *
   * @param netns namespace that the client passed; the callee's
   * @throws CniError when it did not
   */
  byte[] answer(CniRequest request, Optional<NetnsHandle> netns, long deadlineNanos)
      throws InterruptedException {
    FaultPoint.CALL_RECEIVED.reached();
    byte[] answer;
    boolean handedOn = false;
    try {
      answer =
          switch (request.command()) {
            case ADD -> {
              Optional<Sandbox> sandbox = toAttachOrLeave(request, netns, deadlineNanos);
              if (sandbox.isPresent()) {
                handedOn = true;
                attach(sandbox.get(), netns.orElseThrow(), deadlineNanos);
              }
              yield request.config().previous().map(PreviousResult::document).orElse(NOTHING);
            }
            case CHECK -> {
              check(request, deadlineNanos);
              yield NOTHING;
            }
            case DEL -> {
              Optional<Sandbox> sandbox = records.known(request.containerId());
              if (sandbox.isPresent()) {
                delete(sandbox.get(), request);
              } else {
                request.pod().ifPresent(replacement::left); // its ADD may have failed at the record
              }
              yield NOTHING;
            }
            case GC -> {
              collect(request.config());
              yield NOTHING;
            }
            case STATUS -> NOTHING;
          };
    } finally {
      if (!handedOn) {
        netns.ifPresent(NetnsHandle::close);
      }
    }
    FaultPoint.CALL_ANSWERED.reached();
    return answer;
  }

  /** What fails before anything is recorded leaves nobody who stands in for another. */
  private Optional<Sandbox> toAttachOrLeave(
      CniRequest request, Optional<NetnsHandle> passed, long deadlineNanos)
      throws InterruptedException {
    try {
      return toAttach(request, passed, deadlineNanos);
    } catch (RuntimeException | InterruptedException e) {
      if (records.find(request.containerId()).isEmpty()) {
        request.pod().ifPresent(replacement::left);
      }
      throw e;
    }
  }

  /** The sandbox to attach; nothing when its pod is outside the mesh, or it is attached already. */
  private Optional<Sandbox> toAttach(
      CniRequest request, Optional<NetnsHandle> passed, long deadlineNanos)
      throws InterruptedException {
    Optional<PodReference> pod = request.pod();
    if (pod.isEmpty() || !belongsToMesh(pod.get(), given(request), deadlineNanos)) {
      return Optional.empty();
    }
    NetnsHandle netns =
        passed.orElseThrow(() ->
            new CniError(
                CniError.INVALID_ENVIRONMENT,
                "no namespace came with the ADD of pod " + pod.get().name(),
                "CNI_NETNS must be a network namespace"));
    Optional<Sandbox> before = records.find(request.containerId());
    if (before.isPresent() && !before.get().ifname().equals(request.ifname())) {
      // An additional interface: the sandbox is attached as a whole, but may have excluded it.
      records.write(before.get().with(given(request)));
      Void _ = within(enrolment.refresh(before.get()), deadlineNanos, "pod " + pod.get().name());
      return Optional.empty();
    }
    return Optional.of(
        new Sandbox(
            request.containerId(),
            request.ifname(),
            pod.get().name(),
            Path.of(request.netnsPath()),
            cookie(netns, pod.get()),
            netns.inode(),
            given(request)));
  }

  /** What the plugins before ours gave. */
  private static List<InetAddress> given(CniRequest request) {
    return request.config().previous().map(PreviousResult::addresses).orElse(List.of());
  }

  /** {@code netns} is the callee's. */
  private void attach(Sandbox sandbox, NetnsHandle netns, long deadlineNanos)
      throws InterruptedException {
    boolean isNew;
    try {
      turns.begin(sandbox.containerId(), deadlineNanos);
    } catch (CniError | InterruptedException e) {
      netns.close();
      throw e;
    }
    try {
      try {
        isNew = records.write(sandbox);
      } catch (UncheckedIOException e) {
        netns.close();
        throw e;
      }
      FaultPoint.SANDBOX_RECORDED.reached();
      try {
        Void _ = within(enrolment.attach(sandbox, netns), deadlineNanos, "pod " + sandbox.pod());
      } catch (CniError | InterruptedException e) {
        if (isNew) {
          letGo(sandbox); // the runtime takes the sandbox down now
        }
        throw e;
      }
    } finally {
      turns.end(sandbox.containerId());
    }
    FaultPoint.SANDBOX_ATTACHED.reached();
  }

  private static long cookie(NetnsHandle netns, PodReference pod) {
    try {
      return netns.cookie();
    } catch (LinuxException e) {
      throw new CniError(
          CniError.TRY_AGAIN,
          "the network namespace of pod " + pod.name() + " cannot be entered: " + e.getMessage(),
          "");
    }
  }

  private boolean belongsToMesh(PodReference pod, List<InetAddress> addresses, long deadlineNanos)
      throws InterruptedException {
    String namespace = pod.name().namespace();
    if (systemNamespaces.contains(namespace)) {
      return false;
    }
    long patience = Math.min(System.nanoTime() + UNTOLD_PATIENCE.toNanos(), deadlineNanos);
    Optional<Workload> workload =
        snapshots.await(pod, snapshots.isToldOfEveryPod() ? deadlineNanos : patience);
    Optional<String> whyNot = Optional.empty();
    if (workload.isEmpty() && !snapshots.isToldOfEveryPod()) {
      whyNot = replacement.replace(pod, addresses);
      if (whyNot.isPresent() && snapshots.mayStartUntold(namespace)) {
        LOG.log(System.Logger.Level.INFO, "pod_started_untold pod={0}", pod.name());
        return false;
      }
      workload = snapshots.await(pod, deadlineNanos);
    }
    if (workload.isPresent()) {
      return workload.get().enrolled();
    }
    throw new CniError(
        CniError.TRY_AGAIN,
        "the mesh does not know pod "
            + pod.name()
            + " yet, so it cannot say whether its traffic must be protected",
        snapshots.isToldOfEveryPod()
            ? "the runtime tries again; if it stays so, look at 'sluice node status' and the"
                + " controller's log, which names objects that cannot be read (registry_problem)"
            : "it waits for the controller, or for whoever writes the registry's folder, to tell of"
                + " it; 'sluice node status' says since when the controller was not heard of"
                + whyNot.map(why -> "; it does not start in another's place: " + why).orElse(""));
  }

  private void check(CniRequest request, long deadlineNanos) throws InterruptedException {
    Optional<Sandbox> sandbox = records.find(request.containerId());
    if (sandbox.isEmpty()) {
      Optional<PodReference> pod = request.pod();
      if (pod.isPresent() && belongsToMesh(pod.get(), List.of(), deadlineNanos)) {
        throw new CniError(
            NOT_IN_FORCE, "pod " + pod.get().name() + " was never attached", "make it anew");
      }
      return;
    }
    Optional<String> problem =
        within(enrolment.check(sandbox.get()), deadlineNanos, "pod " + sandbox.get().pod());
    if (problem.isPresent()) {
      throw new CniError(
          NOT_IN_FORCE,
          "pod " + sandbox.get().pod() + ": " + problem.get(),
          "it is being repaired");
    }
  }

  /** Deleting always succeeds: what cannot be done now is done by the sweep. */
  private void delete(Sandbox sandbox, CniRequest request) {
    if (sandbox.ifname().equals(request.ifname())) {
      delete(sandbox);
    }
  }

  private void delete(Sandbox sandbox) {
    CompletableFuture<Void> released = letGo(sandbox);
    try {
      Void _ =
          within(released, System.nanoTime() + DETACH_PATIENCE.toNanos(), "pod " + sandbox.pod());
    } catch (CniError e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "sandbox_not_detached pod={0} problem={1}",
          sandbox.pod(),
          e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Notes first that it leaves, so that whatever happens next it is let go. */
  private CompletableFuture<Void> letGo(Sandbox sandbox) {
    try {
      records.leave(sandbox.containerId());
    } catch (UncheckedIOException e) {
      LOG.log(System.Logger.Level.WARNING, "sandbox_not_noted pod=" + sandbox.pod(), e);
    }
    FaultPoint.SANDBOX_FORGOTTEN.reached();
    CompletableFuture<Void> released = enrolment.detach(sandbox);
    replacement.left(new PodReference(sandbox.pod(), null));
    return released;
  }

  private void collect(CniConfig config) {
    for (Sandbox sandbox : records.all()) {
      if (!config.attachments().contains(sandbox.containerId())) {
        LOG.log(System.Logger.Level.INFO, "sandbox_collected pod={0}", sandbox.pod());
        delete(sandbox);
      }
    }
  }

  private static <T> T within(CompletableFuture<T> work, long deadlineNanos, String subject)
      throws InterruptedException {
    try {
      return work.get(Math.max(1, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      work.cancel(false); // what has not begun need not begin any more
      throw new CniError(
          CniError.TRY_AGAIN, subject + " is not in force in time", "the runtime tries again");
    } catch (ExecutionException | CancellationException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new CniError(
          CniError.TRY_AGAIN,
          subject + " cannot be enrolled: " + cause.getMessage(),
          "the runtime tries again; see 'sluice node pods'");
    }
  }

  /**
   * Lets one call at a time attach the same sandbox: of two, one that fails would take back what
   * the other has been promised. Any thread.
   */
  static final class SandboxTurns {
    private final Set<String> underWay = new HashSet<>();

    /**
     * Waits for the turn.
     *
     * @param deadlineNanos of {@link System#nanoTime}
     * @throws CniError when it has not come by then
     */
    synchronized void begin(String containerId, long deadlineNanos) throws InterruptedException {
      while (!underWay.add(containerId)) {
        long left = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
        if (left <= 0) {
          throw new CniError(
              CniError.TRY_AGAIN,
              "another call attaches sandbox " + containerId + " still",
              "the runtime tries again");
        }
        wait(left);
      }
    }

    /** Ends the turn. */
    synchronized void end(String containerId) {
      underWay.remove(containerId);
      notifyAll();
    }
  }
}

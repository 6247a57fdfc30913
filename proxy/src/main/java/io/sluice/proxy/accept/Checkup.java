package io.sluice.proxy.accept;

import io.sluice.mesh.HealthCheck;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Handling;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.hbone.HboneExchange;
import io.sluice.proxy.http.HealthQuestion;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.Incoming;
import io.sluice.proxy.upstream.HealthChecks;
import io.sluice.proxy.upstream.LocalDial;
import io.sluice.proxy.upstream.Upstream;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Asks the pod's own application whether it is well, for a node that calls it: whoever policy lets
 * call that port gets yes or no, and says nothing of what is asked. One question at a time is on
 * its way to a port, whoever waits for its answer, and what the application has said holds for a
 * while: so it bears no more of them however many ask. Runs on one event loop.
 */
final class Checkup implements Upstream.Listener {
  private static final long GRACE_MILLIS = 1_000;

  /** Of an interval an answer holds this part: who asks once in each has a new one each time. */
  private static final int PARTS = 4;

  private static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Pod pod;
  private final Loop loop;
  private final HealthCheck check;
  private final InetSocketAddress endpoint;
  private final CompletableFuture<Optional<Reason>> answer; // empty: it is well
  private @Nullable Upstream upstream;
  private @Nullable ByteChannel channel;
  private @Nullable Future<?> deadline;

  private Checkup(
      Pod pod,
      Loop loop,
      HealthCheck check,
      InetSocketAddress endpoint,
      CompletableFuture<Optional<Reason>> answer) {
    this.pod = pod;
    this.loop = loop;
    this.check = check;
    this.endpoint = endpoint;
    this.answer = answer;
  }

  /** For a peer's node. */
  static void begin(DataPath path, Pod pod, Loop loop, HboneExchange asked) {
    MeshSnapshot snapshot = path.snapshot;
    Subject subject = new Subject(pod.name, Direction.INBOUND, asked.remoteAddress());
    StreamCaller caller = new StreamCaller(path, pod, loop, asked);
    caller.introduce(snapshot, subject);
    Flow flow = asked.peer().flow(snapshot, asked.remoteAddress(), asked.request().destination());
    begin(snapshot, pod, loop, subject, flow, asked);
  }

  /** For another pod of this node, or the pod itself. */
  static void begin(DataPath path, Pod pod, Loop loop, LocalDial asked) {
    MeshSnapshot snapshot = path.snapshot;
    Flow flow = asked.flow();
    Subject subject = new Subject(pod.name, Direction.INBOUND, flow.sourceAddress());
    new LocalCaller(path, pod, loop, asked).introduce(snapshot, subject);
    begin(snapshot, pod, loop, subject, flow.whole(), asked);
  }

  private static void begin(
      MeshSnapshot snapshot, Pod pod, Loop loop, Subject subject, Flow wanted, Incoming asked) {
    Workload own = snapshot.workload(pod.name).orElse(null);
    if (pod.gone
        || own == null
        || !own.addresses().contains(wanted.destination().getAddress())
        || !snapshot.settings().healthChecks()) {
      asked.refuse(Reason.INTERNAL_ERROR); // says nothing of the application
      return;
    }
    boolean http = Handling.of(snapshot, Direction.INBOUND, pod.name, wanted).isHttp();
    Flow flow = http ? wanted.byRequest() : wanted;
    Verdict verdict = subject.decide(snapshot, flow, own.identity(), null);
    if (!verdict.isAllowed()) {
      asked.refuse(verdict.reason());
      return;
    }
    CompletableFuture<Optional<Reason>> mine = new CompletableFuture<>();
    CompletableFuture<Optional<Reason>> known =
        pod.checkups.putIfAbsent(wanted.destination(), mine);
    AtomicBoolean gone = new AtomicBoolean();
    asked.whenGone(_ -> gone.set(true));
    var _ =
        (known == null ? mine : known)
            .thenAcceptAsync(
                problem -> {
                  if (!gone.get()) {
                    problem.ifPresentOrElse(asked::refuse, () -> asked.accept().reset());
                  }
                },
                loop.executor);
    if (known == null) {
      HealthCheck check = HealthCheck.of(snapshot, own, wanted.destination());
      long began = System.nanoTime();
      var _ =
          mine.thenAccept(problem -> {
            long held = Math.min(check.interval().toNanos() / PARTS, LONGEST_NANOS);
            loop.executor.schedule(
                () -> pod.checkups.remove(wanted.destination(), mine),
                isOfApplication(problem) ? Math.max(0, began + held - System.nanoTime()) : 0,
                TimeUnit.NANOSECONDS);
          });
      new Checkup(pod, loop, check, wanted.destination(), mine).begin(snapshot, flow, subject);
    }
  }

  private static boolean isOfApplication(Optional<Reason> problem) {
    return problem.isEmpty() || HealthChecks.isFailure(problem.get());
  }

  private void begin(MeshSnapshot snapshot, Flow flow, Subject subject) {
    deadline = loop.executor.schedule(this::end, check.timeout().toNanos(), TimeUnit.NANOSECONDS);
    Upstream asked = new Upstream(loop.upstreams, pod, pod, snapshot, flow, subject, this);
    upstream = asked;
    asked.start();
  }

  @Override
  public boolean isCheck() {
    return true;
  }

  @Override
  public void opened(ByteChannel reached) {
    channel = reached;
    if (answer.isDone()) {
      reached.reset();
      return;
    }
    HealthQuestion.begin(
        check, endpoint, reached, well -> told(well ? null : Reason.UPSTREAM_UNREACHABLE));
  }

  @Override
  public void refused(Verdict verdict, CloseKind kind) {
    told(verdict.outcome() == Outcome.REFUSED ? verdict.reason() : Reason.INTERNAL_ERROR);
  }

  private void told(@Nullable Reason problem) {
    Future<?> timer = deadline;
    if (answer.complete(Optional.ofNullable(problem)) && timer != null && timer.cancel(false)) {
      // The application closes in order; nothing is kept for it for longer.
      loop.executor.schedule(this::end, GRACE_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  /** Without an answer by now it is not well. */
  private void end() {
    told(Reason.CONNECT_TIMEOUT);
    ByteChannel reached = channel;
    if (reached != null) {
      reached.reset();
    }
    Upstream asked = upstream;
    if (asked != null) {
      asked.end();
    }
  }
}

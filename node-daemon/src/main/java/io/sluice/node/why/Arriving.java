package io.sluice.node.why;

import io.sluice.mesh.ExternalAuthorization;
import io.sluice.mesh.FailMode;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Handling;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.PodStatus.PodState;
import io.sluice.node.enrolment.PodStatus.Protection;
import io.sluice.node.why.Fate.Cause;
import io.sluice.node.why.Fate.Kind;
import java.net.InetSocketAddress;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/** The end of a way: the pod called, and what it says. */
final class Arriving {
  static final int FORBIDDEN = 403;

  private final MeshSnapshot snapshot;
  private final NodeView node;
  private final Causes causes;

  Arriving(MeshSnapshot snapshot, NodeView node, Causes causes) {
    this.snapshot = snapshot;
    this.node = node;
    this.causes = causes;
  }

  /** Whether this node has the pod, as far as the registry says. */
  boolean isHere(Workload pod) {
    return pod.nodeName()
        .map(node.nodeName()::equals)
        .orElse(pod.netns().isPresent() || pod.uid().isPresent());
  }

  static String nodeOf(Workload pod) {
    return pod.nodeName().map(name -> "node " + name).orElse("its node");
  }

  /** Why a pod is not intercepted as it should be, as far as the daemon says. */
  static String problem(Optional<PodStatus> status) {
    return status.map(PodStatus::problem).filter(text -> !text.isEmpty()).orElse("see `node pods`");
  }

  /** That one is closed by this node. */
  static Cause keptClosed(Workload pod, String problem) {
    return Causes.pod(pod, "", "the mesh keeps pod " + pod.name() + " closed: " + problem);
  }

  /** What is responsible where the pod is not intercepted, or not as it should be. */
  static Cause notIntercepted(Workload pod, Optional<PodStatus> status) {
    return Causes.pod(pod, "", "pod " + pod.name() + " is not intercepted yet: " + problem(status));
  }

  /** Where the pod called is not intercepted as it should be, or nobody serves it. */
  Optional<Fate> unusual(Workload pod, Story story, Reason reason) {
    if (!node.isRunning()) {
      boolean open = node.failsOpen() || pod.interception().openings().fail() == FailMode.OPEN;
      Cause dead = Causes.fact("no daemon runs on node " + node.nodeName());
      return Optional.of(
          open
              ? story.turn(dead).end(Kind.CLEAR, Reason.FAIL_OPEN, List.of())
              : story.end(Kind.REFUSED, Reason.PROXY_UNAVAILABLE, List.of(dead)));
    }
    Optional<PodStatus> status = node.pod(pod.name());
    String problem = problem(status);
    return switch (status.map(PodStatus::protection).orElse(Protection.OUTSIDE)) {
      case PROTECTED -> Optional.empty();
      case REFUSED -> Optional.of(closed(pod, problem, story, 0));
      case NOT_PROTECTED, OUTSIDE ->
          Optional.of(story.turn(notIntercepted(pod, status)).end(Kind.CLEAR, reason, List.of()));
    };
  }

  /**
   * Where the pod called takes no connection of a proxy, as far as this node knows of its own pods,
   * and has found of others; {@code status} of a request.
   */
  Optional<Fate> closed(Workload pod, Story story, IntSupplier status) {
    Optional<PodStatus> known = isHere(pod) ? node.pod(pod.name()) : Optional.empty();
    if (known.map(PodStatus::protection).equals(Optional.of(Protection.REFUSED))) {
      return Optional.of(closed(pod, problem(known), story, status.getAsInt()));
    }
    boolean isAwaited =
        isHere(pod)
            && node.isRunning()
            && !known.map(PodStatus::state).equals(Optional.of(PodState.ENROLLED));
    Optional<Cause> cause =
        isAwaited
            ? Optional.of(notIntercepted(pod, known))
            : Optional.of(pod)
                .filter(other -> !isHere(other))
                .flatMap(node::foundClosed)
                .map(time ->
                    "its node took no connection for it at %s (%s)"
                        .formatted(time.truncatedTo(ChronoUnit.SECONDS), Reason.POD_CLOSED.label()))
                .map(text -> Causes.pod(pod, "", text));
    return cause.map(
        found -> story.end(Kind.UNREACHABLE, Reason.POD_CLOSED, List.of(found), status.getAsInt()));
  }

  private static Fate closed(Workload pod, String problem, Story story, int status) {
    return story.end(
        Kind.REFUSED, Reason.INTERCEPTION_FAILED_CLOSED, List.of(keptClosed(pod, problem)), status);
  }

  /**
   * What policy has said.
   *
   * @param question by which it was asked
   * @param asked the request that was asked for; null where it was the connection
   */
  record Arrival(
      Verdict verdict, Function<MeshSnapshot, Verdict> question, @Nullable HttpRequest asked) {}

  /** What it says of the snapshot in force. */
  Arrival decided(Function<MeshSnapshot, Verdict> question, @Nullable HttpRequest asked) {
    return new Arrival(question.apply(snapshot), question, asked);
  }

  /** What the pod called says, by its own snapshot's rules of what is HTTP. */
  Arrival at(Workload pod, Flow flow, @Nullable HttpRequest requestOrNull, Story story) {
    NamespacedName name = pod.name();
    Handling handling = Handling.of(snapshot, Direction.INBOUND, name, flow);
    Flow decided = handling.isHttp() ? flow.byRequest() : flow.whole();
    HttpRequest asked = handling.isHttp() ? requestOrNull : null;
    if (handling.isHttp()) {
      story.isHttp();
    }
    if (asked != null) {
      story.isAskedAsRequest();
    } else if (handling.isHttp()) {
      story.unknown(
          "what is asked for: pod "
              + name
              + " decides each request for itself; add METHOD and path to the question");
    }
    ExternalAuthorization authorizer = snapshot.settings().authorizationOrNull();
    if (handling.isHttp() && authorizer != null) {
      story.unknown(
          "what %s says, which is asked whether each request may go on"
              .formatted(authorizer.server().authority()));
    }
    List<UpstreamSetting> limits =
        snapshot.limitsAt(flow.destination()).stream()
            .filter(setting -> isLimited(setting.limits(), handling, asked))
            .toList();
    limits.forEach(
        setting -> story.unknown(Proxied.room(setting, "rateLimit", "the pod refuses it")));
    limits.stream()
        .flatMap(setting -> setting.limits().servers())
        .distinct()
        .forEach(server ->
            story.unknown(
                "what %s says, which counts how much may arrive".formatted(server.authority())));
    return decided(
        s -> {
          Verdict connection = Decisions.decideAt(s, name, decided);
          return asked == null || !connection.isAllowed()
              ? connection
              : Decisions.decideAt(s, name, decided, asked);
        },
        asked);
  }

  /** Whether more of this than there is room for is refused; a limit of bits only slows. */
  private static boolean isLimited(
      UpstreamSetting.Limits limits, Handling handling, @Nullable HttpRequest asked) {
    if (limits.connectionsOrNull() != null || limits.sharedConnectionsOrNull() != null) {
      return true;
    }
    if (asked == null) {
      return handling.isHttp() && limits.concernsRequests();
    }
    UpstreamSetting.RouteLimit route = limits.routeOrNull(asked.path());
    return limits.requestsOrNull() != null
        || limits.sharedRequestsOrNull() != null
        || (route != null && route.limitOrNull() != null);
  }

  /** Who is responsible for it. */
  List<Cause> causes(
      Arrival arrival, Workload source, InetSocketAddress to, Optional<Workload> pod) {
    return causes.of(arrival.verdict(), arrival.question(), source, to, pod, arrival.asked());
  }

  /** Policy is against it. */
  static Fate refused(Verdict verdict, List<Cause> why, Story story) {
    return story.end(
        Kind.REFUSED,
        verdict.reason(),
        why,
        verdict.reason() == Reason.ROUTE_NOT_GRANTED ? FORBIDDEN : 0);
  }
}

package io.sluice.node.why;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Retirement;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Outsider;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.PodStatus.Protection;
import io.sluice.node.why.Fate.Cause;
import io.sluice.node.why.Fate.Kind;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;

/**
 * Goes the way of a call without making it: out of the pod, through the proxy of its node, into the
 * pod called. Asks the same questions in the same order as the data path, of the same functions
 * where these are pure.
 */
final class Walk {
  private final MeshSnapshot snapshot;
  private final NodeView node;
  private final Causes causes;
  private final Arriving arriving;

  Walk(MeshSnapshot snapshot, NodeView node) {
    this.snapshot = snapshot;
    this.node = node;
    this.causes = new Causes(snapshot, node.nodeName());
    this.arriving = new Arriving(snapshot, node, causes);
  }

  /** Every way that it may go. */
  List<Fate> of(Call call) {
    Workload source = call.source();
    InetSocketAddress called = call.called();
    Story story = new Story();
    Optional<String> stranger = Stranger.addressOf(source);
    if (stranger.isPresent()) {
      story.ok(stranger.get() + " is no known pod's address: nothing proves who calls");
      return past(call, story, Reason.SOURCE_NOT_IN_MESH);
    }
    if (!source.enrolled()) {
      story.turn(causes.outside(source));
      return past(call, story, Reason.SOURCE_NOT_IN_MESH);
    }
    if (snapshot.settings().retirement() == Retirement.CLEAR) {
      story.turn(
          Causes.meshConfig("spec.traffic.retirement", "the mesh has released every pod: CLEAR"));
      return List.of(story.to(called, null).end(Kind.CLEAR, Reason.LEAVING, List.of()));
    }
    Optional<Outbound> left = Outbound.left(snapshot, source, called);
    boolean here = arriving.isHere(source);
    if (left.isPresent() && (here || source.nodeName().isEmpty())) {
      return left(call, left.get(), story);
    }
    Optional<PodStatus> status = node.pod(source.name());
    if (!here) {
      story.unknown(
          "whether pod "
              + source.name()
              + " is intercepted, what it excludes, and its certificate: ask on "
              + Arriving.nodeOf(source));
    } else if (!node.isRunning() && call.udp()) {
      story.ok("no daemon runs: what the kernel was told last decides about datagrams");
    } else if (!node.isRunning()) {
      return withoutDaemon(call, story);
    } else if (status.map(PodStatus::protection).orElse(Protection.OUTSIDE)
        != Protection.PROTECTED) {
      return notIntercepted(call, status, story);
    } else {
      List<String> differences = node.differences(source.name());
      story.ok("pod " + source.name() + " is intercepted");
      differences.forEach(text -> story.turn(Causes.pod(source, "", text)));
    }
    return call.udp()
        ? datagrams().sent(call, story)
        : new Proxied(snapshot, node, arriving).ways(call, story);
  }

  private Datagrams datagrams() {
    return new Datagrams(snapshot, node, causes, arriving);
  }

  // --- out of the pod ------------------------------------------------------------------------

  private List<Fate> left(Call call, Outbound left, Story story) {
    Cause cause = causes.left(call.source(), left, call.called());
    if (left.outcome() == Outcome.REFUSED) {
      return List.of(
          story.to(call.called(), null).end(Kind.REFUSED, left.reason(), List.of(cause)));
    }
    story.turn(cause);
    if (left.staysInside()) {
      return List.of(
          story.to(call.called(), call.source().name()).end(Kind.CLEAR, left.reason(), List.of()));
    }
    return past(call, story, left.reason());
  }

  private List<Fate> withoutDaemon(Call call, Story story) {
    Cause dead =
        Causes.fact("no daemon runs on node " + node.nodeName() + ": it has to be started");
    return switch (call.source().interception().openings().fail()) {
      case OPEN -> past(call, story.turn(dead), Reason.FAIL_OPEN);
      case CLOSED -> {
        if (node.failsOpen()) {
          yield past(call, story.turn(dead), Reason.FAIL_OPEN);
        }
        story.unknown("whether the daemon was started with --fail-open: then it is left alone");
        yield List.of(
            story
                .to(call.called(), null)
                .end(Kind.REFUSED, Reason.PROXY_UNAVAILABLE, List.of(dead)));
      }
    };
  }

  /** The pod should be intercepted, and is not as it should. */
  private List<Fate> notIntercepted(Call call, Optional<PodStatus> status, Story story) {
    Workload source = call.source();
    if (status.map(PodStatus::protection).equals(Optional.of(Protection.REFUSED))) {
      return List.of(
          story
              .to(call.called(), null)
              .end(
                  Kind.REFUSED,
                  Reason.INTERCEPTION_FAILED_CLOSED,
                  List.of(Arriving.keptClosed(source, Arriving.problem(status)))));
    }
    Cause cause = Arriving.notIntercepted(source, status);
    if (status.map(PodStatus::netnsCookie).orElse(0L) == 0) {
      story.unknown(
          "whether pod %s calls from a network namespace that this node has not found: that would pass unseen"
              .formatted(source.name()));
      return List.of(
          story
              .to(call.called(), null)
              .end(Kind.UNREACHABLE, Reason.INTERCEPTION_FAILED_CLOSED, List.of(cause)));
    }
    story.turn(cause);
    return past(call, story, Reason.SOURCE_NOT_IN_MESH);
  }

  /** The call does not come through the proxy of its node, so nothing proves who makes it. */
  private List<Fate> past(Call call, Story story, Reason reason) {
    if (call.udp()) {
      return datagrams().past(call, story, reason);
    }
    InetSocketAddress called = call.called();
    Service service = snapshot.serviceAt(called.getAddress()).orElse(null);
    if (service == null) {
      return List.of(arriveUnproven(call, called, story, reason));
    }
    Optional<ServicePort> port = service.port(called.getPort());
    if (port.isEmpty()) {
      return List.of(ServiceEnds.noSuchPort(service, called.getPort(), story));
    }
    List<InetSocketAddress> ready = ServiceEnds.ready(port.get(), called);
    if (ready.isEmpty()) {
      return List.of(ServiceEnds.noEndpoint(service, port.get(), story));
    }
    return ready.stream()
        .map(each -> arriveUnproven(call, each, story.fork(1.0 / ready.size()), reason))
        .toList();
  }

  private Fate arriveUnproven(Call call, InetSocketAddress to, Story story, Reason reason) {
    Workload pod = snapshot.workloadAt(to.getAddress()).filter(Workload::enrolled).orElse(null);
    story.to(to, snapshot.workloadAt(to.getAddress()).map(Workload::name).orElse(null));
    if (pod == null || pod.name().equals(call.source().name())) {
      return story.end(Kind.CLEAR, reason, List.of());
    }
    if (!arriving.isHere(pod)) {
      story.unknown(
          "whether port "
              + to.getPort()
              + " of pod "
              + pod.name()
              + " is excluded for what arrives: ask on "
              + Arriving.nodeOf(pod));
    } else if (pod.interception().inboundPortExclusions().contains(to.getPort())) {
      story.turn(causes.excludedInbound(pod, to.getPort()));
      return story.end(Kind.CLEAR, reason, List.of());
    } else {
      Optional<Fate> other = arriving.unusual(pod, story, reason);
      if (other.isPresent()) {
        return other.get();
      }
    }
    Flow bare = new Flow(null, call.client(), to);
    Flow flow =
        Outsider.askedFor(
                snapshot, Decisions.decideAt(snapshot, pod.name(), bare.byRequest()), to.getPort())
            .map(shown -> {
              story.ok("it has to speak " + shown.words() + ": then");
              return bare.of(shown);
            })
            .orElse(bare);
    Arriving.Arrival arrival = arriving.at(pod, flow, call.requestOrNull(), story);
    Verdict verdict = arrival.verdict();
    List<Cause> why = arriving.causes(arrival, call.source(), to, Optional.of(pod));
    if (verdict.reason() == Reason.INGRESS_BACKEND) {
      return story.end(Kind.ALLOWED, verdict.reason(), why);
    }
    return verdict.isAllowed()
        ? story.end(Kind.CLEAR, reason, why)
        : Arriving.refused(verdict, why, story);
  }
}

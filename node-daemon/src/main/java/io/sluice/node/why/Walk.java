package io.sluice.node.why;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Retirement;
import io.sluice.mesh.SameNodeMtls;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Handling;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Routing;
import io.sluice.mesh.decision.Routing.Way;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.PodStatus.Protection;
import io.sluice.node.why.Fate.Cause;
import io.sluice.node.why.Fate.Kind;
import io.sluice.proxy.Family;
import io.sluice.proxy.http.WrittenRequest;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Goes the way of a call without making it: out of the pod, through the proxy of its node, into the
 * pod called. Asks the same questions in the same order as the data path, of the same functions
 * where these are pure.
 */
final class Walk {
  private static final int FORBIDDEN = 403;
  private static final int UNAVAILABLE = 503;

  private final MeshSnapshot snapshot;
  private final NodeView node;
  private final Causes causes;

  Walk(MeshSnapshot snapshot, NodeView node) {
    this.snapshot = snapshot;
    this.node = node;
    this.causes = new Causes(snapshot, node.nodeName());
  }

  /**
   * Every way that it may go.
   *
   * @param requestOrNull what is sent; null where nothing is known of it
   */
  List<Fate> from(
      Workload source, InetSocketAddress called, @Nullable WrittenRequest requestOrNull) {
    Story story = new Story();
    Call call = new Call(source, called, requestOrNull);
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
    boolean here = isHere(source);
    if (left.isPresent() && (here || source.nodeName().isEmpty())) {
      return left(call, left.get(), story);
    }
    Optional<PodStatus> status = node.pod(source.name());
    if (!here) {
      story.unknown(
          "whether pod "
              + source.name()
              + " is intercepted, what it excludes, and its certificate: ask on "
              + nodeOf(source));
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
    return proxied(call, story);
  }

  /**
   * One call.
   *
   * @param called what the application asked for
   */
  private record Call(
      Workload source, InetSocketAddress called, @Nullable WrittenRequest requestOrNull) {
    /** The pod's own address, of the family called. */
    InetSocketAddress client() {
      Family family = Family.of(called.getAddress());
      InetAddress own =
          source.addresses().stream()
              .filter(address -> Family.of(address) == family)
              .findFirst()
              .orElse(InetAddress.getLoopbackAddress());
      return new InetSocketAddress(own, 0);
    }
  }

  // --- out of the pod ------------------------------------------------------------------------

  /** Whether this node has the pod, as far as the registry says. */
  private boolean isHere(Workload pod) {
    return pod.nodeName()
        .map(node.nodeName()::equals)
        .orElse(pod.netns().isPresent() || pod.uid().isPresent());
  }

  private static String nodeOf(Workload pod) {
    return pod.nodeName().map(name -> "node " + name).orElse("its node");
  }

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
    String problem = status.map(PodStatus::problem).filter(text -> !text.isEmpty()).orElse("");
    String because = problem.isEmpty() ? "see `node pods`" : problem;
    if (status.map(PodStatus::protection).equals(Optional.of(Protection.REFUSED))) {
      return List.of(
          story
              .to(call.called(), null)
              .end(
                  Kind.REFUSED,
                  Reason.INTERCEPTION_FAILED_CLOSED,
                  List.of(
                      Causes.pod(source, "", "pod " + source.name() + " is refused: " + because))));
    }
    story.turn(
        Causes.pod(source, "", "pod " + source.name() + " is not intercepted yet: " + because));
    return past(call, story, Reason.SOURCE_NOT_IN_MESH);
  }

  /** The call does not come through the proxy of its node, so nothing proves who makes it. */
  private List<Fate> past(Call call, Story story, Reason reason) {
    InetSocketAddress called = call.called();
    Service service = snapshot.serviceAt(called.getAddress()).orElse(null);
    if (service == null) {
      return List.of(arriveUnproven(call, called, story, reason));
    }
    Optional<ServicePort> port = service.port(called.getPort());
    if (port.isEmpty()) {
      return List.of(noSuchPort(service, called.getPort(), story));
    }
    List<InetSocketAddress> ready = ready(port.get(), called);
    if (ready.isEmpty()) {
      return List.of(noEndpoint(service, port.get(), story));
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
    if (!isHere(pod)) {
      story.unknown(
          "whether port "
              + to.getPort()
              + " of pod "
              + pod.name()
              + " is excluded for what arrives: ask on "
              + nodeOf(pod));
    } else if (pod.interception().inboundPortExclusions().contains(to.getPort())) {
      story.turn(causes.excludedInbound(pod, to.getPort()));
      return story.end(Kind.CLEAR, reason, List.of());
    } else {
      Optional<Fate> other = unusualArrival(pod, story, reason);
      if (other.isPresent()) {
        return other.get();
      }
    }
    Arrival arrival = arrival(pod, new Flow(null, call.client(), to), call.requestOrNull(), story);
    Verdict verdict = arrival.verdict();
    List<Cause> why = causes(arrival, call.source(), to, Optional.of(pod));
    return verdict.isAllowed() ? story.end(Kind.CLEAR, reason, why) : refused(verdict, why, story);
  }

  /** Where the pod called is not intercepted as it should be, or nobody serves it. */
  private Optional<Fate> unusualArrival(Workload pod, Story story, Reason reason) {
    if (!node.isRunning()) {
      boolean open =
          node.failsOpen() || pod.interception().openings().fail() == io.sluice.mesh.FailMode.OPEN;
      Cause dead = Causes.fact("no daemon runs on node " + node.nodeName());
      return Optional.of(
          open
              ? story.turn(dead).end(Kind.CLEAR, Reason.FAIL_OPEN, List.of())
              : story.end(Kind.REFUSED, Reason.PROXY_UNAVAILABLE, List.of(dead)));
    }
    Protection protection =
        node.pod(pod.name()).map(PodStatus::protection).orElse(Protection.OUTSIDE);
    String problem = node.pod(pod.name()).map(PodStatus::problem).orElse("");
    return switch (protection) {
      case PROTECTED -> Optional.empty();
      case REFUSED ->
          Optional.of(
              story.end(
                  Kind.REFUSED,
                  Reason.INTERCEPTION_FAILED_CLOSED,
                  List.of(Causes.pod(pod, "", "pod " + pod.name() + " is refused: " + problem))));
      case NOT_PROTECTED, OUTSIDE ->
          Optional.of(
              story
                  .turn(
                      Causes.pod(
                          pod, "", "pod " + pod.name() + " is not intercepted yet: " + problem))
                  .end(Kind.CLEAR, reason, List.of()));
    };
  }

  // --- through the proxy of its node ---------------------------------------------------------

  private List<Fate> proxied(Call call, Story story) {
    Workload source = call.source();
    InetSocketAddress called = call.called();
    Flow wanted = new Flow(source.name(), call.client(), called);
    Handling handling = Handling.of(snapshot, Direction.OUTBOUND, source.name(), wanted);
    Outgoing out =
        new Outgoing(
            call,
            handling.isHttp() ? wanted.byRequest() : wanted.whole(),
            handling.isHttp() ? call.requestOrNull() : null,
            handling);
    story.ok(
        "the proxy carries it as "
            + (handling.isHttp() ? "HTTP: " : "bytes: ")
            + handling.explanation());
    Service service = snapshot.serviceAt(called.getAddress()).orElse(null);
    if (service == null) {
      return List.of(reach(out, called, call.requestOrNull(), story));
    }
    if (service.port(called.getPort()).isEmpty()) {
      return List.of(noSuchPort(service, called.getPort(), story));
    }
    List<Fate> fates = new ArrayList<>();
    for (Routing.Share each :
        Routing.ways(snapshot, service, called.getPort(), source.name().namespace(), out.asked())) {
      fates.addAll(along(out, service, each.way(), story.fork(each.share())));
    }
    return fates;
  }

  /**
   * A call that the proxy has taken in.
   *
   * @param asked the request where each is decided for itself; null where bytes are carried
   */
  private record Outgoing(
      Call call, Flow flow, @Nullable WrittenRequest asked, Handling handling) {}

  private List<Fate> along(Outgoing out, Service called, Way way, Story story) {
    Optional<TrafficRoute> route =
        snapshot.routeOf(called.name(), out.call().source().name().namespace());
    return switch (way) {
      case Way.Answer(int status) -> {
        story.isAskedAsRequest();
        yield List.of(
            story.end(
                status < 400 ? Kind.ANSWERED : Kind.REFUSED,
                Reason.ANSWERED_BY_ROUTE,
                routed(called, route, "it answers " + status),
                status));
      }
      case Way.Elsewhere(HttpFilters.Redirect redirect) -> {
        story.isAskedAsRequest();
        yield List.of(
            story.end(
                Kind.ANSWERED,
                Reason.ANSWERED_BY_ROUTE,
                routed(called, route, "it redirects: " + redirect.status()),
                redirect.status()));
      }
      case Way.Nowhere _ ->
          List.of(
              story.end(
                  Kind.UNREACHABLE,
                  Reason.NO_READY_ENDPOINT,
                  routed(called, route, "no backend of it has a weight and the port"),
                  status(out, UNAVAILABLE, story)));
      case Way.To(Service service, int port, HttpFilters filters) -> {
        if (!service.name().equals(called.name())) {
          routed(called, route, "it leads to Service " + service.name() + " port " + port)
              .forEach(story::turn);
        }
        yield endpoints(out, service, port, filters, story);
      }
    };
  }

  private List<Fate> endpoints(
      Outgoing out, Service service, int port, HttpFilters filters, Story story) {
    ServicePort at = service.port(port).orElse(null);
    List<InetSocketAddress> ready = at == null ? List.of() : ready(at, out.call().called());
    if (at == null || ready.isEmpty()) {
      status(out, UNAVAILABLE, story);
      return List.of(
          at == null ? noSuchPort(service, port, story) : noEndpoint(service, at, story));
    }
    story.ok(
        "Service "
            + service.name()
            + " port "
            + port
            + " has "
            + ready.size()
            + " ready endpoints");
    WrittenRequest sent = out.call().requestOrNull();
    WrittenRequest changed =
        sent == null || out.asked() == null || filters.equals(HttpFilters.NONE)
            ? sent
            : sent.changed(filters);
    return ready.stream()
        .map(each -> reach(out, each, changed, story.fork(1.0 / ready.size())))
        .toList();
  }

  private static List<Cause> routed(Service called, Optional<TrafficRoute> route, String text) {
    return route.stream()
        .map(found ->
            switch (found.origin()) {
              case TRAFFIC_SPLIT ->
                  new Cause("TrafficSplit", found.name().toString(), "spec.backends", text);
              case GATEWAY_API ->
                  new Cause(
                      "HTTPRoute or GRPCRoute", "of Service " + called.name(), "spec.rules", text);
            })
        .toList();
  }

  private static int status(Outgoing out, int code, Story story) {
    if (out.asked() == null) {
      return 0;
    }
    story.isAskedAsRequest();
    return code;
  }

  /** Ready endpoints of the family called, each once. */
  private static List<InetSocketAddress> ready(ServicePort port, InetSocketAddress called) {
    Family family = Family.of(called.getAddress());
    return port.endpoints().stream()
        .filter(Endpoint::ready)
        .map(Endpoint::address)
        .filter(address -> Family.of(address.getAddress()) == family)
        .distinct()
        .toList();
  }

  private static Fate noSuchPort(Service service, int port, Story story) {
    List<Integer> ports = service.ports().stream().map(ServicePort::port).toList();
    return story.end(
        Kind.UNREACHABLE,
        Reason.UNKNOWN_SERVICE_PORT,
        List.of(
            Causes.service(service.name(), "spec.ports", "it has " + ports + ", and not " + port)),
        story.wasAskedAsRequest() ? UNAVAILABLE : 0);
  }

  private static Fate noEndpoint(Service service, ServicePort port, Story story) {
    boolean any = !port.endpoints().isEmpty();
    return story.end(
        Kind.UNREACHABLE,
        Reason.NO_READY_ENDPOINT,
        List.of(
            Causes.service(
                service.name(),
                any ? "endpoints" : "spec.selector",
                any
                    ? "none of its "
                        + port.endpoints().size()
                        + " endpoints at port "
                        + port.port()
                        + " is ready and of the family called: see readiness of its pods"
                    : "no Pod with an address has its labels and the port")),
        story.wasAskedAsRequest() ? UNAVAILABLE : 0);
  }

  // --- to an endpoint ------------------------------------------------------------------------

  private Fate reach(
      Outgoing out, InetSocketAddress to, @Nullable WrittenRequest sent, Story story) {
    Workload source = out.call().source();
    Optional<Workload> known = snapshot.workloadAt(to.getAddress());
    story.to(to, known.map(Workload::name).orElse(null));
    Flow flow = out.flow().to(to);
    HttpRequest asked = out.asked() == null ? null : sent;
    Arrival departure = decided(s -> decide(s, flow, asked), asked);
    if (asked != null) {
      story.isAskedAsRequest();
    }
    List<Cause> why = causes(departure, source, to, known);
    if (!departure.verdict().isAllowed()) {
      return refused(departure.verdict(), withHandling(why, departure, out.handling()), story);
    }
    Workload pod = known.filter(Workload::enrolled).orElse(null);
    if (pod == null) {
      story.ok(IpAddresses.text(to) + " is outside the mesh: it goes there unprotected");
      return story.end(Kind.ALLOWED, departure.verdict().reason(), why);
    }
    if (pod.name().equals(source.name())) {
      return story.end(Kind.ALLOWED, departure.verdict().reason(), why);
    }
    return enter(out, pod, to, sent, story);
  }

  private static Verdict decide(
      MeshSnapshot snapshot, Flow flow, @Nullable HttpRequest requestOrNull) {
    Verdict connection = Decisions.decide(snapshot, flow);
    return requestOrNull == null || !connection.isAllowed()
        ? connection
        : Decisions.decide(snapshot, flow, requestOrNull);
  }

  private Fate enter(
      Outgoing out,
      Workload pod,
      InetSocketAddress to,
      @Nullable WrittenRequest sent,
      Story story) {
    Workload source = out.call().source();
    InetSocketAddress client = out.call().client();
    boolean far = !isHere(pod) || !isHere(source);
    boolean byTls =
        snapshot.settings().callsByMutualTls()
            && (far || requiresTlsWithinTheNode(source) || requiresTlsWithinTheNode(pod));
    if (byTls) {
      Optional<Fate> unproven = unproven(out, pod, story);
      if (unproven.isPresent()) {
        return unproven.get();
      }
      story.isProtected();
      story.ok("mutual TLS protects it to pod " + pod.name());
    } else if (far) {
      story.turn(
          Causes.meshConfig(
              "spec.sidecar.sidecarDisabledMTLS",
              "mutual TLS is off, so nothing proves to " + nodeOf(pod) + " who calls"));
    }
    if (isHere(pod)) {
      Optional<Fate> other = unusualArrival(pod, story, Reason.MESH_TRAFFIC);
      if (other.isPresent()) {
        return other.get();
      }
    } else {
      story.unknown(
          "whether pod "
              + pod.name()
              + " is intercepted, its application answers, and its certificate: ask on "
              + nodeOf(pod));
    }
    Flow flow =
        byTls
            ? Flow.certified(snapshot, source.identity(), client, to)
            : new Flow(far ? null : source.name(), client, to);
    Arrival arrival = arrival(pod, flow, sent, story);
    List<Cause> why = causes(arrival, source, to, Optional.of(pod));
    if (arrival.verdict().isAllowed()) {
      return story.end(Kind.ALLOWED, arrival.verdict().reason(), why);
    }
    // The proxy of the caller has led it on, and finds that it was not taken.
    Reason reason = arrival.verdict().reason();
    return story.end(
        Kind.REFUSED,
        reason,
        withHandling(why, arrival, out.handling()),
        reason == Reason.ROUTE_NOT_GRANTED ? FORBIDDEN : status(out, UNAVAILABLE, story));
  }

  private static boolean requiresTlsWithinTheNode(Workload end) {
    return end.connections().sameNodeMtls() == SameNodeMtls.REQUIRED;
  }

  /** Where an end cannot prove itself, as far as this node knows. */
  private Optional<Fate> unproven(Outgoing out, Workload pod, Story story) {
    Workload source = out.call().source();
    for (Workload end : List.of(source, pod)) {
      SpiffeId identity = end.identity();
      if (snapshot.settings().denied().denies(identity)) {
        return Optional.of(
            story.end(
                Kind.REFUSED,
                Reason.PEER_DENIED,
                List.of(
                    Causes.meshConfig(
                        "spec.certificate.deniedIdentities", identity + " is on the deny list")),
                status(out, UNAVAILABLE, story)));
      }
      Optional<String> missing = isHere(end) ? node.noCertificate(identity) : Optional.empty();
      if (missing.isPresent()) {
        boolean isCaller = end == source;
        return Optional.of(
            story.end(
                Kind.UNREACHABLE,
                isCaller ? Reason.NO_CERTIFICATE : Reason.TLS_FAILED,
                List.of(Causes.pod(end, "spec.serviceAccountName", missing.get())),
                status(out, UNAVAILABLE, story)));
      }
    }
    return Optional.empty();
  }

  /**
   * What policy has said.
   *
   * @param question by which it was asked
   * @param asked the request that was asked for; null where it was the connection
   */
  private record Arrival(
      Verdict verdict, Function<MeshSnapshot, Verdict> question, @Nullable HttpRequest asked) {}

  private Arrival decided(Function<MeshSnapshot, Verdict> question, @Nullable HttpRequest asked) {
    return new Arrival(question.apply(snapshot), question, asked);
  }

  private Arrival arrival(
      Workload pod, Flow flow, @Nullable HttpRequest requestOrNull, Story story) {
    NamespacedName name = pod.name();
    Handling handling = Handling.of(snapshot, Direction.INBOUND, name, flow);
    Flow decided = handling.isHttp() ? flow.byRequest() : flow.whole();
    HttpRequest asked = handling.isHttp() ? requestOrNull : null;
    if (asked != null) {
      story.isAskedAsRequest();
    } else if (handling.isHttp()) {
      story.unknown(
          "what is asked for: pod "
              + name
              + " decides each request for itself; add METHOD and path to the question");
    }
    return decided(
        s -> {
          Verdict connection = Decisions.decideAt(s, name, decided);
          return asked == null || !connection.isAllowed()
              ? connection
              : Decisions.decideAt(s, name, decided, asked);
        },
        asked);
  }

  private List<Cause> causes(
      Arrival arrival, Workload source, InetSocketAddress to, Optional<Workload> pod) {
    return causes.of(arrival.verdict(), arrival.question(), source, to, pod, arrival.asked());
  }

  /** Who made it bytes is as responsible as who grants requests alone. */
  private static List<Cause> withHandling(List<Cause> why, Arrival arrival, Handling handling) {
    if (arrival.verdict().reason() != Reason.HTTP_ONLY || handling.objectOrNull() == null) {
      return why;
    }
    List<Cause> all = new ArrayList<>(why);
    all.add(
        Causes.service(
            handling.objectOrNull(),
            "spec.ports[].appProtocol",
            "the port's appProtocol or name, or sluice.io/l7: off, make it bytes: "
                + handling.cause().name().toLowerCase(Locale.ROOT)));
    return all;
  }

  private static Fate refused(Verdict verdict, List<Cause> why, Story story) {
    return story.end(
        Kind.REFUSED,
        verdict.reason(),
        why,
        verdict.reason() == Reason.ROUTE_NOT_GRANTED ? FORBIDDEN : 0);
  }
}

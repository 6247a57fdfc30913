package io.sluice.node.why;

import io.sluice.mesh.Decider;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.Faults;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.SameNodeMtls;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SessionAffinity;
import io.sluice.mesh.SessionPersistence;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Handling;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Routing;
import io.sluice.mesh.decision.Routing.Way;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.why.Fate.Cause;
import io.sluice.node.why.Fate.Kind;
import io.sluice.proxy.http.WrittenRequest;
import java.math.BigInteger;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A call that the proxy of its node has taken in: what it is carried as, where Services and routes
 * lead it, and how it is protected on its way.
 */
final class Proxied {
  private static final int HEX = 16;

  private final MeshSnapshot snapshot;
  private final NodeView node;
  private final Arriving arriving;

  Proxied(MeshSnapshot snapshot, NodeView node, Arriving arriving) {
    this.snapshot = snapshot;
    this.node = node;
    this.arriving = arriving;
  }

  /** Every way that it may go from here. */
  List<Fate> ways(Call call, Story story) {
    Workload source = call.source();
    InetSocketAddress called = call.called();
    Flow wanted = new Flow(source.name(), call.client(), called);
    Handling handling = Handling.of(snapshot, Direction.OUTBOUND, source.name(), wanted);
    if (handling.isByName()) {
      story.ok("the proxy looks which host it names by TLS: " + handling.explanation());
      if (call.tls()) {
        story.ok(
            "the client names " + (call.host().isEmpty() ? "no host" : call.host()) + " by TLS");
        wanted = wanted.named(call.host());
        handling = Handling.of(snapshot, Direction.OUTBOUND, source.name(), wanted);
      } else {
        story.unknown(
            "which host its client names by TLS, on which it depends: ask 'verify connectivity"
                + " --to-ext-host' with --app-protocol https");
      }
    }
    Outgoing out =
        new Outgoing(
            call,
            handling.isHttp() ? wanted.byRequest() : wanted.whole(),
            handling.isHttp() ? call.requestOrNull() : null,
            handling);
    if (handling.isHttp()) {
      story.isHttp();
    }
    String led =
        node.way(source.name(), called)
            .map(lead ->
                lead.isByKernel()
                    ? "the kernel leads it by itself, with or without a daemon: nothing else is to"
                        + " be done"
                    : "the proxy leads it, and not the kernel: " + lead.why())
            .orElse("");
    if (!led.isEmpty()) {
      story.ok(led);
    }
    story.ok(
        "the proxy carries it as "
            + (handling.isHttp() ? "HTTP: " : "bytes: ")
            + handling.explanation());
    Service service = snapshot.serviceAt(called.getAddress()).orElse(null);
    if (service == null) {
      return reach(out, called, call.requestOrNull(), null, story);
    }
    if (service.port(called.getPort()).isEmpty()) {
      return List.of(ServiceEnds.noSuchPort(service, called.getPort(), story));
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
    Decider by = way.byOrNull();
    return switch (way) {
      case Way.Answer(int status, _) -> {
        story.isAskedAsRequest();
        List<Cause> missing = missing(out, called, by);
        if (!missing.isEmpty()) {
          yield List.of(story.end(Kind.REFUSED, Reason.ANSWERED_BY_ROUTE, missing, status));
        }
        yield List.of(
            story.end(
                status < 400 ? Kind.ANSWERED : Kind.REFUSED,
                Reason.ANSWERED_BY_ROUTE,
                Causes.routed(
                    by,
                    "it answers "
                        + status
                        + (status == ServiceEnds.FAILED
                            ? unusable(out, called, by)
                            : ": none of its rules matches")),
                status));
      }
      case Way.Elsewhere(HttpFilters.Redirect redirect, _) -> {
        story.isAskedAsRequest();
        yield List.of(
            story.end(
                Kind.ANSWERED,
                Reason.ANSWERED_BY_ROUTE,
                Causes.routed(by, "it redirects: " + redirect.status()),
                redirect.status()));
      }
      case Way.Nowhere _ ->
          List.of(
              story.end(
                  Kind.UNREACHABLE,
                  Reason.NO_READY_ENDPOINT,
                  Causes.routed(by, "no backend of it has a weight and the port"),
                  status(out, ServiceEnds.UNAVAILABLE, story)));
      case Way.To to -> {
        Service service = to.service();
        HttpFilters filters = to.filters();
        SessionPersistence session = to.sessionOrNull();
        if (!service.name().equals(called.name()) || !filters.isNone()) {
          Causes.routed(
                  by,
                  "it leads to Service %s port %d%s"
                      .formatted(
                          service.name(), to.port(), filters.isNone() ? "" : ", with filters"))
              .forEach(story::turn);
        }
        new Injected(to, snapshot.settings()).tell(story);
        snapshot
            .upstreamSetting(service.name())
            .ifPresent(said -> ofTheMoment(said, out.handling(), story));
        if (session != null) {
          story.ok(
              by
                  + " keeps each session with one pod, by the "
                  + session.carrier().name().toLowerCase(Locale.ROOT)
                  + " "
                  + session.name());
        }
        yield endpoints(out, to, story);
      }
    };
  }

  /** What no snapshot says: how much of it is used up, and whether the service is spared now. */
  private void ofTheMoment(UpstreamSetting said, Handling handling, Story story) {
    UpstreamSetting.Breaker breaker = handling.isHttp() ? said.breakerOrNull() : null;
    if (breaker != null && node.isSpared(said.service())) {
      story.turn(
          new Cause(
              "UpstreamTrafficSetting",
              said.name().toString(),
              "spec.connectionSettings.http.circuitBreaking",
              "its circuit is open now: until it closes this node answers %d in the service's place (%s)"
                  .formatted(breaker.status(), Reason.CIRCUIT_OPEN.label())));
    }
    if (breaker != null
        || (handling.isHttp()
            ? !said.pool().equals(Pool.NONE)
            : said.pool().maxConnections() != UpstreamSetting.UNLIMITED)) {
      story.unknown(room(said, "connectionSettings", "it is refused or answered"));
    }
  }

  static String room(UpstreamSetting said, String field, String then) {
    return "whether spec.%s of UpstreamTrafficSetting %s has room left for it now: beyond that %s"
        .formatted(field, said.name(), then);
  }

  private List<Fate> endpoints(Outgoing out, Way.To way, Story story) {
    Service service = way.service();
    int port = way.port();
    HttpFilters filters = way.filters();
    ServicePort at =
        service.port(port).map(found -> within(found, service, out, story)).orElse(null);
    List<InetSocketAddress> ready =
        at == null ? List.of() : ServiceEnds.ready(at, out.call().called());
    if (at == null || ready.isEmpty()) {
      status(out, ServiceEnds.UNAVAILABLE, story);
      return List.of(
          at == null
              ? ServiceEnds.noSuchPort(service, port, story)
              : ServiceEnds.noEndpoint(service, at, story));
    }
    story.ok(
        "Service "
            + service.name()
            + " port "
            + port
            + " has "
            + ready.size()
            + (ready.size() == 1 ? " ready endpoint" : " ready endpoints"));
    if (ready.size() > 1 && !service.affinity().equals(SessionAffinity.NONE)) {
      story.unknown(
          "which of these ways the caller is given: sessionAffinity ClientIP of Service "
              + service.name()
              + " keeps all calls of one client with one endpoint, whatever the shares");
    }
    RetryPolicy retry =
        snapshot.retryOrNull(out.call().source().identity().serviceAccountName(), service.name());
    if (retry != null && out.handling().isHttp()) {
      story.ok(
          "Retry %s makes it again where it fails, up to %d times"
              .formatted(retry.name(), retry.most()));
    }
    WrittenRequest sent = out.call().requestOrNull();
    WrittenRequest changed =
        sent == null || out.asked() == null || filters.equals(HttpFilters.NONE)
            ? sent
            : sent.changed(filters);
    return ready.stream()
        .flatMap(each -> reach(out, each, changed, way, story.fork(1.0 / ready.size())).stream())
        .toList();
  }

  /** Those of its endpoints that the caller may call at all; tells which ones go first. */
  private ServicePort within(ServicePort port, Service service, Outgoing out, Story story) {
    switch (service.nearness()) {
      case ANYWHERE -> {
        return port;
      }
      case ONLY_NODE ->
          story.ok("Service " + service.name() + " has endpoints of the caller's node alone");
      case PREFER_NODE ->
          story.ok(
              "Service " + service.name() + " prefers endpoints of the caller's node, then zone");
      case PREFER_ZONE ->
          story.ok("Service " + service.name() + " prefers endpoints of the caller's zone");
    }
    return new ServicePort(
        port.name(),
        port.port(),
        port.protocol(),
        service
            .nearness()
            .within(
                port.endpoints(),
                snapshot,
                Nearness.Caller.of(snapshot, out.call().source().name())));
  }

  /** Of the rule that answers; of all where it is not known which one. */
  private Stream<TrafficRoute.Rule> rules(Outgoing out, Service called, @Nullable Decider by) {
    return snapshot.routeOf(called.name(), out.call().source().name().namespace()).stream()
        .flatMap(each -> each.rules().stream())
        .filter(rule -> rule.redirectOrNull() == null)
        .filter(rule -> !(by instanceof TrafficRoute.Place) || by.equals(rule.placeOrNull()));
  }

  /** The rule that answers 500 as it names a FaultInjection that is not there, and that. */
  private List<Cause> missing(Outgoing out, Service called, @Nullable Decider by) {
    return rules(out, called, by)
        .filter(_ -> by instanceof TrafficRoute.Place)
        .filter(rule -> rule.backends().isEmpty())
        .flatMap(rule -> Stream.ofNullable(rule.faults().byOrNull()))
        .map(Faults.Injection::name)
        .findFirst()
        .map(name ->
            Stream.concat(
                    Causes.routed(
                            by,
                            "it answers 500; its filter names %s %s, which is not there"
                                .formatted(Faults.Injection.KIND, name))
                        .stream()
                        .map(rule -> rule.below("filters")),
                    Stream.of(
                        new Cause(Faults.Injection.KIND, name.toString(), "", "there is none")))
                .toList())
        .orElse(List.of());
  }

  /** Why a rule leads nowhere, and so answers 500. */
  private String unusable(Outgoing out, Service called, @Nullable Decider by) {
    Set<String> found = new LinkedHashSet<>();
    rules(out, called, by)
        .forEach(rule -> {
          String of =
              "; its rule for paths "
                  + rule.matches().stream().map(match -> match.path().text()).findFirst().orElse("")
                  + " ";
          if (rule.backends().isEmpty()) {
            found.add(
                of + "has no backend, or a filter that cannot be used: see `sluice validate`");
          }
          rule.backends()
              .forEach(backend -> {
                NamespacedName name = backend.serviceOrNull();
                if (name == null) {
                  found.add(of + "has a backend that cannot be used: see `sluice validate`");
                } else if (snapshot.service(name).isEmpty()) {
                  found.add(of + "leads to Service " + name + ", which does not exist");
                } else if (backend.port() != 0
                    && snapshot.service(name).flatMap(to -> to.port(backend.port())).isEmpty()) {
                  found.add(
                      of + "leads to port " + backend.port() + " of Service " + name + ": no such");
                }
              });
        });
    return String.join("", found);
  }

  private static int status(Outgoing out, int code, Story story) {
    if (out.asked() == null) {
      return 0;
    }
    story.isAskedAsRequest();
    return code;
  }

  // --- to an endpoint ------------------------------------------------------------------------

  private List<Fate> reach(
      Outgoing out,
      InetSocketAddress to,
      @Nullable WrittenRequest sent,
      Way.@Nullable To way,
      Story story) {
    Workload source = out.call().source();
    Optional<Workload> known = snapshot.workloadAt(to.getAddress());
    story.to(to, known.map(Workload::name).orElse(null));
    if (known.isEmpty() && !snapshot.settings().egress()) {
      outside(out.call(), to, story);
    }
    Flow flow = out.flow().to(to);
    HttpRequest asked = out.asked() == null ? null : sent;
    Arriving.Arrival departure = arriving.decided(s -> decide(s, flow, asked), asked);
    if (asked != null) {
      story.isAskedAsRequest();
    }
    List<Cause> why = arriving.causes(departure, source, to, known);
    if (!departure.verdict().isAllowed()) {
      return List.of(
          Arriving.refused(
              departure.verdict(), withHandling(why, departure, out.handling()), story));
    }
    List<Fate> fates = new ArrayList<>();
    double left = 1;
    if (asked != null && way != null) {
      left = new Injected(way, snapshot.settings()).add(story, fates);
    }
    if (left > 0) {
      Story on = story.fork(left);
      Workload pod = known.filter(Workload::enrolled).orElse(null);
      if (pod == null) {
        on.ok(IpAddresses.text(to) + " is outside the mesh: it goes there unprotected");
      }
      fates.add(
          pod == null || pod.name().equals(source.name())
              ? on.end(Kind.ALLOWED, departure.verdict().reason(), why)
              : enter(out, pod, to, sent, on));
    }
    return fates;
  }

  /** What policy goes by where nothing lets everybody out. */
  private void outside(Call call, InetSocketAddress to, Story story) {
    story.ok(IpAddresses.text(to) + " is outside the mesh, and egress is disabled");
    if (snapshot.settings().permissive()) {
      story.ok("permissive mode opens what the mesh knows, and this it does not know");
    }
    if (!call.host().isEmpty()) {
      String address = IpAddresses.text(to.getAddress());
      story.ok(
          call.host()
              + " is called: this node has "
              + (snapshot.settings().names().lead(call.host(), to.getAddress())
                  ? "found " + address + " under it"
                  : "not found " + address + " under it, so an Egress by that name opens it not"));
    }
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
    boolean far = !arriving.isHere(pod) || !arriving.isHere(source);
    boolean byTls =
        snapshot.settings().callsByMutualTls()
            && (far || requiresTlsWithinTheNode(source) || requiresTlsWithinTheNode(pod));
    Optional<Fate> closed =
        arriving.closed(pod, story, () -> status(out, ServiceEnds.UNAVAILABLE, story));
    if (closed.isPresent()) {
      return closed.get();
    }
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
              "mutual TLS is off, so nothing proves to " + Arriving.nodeOf(pod) + " who calls"));
    }
    if (arriving.isHere(pod)) {
      Optional<Fate> other = arriving.unusual(pod, story, Reason.MESH_TRAFFIC);
      if (other.isPresent()) {
        return other.get();
      }
    } else {
      story.unknown(
          "whether pod "
              + pod.name()
              + " is intercepted, its application answers, and its certificate: ask on "
              + Arriving.nodeOf(pod));
    }
    Flow flow =
        byTls
            ? Flow.certified(snapshot, source.identity(), client, to)
            : new Flow(far ? null : source.name(), client, to);
    Arriving.Arrival arrival = arriving.at(pod, flow, sent, story);
    List<Cause> why = arriving.causes(arrival, source, to, Optional.of(pod));
    if (arrival.verdict().isAllowed()) {
      return story.end(Kind.ALLOWED, arrival.verdict().reason(), why);
    }
    // The proxy of the caller has led it on, and finds that it was not taken.
    Reason reason = arrival.verdict().reason();
    return story.end(
        Kind.REFUSED,
        reason,
        withHandling(why, arrival, out.handling()),
        reason == Reason.ROUTE_NOT_GRANTED
            ? Arriving.FORBIDDEN
            : status(out, ServiceEnds.UNAVAILABLE, story));
  }

  private static boolean requiresTlsWithinTheNode(Workload end) {
    return end.connections().sameNodeMtls() == SameNodeMtls.REQUIRED;
  }

  /** Where an end cannot prove itself, as far as this node knows. */
  private Optional<Fate> unproven(Outgoing out, Workload pod, Story story) {
    Workload source = out.call().source();
    for (Workload end : List.of(source, pod)) {
      SpiffeId identity = end.identity();
      Optional<String> missing =
          arriving.isHere(end) ? node.noCertificate(identity) : Optional.empty();
      if (missing.isPresent()) {
        boolean isCaller = end == source;
        return Optional.of(
            story.end(
                Kind.UNREACHABLE,
                isCaller ? Reason.NO_CERTIFICATE : Reason.TLS_FAILED,
                List.of(Causes.pod(end, "spec.serviceAccountName", missing.get())),
                status(out, ServiceEnds.UNAVAILABLE, story)));
      }
      Optional<Cause> denial = denial(end);
      if (denial.isPresent()) {
        return Optional.of(
            story.end(
                Kind.REFUSED,
                Reason.PEER_DENIED,
                List.of(denial.get()),
                status(out, ServiceEnds.UNAVAILABLE, story)));
      }
    }
    return Optional.empty();
  }

  /** What denies an end: its identity, or the certificate that it has here. */
  private Optional<Cause> denial(Workload end) {
    DeniedPeers denied = snapshot.settings().denied();
    SpiffeId identity = end.identity();
    if (denied.denies(identity)) {
      return Optional.of(
          Causes.meshConfig(
              "spec.certificate.deniedIdentities", identity + " is on the deny list"));
    }
    Optional<BigInteger> serial = arriving.isHere(end) ? node.serial(identity) : Optional.empty();
    return serial
        .filter(denied.serials()::contains)
        .map(number ->
            Causes.meshConfig(
                "spec.certificate.deniedSerials",
                "certificate "
                    + number.toString(HEX)
                    + " of "
                    + identity
                    + " is on the deny list"));
  }

  /** Who made it bytes is as responsible as who grants requests alone. */
  private static List<Cause> withHandling(
      List<Cause> why, Arriving.Arrival arrival, Handling handling) {
    if (arrival.verdict().reason() != Reason.HTTP_ONLY || handling.objectOrNull() == null) {
      return why;
    }
    List<Cause> all = new ArrayList<>(why);
    all.add(
        Causes.service(
            handling.objectOrNull(),
            "spec.ports[]",
            "the port's appProtocol or name, or sluice.io/l7: off, make it bytes: "
                + handling.cause().name().toLowerCase(Locale.ROOT)));
    return all;
  }
}

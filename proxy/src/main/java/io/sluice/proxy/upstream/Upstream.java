package io.sluice.proxy.upstream;

import io.netty.util.concurrent.Future;
import io.sluice.mesh.Decider;
import io.sluice.mesh.Egress;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Faults;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.MeshSettings;
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
import io.sluice.mesh.TrafficRoute.TimeLimits;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Routing;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Family;
import io.sluice.proxy.admission.ServicePool;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.hbone.PoolKey;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.tls.TlsIdentity;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Leads one caller to what it wants. Towards the mesh: service address to endpoint, refusal as
 * early as possible, and one further endpoint when the first does not answer. Towards the pod's own
 * application: at the address called and, where nobody listens there, on the pod's loopback as far
 * as {@link io.sluice.mesh.LoopbackEndpoints} has it. Runs on the caller's event loop.
 */
public final class Upstream {
  /** Who asks; hears of one of the two, unless {@link #end} comes first. */
  public interface Listener {
    /** The far end has answered; the channel is the listener's, and to be started at once. */
    void opened(ByteChannel channel);

    /** Policy is against it, or nobody answered. */
    void refused(Verdict verdict, CloseKind kind);

    /** A request leads on, and its answer is not waited for beyond these limits. */
    default void limitedBy(TimeLimits limits) {}

    /** A request leads on, and is tried again as that says where it fails. */
    default void retriedBy(RetryPolicy policy) {}

    /** Endpoints that other tries were made with, in that order: this one prefers another. */
    default List<InetSocketAddress> tried() {
      return List.of();
    }

    /** A request leads on, with these changes: what is asked for is what is sent from now on. */
    default void changedBy(HttpFilters filters) {}

    /** The request goes to a pod, and this tells its client so; null where it knows. */
    default void keptBy(HttpFilters.@Nullable FieldChange told) {}

    /** A request is answered by the route of the service called; no more is heard. */
    default void answeredBy(Routing.Way.Answer answer) {
      throw new IllegalStateException("no request was asked");
    }

    /** A request's client is to ask elsewhere; no more is heard. */
    default void ledElsewhere(HttpFilters.Redirect redirect) {
      throw new IllegalStateException("no request was asked");
    }

    /** What is asked for, where it is one request; null where bytes are to be carried. */
    default @Nullable HttpRequest request() {
      return null;
    }

    /** The service that is asked, whatever the route of the one called says; null: by the route. */
    default HttpFilters.@Nullable Mirror mirror() {
      return null;
    }

    /** Whether there is a connection to {@code endpoint} already that has room for a request. */
    default boolean hasRoom(InetSocketAddress endpoint) {
      return false;
    }

    /**
     * Whether a connection carries many requests, so that their number says nothing of load, and
     * one that stands has no precedence: each request may go to another endpoint.
     */
    default boolean sharesConnections() {
      return false;
    }

    /**
     * Policy allows it, of a request, and {@code pool} says how much the service may be asked: why
     * it is not asked for this one; null where it is.
     */
    default @Nullable Reason refusalOf(ServicePool pool) {
      return null;
    }

    /**
     * Policy allows what has arrived at the application: whether the application's pod takes it
     * now, as far as others are to be asked how much it takes. Where not, nothing more is heard.
     */
    default boolean isTaken() {
      return true;
    }

    /**
     * The pod takes what has arrived: whether it goes on now, as far as others are to be asked
     * about it. Where not, nothing more is heard.
     */
    default boolean isAuthorized() {
      return true;
    }

    /**
     * Policy allows it, of a request, and {@code faults} are to befall its like: whether it goes on
     * now. Where not, nothing more is heard.
     */
    default boolean goesOn(Faults faults) {
      return true;
    }

    /** Whether nothing is to be carried, and it is only asked whether the application is well. */
    default boolean isCheck() {
      return false;
    }

    /** Whether it may wait for one of the connections that the service may have. */
    default boolean mayWait() {
      return false;
    }

    /**
     * Policy allows it and {@code endpoint} was chosen: whether a free connection is taken, so that
     * nothing is dialled and this is the last to be heard.
     */
    default boolean takes(InetSocketAddress endpoint) {
      return false;
    }
  }

  private static final double OVERPROVISIONING = 1.4;

  private static final InetAddress LOOPBACK4 = InetAddress.ofLiteral("127.0.0.1");
  private static final InetAddress LOOPBACK6 = InetAddress.ofLiteral("::1");

  private final UpstreamLoop loop;
  private final LocalPod pod;
  private final LocalPod inside;
  private final long revision; // of the snapshot that it is searched by
  private final Flow wanted;
  private final Subject subject;
  private final Listener listener;
  private MeshSnapshot snapshot; // until it is reached: what stays open is not to hold one
  private @Nullable List<Endpoint> others; // which may be tried
  private boolean narrowed; // those are not all that the service has
  private HttpFilters changes = HttpFilters.NONE;
  private Faults faults = Faults.NONE;
  private SessionAffinity affinity = SessionAffinity.NONE;
  private @Nullable Service nearing; // of which some endpoints go before others
  private int asked;
  private @Nullable SessionPersistence session; // as the route has it
  private long kept = SessionPersistence.NONE; // the pod that the request's session is with
  private @Nullable InetSocketAddress lost; // of that pod, once it was tried in vain
  private @Nullable Reason lostBy;
  private @Nullable InetSocketAddress endpoint; // that is tried, or was reached
  private LocalConnections.@Nullable Origin origin;
  private @Nullable Dial dial;
  private @Nullable Future<?> connectTimer; // of that, where it has none of its own
  private boolean loopbackMayAnswer;
  private boolean counted;
  private boolean resting; // what was counted waits
  private boolean over;
  private @Nullable ServicePool ofService; // that is asked, where anything is said of it
  private @Nullable ServicePool pool; // of the endpoint that is tried
  private ServicePool.@Nullable Place place;
  private ServicePool.@Nullable Waiting waiting;

  /**
   * Nothing is dialled yet.
   *
   * @param pod whose listener, or whose inbound side, took the caller in
   * @param inside in whose namespace the application is dialled first: {@code pod}, or the caller's
   *     where its connection is led past the listener
   * @param wanted who calls, and the address called
   * @param subject is told what is found out, and asked for the verdict
   */
  public Upstream(
      UpstreamLoop loop,
      LocalPod pod,
      LocalPod inside,
      MeshSnapshot snapshot,
      Flow wanted,
      Subject subject,
      Listener listener) {
    this.loop = loop;
    this.pod = pod;
    this.inside = inside;
    this.revision = snapshot.revision();
    this.snapshot = snapshot;
    this.wanted = wanted;
    this.subject = subject;
    this.listener = listener;
  }

  /** To be called once; the listener may hear before it returns. */
  public void start() {
    switch (subject.direction()) {
      case OUTBOUND -> {
        HttpFilters.Mirror mirror = listener.mirror();
        if (mirror != null) {
          reach(mirror);
          return;
        }
        Service service = snapshot.serviceAt(wanted.destination().getAddress()).orElse(null);
        if (service == null) {
          reach(wanted.destination());
        } else {
          reach(service);
        }
      }
      case INBOUND -> {
        if (isAllowed(wanted, subject.own(snapshot))
            && listener.isTaken()
            && listener.isAuthorized()
            && !listener.takes(wanted.destination())) {
          dialApplication(wanted.destination());
        }
      }
    }
  }

  /**
   * Whether anything may be asked there, as far as that is known before something is: policy is
   * asked and nothing dialled. Where not, the listener has been told.
   */
  public boolean admits() {
    Service service = snapshot.serviceAt(wanted.destination().getAddress()).orElse(null);
    if (service == null) {
      return isAllowed(wanted, calledAt(wanted.destination()));
    }
    ServicePort port = service.port(wanted.destination().getPort()).orElse(null);
    InetSocketAddress picked = port == null ? null : pick(port.endpoints());
    return picked == null
        || snapshot.routeOf(service.name(), pod.name.namespace()).isPresent()
        || isAllowed(wanted.to(picked), calledAt(picked));
  }

  /** Where all are isolated they stay, so that policy says why none is reached. */
  private List<Endpoint> notIsolated(List<Endpoint> endpoints) {
    MeshSettings settings = snapshot.settings();
    if (settings.isolated().isEmpty()) {
      return endpoints;
    }
    List<Endpoint> others =
        endpoints.stream().filter(each -> !settings.isolates(each.address().getAddress())).toList();
    return others.isEmpty() ? endpoints : others;
  }

  private List<Endpoint> well(List<Endpoint> endpoints) {
    return loop.means.health.usable(
        endpoints, Family.of(wanted.destination().getAddress()), ofService);
  }

  private @Nullable SpiffeId calledAt(InetSocketAddress address) {
    return snapshot.workloadAt(address.getAddress()).map(Workload::identity).orElse(null);
  }

  private void reach(Service called) {
    int number = wanted.destination().getPort();
    subject.callsService(called.name());
    if (called.port(number).isEmpty()) {
      refused(Reason.UNKNOWN_SERVICE_PORT, CloseKind.REFUSED);
      return;
    }
    Routing.Way way =
        Routing.way(
            snapshot,
            called,
            number,
            pod.name.namespace(),
            listener.request(),
            ThreadLocalRandom.current(),
            this::keeps);
    subject.ledBy(way.byOrNull());
    switch (way) {
      case Routing.Way.Answer answer -> listener.answeredBy(answer);
      case Routing.Way.Elsewhere(HttpFilters.Redirect redirect, _) ->
          listener.ledElsewhere(redirect);
      case Routing.Way.Nowhere(Decider split) ->
          listener.refused(
              new Verdict(Outcome.REFUSED, Reason.NO_READY_ENDPOINT, split), CloseKind.REFUSED);
      case Routing.Way.To(
              Service service,
              int port,
              HttpFilters filters,
              TimeLimits limits,
              Faults told,
              SessionPersistence persistence,
              _) -> {
        faults = told;
        HttpRequest request = listener.request();
        if (persistence != null && request != null) {
          session = persistence;
          kept =
              lost == null
                  ? persistence.soughtBy(request::header, calendarSeconds())
                  : SessionPersistence.NONE;
        }
        retried(called);
        if (!limits.isUnsaid()) {
          listener.limitedBy(limits);
        }
        if (!Objects.equals(filters, changes)) {
          changes = filters;
          listener.changedBy(filters);
        }
        reach(service, port);
      }
    }
  }

  /** Whether a session may stay there: a backend without weight gets no other one for it. */
  private boolean keeps(InetSocketAddress address) {
    if (lost != null
        || Family.of(address.getAddress()) != Family.of(wanted.destination().getAddress())
        || listener.tried().contains(address)) {
      return false;
    }
    missIfOut(address);
    return !loop.means.health.isOut(address) && !snapshot.settings().isolates(address.getAddress());
  }

  private void retried(Service called) {
    SpiffeId caller = subject.callerOrNull();
    RetryPolicy policy =
        !snapshot.hasRetries() || caller == null || listener.request() == null
            ? null
            : snapshot.retryOrNull(caller.serviceAccountName(), called.name());
    if (policy != null) {
      listener.retriedBy(policy);
    }
  }

  private void reach(HttpFilters.Mirror mirror) {
    Service service = snapshot.service(mirror.service()).orElse(null);
    if (service == null) {
      subject.callsService(mirror.service());
      refused(Reason.NO_READY_ENDPOINT, CloseKind.REFUSED);
    } else {
      reach(service, mirror.port());
    }
  }

  private void reach(Service service, int port) {
    subject.callsService(service.name());
    affinity = service.affinity();
    ofService = loop.means.pools.of(service.name());
    ServicePort found = service.port(port).orElse(null);
    List<Endpoint> endpoints = found == null ? List.of() : found.endpoints();
    if (service.nearness() != Nearness.ANYWHERE) {
      nearing = service;
      asked = port;
      endpoints = service.nearness().within(endpoints, snapshot, callerPlace());
    }
    List<InetSocketAddress> tried = listener.tried();
    endpoint = lost == null && !tried.isEmpty() ? tried.getLast() : lost;
    others = untried(endpoints, tried);
    narrowed = others != endpoints;
    InetSocketAddress picked = pick(others);
    if (picked == null && narrowed) {
      narrowed = false; // all were tried, if only the last one is not tried at once
      others = endpoints;
      picked = pick(endpoints);
    }
    if (picked == null && endpoint != null && lost == null) {
      endpoint = null; // there is no other one
      picked = pick(endpoints);
    }
    Reason failure = lostBy;
    if (picked != null) {
      others = failure == null ? others : null; // it is the further endpoint
      reach(picked);
    } else if (failure == null) {
      refused(Reason.NO_READY_ENDPOINT, CloseKind.REFUSED);
    } else {
      refused(failure, CloseKind.CONNECT_FAILURE);
    }
  }

  /** Of the last one {@link #endpoint} tells. */
  private static List<Endpoint> untried(List<Endpoint> endpoints, List<InetSocketAddress> tried) {
    return tried.size() < 2
        ? endpoints
        : endpoints.stream().filter(each -> !tried.contains(each.address())).toList();
  }

  /** The nearest that may be used, where any goes before others; what a session is with first. */
  private @Nullable InetSocketAddress pick(List<Endpoint> every) {
    Service service = nearing;
    if (service != null) {
      List<Endpoint> usable = notIsolated(well(every));
      InetSocketAddress keeping = keeping(usable, Family.of(wanted.destination().getAddress()));
      if (keeping != null) {
        return keeping;
      }
      List<List<Endpoint>> all =
          narrowed
              ? service.nearness().first(every, snapshot, callerPlace())
              : loop.near(snapshot, service, asked, every, callerPlace());
      List<List<Endpoint>> first =
          usable == every ? all : service.nearness().first(usable, snapshot, callerPlace());
      if (usable != every) {
        missAny(all, every);
      }
      InetSocketAddress picked =
          usable == every || affinity.byClient()
              ? pickFirst(first)
              : pickByShare(all, first, usable);
      if (picked != null) {
        return picked;
      }
    }
    return pickAny(every);
  }

  private @Nullable InetSocketAddress pickFirst(List<List<Endpoint>> first) {
    for (List<Endpoint> near : first) {
      InetSocketAddress picked = pickAny(near);
      if (picked != null) {
        return picked;
      }
    }
    return null;
  }

  /**
   * Where some are not well the nearest bear seven fifths of the share that is left of them, as of
   * Envoy, the next ones the same of their own, and those that are in no list of near ones the
   * rest.
   */
  private @Nullable InetSocketAddress pickByShare(
      List<List<Endpoint>> all, List<List<Endpoint>> first, List<Endpoint> well) {
    double draw = ThreadLocalRandom.current().nextDouble();
    List<Endpoint> allBefore = List.of();
    List<Endpoint> before = List.of();
    for (int i = 0; i <= first.size(); i++) {
      boolean isLast = i == first.size();
      List<Endpoint> at = without(isLast ? well : first.get(i), before);
      draw -=
          isLast
              ? 1
              : OVERPROVISIONING * ready(at) / Math.max(1, ready(without(all.get(i), allBefore)));
      InetSocketAddress picked = draw < 0 ? pickAny(at) : null;
      if (picked != null) {
        return picked;
      }
      if (!isLast) {
        before = first.get(i);
        allBefore = all.get(i);
      }
    }
    return pickFirst(first);
  }

  /**
   * The rest of them.
   *
   * @param others some of them, in their order
   */
  private static List<Endpoint> without(List<Endpoint> endpoints, List<Endpoint> others) {
    List<Endpoint> rest = new ArrayList<>(endpoints.size());
    int passed = 0;
    for (Endpoint each : endpoints) {
      if (passed < others.size() && others.get(passed).equals(each)) {
        passed++;
      } else {
        rest.add(each);
      }
    }
    return rest;
  }

  /** Of the family that is called. */
  private long ready(List<Endpoint> endpoints) {
    Family family = Family.of(wanted.destination().getAddress());
    return endpoints.stream()
        .filter(each -> each.ready() && Family.of(each.address().getAddress()) == family)
        .count();
  }

  /** What chance would have met if all were well is asked as this pod too, where it is out. */
  private void missAny(List<List<Endpoint>> first, List<Endpoint> every) {
    for (List<Endpoint> near : Stream.concat(first.stream(), Stream.of(every)).toList()) {
      InetSocketAddress met = pickOf(near);
      if (met != null) {
        missIfOut(met);
        return;
      }
    }
  }

  private Nearness.Caller callerPlace() {
    return Nearness.Caller.of(snapshot, pod.name);
  }

  /** Ranges are compared with all endpoints only where chance has met one that is isolated. */
  private @Nullable InetSocketAddress pickAny(List<Endpoint> every) {
    InetSocketAddress picked = pickOf(every);
    if (picked != null && (loop.means.health.isOut(picked) || isEjected(picked))) {
      missIfOut(picked);
      picked = pickOf(well(every));
    }
    return picked == null || !snapshot.settings().isolates(picked.getAddress())
        ? picked
        : pickOf(well(notIsolated(every)));
  }

  /** That policy lets this pod call one that is out keeps it asked, and by that alone. */
  private void missIfOut(InetSocketAddress address) {
    loop.means.health.missed(
        address,
        pod,
        () -> Decisions.standing(snapshot, wanted.to(address)).of(listener.request()).isAllowed());
  }

  private boolean isEjected(InetSocketAddress address) {
    ServicePool service = ofService;
    return service != null && service.isEjected(address);
  }

  private @Nullable InetSocketAddress pickOf(List<Endpoint> candidates) {
    Family family = Family.of(wanted.destination().getAddress());
    InetSocketAddress keeping = keeping(candidates, family);
    if (keeping != null) {
      return keeping;
    }
    boolean standingFirst =
        !listener.sharesConnections()
            && !affinity.byClient()
            && !snapshot.settings().balancesHttp1();
    for (Endpoint candidate : standingFirst ? candidates : List.<Endpoint>of()) {
      if (candidate.ready()
          && !candidate.address().equals(endpoint)
          && listener.hasRoom(candidate.address())) {
        return candidate.address();
      }
    }
    if (affinity.byClient()) {
      InetAddress client = wanted.sourceAddress().getAddress();
      InetSocketAddress own = loop.loads.pick(candidates, family, endpoint, client, 0);
      int most = affinity.mostPercent();
      return own == null || most == 0 || listener.hasRoom(own) // that is nothing more to bear
          ? own
          : loop.loads.pick(candidates, family, endpoint, client, most);
    }
    return loop.means.warmUps.areOver()
        ? loop.loads.pick(candidates, family, endpoint, !listener.sharesConnections())
        : loop.loads.pick(
            candidates, family, endpoint, !listener.sharesConnections(), loop.means.warmUps);
  }

  /** Of the pod that the session is with, unless that was tried; null where there is none. */
  private @Nullable InetSocketAddress keeping(List<Endpoint> candidates, Family family) {
    SessionPersistence known = session;
    if (known == null || kept == SessionPersistence.NONE) {
      return null;
    }
    for (Endpoint candidate : candidates) {
      InetSocketAddress address = candidate.address();
      if (candidate.ready()
          && Family.of(address.getAddress()) == family
          && !address.equals(endpoint)
          && isKept(known, snapshot.workloadAt(address.getAddress()).orElse(null))) {
        return address;
      }
    }
    return null;
  }

  private boolean isKept(SessionPersistence known, @Nullable Workload pod) {
    return pod != null && known.of(pod.name()) == kept;
  }

  /** Nobody else than a pod has sessions. */
  private void tellSession(@Nullable Workload pod) {
    SessionPersistence known = session;
    if (known != null) {
      listener.keptBy(
          pod == null || isKept(known, pod)
              ? null
              : known.told(known.of(pod.name()), calendarSeconds()));
    }
  }

  private static long calendarSeconds() {
    return TimeUnit.MILLISECONDS.toSeconds(System.currentTimeMillis());
  }

  private void reach(InetSocketAddress picked) {
    Workload called = snapshot.workloadAt(picked.getAddress()).orElse(null);
    Flow flow = wanted.to(picked);
    if (!isAllowed(flow, called == null ? null : called.identity())
        || !faults.isNone() && !listener.goesOn(faults)) {
      return;
    }
    if (others != null && called != null) {
      loop.means.health.called(loop, pod, snapshot, called, picked);
    }
    tellSession(called);
    endpoint = picked;
    origin = null;
    ServicePool outside = poolOutside();
    ServicePool said = outside == null ? ofService : outside;
    if (said != pool) {
      leavePlace();
      pool = said;
    }
    if (said == null) {
      if (!listener.takes(picked)) {
        dial(picked, called, flow);
      }
    } else if (isAdmitted(said)) {
      if (listener.takes(picked)) {
        leavePlace(); // it was for what was dialled before
      } else if (hasPlace(said, picked, called, flow)) {
        dial(picked, called, flow);
      }
    }
  }

  /**
   * Of the UpstreamTrafficSetting that the Egress names which lets it out; null where none does.
   * Before what is said of the service called: whoever has one may let it lead anywhere.
   */
  private @Nullable ServicePool poolOutside() {
    Verdict verdict = subject.verdict();
    if (verdict.reason() != Reason.EGRESS_POLICY) {
      return null;
    }
    return verdict
        .rule()
        .flatMap(egress -> snapshot.get(Kind.EGRESS, egress))
        .map(Egress::settingOrNull)
        .map(loop.means.pools::of)
        .orElse(null);
  }

  private boolean isAdmitted(ServicePool said) {
    Reason refusal = listener.refusalOf(said);
    if (refusal != null) {
      listener.refused(said.refusal(refusal), CloseKind.REFUSED);
    }
    return refusal == null;
  }

  /** Else it waits for one and dials then, or has been refused. */
  private boolean hasPlace(
      ServicePool said, InetSocketAddress picked, @Nullable Workload called, Flow flow) {
    if (place == null) {
      place = said.take(pod.name);
    }
    if (place != null) {
      return true;
    }
    if (takesAnother(said)) {
      return false;
    }
    if (listener.mayWait()) {
      waiting =
          said.await(
              pod.name,
              loop.executor,
              granted -> {
                waiting = null;
                place = granted;
                if (isAdmitted(said)) {
                  dial(picked, called, flow);
                }
              });
    } else {
      listener.refused(said.refusal(Reason.UPSTREAM_OVERFLOW), CloseKind.REFUSED);
    }
    return false;
  }

  /** Goes by a connection to any endpoint, or is over, instead of waiting for a place. */
  private boolean takesAnother(ServicePool said) {
    List<Endpoint> candidates = others;
    List<Endpoint> standing =
        candidates == null
            ? List.of()
            : notIsolated(
                well(candidates).stream()
                    .filter(each -> listener.hasRoom(each.address()) && mayTake(each.address()))
                    .toList());
    Family family = Family.of(wanted.destination().getAddress());
    InetSocketAddress free = loop.loads.pick(standing, family, null, false);
    if (free == null) {
      return false;
    }
    if (!isAllowed(wanted.to(free), calledAt(free)) || !isAdmitted(said)) {
      return true;
    }
    tellSession(snapshot.workloadAt(free.getAddress()).orElse(null));
    return listener.takes(free);
  }

  /** Who stays with one endpoint waits for that. */
  private boolean mayTake(InetSocketAddress standing) {
    boolean stays = affinity.byClient() || kept != SessionPersistence.NONE;
    return !stays || standing.equals(endpoint);
  }

  /** A connection that stands has got room: it goes by that where it waits for a place. */
  public void lookAround() {
    ServicePool.Waiting waits = waiting;
    ServicePool said = pool;
    if (waits != null && said != null && takesAnother(said)) {
      waiting = null;
      waits.giveUp();
    }
  }

  private void leavePlace() {
    ServicePool.Place held = place;
    place = null;
    if (held != null) {
      held.leave();
    }
  }

  /** The place of the connection that was reached, where the service has so many only. */
  public ServicePool.@Nullable Place place() {
    return place;
  }

  private void dial(InetSocketAddress picked, @Nullable Workload called, Flow flow) {
    if (called != null && needsMutualTls(snapshot, called)) {
      dialByStream(picked, called);
    } else if (listener.isCheck()) {
      dialCheck(called, flow);
    } else if (called != null && called.name().equals(pod.name)) {
      dialApplication(picked);
    } else if (called == null || !dialLedPast(flow, called.name())) {
      dialBySocket(picked, pod);
    }
  }

  /** Of a pod of another node nobody but its own node may be asked. */
  private void dialCheck(@Nullable Workload called, Flow flow) {
    LocalPod callee = called == null ? null : loop.means.served.get(called.name());
    if (callee == null) {
      failed(Reason.INTERNAL_ERROR);
    } else {
      dial(new LocalDial(this, loop, pod, callee, flow, true));
    }
  }

  private boolean isAllowed(Flow flow, @Nullable SpiffeId called) {
    Verdict verdict = subject.decide(snapshot, flow, called, listener.request());
    if (!verdict.isAllowed()) {
      listener.refused(verdict, CloseKind.REFUSED);
    }
    return verdict.isAllowed();
  }

  private void refused(Reason reason, CloseKind kind) {
    listener.refused(Verdict.of(Outcome.REFUSED, reason), kind);
  }

  // --- dialling ------------------------------------------------------------------------------

  private void dialApplication(InetSocketAddress address) {
    endpoint = address;
    // From another pod a refusal may be the network's, which says nothing of who listens.
    loopbackMayAnswer = inside == pod;
    dialBySocket(address, inside);
  }

  /**
   * Does nothing and says false where the pod called is not served here, or its listener cannot be
   * passed.
   */
  private boolean dialLedPast(Flow flow, NamespacedName called) {
    LocalPod callee = loop.means.served.get(called);
    if (callee == null || !loop.means.sockets.canLeadPast(pod.name, called, flow.destination())) {
      return false;
    }
    dial(
        new LocalDial(
            this, loop, pod, callee, flow.whole(), false)); // its inbound side decides anew
    return true;
  }

  private void dialBySocket(InetSocketAddress address, LocalPod from) {
    LocalConnections.Origin known = origin;
    if (known == null) {
      boolean inbound = subject.direction() == Direction.INBOUND;
      known =
          new LocalConnections.Origin(
              wanted.sourceOrNull(), wanted.sourceAddress(), inbound, false);
      origin = known;
    }
    dial(new SocketDial(this, loop, pod, from, address, known));
  }

  private void dial(Dial next) {
    stopTimer();
    dial = next;
    next.start();
    if (pool != null && !(next instanceof SocketDial) && dial == next && !counted && !over) {
      connectTimer =
          loop.executor.schedule(
              () -> giveUp(next), connectTimeout().toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  /** Whatever it holds would stay for minutes where so long is waited. */
  private void stopTimer() {
    Future<?> scheduled = connectTimer;
    connectTimer = null;
    if (scheduled != null) {
      scheduled.cancel(false);
    }
  }

  private void giveUp(Dial late) {
    if (dial == late && !counted && !over) {
      late.end();
      failed(Reason.CONNECT_TIMEOUT);
    }
  }

  /** Longest wait for one connection. */
  Duration connectTimeout() {
    ServicePool said = pool;
    if (said != null) {
      return said.connectTimeout();
    }
    Duration usual = loop.means.settings.connectTimeout();
    return subject.direction() == Direction.OUTBOUND
        ? usual
        : snapshot.limitsAt(wanted.destination()).stream()
            .map(setting -> setting.pool().connectTimeout())
            .findFirst()
            .orElse(usual);
  }

  /**
   * Whether mutual TLS has to protect what goes there: an enrolled workload without a listener of
   * ours, or one with, where either end requires it within the node too. Else what we listen for
   * ourselves does not leave the node, and its source is proven by our own record; wherever else
   * the registry may place a workload, nothing of that is true.
   */
  private boolean needsMutualTls(MeshSnapshot by, Workload called) {
    return called.enrolled()
        && by.settings().callsByMutualTls()
        && (!loop.means.served.containsKey(called.name())
            || (!called.name().equals(pod.name) // its own bytes do not leave the pod
                && (requiresItWithinTheNode(called)
                    || by.workload(pod.name)
                        .filter(Upstream::requiresItWithinTheNode)
                        .isPresent())));
  }

  private static boolean requiresItWithinTheNode(Workload end) {
    return end.connections().sameNodeMtls() == SameNodeMtls.REQUIRED;
  }

  private void dialByStream(InetSocketAddress address, Workload called) {
    Workload own = snapshot.workload(pod.name).orElse(null);
    Optional<TlsIdentity> end =
        Optional.ofNullable(own).map(Workload::identity).flatMap(loop.means.identities::of);
    if (own == null || end.isEmpty()) {
      failed(Reason.NO_CERTIFICATE);
      return;
    }
    PoolKey key =
        new PoolKey(
            own.name(),
            own.identity(),
            new InetSocketAddress(address.getAddress(), MeshPorts.HBONE),
            called.identity());
    dial(
        new HboneDial(
            this,
            loop,
            pod,
            key,
            end.get(),
            HboneDial.request(own, wanted.sourceAddress(), address, listener.isCheck())));
  }

  /** The far end has answered. */
  void opened(ByteChannel channel) {
    stopTimer();
    if (dial instanceof HboneDial) {
      subject.haveProvenThemselves();
    }
    InetSocketAddress reached = endpoint;
    if (reached != null && !listener.isCheck()) {
      counted = true;
      if (isLoad()) {
        loop.loads.opened(reached);
      }
      if (pool != null && listener.request() == null) {
        pool.told(reached, false); // of a request the answer tells
      }
    }
    snapshot = MeshSnapshot.EMPTY;
    others = null;
    nearing = null;
    listener.opened(channel);
  }

  /**
   * A connection led past the listener has been refused on its way: the listener tells by whom.
   *
   * @param taken whether it counts among those that the pod called has taken
   */
  void refusedOnTheWay(boolean taken) {
    InetSocketAddress tried = endpoint;
    if (tried != null) {
      origin =
          new LocalConnections.Origin(wanted.sourceOrNull(), wanted.sourceAddress(), false, taken);
      dialBySocket(tried, pod);
    }
  }

  /** The attempt has failed. */
  void failed(Reason reason) {
    stopTimer();
    InetSocketAddress tried = endpoint;
    if (tried != null
        && loopbackMayAnswer
        && reason == Reason.UPSTREAM_REFUSED
        && pod.hasLoopbackFor(tried, snapshot)) {
      loopbackMayAnswer = false;
      dialBySocket(new InetSocketAddress(loopback(tried), tried.getPort()), pod);
      return;
    }
    loopbackMayAnswer = false;
    if (pool != null && tried != null && HealthChecks.isFailure(reason)) {
      pool.told(tried, true);
    }
    List<Endpoint> candidates = others;
    if (candidates != null && reason != Reason.REFUSED_BY_PEER && losesSession(tried, reason)) {
      return;
    }
    // Policy does not differ between the endpoints of a service.
    InetSocketAddress other =
        candidates == null || reason == Reason.REFUSED_BY_PEER ? null : pick(candidates);
    if (other == null) {
      refused(reason, CloseKind.CONNECT_FAILURE);
    } else {
      others = null;
      reach(other);
    }
  }

  /** Whether the session's pod was tried; then the request is led on as one without a session. */
  private boolean losesSession(@Nullable InetSocketAddress tried, Reason reason) {
    SessionPersistence known = session;
    Service called = snapshot.serviceAt(wanted.destination().getAddress()).orElse(null);
    if (known == null
        || tried == null
        || called == null
        || kept == SessionPersistence.NONE
        || !isKept(known, snapshot.workloadAt(tried.getAddress()).orElse(null))) {
      return false;
    }
    lost = tried;
    lostBy = reason;
    nearing = null;
    leavePlace(); // another service's may be asked for
    reach(called);
    return true;
  }

  private static InetAddress loopback(InetSocketAddress called) {
    return switch (Family.of(called.getAddress())) {
      case IPV4 -> LOOPBACK4;
      case IPV6 -> LOOPBACK6;
    };
  }

  // --- a connection that outlives who asked for it -------------------------------------------

  /** By which snapshot it is searched; empty once it is reached. */
  public MeshSnapshot snapshot() {
    return snapshot;
  }

  /**
   * Whether what was reached may wait for another client of the pod: {@code now} has led to it, it
   * would be reached the same way again, and nobody else waits for its place.
   */
  public boolean mayRest(MeshSnapshot now) {
    InetSocketAddress reached = endpoint;
    Dial last = dial;
    Workload called = reached == null ? null : now.workloadAt(reached.getAddress()).orElse(null);
    return revision == now.revision()
        && !over
        && subject.direction() == Direction.OUTBOUND
        && called != null
        && called.enrolled()
        && !called.name().equals(pod.name)
        && last != null
        && last.isCurrent()
        && last instanceof HboneDial == needsMutualTls(now, called)
        && loop.means.served.get(pod.name) == pod
        && (place == null || place.mayRest());
  }

  /** Whether what this one has reached is what {@code other} would reach, for the same caller. */
  public boolean servesToo(Upstream other) {
    return revision == other.revision
        && pod == other.pod
        && inside == other.inside
        && pool == other.pool
        && Objects.equals(endpoint, other.endpoint)
        && subject.isLike(other.subject);
  }

  /** Whether the same pod calls. */
  public boolean isOfPodOf(Upstream other) {
    return pod == other.pod;
  }

  /** What was reached waits for another client, as nothing that its endpoint has to do; or not. */
  public void rests(boolean waits) {
    InetSocketAddress reached = endpoint;
    if (reached == null || over) {
      return;
    }
    if (waits && counted) {
      counted = false;
      resting = true;
      if (isLoad()) {
        loop.loads.closed(reached);
      }
    } else if (!waits && resting) {
      counted = true;
      resting = false;
      if (isLoad()) {
        loop.loads.opened(reached);
      }
    }
  }

  /**
   * Whether the endpoint was chosen here. What comes from another node was chosen there, and may
   * stand for long without a client; of a call within the node the caller's side tells already.
   */
  private boolean isLoad() {
    return subject.direction() == Direction.OUTBOUND;
  }

  /** The endpoint that was reached. */
  public InetSocketAddress reached() {
    return Objects.requireNonNull(endpoint, "nothing was reached");
  }

  /** Gives it up, or forgets what was reached; the channel is not closed by that. */
  public void end() {
    rests(true);
    over = true;
    stopTimer();
    ServicePool.Waiting waits = waiting;
    waiting = null;
    if (waits != null) {
      waits.giveUp();
    }
    leavePlace();
    Dial last = dial;
    if (last != null) {
      last.end();
    }
  }
}

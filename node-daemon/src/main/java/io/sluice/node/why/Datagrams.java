package io.sluice.node.why;

import io.sluice.interception.DatagramGrants;
import io.sluice.mesh.DatagramPermission;
import io.sluice.mesh.DatagramService;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Resolvers;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.enrolment.DatagramPolicy;
import io.sluice.node.why.Fate.Cause;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Goes the way of a datagram: kernels decide it, with or without a daemon, where it leaves and
 * where it arrives, by what UDPRoutes grant; no proxy carries it. For one thread.
 */
final class Datagrams {
  private final MeshSnapshot snapshot;
  private final NodeView node;
  private final Causes causes;
  private final Arriving arriving;
  private final DatagramPolicy policy;
  private final Map<NamespacedName, DatagramGrants> held = new HashMap<>(); // by pods

  Datagrams(MeshSnapshot snapshot, NodeView node, Causes causes, Arriving arriving) {
    this.snapshot = snapshot;
    this.node = node;
    this.causes = causes;
    this.arriving = arriving;
    this.policy = new DatagramPolicy(snapshot);
  }

  /** Every way of one that its pod's node is asked about, and that nothing excludes. */
  List<Fate> sent(Call call, Story story) {
    Workload source = call.source();
    InetSocketAddress called = call.called();
    InetAddress address = called.getAddress();
    String where = IpAddresses.text(called);
    boolean dns = called.getPort() == MeshPorts.DNS;
    Optional<Workload> pod = snapshot.workloadAt(address);
    story.to(called, pod.map(Workload::name).orElse(null));
    if (snapshot.settings().isolates(address)) {
      return List.of(
          story.end(
              Fate.Kind.REFUSED,
              Reason.DATAGRAM_ISOLATED,
              List.of(new Cause("Isolation", "", "spec.cidrs", where + " is in a range of one"))));
    }
    if (dns && isResolverOf(source, address)) {
      story.turn(Causes.fact(where + " is a resolver of the pod"));
      return past(call, story, Reason.DNS);
    }
    if (snapshot.settings().permissive()) {
      story.turn(
          Causes.meshConfig(
              "spec.traffic.enablePermissiveTrafficPolicyMode",
              "permissive traffic policy mode leaves datagrams alone"));
      return past(call, story, Reason.DATAGRAM_PERMISSIVE);
    }
    Reason refusal = dns ? Reason.DNS_REFUSED : Reason.DATAGRAM_REFUSED;
    Optional<Service> service = serviceAt(address);
    if (service.isEmpty()) {
      return List.of(
          isGranted(Direction.OUTBOUND, source, called)
              ? enter(source, pod.orElseThrow(), called, story)
              : refused(source, pod, called, refusal, story));
    }
    return toService(call, service.get(), refusal, story);
  }

  /** Somebody else chooses the endpoint, so that each has to be granted. */
  private List<Fate> toService(Call call, Service service, Reason refusal, Story story) {
    Workload source = call.source();
    int port = call.called().getPort();
    List<InetSocketAddress> all =
        service.port(port).stream()
            .flatMap(each -> each.endpoints().stream())
            .map(Endpoint::address)
            .distinct()
            .toList();
    if (all.isEmpty()) {
      List<Integer> ports = service.ports().stream().map(ServicePort::port).toList();
      boolean has = ports.contains(port);
      Cause cause =
          has
              ? Causes.service(
                  service.name(),
                  "spec.selector",
                  "no Pod with an address has its labels and the port")
              : Causes.service(
                  service.name(), "spec.ports", "of UDP it has " + ports + ", and not " + port);
      return List.of(story.end(Fate.Kind.REFUSED, refusal, List.of(cause)));
    }
    if (!isGranted(Direction.OUTBOUND, source, call.called())) {
      return refusedToService(source, service, port, all, refusal, story);
    }
    List<InetSocketAddress> ready = ServiceEnds.ready(service.port(port).get(), call.called());
    if (ready.isEmpty()) {
      return List.of(ServiceEnds.noEndpoint(service, service.port(port).get(), story));
    }
    return ready.stream()
        .map(each -> {
          Workload pod = snapshot.workloadAt(each.getAddress()).orElseThrow();
          Story own = story.fork(1.0 / ready.size());
          own.to(each, pod.name());
          return enter(source, pod, each, own);
        })
        .toList();
  }

  private List<Fate> refusedToService(
      Workload source,
      Service service,
      int port,
      List<InetSocketAddress> all,
      Reason refusal,
      Story story) {
    List<InetSocketAddress> others =
        all.stream().filter(each -> !isGranted(Direction.OUTBOUND, source, each)).toList();
    if (others.isEmpty()) {
      return List.of(leftOut(source, refusal, story));
    }
    story.ok(
        "Service %s port %d has %d endpoints, of which %d are not granted: who translates its address may choose any"
            .formatted(service.name(), port, all.size(), others.size()));
    return others.stream()
        .map(each -> {
          Optional<Workload> pod = snapshot.workloadAt(each.getAddress());
          Story own = story.fork(1.0 / others.size());
          own.to(each, pod.map(Workload::name).orElse(null));
          return refused(source, pod, each, refusal, own);
        })
        .toList();
  }

  /** Every way of one that leaves its pod without being asked about. */
  List<Fate> past(Call call, Story story, Reason reason) {
    InetSocketAddress called = call.called();
    Optional<ServicePort> port =
        serviceAt(called.getAddress()).flatMap(service -> service.port(called.getPort()));
    List<InetSocketAddress> ready =
        port.map(each -> ServiceEnds.ready(each, called)).orElse(List.of(called));
    if (ready.isEmpty()) {
      Service service = serviceAt(called.getAddress()).orElseThrow();
      return List.of(ServiceEnds.noEndpoint(service, port.orElseThrow(), story));
    }
    return ready.stream()
        .map(each -> arrive(call.source(), each, story.fork(1.0 / ready.size()), reason))
        .toList();
  }

  private Fate arrive(Workload source, InetSocketAddress to, Story story, Reason reason) {
    Fate.Kind kind = reason == Reason.DNS ? Fate.Kind.ALLOWED : Fate.Kind.CLEAR;
    Optional<Workload> known = snapshot.workloadAt(to.getAddress());
    story.to(to, known.map(Workload::name).orElse(null));
    Workload pod = known.filter(Workload::enrolled).orElse(null);
    if (pod == null || pod.name().equals(source.name()) || snapshot.settings().permissive()) {
      return story.end(kind, reason, List.of());
    }
    if (!source.enrolled()) {
      story.ok("pod " + pod.name() + " takes datagrams that come from outside the mesh");
      return story.end(Fate.Kind.CLEAR, reason, List.of());
    }
    if (to.getPort() == MeshPorts.DNS && isResolverOf(pod, to.getAddress())) {
      story.ok("pod " + pod.name() + " is a resolver, which all of the mesh may ask");
      return story.end(kind, reason, List.of());
    }
    if (!arriving.isHere(pod)) {
      story.unknown(
          "whether port %d of pod %s is excluded for what arrives: ask on %s"
              .formatted(to.getPort(), pod.name(), Arriving.nodeOf(pod)));
    } else if (pod.interception().inboundPortExclusions().contains(to.getPort())) {
      story.turn(causes.excludedInbound(pod, to.getPort()));
      return story.end(Fate.Kind.CLEAR, reason, List.of());
    }
    return isLetIn(source, pod, to.getPort())
        ? enter(source, pod, to, story)
        : refused(source, known, to, Reason.DATAGRAM_REFUSED, story);
  }

  /** At the pod that it is granted to. */
  private Fate enter(Workload source, Workload pod, InetSocketAddress to, Story story) {
    if (!arriving.isHere(pod)) {
      story.unknown(
          "whether pod %s is intercepted, and its application answers: ask on %s"
              .formatted(pod.name(), Arriving.nodeOf(pod)));
    } else if (node.isRunning()) {
      Optional<Fate> other = arriving.unusual(pod, story, Reason.DATAGRAM_GRANTED);
      if (other.isPresent()) {
        return other.get();
      }
    }
    if (!isLetIn(source, pod, to.getPort())) {
      return leftOut(pod, Reason.DATAGRAM_REFUSED, story);
    }
    story.ok("no proxy carries it: it goes in clear");
    return story.end(
        Fate.Kind.ALLOWED,
        Reason.DATAGRAM_GRANTED,
        named(source, pod).stream()
            .filter(by -> by.ports().contain(to.getPort()))
            .map(by -> target(by, "spec", "it grants this"))
            .toList());
  }

  private Fate refused(
      Workload source, Optional<Workload> to, InetSocketAddress at, Reason reason, Story story) {
    String where = IpAddresses.text(at);
    Workload pod = to.filter(Workload::enrolled).orElse(null);
    if (pod == null) {
      String text = where + " is no pod of the mesh, and UDPRoutes grant datagrams to those alone";
      return story.end(Fate.Kind.REFUSED, reason, List.of(Causes.fact(text)));
    }
    List<DatagramPermission> named = named(source, pod);
    if (named.stream().anyMatch(by -> by.ports().contain(at.getPort()))) {
      return leftOut(source, reason, story);
    }
    List<Cause> why =
        named.stream()
            .map(by ->
                target(
                    by,
                    "spec.rules",
                    "it names both ends; its UDPRoutes have the ports %s, and not %d"
                        .formatted(new TreeSet<>(by.ports().some()), at.getPort())))
            .toList();
    Cause none =
        new Cause(
            Causes.TARGET,
            "",
            "spec.rules",
            "none that is in force has a UDPRoute, ServiceAccount %s among its sources and %s for its destination; `sluice validate` tells of those that are written and cannot be used"
                .formatted(account(source), account(pod)));
    return story.end(Fate.Kind.REFUSED, reason, why.isEmpty() ? List.of(none) : why);
  }

  /** An object grants it, and the kernel does not hold that. */
  private Fate leftOut(Workload pod, Reason reason, Story story) {
    long more = held(pod).leftOut();
    String text =
        more == 0
            ? "an address of pod %s, or of who is called, is claimed by another, too"
            : "pod %%s has more grants of datagrams than the %d there is room for: %d are left out"
                .formatted(DatagramGrants.MAX_RULES, more);
    return story.end(
        Fate.Kind.REFUSED, reason, List.of(Causes.pod(pod, "", text.formatted(pod.name()))));
  }

  private static Cause target(DatagramPermission by, String field, String text) {
    return new Cause(Causes.TARGET, by.name().toString(), field, text);
  }

  /** Grants of datagrams between both accounts, at whichever ports. */
  private List<DatagramPermission> named(Workload source, Workload pod) {
    return snapshot
        .find(Kind.DATAGRAM_PERMISSION, Kind.DATAGRAMS_BY_SOURCE, account(source))
        .stream()
        .filter(by -> by.destination().equals(account(pod)))
        .toList();
  }

  private static NamespacedName account(Workload pod) {
    return pod.identity().serviceAccountName();
  }

  private boolean isLetIn(Workload source, Workload pod, int port) {
    return source.addresses().stream()
        .anyMatch(from -> isGranted(Direction.INBOUND, pod, new InetSocketAddress(from, port)));
  }

  /** Whether the pod's kernel holds it: {@code peer} is the other end, with the port called. */
  private boolean isGranted(Direction direction, Workload pod, InetSocketAddress peer) {
    return held(pod).granted().stream()
        .anyMatch(one ->
            one.direction() == direction
                && one.addresses().contains(peer.getAddress())
                && (one.port() == 0 || one.port() == peer.getPort()));
  }

  private DatagramGrants held(Workload pod) {
    return held.computeIfAbsent(pod.name(), _ -> policy.of(pod));
  }

  private boolean isResolverOf(Workload pod, InetAddress address) {
    return Resolvers.of(snapshot, pod).stream().anyMatch(range -> range.contains(address));
  }

  /** One that has no port of UDP at all leads nowhere. */
  private Optional<Service> serviceAt(InetAddress address) {
    return snapshot.all(Kind.DATAGRAM_SERVICE).stream()
        .map(DatagramService::service)
        .filter(service -> service.virtualAddresses().contains(address))
        .findFirst()
        .or(() ->
            snapshot
                .serviceAt(address)
                .map(one -> new Service(one.name(), one.virtualAddresses(), List.of())));
  }
}

package io.sluice.node.why;

import io.sluice.mesh.Access;
import io.sluice.mesh.Decider;
import io.sluice.mesh.Egress;
import io.sluice.mesh.Faults;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Regex;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.why.Fate.Cause;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which object, and which field of it, is responsible for an answer.
 *
 * @param nodeName this node's, whose pods' settings are known as they are
 */
record Causes(MeshSnapshot snapshot, String nodeName) {
  private static final String MESH_LABEL = "metadata.labels[\"sluice.io/mesh\"]";
  private static final String POD = "Pod";
  static final String TARGET = "TrafficTarget";

  /** Of the object that sets the mesh. */
  static Cause meshConfig(String field, String text) {
    return new Cause("MeshConfig", "", field, text);
  }

  /** Of a pod as it is, or as its node has it. */
  static Cause pod(Workload pod, String field, String text) {
    return new Cause(POD, pod.name().toString(), field, text);
  }

  /** Of a fact that stands in no manifest. */
  static Cause fact(String text) {
    return new Cause("node", "", "", text);
  }

  /** Of a Service. */
  static Cause service(NamespacedName name, String field, String text) {
    return new Cause("Service", name.toString(), field, text);
  }

  /** Of the objects that lead requests so, or of those none of which says anything of them. */
  static List<Cause> routed(@Nullable Decider by, String text) {
    return switch (by) {
      case null -> List.of();
      case NamespacedName split ->
          List.of(new Cause("TrafficSplit", split.toString(), "spec.backends", text));
      case Faults.Injection _ -> List.of(); // it leads nothing
      case TrafficRoute.Place place ->
          List.of(
              new Cause(
                  place.source().kind(), place.source().name().toString(), place.field(), text));
      case TrafficRoute.Unmatched(NamespacedName service, List<TrafficRoute.Source> sources) ->
          sources.isEmpty()
              ? List.of(
                  new Cause("HTTPRoute or GRPCRoute", "of Service " + service, "spec.rules", text))
              : sources.stream()
                  .map(source ->
                      new Cause(source.kind(), source.name().toString(), "spec.rules", text))
                  .toList();
    };
  }

  /** Why the pod is not in the mesh. */
  Cause outside(Workload pod) {
    if (pod.hostNetwork()) {
      return pod(
          pod, "spec.hostNetwork", "pod " + pod.name() + " has the node's network, and no mesh");
    }
    if (pod.addresses().isEmpty()) {
      return pod(pod, "status.podIPs", "pod " + pod.name() + " has no address: it does not run");
    }
    String namespace = pod.name().namespace();
    NamespaceMembership membership =
        snapshot.membership(namespace).orElse(NamespaceMembership.OUTSIDE);
    return membership == NamespaceMembership.OUTSIDE
        ? new Cause(
            "Namespace", namespace, MESH_LABEL, "namespace " + namespace + " is not in the mesh")
        : pod(pod, MESH_LABEL, "pod " + pod.name() + " is not in the mesh, by its own words");
  }

  /** Why the pod's call is not intercepted, or refused at once. */
  Cause left(Workload own, Outbound left, InetSocketAddress called) {
    int port = called.getPort();
    InetAddress address = called.getAddress();
    return switch (left.reason()) {
      case EXCLUDED_PORT ->
          listed(
              own,
              "outbound-port-exclusion-list",
              "outboundPortExclusionList",
              pod -> pod.interception().outboundPortExclusions().contains(port),
              "port " + port + " is excluded for what the pod calls");
      case EXCLUDED_RANGE ->
          listed(
              own,
              "outbound-ip-range-exclusion-list",
              "outboundIPRangeExclusionList",
              pod ->
                  Outbound.range(pod.interception().outboundRangeExclusions(), address).isPresent(),
              "the range "
                  + Outbound.range(own.interception().outboundRangeExclusions(), address).orElse("")
                  + " is excluded for what the pod calls");
      case NOT_INCLUDED ->
          listed(
              own,
              "outbound-ip-range-inclusion-list",
              "outboundIPRangeInclusionList",
              pod ->
                  !pod.interception().outboundRangeInclusions().isEmpty()
                      && Outbound.range(pod.interception().outboundRangeInclusions(), address)
                          .isEmpty(),
              IpAddresses.text(address) + " is in none of the ranges that are included");
      case METADATA_REFUSED -> metadata(own, address);
      default -> fact(left.text(called));
    };
  }

  /** Why what arrives at a port of the pod is not intercepted. */
  Cause excludedInbound(Workload pod, int port) {
    return listed(
        pod,
        "inbound-port-exclusion-list",
        "inboundPortExclusionList",
        other -> other.interception().inboundPortExclusions().contains(port),
        "port " + port + " of pod " + pod.name() + " is excluded for what arrives");
  }

  private static Cause metadata(Workload own, InetAddress address) {
    return pod(
        own,
        "metadata.annotations[\"sluice.io/metadata-mode\"]",
        IpAddresses.text(address) + " is a cloud's metadata service, and the pod may not call it");
  }

  /**
   * A word that the pod and the MeshConfig both may have said. Snapshots hold what comes of both:
   * what other pods of the node do not have, the MeshConfig has not said.
   */
  private Cause listed(
      Workload own, String annotation, String field, Predicate<Workload> has, String text) {
    List<Workload> others =
        snapshot.workloadsOn(nodeName).stream()
            .filter(pod -> pod.enrolled() && !pod.name().equals(own.name()))
            .toList();
    String ofPod = "metadata.annotations[\"sluice.io/" + annotation + "\"]";
    String ofMesh = "spec.traffic." + field;
    if (!others.isEmpty() && others.stream().allMatch(has)) {
      return meshConfig(ofMesh, text + ", as every pod of this node has it");
    }
    return pod(
        own, ofPod, others.isEmpty() ? text + "; or by " + ofMesh + " of the MeshConfig" : text);
  }

  /**
   * Who is responsible for what policy has said.
   *
   * @param decision the question, to be asked of other snapshots
   * @param to who was called, where the mesh knows that
   */
  List<Cause> of(
      Verdict verdict,
      Function<MeshSnapshot, Verdict> decision,
      Workload from,
      InetSocketAddress called,
      Optional<Workload> to,
      @Nullable HttpRequest requestOrNull) {
    String where = IpAddresses.text(called);
    return switch (verdict.reason()) {
      case TRAFFIC_TARGET -> grants(decision);
      case PERMISSIVE_MODE ->
          List.of(
              meshConfig(
                  "spec.traffic.enablePermissiveTrafficPolicyMode",
                  "permissive traffic policy mode lets whatever the mesh knows be called"));
      case EGRESS_ALLOWED ->
          List.of(meshConfig("spec.traffic.enableEgress", "egress is enabled for every pod"));
      case EGRESS_DISABLED -> notLetOut(from, called);
      case DNS -> List.of(fact(where + " is a resolver of the pod"));
      case DNS_REFUSED ->
          List.of(
              meshConfig(
                  "spec.traffic.dnsResolvers",
                  where + " is none of the pod's resolvers, and egress is disabled"));
      case METADATA_REFUSED -> List.of(metadata(from, called.getAddress()));
      case MTLS_REQUIRED -> to.stream().map(this::strict).toList();
      case SOURCE_NOT_IN_MESH -> List.of(unknownSource(from));
      case NO_TRAFFIC_TARGET ->
          List.of(
              new Cause(
                  TARGET,
                  "",
                  "spec.sources",
                  "none that is in force has ServiceAccount "
                      + from.identity().serviceAccountName()
                      + " among its sources and "
                      + to.map(pod -> pod.identity().serviceAccountName().toString()).orElse("it")
                      + " for its destination; `sluice validate` tells of those that are written and"
                      + " cannot be used"));
      case PORT_NOT_GRANTED ->
          named(from, to).stream().map(target -> ports(target, called.getPort())).toList();
      case INGRESS_BACKEND -> ingress(verdict, "spec.sources", "it lets this caller in");
      case EGRESS_POLICY ->
          verdict.rule().stream()
              .map(name -> new Cause("Egress", name.toString(), "spec", "it lets this out"))
              .toList();
      case ISOLATED ->
          List.of(new Cause("Isolation", "", "spec.cidrs", where + " is in a range of one"));
      case INGRESS_REFUSED ->
          ingress(verdict, "spec.sources", "it is for this port, and the caller is none of them");
      case INGRESS_TLS_REFUSED ->
          ingress(
              verdict,
              "spec.backends",
              "it takes https alone: TLS, a principal and a host that it names");
      case INGRESS_PRINCIPAL_REFUSED ->
          ingress(verdict, "spec.sources", "it asks for a certificate, and names no principal");
      case HTTP_ONLY, ROUTE_NOT_GRANTED -> {
        List<Cause> targets =
            named(from, to).stream()
                .filter(target -> target.ports().contain(called.getPort()))
                .map(target -> matches(target, requestOrNull))
                .toList();
        yield targets.isEmpty() ? outside(verdict, requestOrNull) : targets;
      }
      default -> List.of(fact(verdict.reason().explanation()));
    };
  }

  /** Every Egress of the account, by what of it keeps this from being let out. */
  private List<Cause> notLetOut(Workload from, InetSocketAddress called) {
    NamespacedName account = from.identity().serviceAccountName();
    List<Egress> egresses = snapshot.find(Kind.EGRESS, Kind.EGRESSES_BY_SOURCE, account);
    List<Cause> causes = new ArrayList<>();
    causes.add(
        meshConfig(
            "spec.traffic.enableEgress",
            IpAddresses.text(called)
                + " is no workload of the mesh, egress is disabled, and "
                + (egresses.isEmpty()
                    ? "no Egress that is in force has "
                        + account
                        + " for a source; `sluice validate` tells of those that are written and"
                        + " cannot be used"
                    : "no Egress lets " + account + " call this so")));
    egresses.forEach(egress -> causes.add(against(egress, called)));
    return causes;
  }

  private Cause against(Egress egress, InetSocketAddress called) {
    InetAddress address = called.getAddress();
    List<Egress.Port> ports =
        egress.ports().stream().filter(port -> port.number() == called.getPort()).toList();
    List<String> hosts = egress.hosts().stream().sorted().toList();
    boolean leadsThere =
        hosts.stream().anyMatch(host -> snapshot.settings().names().lead(host, address));
    if (ports.isEmpty()) {
      List<Integer> own = egress.ports().stream().map(Egress.Port::number).toList();
      return of(egress, "spec.ports", "its ports are " + own + ", and not " + called.getPort());
    }
    if (!egress.hasInRange(address) && !leadsThere) {
      String text = IpAddresses.text(address);
      return hosts.isEmpty()
          ? of(egress, "spec.ipAddresses", text + " is in none of its ranges")
          : of(
              egress,
              "spec.hosts",
              "this node has found " + text + " under none of its hosts " + hosts);
    }
    return ports.stream().anyMatch(port -> port.carried() == Egress.Carried.TLS)
        ? of(egress, "spec.hosts", "it lets out TLS whose client names one of " + hosts)
        : of(egress, "spec.ipAddresses", "bytes are let out to its ranges alone");
  }

  private static Cause of(Egress egress, String field, String text) {
    return new Cause("Egress", egress.name().toString(), field, text);
  }

  /** Of the object that let requests in or out, and not this one. */
  private List<Cause> outside(Verdict verdict, @Nullable HttpRequest requestOrNull) {
    String text = verdict.reason().explanation();
    String asked = requestOrNull == null ? "" : "; the request is for " + requestOrNull.authority();
    return verdict.rule().flatMap(name -> snapshot.get(Kind.EGRESS, name)).stream()
        .map(egress ->
            of(
                egress,
                "spec.hosts, spec.matches",
                text + asked + ", its hosts are " + egress.hosts().stream().sorted().toList()))
        .findFirst()
        .map(List::of)
        .orElseGet(() -> ingress(verdict, "spec.matches", text));
  }

  /** Of the IngressBackend or AccessControl that decided. */
  private List<Cause> ingress(Verdict verdict, String field, String text) {
    return verdict.rule().stream()
        .flatMap(name -> snapshot.all(Kind.INGRESS).stream().filter(one -> one.name().equals(name)))
        .map(one -> new Cause(one.origin().kind(), one.name().toString(), field, text))
        .toList();
  }

  private Cause unknownSource(Workload from) {
    SpiffeId identity = from.identity();
    if (from.enrolled() && identity.isNobody()) {
      return pod(from, "spec.serviceAccountName", "pod " + from.name() + " has no service account");
    }
    if (from.enrolled() && !identity.trustDomain().equals(snapshot.settings().trustDomain())) {
      return meshConfig(
          "spec.certificate.trustDomain",
          "it is " + snapshot.settings().trustDomain() + ", and the pod is " + identity);
    }
    return fact("nothing proves that " + from.name() + " calls, so no TrafficTarget can name it");
  }

  /** Every target that has to go before the answer is another one. */
  private List<Cause> grants(Function<MeshSnapshot, Verdict> decision) {
    List<Cause> granting = new ArrayList<>();
    SnapshotEditor editor = snapshot.edit();
    Verdict verdict = decision.apply(snapshot);
    while (verdict.reason() == Reason.TRAFFIC_TARGET && verdict.rule().isPresent()) {
      NamespacedName name = verdict.rule().get();
      String others = granting.isEmpty() ? "" : ", too";
      granting.add(new Cause(TARGET, name.toString(), "spec", "it grants this" + others));
      editor.remove(Kind.PERMISSION.key(name));
      verdict = decision.apply(editor.snapshot(snapshot.revision()));
    }
    return granting;
  }

  /** Whoever has not said so has it of the MeshConfig, which the snapshot does not tell apart. */
  private Cause strict(Workload pod) {
    String text = "pod " + pod.name() + " is STRICT: it takes no plaintext from who proves nothing";
    boolean all =
        snapshot.workloads().stream()
            .filter(Workload::enrolled)
            .allMatch(snapshot.settings()::requiresProof);
    return all
        ? meshConfig("spec.traffic.mtlsMode", text + ", as every pod is; the default is STRICT")
        : pod(
            pod,
            "metadata.annotations[\"sluice.io/mtls-mode\"]",
            text + "; or its namespace says so, or spec.traffic.mtlsMode of the MeshConfig");
  }

  private List<Permission> named(Workload from, Optional<Workload> to) {
    NamespacedName caller = from.identity().serviceAccountName();
    return to.stream()
        .flatMap(pod -> snapshot.permissionsFor(pod.identity().serviceAccountName()).stream())
        .filter(permission -> permission.sources().contains(caller))
        .toList();
  }

  private static Cause ports(Permission target, int port) {
    return new Cause(
        TARGET,
        target.name().toString(),
        "spec.rules",
        "it names both ends; its TCPRoutes have the ports "
            + new TreeSet<>(target.ports().some())
            + ", and not "
            + port);
  }

  private static Cause matches(Permission target, @Nullable HttpRequest requestOrNull) {
    String text =
        switch (target.access()) {
          case Access.Bytes _ -> "it grants whatever is sent";
          case Access.Requests requests ->
              requestOrNull == null
                  ? "it grants HTTP requests alone, and this is not carried as HTTP"
                  : requests.routes().stream()
                      .map(
                          match -> "match " + match.name() + " " + difference(match, requestOrNull))
                      .collect(Collectors.joining("; ", "it names both ends, but ", ""));
        };
    return new Cause(TARGET, target.name().toString(), "spec.rules[].matches", text);
  }

  /** Why the match does not mean the request, by the first thing that differs. */
  private static String difference(HttpMatch match, HttpRequest request) {
    if (!match.methods().isEmpty() && !match.methods().contains(request.method())) {
      return "is for " + String.join(", ", new TreeSet<>(match.methods()));
    }
    if (!match.path().matches(request.path())) {
      return "is for paths " + match.path().text();
    }
    for (Map.Entry<String, Regex> header : match.headers().entrySet()) {
      String name = header.getKey();
      String value =
          name.equals("host") || name.equals(":authority")
              ? request.authority()
              : request.header(name);
      if (value == null || !header.getValue().matches(value)) {
        return "asks for header " + name + ": " + header.getValue().text();
      }
    }
    return "does not mean it";
  }
}

package io.sluice.node.why;

import io.sluice.mesh.Faults;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.why.Fate.Cause;
import io.sluice.node.why.Fate.Kind;
import io.sluice.proxy.http.WrittenRequest;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What would permit a call that does not arrive, and what that would permit besides. A grant is
 * tried on the snapshot before it is proposed.
 */
record Changes(MeshSnapshot snapshot, NodeView node) {
  private static final int NAMED_PAIRS = 10;
  private static final Set<Reason> UNGRANTED =
      Set.of(
          Reason.NO_TRAFFIC_TARGET,
          Reason.PORT_NOT_GRANTED,
          Reason.HTTP_ONLY,
          Reason.ROUTE_NOT_GRANTED,
          Reason.DATAGRAM_REFUSED);

  /** The smallest one that this can name; empty where the call arrives or a route answers it. */
  Optional<Change> permitting(
      Workload source,
      List<InetSocketAddress> called,
      @Nullable WrittenRequest requestOrNull,
      List<Fate> fates) {
    List<Fate> stopped =
        fates.stream()
            .filter(fate -> fate.kind() == Kind.REFUSED || fate.kind() == Kind.UNREACHABLE)
            .toList();
    if (stopped.isEmpty()) {
      return Optional.empty();
    }
    List<Grant> grants =
        stopped.stream()
            .filter(fate -> UNGRANTED.contains(fate.reason()))
            .flatMap(fate -> grant(source, fate, requestOrNull).stream())
            .distinct()
            .toList();
    return grants.isEmpty()
        ? other(source, stopped.getFirst())
        : Optional.of(granted(source, called, requestOrNull, stopped, grants));
  }

  private Optional<Grant> grant(
      Workload source, Fate fate, @Nullable WrittenRequest requestOrNull) {
    InetSocketAddress to = fate.toOrNull();
    if (to == null || source.identity().isNobody()) {
      return Optional.empty();
    }
    HttpRequest request = fate.asRequest() ? requestOrNull : null;
    return snapshot
        .workloadAt(to.getAddress())
        .filter(pod -> !pod.identity().isNobody())
        .map(pod ->
            new Grant(
                source.identity().serviceAccountName(),
                pod.identity().serviceAccountName(),
                to.getPort(),
                fate.reason() == Reason.DATAGRAM_REFUSED,
                request));
  }

  private Change granted(
      Workload source,
      List<InetSocketAddress> called,
      @Nullable WrittenRequest requestOrNull,
      List<Fate> stopped,
      List<Grant> grants) {
    SnapshotEditor editor = snapshot.edit();
    MeshSnapshot then = snapshot;
    List<String> yaml = new ArrayList<>();
    for (Grant grant : grants) {
      yaml.add(grant.yaml(then));
      editor.put(grant.permission(then));
      then = editor.snapshot(snapshot.revision() + 1);
    }
    MeshSnapshot after = then;
    Walk walk = new Walk(after, node);
    List<Fate> fates =
        called.stream()
            .map(each -> new Call(source, each, requestOrNull, "", false, grants.getFirst().udp()))
            .flatMap(call -> walk.of(call).stream())
            .toList();
    Set<String> pairs = new LinkedHashSet<>();
    grants.forEach(grant -> pairs.addAll(grant.pairs(snapshot, after)));
    Set<NamespacedName> asked =
        fates.stream()
            .flatMap(fate -> Optional.ofNullable(fate.podOrNull()).stream())
            .collect(Collectors.toSet());
    pairs.removeIf(pair ->
        asked.stream().anyMatch(pod -> pair.startsWith(source.name() + " -> " + pod + ":")));
    return new Change(
        "apply this TrafficTarget with its routes, which adds to what others grant"
            + alternative(stopped.getFirst()),
        String.join("---\n", yaml),
        Why.kind(fates).label(),
        grants.stream().map(Grant::scope).collect(Collectors.joining("; and ")),
        pairs.size(),
        pairs.stream().limit(NAMED_PAIRS).toList());
  }

  /** A target that names both ends already could be made to grant it instead. */
  private static String alternative(Fate fate) {
    return fate.causes().stream()
        .filter(cause -> cause.kind().equals("TrafficTarget") && !cause.name().isEmpty())
        .findFirst()
        .map(cause ->
            switch (fate.reason()) {
              case PORT_NOT_GRANTED ->
                  "; or add the port to a TCPRoute of TrafficTarget " + cause.name();
              case DATAGRAM_REFUSED ->
                  "; or add the port to a UDPRoute of TrafficTarget " + cause.name();
              case HTTP_ONLY ->
                  "; or let the Service declare the port http, by appProtocol or its name, and write no"
                      + " sluice.io/l7: off";
              case ROUTE_NOT_GRANTED ->
                  "; or add such a match to an HTTPRouteGroup of TrafficTarget " + cause.name();
              default -> "";
            })
        .orElse("");
  }

  /** What no TrafficTarget mends. */
  private Optional<Change> other(Workload source, Fate fate) {
    Cause first =
        fate.causes().isEmpty()
            ? Causes.fact(fate.reason().explanation())
            : fate.causes().getFirst();
    return switch (fate.reason()) {
      case EGRESS_DISABLED -> Optional.of(letOut(source, fate));
      case DNS_REFUSED ->
          Optional.of(
              Change.of(
                  "name the resolver for this pod alone, or in spec.traffic.dnsResolvers for all",
                  annotation(source, "dns-resolvers", fate),
                  "pod " + source.name() + " may then send whatever it likes to port 53 there"));
      case METADATA_REFUSED ->
          Optional.of(
              Change.of(
                  "let this pod call metadata services",
                  "metadata: {annotations: {sluice.io/metadata-mode: ALLOW}}\n",
                  "pod "
                      + source.name()
                      + " may then get the node's credentials, as far as egress is granted"));
      case PROXY_UNAVAILABLE ->
          Optional.of(
              Change.of(
                  "start the daemon of node " + node.nodeName(), "", "nothing besides the policy"));
      case INGRESS_REFUSED -> {
        String who = Stranger.addressOf(source).orElseGet(() -> "pod " + source.name());
        yield Optional.of(
            Change.of(
                "name " + who + ", its range or its Service in " + fate.causes().getLast(),
                "",
                ""));
      }
      case MTLS_REQUIRED, SOURCE_NOT_IN_MESH -> Optional.of(unproven(source, first));
      case UNKNOWN_SERVICE_PORT ->
          Optional.of(Change.of("call a port that it has, or add the port to " + first, "", ""));
      default -> Optional.of(Change.of(mend(fate, first), "", ""));
    };
  }

  /** Whether it is a pod of this node. */
  private boolean isOurs(Cause cause) {
    return snapshot
        .workload(NamespacedName.parse(cause.name()))
        .flatMap(Workload::nodeName)
        .equals(Optional.of(node.nodeName()));
  }

  private static String enrol(Cause pod) {
    return "mend what `node pods` has against pod " + pod.name() + "; it is tried again by itself";
  }

  /** What to do about what is responsible, which has been told already. */
  private String mend(Fate fate, Cause first) {
    return switch (fate.reason()) {
      case NO_READY_ENDPOINT ->
          switch (first.field()) {
            case "endpoints" ->
                "see the readiness probes of the pods of %s %s"
                    .formatted(first.kind(), first.name());
            case "spec.selector" -> "give a ready Pod the labels of " + first;
            default -> "give one of " + first + " a weight";
          };
      case ANSWERED_BY_ROUTE ->
          fate.causes().getLast().kind().equals(Faults.Injection.KIND)
              ? "apply %s, or take the filter out of %s".formatted(fate.causes().getLast(), first)
              : fate.status() == ServiceEnds.FAILED
                  ? "let " + first + " lead to a Service and port that there are"
                  : "add a rule that matches the request to " + first;
      case FAULT_INJECTED -> {
        Cause fault =
            fate.causes().reversed().stream()
                .filter(cause -> cause.kind().equals(Faults.Injection.KIND))
                .findFirst()
                .orElse(first);
        yield fault.field().equals("spec.delay")
            ? "shorten " + fault + " below " + fate.causes().getLast()
            : "take %s %s out of the rule, or lower its spec.abort.percentage"
                .formatted(fault.kind(), fault.name());
      }
      case NO_TRAFFIC_TARGET, PORT_NOT_GRANTED, ROUTE_NOT_GRANTED, HTTP_ONLY ->
          "give both pods a ServiceAccount, which a TrafficTarget can name";
      case POD_CLOSED, INTERCEPTION_FAILED_CLOSED ->
          isOurs(first) ? enrol(first) : first + ": " + fate.reason().mend();
      default -> first + ": " + fate.reason().mend();
    };
  }

  /** Nothing proves who calls: the pod has to come into the mesh, or through it. */
  private Change unproven(Workload source, Cause first) {
    Optional<String> stranger = Stranger.addressOf(source);
    if (stranger.isPresent()) {
      return Change.of(
          "write an IngressBackend for the port, with "
              + stranger.get()
              + " or its range in spec.sources",
          "",
          "");
    }
    if (source.enrolled()) {
      boolean fact = first.kind().equals("node");
      boolean awaited = first.kind().equals("Pod") && first.field().isEmpty();
      return Change.of(
          awaited
              ? enrol(first)
              : fact
                  ? "let the call come through the proxy of its node"
                  : "take it out of " + first + ", so that the call goes through the mesh",
          "",
          "calls that it left alone are then decided by policy");
    }
    boolean whole = first.kind().equals("Namespace");
    long pods =
        snapshot.workloads().stream()
            .filter(pod -> !pod.enrolled() && !pod.hostNetwork())
            .filter(pod -> pod.name().namespace().equals(source.name().namespace()))
            .count();
    return Change.of(
        (whole ? "put the namespace into the mesh" : "put the pod into the mesh")
            + "; then a TrafficTarget may be needed, which this command names",
        "metadata: {labels: {sluice.io/mesh: enabled}}\n",
        whole
            ? pods + " pods of namespace " + source.name().namespace() + " come into the mesh"
            : "it permits nothing besides");
  }

  private static String annotation(Workload source, String key, Fate fate) {
    InetSocketAddress to = fate.toOrNull();
    return to == null
        ? ""
        : "metadata: {name: %s, annotations: {sluice.io/%s: \"%s\"}}\n"
            .formatted(source.name().name(), key, Grant.range(to.getAddress()));
  }

  /** For this account alone: enableEgress would open everything to every pod. */
  private static Change letOut(Workload source, Fate fate) {
    InetSocketAddress to = fate.toOrNull();
    NamespacedName account = source.identity().serviceAccountName();
    if (to == null) {
      return Change.of("write an Egress for ServiceAccount " + account, "", "");
    }
    String name = account.name() + IpAddresses.text(to).replaceAll("^[^0-9a-f]*+|[^0-9a-f]+", "-");
    return Change.of(
        "write this Egress, or add to one that there is; it counts unless"
            + " spec.featureFlags.enableEgressPolicy of the MeshConfig is false",
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: Egress
        metadata: {name: %s, namespace: %s}
        spec:
          sources: [{kind: ServiceAccount, name: %s, namespace: %s}]
          ipAddresses: ["%s"]
          ports: [{number: %d, protocol: tcp}]
        """
            .formatted(
                name,
                account.namespace(),
                account.name(),
                account.namespace(),
                Grant.range(to.getAddress()),
                to.getPort()),
        "every pod of ServiceAccount "
            + account
            + " may then send whatever it likes there; spec.traffic.enableEgress would let every pod"
            + " call everything outside the mesh");
  }
}

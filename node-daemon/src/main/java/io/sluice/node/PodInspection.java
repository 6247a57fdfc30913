package io.sluice.node;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.interception.Interception;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.ResourceEncoder;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Handling;
import io.sluice.mesh.decision.Verdict;
import io.sluice.mesh.svid.Certificates;
import io.sluice.node.StatusAnswers.IdentityAnswers;
import io.sluice.node.enrolment.Enrolment;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.PodStatus.Protection;
import io.sluice.node.identity.NodeIdentities;
import io.sluice.proxy.accept.Proxy;
import io.sluice.proxy.admission.Remembered;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What is in force for one pod of this node, by the words of a sidecar's admin interface: {@code
 * config_dump}, {@code clusters}, {@code listeners}, {@code stats}, {@code certs} and {@code
 * ready}, or {@code all} of them. Keys are not among it. For a thread that may wait.
 *
 * @param counts of a pod, by name
 * @param listed tells of a pod what {@code node pods} does
 */
record PodInspection(
    String nodeName,
    MeshSnapshot snapshot,
    Enrolment pods,
    Proxy proxy,
    Function<NamespacedName, Map<String, Long>> counts,
    IdentityAnswers identities,
    Interception interception,
    Function<PodStatus, ObjectNode> listed) {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** What {@code all} is made of. */
  private static final List<String> QUERIES =
      List.of("config_dump", "clusters", "listeners", "stats", "certs", "ready");

  /** A family of any address: a client's port says nothing to policy. */
  private static final int ANY_PORT = 0;

  /**
   * The answer to {@code QUERY NAMESPACE/NAME}; where the pod is not of this node, a member {@code
   * elsewhere} with the name of its node, empty where that is not known.
   */
  ObjectNode answer(String question) {
    int space = question.indexOf(' ');
    String query = question.substring(0, Math.max(0, space));
    NamespacedName name = NamespacedName.parse(question.substring(space + 1));
    return find(name).map(pod -> answer(query, pod)).orElseGet(() -> elsewhere(name));
  }

  private ObjectNode answer(String query, PodStatus pod) {
    ObjectNode answer = of(pod.name());
    switch (query) {
      case "config_dump" -> addConfiguration(pod, answer);
      case "clusters" -> addClusters(pod, answer.putArray("clusters"));
      case "listeners" -> addListeners(pod, answer);
      case "stats" -> answer.put("text", stats(pod));
      case "certs" -> addCertificates(pod, answer.putArray("certificates"));
      case "ready" -> addReadiness(pod, answer);
      case "all" -> QUERIES.forEach(each -> answer.set(each, answerOrError(each, pod)));
      default -> throw new IllegalArgumentException("'" + query + "' is no query");
    }
    return answer;
  }

  private ObjectNode answerOrError(String query, PodStatus pod) {
    try {
      return answer(query, pod);
    } catch (IllegalArgumentException e) { // as where there is no controller
      return JSON.objectNode().put("error", e.getMessage());
    }
  }

  /**
   * Does what a {@link LogChange} and {@code NAMESPACE/NAME} say, and answers with a text, or
   * likewise with {@code elsewhere} and nothing done.
   */
  ObjectNode change(String question) {
    int space = question.lastIndexOf(' ');
    LogChange change = LogChange.parse(question.substring(0, Math.max(0, space)));
    NamespacedName name = NamespacedName.parse(question.substring(space + 1));
    return find(name).isEmpty() ? elsewhere(name) : of(name).put("text", change.apply());
  }

  private Optional<PodStatus> find(NamespacedName name) {
    return pods.statuses().stream().filter(one -> one.name().equals(name)).findFirst();
  }

  private ObjectNode elsewhere(NamespacedName name) {
    return JSON.objectNode()
        .put("elsewhere", snapshot.workload(name).flatMap(Workload::nodeName).orElse(""));
  }

  private ObjectNode of(NamespacedName name) {
    return JSON.objectNode()
        .put("pod", name.toString())
        .put("node", nodeName)
        .put("snapshotRevision", snapshot.revision());
  }

  /** Without the secret that collectors are asked with. */
  private static ObjectNode shown(MeshSettings settings) {
    ObjectNode all = MessageJson.of(ResourceEncoder.message(settings));
    if (all.get("remoteLogging") instanceof ObjectNode remote
        && !remote.path("authorization").asText().isEmpty()) {
      remote.put("authorization", "(not shown)");
    }
    return all;
  }

  private void addConfiguration(PodStatus pod, ObjectNode to) {
    to.put("enforcedRevision", pods.enforcedRevision());
    to.put("snapshotComplete", snapshot.isComplete());
    to.set("status", listed.apply(pod));
    to.set("settings", shown(snapshot.settings()));
    Optional<Workload> workload = snapshot.workload(pod.name());
    workload.ifPresent(one -> to.set("workload", MessageJson.of(ResourceEncoder.message(one))));
    Optional<NamespacedName> account =
        workload.map(Workload::identity).map(SpiffeId::serviceAccountName);
    put(to, "inbound", account.map(snapshot::permissionsFor).orElse(List.of()));
    put(
        to,
        "outbound",
        account
            .map(source -> snapshot.find(Kind.PERMISSION, Kind.PERMISSIONS_BY_SOURCE, source))
            .orElse(List.of()));
    put(to, "services", services().toList());
    put(
        to,
        "routes",
        services()
            .flatMap(one -> snapshot.routeOf(one.name(), pod.name().namespace()).stream())
            .toList());
    put(
        to,
        "upstreamTrafficSettings",
        snapshot.all(Kind.UPSTREAM_SETTING).stream()
            .sorted(Comparator.comparing(UpstreamSetting::service))
            .toList());
  }

  private static void put(ObjectNode to, String member, Collection<? extends MeshObject> objects) {
    ArrayNode array = to.putArray(member);
    objects.forEach(one -> array.add(MessageJson.of(ResourceEncoder.message(one))));
  }

  private Stream<Service> services() {
    return snapshot.services().stream().sorted(Comparator.comparing(Service::name));
  }

  private void addClusters(PodStatus pod, ArrayNode to) {
    Map<InetSocketAddress, Integer> loads = proxy.endpointLoads();
    Set<InetSocketAddress> out = proxy.endpointsOut();
    List<Remembered.Ejected> ejected = proxy.endpointsEjected();
    Set<NamespacedName> spared = proxy.spared();
    services()
        .forEach(service -> {
          Set<InetSocketAddress> failed =
              ejected.stream()
                  .filter(each -> each.service().equals(service.name()))
                  .map(Remembered.Ejected::endpoint)
                  .collect(Collectors.toSet());
          for (ServicePort port : service.ports()) {
            ObjectNode cluster = to.addObject();
            cluster.put("service", service.name().toString());
            cluster.put("port", port.port());
            cluster.put("name", port.name());
            cluster.put("protocol", port.protocol().word());
            cluster.put("affinity", service.affinity().word());
            cluster.put("nearness", service.nearness().name());
            Optional<UpstreamSetting> setting = snapshot.upstreamSetting(service.name());
            cluster.put(
                "upstreamTrafficSetting", setting.map(one -> one.name().toString()).orElse("-"));
            cluster.put(
                "circuit",
                spared.contains(service.name())
                    ? "open"
                    : setting.map(UpstreamSetting::breakerOrNull).isPresent() ? "closed" : "-");
            ArrayNode addresses = cluster.putArray("addresses");
            service.virtualAddresses().forEach(one -> addresses.add(IpAddresses.text(one)));
            ArrayNode endpoints = cluster.putArray("endpoints");
            boolean http = isHttp(pod, service, port);
            port.endpoints()
                .forEach(one -> {
                  ObjectNode told = endpoint(pod, one, http, loads);
                  told.put("ejected", failed.contains(one.address()));
                  told.put(
                      "healthy", !out.contains(one.address()) && !failed.contains(one.address()));
                  endpoints.add(told);
                });
          }
        });
  }

  /** Whether this pod's calls of that port are carried as requests. */
  private boolean isHttp(PodStatus pod, Service service, ServicePort port) {
    return Stream.concat(
            service.virtualAddresses().stream()
                .map(address -> new InetSocketAddress(address, port.port())),
            port.endpoints().stream().map(Endpoint::address))
        .findFirst()
        .map(called ->
            Handling.of(snapshot, Direction.OUTBOUND, pod.name(), flow(pod, called)).isHttp())
        .orElse(false);
  }

  private static Flow flow(PodStatus pod, InetSocketAddress called) {
    return pod.addresses().stream()
        .min(Comparator.comparing(one -> !one.getClass().equals(called.getAddress().getClass())))
        .map(own -> new Flow(pod.name(), new InetSocketAddress(own, ANY_PORT), called))
        .orElseGet(() -> new Flow(pod.name(), new InetSocketAddress(ANY_PORT), called));
  }

  private ObjectNode endpoint(
      PodStatus pod, Endpoint endpoint, boolean http, Map<InetSocketAddress, Integer> loads) {
    Flow flow = flow(pod, endpoint.address());
    Verdict verdict = Decisions.decide(snapshot, http ? flow.byRequest() : flow);
    Optional<Workload> there = snapshot.workloadAt(endpoint.address().getAddress());
    return JSON.objectNode()
        .put("address", IpAddresses.text(endpoint.address()))
        .put("pod", there.map(Workload::name).map(NamespacedName::toString).orElse("-"))
        .put("node", there.flatMap(Workload::nodeName).orElse("-"))
        .put("ready", endpoint.ready())
        .put("connections", loads.getOrDefault(endpoint.address(), 0))
        .put("verdict", verdict.outcome().label())
        .put("reason", verdict.reason().label())
        .put("rule", verdict.rule().map(NamespacedName::toString).orElse("-"));
  }

  private void addListeners(PodStatus pod, ObjectNode to) {
    to.put("mode", interception.mechanism().label());
    to.put("netnsCookie", pod.netnsCookie());
    ArrayNode listeners = to.putArray("listeners");
    proxy.listeners(pod.name()).entrySet().stream()
        .sorted(Comparator.comparing(one -> one.getValue() + IpAddresses.text(one.getKey())))
        .forEach(one ->
            listeners
                .addObject()
                .put("direction", one.getValue().label())
                .put("address", IpAddresses.text(one.getKey())));
    to.set("handlers", listed.apply(pod).path("handlers"));
    snapshot
        .workload(pod.name())
        .ifPresent(one ->
            to.set(
                "interception", MessageJson.of(ResourceEncoder.message(one)).path("interception")));
  }

  /** A name and a number on each line. */
  private String stats(PodStatus pod) {
    Map<String, Long> counts = new TreeMap<>(this.counts.apply(pod.name()));
    ObjectNode status = listed.apply(pod);
    status
        .properties()
        .forEach(member -> {
          if (member.getValue().isIntegralNumber() && !member.getKey().equals("netnsCookie")) {
            counts.put("pod." + member.getKey(), member.getValue().asLong());
          }
        });
    Optional.ofNullable(proxy.stats().pods().get(pod.name()))
        .ifPresent(held -> {
          counts.put("proxy.listeners", (long) held.listeners());
          counts.put("proxy.connections", (long) held.live());
          counts.put("proxy.bufferedBytes", held.bufferedBytes());
        });
    interception.verdicts().stream()
        .filter(one -> pod.netnsCookie() != 0 && one.key().netnsCookie() == pod.netnsCookie())
        .forEach(one ->
            counts.merge(
                "hooks.%s.ipv%s.%s.%s"
                    .formatted(
                        one.key().direction().label(),
                        one.key().family(),
                        one.key().outcome().label(),
                        one.key().reason().label()),
                one.count(),
                Long::sum));
    StringBuilder text = new StringBuilder();
    counts.forEach((name, count) -> text.append(name).append(": ").append(count).append('\n'));
    return text.toString();
  }

  private void addCertificates(PodStatus pod, ArrayNode to) {
    NodeIdentities present = identities.present();
    present.certificates().stream()
        .filter(one -> one.identity().isOfAccountIn(pod.identity()))
        .forEach(one -> {
          ObjectNode certificate = IdentityAnswers.certificate(one, List.of(pod));
          add(present.chain(one.identity()), certificate.putArray("chain"));
          add(present.roots(), certificate.putArray("roots"));
          to.add(certificate);
        });
  }

  private static void add(List<X509Certificate> from, ArrayNode to) {
    for (X509Certificate one : from) {
      to.addObject()
          .put("id", Certificates.id(one))
          .put("subject", one.getSubjectX500Principal().getName())
          .put("issuer", one.getIssuerX500Principal().getName())
          .put("serial", one.getSerialNumber().toString(16))
          .put("notBefore", one.getNotBefore().toInstant().toString())
          .put("notAfter", one.getNotAfter().toInstant().toString());
    }
  }

  private void addReadiness(PodStatus pod, ObjectNode to) {
    boolean ready =
        pod.protection() == Protection.PROTECTED && !proxy.listeners(pod.name()).isEmpty();
    to.put("ready", ready);
    String why = pod.problem().isEmpty() ? pod.protection().label() : pod.problem();
    to.put("text", (ready ? "LIVE" : "NOT LIVE: " + why) + "\n");
  }
}

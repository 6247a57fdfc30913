package io.sluice.cli.node;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.IncrementalCompiler;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectReader;
import io.sluice.mesh.HostNames;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.node.enrolment.PodStatus;
import io.sluice.node.enrolment.PodStatus.PodState;
import io.sluice.node.enrolment.PodStatus.Protection;
import io.sluice.node.why.NodeView;
import io.sluice.node.why.Probe;
import io.sluice.node.why.Why;
import io.sluice.node.why.WhyQuestion;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every cause has its verdict, and the object and field that are responsible. */
class WhyTableTest {
  private static final String CONFIG = "meshconfig";
  private static final String TARGET = "target";

  /** A mesh of one node, {@code a}; node {@code b} has the pod {@code far}. */
  private static Map<String, String> mesh() {
    Map<String, String> files = new TreeMap<>();
    files.put("shop", namespace("shop", "enabled"));
    files.put("town", namespace("town", "disabled"));
    files.put(CONFIG, config(""));
    files.put("buyer", pod("shop", "buyer", "buyer", "a", 11, ""));
    files.put("friend", pod("shop", "friend", "buyer", "a", 12, ""));
    files.put("store", pod("shop", "store", "store", "a", 21, ""));
    files.put("annexe", pod("shop", "annexe", "store", "a", 22, ""));
    files.put("web", pod("shop", "web", "web", "a", 31, ""));
    files.put("far", pod("shop", "far", "store", "b", 41, ""));
    files.put("walker", pod("town", "walker", "walker", "a", 51, ""));
    files.put("books", service("books", "10.96.0.1", "store", 80, 8080, "tcp"));
    files.put("pages", service("pages", "10.96.0.2", "web", 80, 8081, "http"));
    files.put("bare", service("bare", "10.96.0.3", "nobody-has-it", 80, 8080, "tcp"));
    files.put("old", service("old", "10.96.0.4", "old", 80, 8080, "tcp"));
    return files;
  }

  private static String namespace(String name, String word) {
    return """
    apiVersion: v1
    kind: Namespace
    metadata: {name: %s, labels: {sluice.io/mesh: %s}}
    """
        .formatted(name, word);
  }

  private static String config(String traffic) {
    return """
    apiVersion: config.openservicemesh.io/v1alpha2
    kind: MeshConfig
    metadata: {name: osm-mesh-config, namespace: osm-system}
    spec: {traffic: {%s}}
    """
        .formatted(traffic);
  }

  private static String pod(
      String namespace, String name, String account, String node, int host, String annotations) {
    return """
    apiVersion: v1
    kind: Pod
    metadata: {name: %1$s, namespace: %2$s, uid: "00000000-0000-0000-0000-0000000000%3$d", labels: {app: %1$s}, annotations: {%4$s}}
    spec: {serviceAccountName: %5$s, nodeName: %6$s, containers: []}
    status: {podIPs: [{ip: 10.1.0.%3$d}], conditions: [{type: Ready, status: "True"}]}
    """
        .formatted(name, namespace, host, annotations, account, node);
  }

  private static String service(
      String name, String address, String app, int port, int target, String protocol) {
    return """
    apiVersion: v1
    kind: Service
    metadata: {name: %1$s, namespace: shop}
    spec:
      clusterIPs: ["%2$s"]
      selector: {app: %3$s}
      ports: [{name: %6$s, port: %4$d, targetPort: %5$d, appProtocol: %6$s}]
    """
        .formatted(name, address, app, port, target, protocol);
  }

  private static String target(String from, String to, String ports) {
    return target(from, to, ports, "");
  }

  /** With HTTP matches where there are some. */
  private static String target(String from, String to, String ports, String matches) {
    String name = from + "-to-" + to;
    return """
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: TCPRoute
    metadata: {name: %1$s, namespace: shop}
    spec: {matches: {ports: [%4$s]}}
    ---
    apiVersion: specs.smi-spec.io/v1alpha4
    kind: HTTPRouteGroup
    metadata: {name: %1$s, namespace: shop}
    spec: {matches: [%5$s]}
    ---
    apiVersion: access.smi-spec.io/v1alpha3
    kind: TrafficTarget
    metadata: {name: %1$s, namespace: shop}
    spec:
      destination: {kind: ServiceAccount, name: %3$s, namespace: shop}
      sources: [{kind: ServiceAccount, name: %2$s, namespace: shop}]
      rules: [{kind: TCPRoute, name: %1$s}%6$s]
    """
        .formatted(
            name,
            from,
            to,
            ports,
            matches.isEmpty() ? "{name: none, methods: [GET]}" : matches,
            matches.isEmpty() ? "" : ", {kind: HTTPRouteGroup, name: " + name + "}");
  }

  private static String split(String service, String backends) {
    return """
    apiVersion: split.smi-spec.io/v1alpha4
    kind: TrafficSplit
    metadata: {name: books-split, namespace: shop}
    spec: {service: %s, backends: [%s]}
    """
        .formatted(service, backends);
  }

  /** The node, of which everything is as it should be but for what a row says. */
  private record Node(
      boolean isRunning,
      boolean failsOpen,
      Map<String, Protection> pods,
      Map<String, String> certificates,
      boolean isSparing,
      int netnsCookie)
      implements NodeView {
    static final Node GOOD = new Node(true, false, Map.of(), Map.of(), false);

    Node(
        boolean isRunning,
        boolean failsOpen,
        Map<String, Protection> pods,
        Map<String, String> certificates,
        boolean isSparing) {
      this(isRunning, failsOpen, pods, certificates, isSparing, 7);
    }

    /** The same where no network namespace of its pods is known. */
    Node nowhere() {
      return new Node(isRunning, failsOpen, pods, certificates, isSparing, 0);
    }

    static Node pod(String name, Protection protection) {
      return new Node(true, false, Map.of(name, protection), Map.of(), false);
    }

    static Node certificate(String account, String problem) {
      return new Node(true, false, Map.of(), Map.of(account, problem), false);
    }

    @Override
    public String nodeName() {
      return "a";
    }

    @Override
    public boolean knowsEveryGrant() {
      return true;
    }

    @Override
    public Optional<PodStatus> pod(NamespacedName name) {
      Protection protection = pods.getOrDefault(name.name(), Protection.PROTECTED);
      return Optional.of(
          new PodStatus(
              name,
              protection == Protection.PROTECTED ? PodState.ENROLLED : PodState.PENDING,
              netnsCookie,
              List.of(),
              "",
              protection,
              protection == Protection.PROTECTED ? "" : "no sandbox yet",
              0));
    }

    /** Those of another node are found so by calls of late. */
    @Override
    public Optional<Instant> foundClosed(Workload pod) {
      return Optional.ofNullable(pods.get(pod.name().name())).map(_ -> Instant.EPOCH);
    }

    @Override
    public Optional<String> noCertificate(SpiffeId identity) {
      return Optional.ofNullable(certificates.get(identity.serviceAccount()));
    }

    @Override
    public Optional<BigInteger> serial(SpiffeId identity) {
      return Optional.of(BigInteger.valueOf(0x2a));
    }

    @Override
    public boolean isSpared(NamespacedName service) {
      return isSparing;
    }

    @Override
    public List<String> differences(NamespacedName pod) {
      return List.of();
    }
  }

  /** One cause. */
  private record Row(
      String name, Map<String, String> files, Node node, WhyQuestion question, String expected) {}

  private static WhyQuestion question(String call) {
    String[] words = call.split(" ", -1);
    Map<String, String> headers = new TreeMap<>();
    for (int i = 4; i < words.length; i++) {
      headers.put(words[i].split("=", 2)[0], words[i].split("=", 2)[1]);
    }
    boolean isRequest = words.length > 2 && !words[2].equals("UDP");
    return new WhyQuestion(
        words[0].matches("[a-z]+") ? "shop/" + words[0] : words[0],
        words[1],
        isRequest ? words[2] : "",
        isRequest ? words[3] : "",
        headers,
        false,
        words.length > 2 && !isRequest);
  }

  private static final String PERMISSIVE = "enablePermissiveTrafficPolicyMode: true";
  private static final String BUYER_HAS_STORE = target("buyer", "store", "8080");
  private static final String UNREADY =
      """
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: old-1, namespace: shop, labels: {kubernetes.io/service-name: old}}
      addressType: IPv4
      ports: [{name: tcp, port: 8080}]
      endpoints: [{addresses: [10.1.0.21], conditions: {ready: false}}]
      """;

  /** Name; who calls whom, and how; what is said; what is otherwise than in {@link #mesh}. */
  private static final String ROWS =
      """
      no target; buyer shop/store:8080; refused no_traffic_target TrafficTarget - spec.sources;
      granted; buyer shop/store:8080; allowed traffic_target TrafficTarget shop/buyer-to-store spec; store
      another account; web shop/store:8080; refused no_traffic_target TrafficTarget - spec.sources; store
      a pod of the same account; friend shop/store:8080; allowed traffic_target TrafficTarget shop/buyer-to-store spec; store
      another port; buyer shop/store:9090; refused port_not_granted TrafficTarget shop/buyer-to-store spec.rules; store
      by the Service; buyer shop/books; allowed traffic_target TrafficTarget shop/buyer-to-store spec; store
      by its name; buyer books.shop.svc:80; allowed traffic_target TrafficTarget shop/buyer-to-store spec; store
      by its short name; buyer books:80; allowed traffic_target TrafficTarget shop/buyer-to-store spec; store
      request granted; buyer shop/pages:80 GET /x v=one; allowed traffic_target TrafficTarget shop/buyer-to-web spec; web
      normalised path; buyer shop/pages:80 GET /y/../%78?q=1 v=one; allowed traffic_target TrafficTarget shop/buyer-to-web spec; web
      wrong method; buyer shop/pages:80 POST /x v=one; refused route_not_granted TrafficTarget shop/buyer-to-web spec.rules[].matches; web
      wrong path; buyer shop/pages:80 GET /z v=one; refused route_not_granted TrafficTarget shop/buyer-to-web spec.rules[].matches; web
      wrong header; buyer shop/pages:80 GET /x v=two; refused route_not_granted TrafficTarget shop/buyer-to-web spec.rules[].matches; web
      port of a request; buyer shop/web:9090 GET /x v=one; refused port_not_granted TrafficTarget shop/buyer-to-web spec.rules; web
      bytes where requests are granted; buyer shop/books:80; refused http_only TrafficTarget shop/buyer-to-store spec.rules[].matches; storeHttp
      HTTP that is switched off; buyer shop/pages:80 GET /x v=one; refused http_only Service shop/pages spec.ports[]; web l7off
      permissive; buyer shop/store:8080; allowed permissive_mode MeshConfig - spec.traffic.enablePermissiveTrafficPolicyMode; permissive
      no permissive for an unknown address; buyer 192.0.2.1:80; refused egress_disabled MeshConfig - spec.traffic.enableEgress; permissive
      egress; buyer 192.0.2.1:80; allowed egress_allowed MeshConfig - spec.traffic.enableEgress; egress
      a pod outside; buyer town/walker:80; refused egress_disabled MeshConfig - spec.traffic.enableEgress;
      no resolver; buyer 192.0.2.1:53; refused dns_refused MeshConfig - spec.traffic.dnsResolvers;
      resolver; buyer 192.0.2.1:53; allowed dns node - -; resolver
      metadata service; buyer 169.254.169.254:80; refused metadata_refused Pod shop/buyer metadata.annotations["sluice.io/metadata-mode"];
      Service without that port; buyer shop/books:81; unreachable unknown_service_port Service shop/books spec.ports;
      no pod has the labels; buyer shop/bare:80; unreachable no_ready_endpoint Service shop/bare spec.selector;
      unready endpoint; buyer shop/old:80; unreachable no_ready_endpoint Service shop/old endpoints; unready
      weights of 0; buyer shop/books:80; unreachable no_ready_endpoint TrafficSplit shop/books-split spec.backends; split0
      split elsewhere; buyer shop/books:80; refused no_traffic_target TrafficSplit shop/books-split spec.backends; store split1
      split in parts; buyer shop/books:80; mixed no_traffic_target TrafficSplit shop/books-split spec.backends; store split3
      excluded port; buyer town/walker:8080; in the clear excluded_port Pod shop/buyer metadata.annotations["sluice.io/outbound-port-exclusion-list"]; portExcluded
      excluded port of a strict pod; buyer shop/store:8080; refused mtls_required Pod shop/buyer metadata.annotations["sluice.io/outbound-port-exclusion-list"]; portExcluded
      excluded port of every pod; buyer town/walker:8080; in the clear excluded_port MeshConfig - spec.traffic.outboundPortExclusionList; portOfAll
      excluded range; buyer town/walker:80; in the clear excluded_range Pod shop/buyer metadata.annotations["sluice.io/outbound-ip-range-exclusion-list"]; rangeExcluded
      not in an included range; buyer town/walker:80; in the clear not_included Pod shop/buyer metadata.annotations["sluice.io/outbound-ip-range-inclusion-list"]; rangeIncluded
      excluded for what arrives; town/walker shop/store:8080; in the clear source_not_in_mesh Namespace town metadata.labels["sluice.io/mesh"]; arrivalExcluded
      namespace not in the mesh; town/walker shop/store:8080; refused mtls_required Namespace town metadata.labels["sluice.io/mesh"];
      the same where plaintext is taken; town/walker shop/store:8080; refused source_not_in_mesh Namespace town metadata.labels["sluice.io/mesh"]; plaintext
      the same where everything is; town/walker shop/store:8080; in the clear source_not_in_mesh Namespace town metadata.labels["sluice.io/mesh"]; everything
      pod kept out by its own label; buyer shop/store:8080; refused mtls_required Pod shop/buyer metadata.labels["sluice.io/mesh"]; keptOut
      pod of the node's network; buyer shop/store:8080; refused mtls_required Pod shop/buyer spec.hostNetwork; hostNetwork
      itself; buyer shop/buyer:8080; in the clear self node - -;
      an address of no pod; 192.0.2.7 shop/store:8080; refused mtls_required MeshConfig - spec.traffic.mtlsMode;
      an address of no pod, for a strict pod; 192.0.2.7 shop/store:8080; refused mtls_required Pod shop/store metadata.annotations["sluice.io/mtls-mode"]; plaintext strict
      an address that an ingress has; 192.0.2.7 shop/store:8080; allowed ingress_backend IngressBackend shop/store spec.sources; ingress
      an address that an ingress has, by https; 192.0.2.7 shop/store:8080; allowed ingress_backend IngressBackend shop/store spec.sources; ingressTls
      an address that it has not; 192.0.3.7 shop/store:8080; refused ingress_refused IngressBackend shop/store spec.sources; ingress
      a pod outside that it has not; town/walker shop/store:8080; refused ingress_refused IngressBackend shop/store spec.sources; ingress
      an address of a pod; 10.1.0.11 shop/store:8080; allowed traffic_target TrafficTarget shop/buyer-to-store spec; store
      pod not enrolled yet; buyer shop/store:8080; refused mtls_required Pod shop/buyer -; store @pending
      pod refused as a whole; buyer shop/store:8080; refused interception_failed_closed Pod shop/buyer -; store @closed
      pod called that is not enrolled yet; buyer shop/store:8080; unreachable pod_closed Pod shop/store -; store @called
      the same past the proxy; town/walker shop/store:8080; in the clear source_not_in_mesh Pod shop/store -; store @called
      pod of no known namespace; buyer town/walker:80; unreachable interception_failed_closed Pod shop/buyer -; egress @nowhere
      pod called that is refused as a whole; buyer shop/store:8080; refused interception_failed_closed Pod shop/store -; store @calledClosed
      the same by TLS, with no certificate either; buyer shop/store:8080; refused interception_failed_closed Pod shop/store -; store tlsWithin @calledClosed
      pod of another node that was found closed; buyer shop/far:8080; unreachable pod_closed Pod shop/far -; store @foundClosed
      one of two that was found closed; buyer shop/books:80; mixed pod_closed Pod shop/far -; store farToo @foundClosed
      on another node; buyer shop/far:8080; allowed traffic_target TrafficTarget shop/buyer-to-store spec; store
      no certificate; buyer shop/far:8080; unreachable no_certificate Pod shop/buyer spec.serviceAccountName; store @missing
      expired certificate; buyer shop/far:8080; unreachable no_certificate Pod shop/buyer spec.serviceAccountName; store @expired
      expired certificate of the other end; far shop/store:8080; unreachable tls_failed Pod shop/store spec.serviceAccountName; storeItself @otherExpired
      mutual TLS switched off; buyer shop/far:8080; refused source_not_in_mesh MeshConfig - spec.sidecar.sidecarDisabledMTLS; store noTls
      denied certificate; buyer shop/far:8080; refused peer_denied MeshConfig - spec.certificate.deniedSerials; store deniedSerial
      denied identity; buyer shop/far:8080; refused peer_denied MeshConfig - spec.certificate.deniedIdentities; store denied
      no daemon; buyer shop/store:8080; refused proxy_unavailable node - -; store @dead
      no daemon, and open; buyer town/walker:80; in the clear fail_open node - -; @deadOpen
      the mesh is taken away; buyer shop/store:8080; in the clear leaving MeshConfig - spec.traffic.retirement; clear
      route to a status; buyer shop/pages:80 GET /x v=one; refused answered_by_route HTTPRoute shop/pages-route spec.rules; routeAway
      redirect; buyer shop/pages:80 GET /x v=one; answered by a route answered_by_route HTTPRoute shop/pages-route spec.rules[0]; web redirect
      no method of a GRPCRoute; buyer shop/pages:80 POST /shop.Books/List v=one; refused answered_by_route GRPCRoute shop/pages-route spec.rules; web grpc
      fault; buyer shop/pages:80 GET /x v=one; refused fault_injected FaultInjection shop/bad-day spec.abort; web fault100
      rule that names the fault; buyer shop/pages:80 GET /x v=one; refused fault_injected HTTPRoute shop/pages-route spec.rules[0]; web fault100
      fault that is not there; buyer shop/pages:80 GET /x v=one; refused answered_by_route FaultInjection shop/bad-day -; web faultMissing
      fault at times; buyer shop/pages:80 GET /x v=one; mixed fault_injected FaultInjection shop/bad-day spec.abort; web fault30
      longer than its rule waits; buyer shop/pages:80 GET /x v=one; refused fault_injected FaultInjection shop/bad-day spec.delay; web slow10s
      the rule that waits less long; buyer shop/pages:80 GET /x v=one; refused fault_injected HTTPRoute shop/pages-route spec.rules[0].timeouts.request; web slow10s
      longer at times; buyer shop/pages:80 GET /x v=one; mixed fault_injected FaultInjection shop/bad-day spec.delay; web slow4s
      not as long as the rule waits; buyer shop/pages:80 GET /x v=one; allowed traffic_target TrafficTarget shop/buyer-to-web spec; web slow1s
      longer than the mesh waits; buyer shop/pages:80 GET /x v=one; refused fault_injected MeshConfig - spec.sidecar.sidecarTimeout; web delayed waits
      fault of who may not call; web shop/books:80; refused no_traffic_target TrafficTarget - spec.sources; store fault100
      an address that an AccessControl has; 192.0.2.7 shop/store:8080; allowed ingress_backend AccessControl shop/store spec.sources; access
      an address that it has not, either; 192.0.3.7 shop/store:8080; refused ingress_refused AccessControl shop/store spec.sources; access
      isolated; buyer 192.0.2.1:80; refused isolated Isolation - spec.cidrs; egress isolation
      datagram; buyer shop/store:514 UDP; allowed datagram_granted TrafficTarget shop/buyer-to-store spec; datagrams
      datagram without a grant; buyer shop/store:514 UDP; refused datagram_refused TrafficTarget - spec.rules;
      datagram where bytes of TCP are granted; buyer shop/store:8080 UDP; refused datagram_refused TrafficTarget - spec.rules; store
      datagram to another port; buyer shop/store:515 UDP; refused datagram_refused TrafficTarget shop/buyer-to-store spec.rules; datagrams
      datagram of another account; web shop/store:514 UDP; refused datagram_refused TrafficTarget - spec.rules; datagrams
      datagram to another node; buyer shop/far:514 UDP; allowed datagram_granted TrafficTarget shop/buyer-to-store spec; datagrams
      datagram to a Service; buyer shop/logs:5140 UDP; allowed datagram_granted TrafficTarget shop/buyer-to-store spec; datagrams logs
      datagram to the first port of a Service; buyer shop/logs UDP; allowed datagram_granted TrafficTarget shop/buyer-to-store spec; datagrams logs
      datagram to a Service of two accounts; buyer shop/logs:5140 UDP; refused datagram_refused TrafficTarget - spec.rules; datagrams logs logsOfTwo
      datagram to a Service without that port; buyer shop/logs:5141 UDP; refused datagram_refused Service shop/logs spec.ports; datagrams logs
      datagram to a Service of TCP; buyer shop/books:80 UDP; refused datagram_refused Service shop/books spec.ports; datagrams
      datagram out of the mesh; buyer 192.0.2.1:514 UDP; refused datagram_refused node - -; datagrams
      datagram to a resolver; buyer 192.0.2.1:53 UDP; allowed dns node - -; resolver
      datagram to no resolver; buyer 192.0.2.1:53 UDP; refused dns_refused node - -;
      datagram to an isolated range; buyer 192.0.2.1:514 UDP; refused datagram_isolated Isolation - spec.cidrs; isolation
      datagram in a permissive mesh; buyer shop/store:514 UDP; in the clear datagram_permissive MeshConfig - spec.traffic.enablePermissiveTrafficPolicyMode; permissive
      datagram that its sender excludes; buyer shop/store:8080 UDP; refused datagram_refused Pod shop/buyer metadata.annotations["sluice.io/outbound-port-exclusion-list"]; portExcluded
      datagram that is excluded for what arrives; buyer shop/store:8080 UDP; in the clear excluded_port Pod shop/store metadata.annotations["sluice.io/inbound-port-exclusion-list"]; portExcluded arrivalExcluded
      datagram from outside; town/walker shop/store:514 UDP; in the clear source_not_in_mesh Namespace town metadata.labels["sluice.io/mesh"]; datagrams
      datagram from a pod refused as a whole; buyer shop/store:514 UDP; refused interception_failed_closed Pod shop/buyer -; datagrams @closed
      datagram without a daemon; buyer shop/store:514 UDP; allowed datagram_granted TrafficTarget shop/buyer-to-store spec; datagrams @dead
      route along; buyer shop/pages:80 GET /x v=one; allowed traffic_target TrafficTarget shop/buyer-to-web spec; web route
      """;

  /** What is otherwise, as a word of {@link #ROWS} says: the text of a file. */
  private static Map.Entry<String, String> file(String word) {
    return switch (word) {
      case "store" -> Map.entry(TARGET, BUYER_HAS_STORE);
      case "datagrams" ->
          Map.entry(
              TARGET, target("buyer", "store", "514").replace("kind: TCPRoute", "kind: UDPRoute"));
      case "logs" ->
          Map.entry(
              "logs",
              service("logs", "10.96.0.5", "store", 5140, 514, "udp")
                  .replace("appProtocol: udp", "protocol: UDP"));
      case "logsOfTwo" ->
          Map.entry(
              "web", pod("shop", "web", "web", "a", 31, "").replace("{app: web}", "{app: store}"));
      case "storeItself" -> Map.entry(TARGET, target("store", "store", "8080"));
      case "storeHttp" ->
          Map.entry(TARGET, target("buyer", "store", "8080", "{name: x, methods: [GET]}"));
      case "web" ->
          Map.entry(
              TARGET,
              target(
                  "buyer",
                  "web",
                  "8081",
                  "{name: x, pathRegex: /x, methods: [GET], headers: {v: one}}"));
      case "l7off" ->
          Map.entry(
              "pages",
              service("pages", "10.96.0.2", "web", 80, 8081, "http")
                  .replace("shop}", "shop, annotations: {sluice.io/l7: \"off\"}}"));
      case "ingress" ->
          Map.entry(
              "ingress",
              """
              apiVersion: policy.openservicemesh.io/v1alpha1
              kind: IngressBackend
              metadata: {name: store, namespace: shop}
              spec:
                backends: [{name: books, port: {number: 8080, protocol: http}}]
                sources: [{kind: IPRange, name: 192.0.2.0/24}]
              """);
      case "access" ->
          Map.entry(
              "ingress", file("ingress").getValue().replace("IngressBackend", "AccessControl"));
      case "isolation" ->
          Map.entry(
              "isolation",
              """
              apiVersion: policy.flomesh.io/v1alpha1
              kind: Isolation
              metadata: {name: outside}
              spec: {cidrs: [192.0.2.0/24]}
              """);
      case "redirect" ->
          Map.entry(
              "route",
              route("{path: {type: Exact, value: /x}}")
                  .replace(
                      "backendRefs: [{name: pages, port: 80}]",
                      "filters: [{type: RequestRedirect, requestRedirect: {hostname: b.example}}]"));
      case "grpc" ->
          Map.entry(
              "route",
              route("{method: {service: shop.Books, method: Find}}")
                  .replace("HTTPRoute", "GRPCRoute"));
      case "fault100", "fault30" ->
          Map.entry(
              "route",
              faulty(
                  "abort: {percentage: %s, response: {status: 503}}".formatted(word.substring(5))));
      case "faultMissing" ->
          Map.entry("route", file("fault100").getValue().replaceFirst("(?s)^.*---\n", ""));
      case "delayed" -> Map.entry("route", faulty("delay: {percentage: 100, min: 9s, max: 9s}"));
      case "slow1s", "slow4s", "slow10s" ->
          Map.entry(
              "route",
              faulty("delay: {percentage: 100, min: 1s, max: %s}".formatted(word.substring(4)))
                  .replace("min: 1s, max: 10s", "min: 9s, max: 10s")
                  .replace("backendRefs:", "timeouts: {request: 2s}, backendRefs:"));
      case "waits" -> Map.entry(CONFIG, section("sidecar: {sidecarTimeout: 5}"));
      case "ingressTls" ->
          Map.entry(
              "ingress",
              file("ingress")
                  .getValue()
                  .replace(
                      "protocol: http}",
                      "protocol: https}, tls: {skipClientCertValidation: true, sniHosts: [a.example]}"));
      case "egressOfAddress" -> Map.entry("egress", EGRESS.replace("books.example", "192.0.2.9"));
      case "strict" ->
          Map.entry("store", pod("shop", "store", "store", "a", 21, "sluice.io/mtls-mode: STRICT"));
      case "sticky" ->
          Map.entry(
              "books",
              service("books", "10.96.0.1", "store", 80, 8080, "tcp")
                  .replace("selector:", "sessionAffinity: ClientIP\n  selector:"));
      case "twin" ->
          Map.entry(
              "annexe",
              pod("shop", "annexe", "store", "a", 22, "").replace("{app: annexe}", "{app: store}"));
      case "farToo" ->
          Map.entry(
              "far",
              pod("shop", "far", "store", "b", 41, "").replace("{app: far}", "{app: store}"));
      case "retry" ->
          Map.entry(
              "retry",
              """
              apiVersion: policy.openservicemesh.io/v1alpha1
              kind: Retry
              metadata: {name: again, namespace: shop}
              spec:
                source: {kind: ServiceAccount, name: buyer, namespace: shop}
                destinations: [{kind: Service, name: pages, namespace: shop}]
                retryPolicy: {retryOn: "5xx", numRetries: 2}
              """);
      case "retries" -> Map.entry(CONFIG, section("featureFlags: {enableRetryPolicy: true}"));
      case "routeNowhere" ->
          Map.entry(
              "route",
              route("{path: {type: Exact, value: /x}}")
                  .replace("backendRefs: [{name: pages", "backendRefs: [{name: paegs"));
      case "unready" -> Map.entry("slice", UNREADY);
      case "split0" -> Map.entry("split", split("books", "{service: pages, weight: 0}"));
      case "split1" -> Map.entry("split", split("books", "{service: pages, weight: 1}"));
      case "split3" ->
          Map.entry(
              "split", split("books", "{service: pages, weight: 1}, {service: books, weight: 3}"));
      case "route" -> Map.entry("route", route("{path: {type: Exact, value: /x}}"));
      case "routeAway" -> Map.entry("route", route("{path: {type: Exact, value: /other}}"));
      case "portExcluded" -> buyer("sluice.io/outbound-port-exclusion-list: \"8080\"");
      case "rangeExcluded" -> buyer("sluice.io/outbound-ip-range-exclusion-list: 10.1.0.48/28");
      case "rangeIncluded" -> buyer("sluice.io/outbound-ip-range-inclusion-list: 10.2.0.0/16");
      case "keptOut" -> buyer("", "labels: {", "labels: {sluice.io/mesh: disabled, ");
      case "hostNetwork" -> buyer("", "spec: {", "spec: {hostNetwork: true, ");
      case "arrivalExcluded" ->
          Map.entry(
              "store",
              pod(
                  "shop",
                  "store",
                  "store",
                  "a",
                  21,
                  "sluice.io/inbound-port-exclusion-list: \"8080\""));
      case "permissive" -> Map.entry(CONFIG, config(PERMISSIVE));
      case "egress" -> Map.entry(CONFIG, config("enableEgress: true"));
      case "resolver" -> Map.entry(CONFIG, config("dnsResolvers: [192.0.2.1]"));
      case "portOfAll" -> Map.entry(CONFIG, config("outboundPortExclusionList: [8080]"));
      case "plaintext" -> Map.entry(CONFIG, config("mtlsMode: PERMISSIVE"));
      case "everything" -> Map.entry(CONFIG, config("mtlsMode: PERMISSIVE, " + PERMISSIVE));
      case "clear" -> Map.entry(CONFIG, config("retirement: CLEAR"));
      case "tlsWithin" -> Map.entry(CONFIG, config("sameNodeMtls: Required"));
      case "noTls" -> Map.entry(CONFIG, section("sidecar: {sidecarDisabledMTLS: true}"));
      case "denied" ->
          Map.entry(
              CONFIG,
              section(
                  "certificate: {deniedIdentities: [\"spiffe://cluster.local/ns/shop/sa/buyer\"]}"));
      case "deniedSerial" -> Map.entry(CONFIG, section("certificate: {deniedSerials: [\"2A\"]}"));
      default -> throw new IllegalArgumentException(word);
    };
  }

  private static Map.Entry<String, String> buyer(String annotations, String... replaced) {
    String text = pod("shop", "buyer", "buyer", "a", 11, annotations);
    return Map.entry("buyer", replaced.length == 0 ? text : text.replace(replaced[0], replaced[1]));
  }

  private static String section(String text) {
    return config("").replace("spec: {", "spec: {" + text + ", ");
  }

  private static Node node(String word) {
    return switch (word) {
      case "@pending" -> Node.pod("buyer", Protection.NOT_PROTECTED);
      case "@nowhere" -> Node.pod("buyer", Protection.NOT_PROTECTED).nowhere();
      case "@closed" -> Node.pod("buyer", Protection.REFUSED);
      case "@called" -> Node.pod("store", Protection.NOT_PROTECTED);
      case "@calledClosed" ->
          new Node(
              true,
              false,
              Map.of("store", Protection.REFUSED),
              Map.of("store", "it is missing"),
              false);
      case "@foundClosed" ->
          new Node(true, false, Map.of("far", Protection.REFUSED), Map.of(), false);
      case "@missing" -> Node.certificate("buyer", "it is missing: no controller answers");
      case "@expired" -> Node.certificate("buyer", "it is expired");
      case "@otherExpired" -> Node.certificate("store", "it is expired");
      case "@dead" -> new Node(false, false, Map.of(), Map.of(), false);
      case "@deadOpen" -> new Node(false, true, Map.of(), Map.of(), false);
      default -> throw new IllegalArgumentException(word);
    };
  }

  private static Stream<Row> rows() {
    return ROWS.lines().map(WhyTableTest::row);
  }

  private static Row row(String line) {
    String[] cells = line.split(";", -1);
    Map<String, String> files = new TreeMap<>();
    Node node = Node.GOOD;
    for (String word : cells[3].strip().split(" ", -1)) {
      if (word.startsWith("@")) {
        node = node(word);
      } else if (!word.isEmpty()) {
        files.put(file(word).getKey(), file(word).getValue());
      }
    }
    return new Row(cells[0], files, node, question(cells[1].strip()), cells[2].strip());
  }

  private static String route(String match) {
    return """
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: pages-route, namespace: shop}
    spec:
      parentRefs: [{group: "", kind: Service, name: pages}]
      rules: [{matches: [%s], backendRefs: [{name: pages, port: 80}]}]
    """
        .formatted(match);
  }

  /** A route whose requests have faults. */
  private static String faulty(String spec) {
    return """
    apiVersion: extension.gateway.flomesh.io/v1alpha1
    kind: FaultInjection
    metadata: {name: bad-day, namespace: shop}
    spec: {%s}
    ---
    """
            .formatted(spec)
        + route("{path: {type: PathPrefix, value: /}}")
            .replace(
                "backendRefs:",
                "filters: [{type: ExtensionRef, extensionRef: {group: extension.gateway.flomesh.io,"
                    + " kind: FaultInjection, name: bad-day}}], backendRefs:");
  }

  private static MeshSnapshot snapshot(Map<String, String> files) {
    Map<String, List<KubernetesObject>> objects = new TreeMap<>();
    files.forEach((name, text) -> {
      var read = ObjectReader.read(name, text.getBytes(StandardCharsets.UTF_8));
      assertThat(read.problems()).isEmpty();
      objects.put(name, read.objects());
    });
    return new IncrementalCompiler(CompilerSettings.USUAL, 0).apply(objects).snapshot();
  }

  private static JsonNode ask(Row row, Map<String, String> files) {
    return new Why(snapshot(files), row.node()).answer(row.question());
  }

  private static JsonNode ask(String call, Map<String, String> files) {
    return new Why(snapshot(files), Node.GOOD).answer(question(call));
  }

  @TestFactory
  Stream<DynamicTest> namesVerdictReasonObjectAndField() {
    return rows().map(row -> DynamicTest.dynamicTest(row.name(), () -> check(row)));
  }

  private static void check(Row row) {
    Map<String, String> files = mesh();
    files.putAll(row.files());
    JsonNode answer = ask(row, files);

    List<String> said = new ArrayList<>();
    answer
        .path("because")
        .forEach(cause ->
            said.add(
                "%s %s %s %s %s"
                    .formatted(
                        answer.path("verdict").asText(),
                        answer.path("reason").asText(),
                        cause.path("kind").asText(),
                        cause.path("name").asText(),
                        cause.path("field").asText())));
    assertThat(said).as("%s", answer.toPrettyString()).contains(row.expected());
    JsonNode change = answer.path("change");
    assertThat(change.isMissingNode())
        .isEqualTo(
            !List.of("refused", "unreachable", "mixed").contains(row.expected().split(" ")[0]));
    answer
        .path("because")
        .forEach(cause ->
            assertThat(change.path("what").asText())
                .as("it tells what to do, and not the cause again")
                .doesNotContain(cause.path("text").asText()));
    String yaml = change.path("yaml").asText();
    if (yaml.contains("kind: Egress")) {
      files.put("permitted", yaml);
      assertThat(ask(row, files).path("reason").asText()).isEqualTo("egress_policy");
    } else if (yaml.contains("kind: TrafficTarget")) {
      files.put("permitted", yaml);
      JsonNode then = ask(row, files);
      assertThat(then.path("verdict").asText())
          .as("%s%n%s", change, then.toPrettyString())
          .isEqualTo(change.path("then").asText())
          .isEqualTo("allowed");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "web shop/store:8080; store; none that is in force has ServiceAccount shop/web",
        "buyer shop/pages:80 GET /x; web routeNowhere; HTTPRoute shop/pages-route spec.rules[0]: it answers 500; its rule",
        "buyer shop/pages:80 GET /x; web routeNowhere; its rule for paths /x leads to Service shop/paegs,"
            + " which does not exist",
        "buyer shop/books:80; store sticky twin; sessionAffinity ClientIP of Service shop/books keeps",
        "buyer shop/pages:80 GET /x v=one; web retry retries; Retry shop/again makes it again where it"
            + " fails, up to 2 times",
        "buyer 192.0.2.9:80; egressOfAddress; no Egress that is in force has shop/buyer",
        "buyer shop/books:80; storeHttp; or let the Service declare the port http",
        "192.0.2.7 shop/store:8080; ingressTls; it has to speak TLS that names a.example",
        "buyer shop/pages:80 GET /x v=one; web slow4s; FaultInjection shop/bad-day spec.delay holds 100 of"
            + " 100 such requests back, for 1000 to 4000 ms",
        "buyer shop/pages:80 GET /x v=one; web slow10s; timeouts.request: the answer is waited"
            + " for 2000 ms, the time held back included",
        "buyer shop/pages:80 GET /x v=one; web fault100; To permit it: take FaultInjection shop/bad-day out of"
            + " the rule, or lower its spec.abort.percentage",
        "buyer shop/pages:80 GET /x v=one; web slow10s; To permit it: shorten FaultInjection shop/bad-day"
            + " spec.delay below HTTPRoute shop/pages-route spec.rules[0].timeouts.request",
        "buyer shop/pages:80 GET /x v=one; web routeAway; To permit it: add a rule that matches the request to"
            + " HTTPRoute shop/pages-route spec.rules",
        "buyer shop/pages:80 GET /x; web routeNowhere; To permit it: let HTTPRoute shop/pages-route"
            + " spec.rules[0] lead to a Service and port that there are",
        "buyer shop/pages:80 GET /x v=one; web faultMissing; its filter names FaultInjection"
            + " shop/bad-day, which is not there",
        "buyer shop/pages:80 GET /x v=one; web faultMissing; To permit it: apply FaultInjection shop/bad-day,"
            + " or take the filter out of HTTPRoute shop/pages-route spec.rules[0].filters",
        "buyer shop/bare:80; store; To permit it: give a ready Pod the labels of Service shop/bare spec.selector",
        "buyer shop/old:80; unready; To permit it: see the readiness probes of the pods of Service shop/old",
        "buyer shop/books:80; split0; To permit it: give one of TrafficSplit shop/books-split spec.backends a"
            + " weight",
        "buyer 192.0.2.1:80; egress isolation; To permit it: Isolation spec.cidrs: take the range out of the"
            + " Isolation, if it should be called",
        "buyer shop/far:8080; store denied; To permit it: MeshConfig spec.certificate.deniedIdentities: take it"
            + " off deniedIdentities or deniedSerials",
        "buyer shop/store:8080; store @pending; To permit it: mend what `node pods` has against pod shop/buyer",
        "buyer shop/store:8080; store @called; To permit it: mend what `node pods` has against pod shop/store",
        "buyer town/walker:80; egress @nowhere; To permit it: mend what `node pods` has against pod shop/buyer",
        "buyer shop/far:8080; store @foundClosed; To permit it: Pod shop/far: `node status` and `node pods` on"
            + " the node of the pod called say whether its daemon runs",
        "buyer 192.0.2.1:80; permissive; write this Egress, or add to one that there is"
      })
  void thePageSays(String call, String words, String told) {
    Row row = row("page;" + call + ";;" + words);
    Map<String, String> files = mesh();
    files.putAll(row.files());
    StringWriter page = new StringWriter();

    WhyPage.print(ask(row, files), new PrintWriter(page));

    assertThat(page.toString()).contains(told);
  }

  /** A connection alone is no proof where the proxy dials for a request. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "buyer shop/pages:80; GET /",
        "buyer shop/pages:80 POST /x; POST /x",
        "buyer shop/books:80; ' '"
      })
  void aProbeSendsWhatReachesSomebody(String call, String sent) {
    Map<String, String> files = mesh();
    files.put(TARGET, file("web").getValue());

    WhyQuestion tried = Probe.tried(question(call), ask(call, files));

    assertThat(tried.method() + " " + tried.path()).isEqualTo(sent);
  }

  @Test
  void countsWhatAChangePermitsBesides() {
    JsonNode change = ask("buyer shop/store:8080", mesh()).path("change");

    assertThat(change.path("besides").asInt()).isEqualTo(5);
    assertThat(change.path("pairs"))
        .extracting(JsonNode::asText)
        .containsExactly(
            "shop/buyer -> shop/annexe:8080",
            "shop/buyer -> shop/far:8080",
            "shop/friend -> shop/annexe:8080",
            "shop/friend -> shop/far:8080",
            "shop/friend -> shop/store:8080");
  }

  @Test
  void tellsPeopleThePageOfTheDocument() {
    Map<String, String> files = mesh();
    files.put(TARGET, BUYER_HAS_STORE);
    StringWriter out = new StringWriter();

    WhyPage.print(ask("buyer shop/store:9090", files), new PrintWriter(out));

    assertThat(Path.of("..", "docs", "why.md")).content().contains("\n```\n" + out + "```\n");
  }

  @Test
  void namesWhatMakesAPodNobodyOfThisMesh() {
    SnapshotEditor editor = snapshot(mesh()).edit();
    editor.put(new MeshSettings(false, false, new TrustDomain("other.example")));
    WhyQuestion question = new WhyQuestion("shop/buyer", "shop/store:80", "", "", Map.of());

    JsonNode cause =
        new Why(editor.snapshot(2), Node.GOOD).answer(question).path("because").path(0);

    assertThat(cause.path("kind").asText()).isEqualTo("MeshConfig");
    assertThat(cause.path("field").asText()).isEqualTo("spec.certificate.trustDomain");
  }

  /** Verdicts do not hang on it for good: it is said, and not guessed. */
  @Test
  void saysWhatHangsOnTheMomentOrOnOthers() {
    Map<String, String> files = mesh();
    files.put(TARGET, file("web").getValue());
    files.put(
        CONFIG,
        config("inboundExternalAuthorization: {enable: true, address: 192.0.2.5, port: 9191}"));
    files.put(
        "upstream",
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: UpstreamTrafficSetting
        metadata: {name: calm, namespace: shop}
        spec:
          host: pages.shop.svc.cluster.local
          connectionSettings: {tcp: {maxConnections: 1}}
          rateLimit: {local: {http: {requests: 5, unit: minute}}}
        """);

    JsonNode answer = ask("buyer shop/pages:80 GET /x v=one", files);

    assertThat(answer.path("verdict").asText()).isEqualTo("allowed");
    assertThat(answer.path("unknown"))
        .extracting(JsonNode::asText)
        .contains(
            "whether spec.connectionSettings of UpstreamTrafficSetting shop/calm has room left for it"
                + " now: beyond that it is refused or answered",
            "whether spec.rateLimit of UpstreamTrafficSetting shop/calm has room left for it now:"
                + " beyond that the pod refuses it",
            "what 192.0.2.5:9191 says, which is asked whether each request may go on");
    assertThat(answer.toString()).doesNotContain("circuit");

    files.compute(
        "upstream",
        (_, text) -> {
          String before = String.valueOf(text);
          return before.substring(0, before.indexOf("  connectionSettings"))
              + """
                connectionSettings: {http: {circuitBreaking: {errorAmountThreshold: 1}}}
                httpRoutes:
                - {path: /lim.*, rateLimit: {local: {requests: 5, unit: minute}}}
              """;
        });
    WhyQuestion question = question("buyer shop/pages:80 GET /x v=one");
    Node sparing = new Node(true, false, Map.of(), Map.of(), true);
    JsonNode spared = new Why(snapshot(files), sparing).answer(question);

    assertThat(spared.path("verdict").asText()).isEqualTo("allowed");
    assertThat(spared.path("because").findValuesAsText("text"))
        .anyMatch(text -> text.startsWith("its circuit is open now: until it closes"));
    assertThat(spared.path("unknown").toString()).doesNotContain("rateLimit");
  }

  @Test
  void namesTheIngressBackendThatKeepsAnAddressOut() {
    Map<String, String> files = mesh();
    files.put("ingress", file("ingress").getValue());

    JsonNode answer = ask("192.0.3.7 shop/store:8080", files);

    assertThat(answer.path("source").path("pod").asText()).isEqualTo("192.0.3.7");
    assertThat(answer.path("change").path("what").asText())
        .isEqualTo(
            "name 192.0.3.7, its range or its Service in IngressBackend shop/store spec.sources");
    files.remove("ingress");
    assertThat(ask("192.0.3.7 shop/store:8080", files).path("change").path("what").asText())
        .startsWith("write an IngressBackend");
  }

  private static final String EGRESS =
      """
      apiVersion: policy.openservicemesh.io/v1alpha1
      kind: Egress
      metadata: {name: books, namespace: shop}
      spec:
        sources: [{kind: ServiceAccount, name: buyer, namespace: shop}]
        hosts: [books.example]
        ports: [{number: 80, protocol: http}, {number: 443, protocol: https}]
      """;

  /** Of a host outside, whose name the node has found at 192.0.2.9. */
  private static JsonNode outside(String source, String destination, String protocol, String more) {
    Map<String, String> files = mesh();
    files.put(CONFIG, config(more));
    files.put("egress", EGRESS);
    MeshSnapshot plain = snapshot(files);
    SnapshotEditor editor = plain.edit();
    editor.put(
        plain
            .settings()
            .onNodeWith(
                List.of(),
                new HostNames(Map.of("books.example", Set.of(IpAddresses.parse("192.0.2.9"))))));
    boolean http = protocol.equals("http");
    return new Why(editor.snapshot(2), Node.GOOD)
        .answer(
            new WhyQuestion(
                source,
                destination,
                http ? "GET" : "",
                http ? "/" : "",
                Map.of(),
                protocol.equals("https"),
                false));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "buyer; books.example:80; http; allowed egress_policy; this node has found 192.0.2.9 under it",
        "buyer; books.example:443; https; allowed egress_policy; the client names books.example by TLS",
        "buyer; books.example:443; tcp; refused egress_disabled; which host its client names by TLS",
        "buyer; books.example:5432; tcp; refused egress_disabled; its ports are [80, 443], and not 5432",
        "buyer; 192.0.2.10:443; https; refused egress_disabled; found 192.0.2.10 under none of its hosts",
        "buyer; 192.0.2.9:80; http; refused route_not_granted; the request is for 192.0.2.9, its hosts are [books.example]",
        "web; books.example:443; https; refused egress_disabled; no Egress that is in force has shop/web for a source"
      })
  void aHostOutsideIsReachedAsItsNameAndAddressSay(
      String pod, String host, String protocol, String verdict, String told) {
    JsonNode answer = outside("shop/" + pod, host, protocol, "");

    assertThat(answer.path("verdict").asText() + " " + answer.path("reason").asText())
        .isEqualTo(verdict);
    StringWriter page = new StringWriter();
    WhyPage.print(answer, new PrintWriter(page));
    assertThat(page.toString()).contains(told.replace("\\,", ","));
  }

  @Test
  void permissiveModeOpensNoHostOutside() {
    JsonNode answer = outside("shop/web", "books.example:443", "https", PERMISSIVE);

    assertThat(answer.path("reason").asText()).isEqualTo("egress_disabled");
    assertThat(answer.path("steps").findValuesAsText("text"))
        .contains("permissive mode opens what the mesh knows, and this it does not know");
  }

  @Test
  void aUdpRouteIsProposedForADatagram() {
    JsonNode answer = ask("buyer shop/store:514 UDP", mesh());

    assertThat(answer.path("protocol").asText()).isEqualTo("udp");
    assertThat(answer.path("change").path("yaml").asText())
        .contains("kind: UDPRoute", "ports: [514]", "{kind: UDPRoute, name: buyer-to-store-514}");
    assertThat(answer.path("change").path("then").asText()).isEqualTo("allowed");
    assertThat(answer.path("change").path("besides").asInt()).isEqualTo(5);
    StringWriter page = new StringWriter();
    WhyPage.print(answer, new PrintWriter(page));
    assertThat(page.toString()).startsWith("shop/buyer -> shop/store:514, UDP\nREFUSED: ");
  }

  /** One name may be a Pod's and a Service's. */
  @ParameterizedTest
  @CsvSource({"80, shop/store", "8080, -", "9090, -"})
  void meansTheServiceWhereOnlyThatHasThePort(int port, String service) {
    Map<String, String> files = mesh();
    files.put("store-service", service("store", "10.96.0.9", "store", 80, 8080, "tcp"));

    JsonNode answer = ask("buyer shop/store:" + port, files);

    assertThat(answer.path("destination").path("service").asText()).isEqualTo(service);
  }

  @Test
  void saysWhatIsMissingOfAQuestion() {
    MeshSnapshot snapshot = snapshot(mesh());

    assertThat(fault(snapshot, "shop/nobody", "shop/store:80"))
        .isEqualTo(
            "no Pod shop/nobody is known here, and no Service with pods: pods of namespace shop are"
                + " annexe, buyer, far, friend, store, web");
    assertThat(fault(snapshot, "buyer", "shop/store:80"))
        .isEqualTo("SRC 'buyer' is neither NAMESPACE/NAME nor an address");
    assertThat(fault(snapshot, "192.0.2.300", "shop/store:80"))
        .isEqualTo("SRC '192.0.2.300' is neither NAMESPACE/NAME nor an address");
    assertThat(fault(snapshot, "shop/buyer", "shop/store:http"))
        .isEqualTo("'http' of DST 'shop/store:http' is no port");
    assertThat(fault(snapshot, "shop/buyer", "https://bücher.example/a?b=c:d"))
        .isEqualTo(
            "DST 'https://bücher.example/a?b=c:d' is no host: it is written HOST[:PORT] here,"
                + " xn--bcher-kva.example:443");
    assertThat(fault(snapshot, "shop/buyer", "http://[2001:db8::1]:81"))
        .endsWith(" here, [2001:db8::1]:81");
    assertThat(fault(snapshot, "shop/buyer", "bücher.example:81"))
        .endsWith(" here, xn--bcher-kva.example:81");
    assertThat(fault(snapshot, "shop/buyer", "192.0.2.1")).contains("needs a port");
    assertThat(fault(snapshot, "shop/buyer", "2001:db8::1")).endsWith(": [2001:db8::1]:PORT");
    assertThat(fault(snapshot, "shop/buyer", "shop/buyer")).contains("say the port");
  }

  private static String fault(MeshSnapshot snapshot, String source, String destination) {
    try {
      new Why(snapshot, Node.GOOD).answer(new WhyQuestion(source, destination, "", "", Map.of()));
      return "";
    } catch (IllegalArgumentException e) {
      return String.valueOf(e.getMessage());
    }
  }
}

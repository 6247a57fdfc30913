package io.sluice.control.objects;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.manifest.Problem;
import io.sluice.mesh.Printable;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Manifests that cannot be used: the problem names the line and the field. */
class ObjectProblemsTest {
  private record Wrong(int line, String field, String reason, String text) {
    @Override
    public String toString() {
      return field + ": " + reason;
    }
  }

  private static String list(String item, int length) {
    return IntStream.rangeClosed(1, length)
        .mapToObj(item::formatted)
        .collect(Collectors.joining(","));
  }

  /** What a manifest begins with, by the first word of a row of {@link #ROWS}. */
  private static String beginning(String word) {
    return switch (word) {
      case "pod" -> "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n";
      case "service" -> "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n";
      case "slice" -> named("discovery.k8s.io/v1", "EndpointSlice");
      case "target" -> named("access.smi-spec.io/v1alpha3", "TrafficTarget");
      case "route" -> named("specs.smi-spec.io/v1alpha4", "TCPRoute");
      case "group" -> named("specs.smi-spec.io/v1alpha4", "HTTPRouteGroup");
      case "split" -> named("split.smi-spec.io/v1alpha4", "TrafficSplit");
      case "config" -> named("config.sluice.io/v1alpha1", "MeshConfig") + "spec:\n  traffic:\n";
      default -> "";
    };
  }

  private static String named(String apiVersion, String kind) {
    return "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: web}\n";
  }

  /** Beginning; line, field and reason of the problem; how the manifest goes on. */
  private static final String ROWS =
      """
      group | 4 | spec.matches[0].methods | the list names no method | spec: {matches: [{name: a, methods: []}]}
      group | 4 | spec.matches[0].methods[1] | it is no method of HTTP (RFC 9110 §9.1) | spec: {matches: [{name: a, methods: [GET, G T]}]}
      group | 4 | spec.matches[1].name | another match has the same name | spec: {matches: [{name: a}, {name: a}]}
      group | 4 | spec.matches[0].headers | header Host is there twice | spec: {matches: [{name: a, headers: [{host: a}, {Host: b}]}]}
      split | 4 | spec.backends[0].weight | 1000001 is too much | spec: {service: a, backends: [{service: b, weight: 1000001}]}
      split | 4 | spec.backends[1].weight | 1001 is too much | spec: {service: a, backends: [{service: b, weight: 1m}, {service: c, weight: 1001}]}
      split | 4 | spec.backends[0].weight | '1k' is no weight | spec: {service: a, backends: [{service: b, weight: 1k}]}
      split | 4 | spec.backends[0].weight | the field is missing | spec: {service: a, backends: [{service: b}]}
      target | 7 | spec.rules[0].matches | the list names no match | spec:⏎  destination: {kind: ServiceAccount, name: a}⏎  rules:⏎  - {kind: HTTPRouteGroup, name: a, matches: []}
      - | 1 |  | this is a string, not a Kubernetes object | hello
      - | 1 |  | this is a list, not a Kubernetes object | - a
      - | 1 | kind | the field is missing | apiVersion: v1
      - | 1 | apiVersion | the field is missing | kind: Pod
      - | 1 | metadata | the field is missing | apiVersion: v1⏎kind: Pod
      - | 3 | metadata.name | the field is missing | apiVersion: v1⏎kind: Pod⏎metadata:⏎  namespace: shop
      - | 3 | metadata.name | 'Web_1' is not the name of an object | apiVersion: v1⏎kind: Pod⏎metadata: {name: Web_1}
      - | 3 | metadata.name | this is an integer, expected a string | apiVersion: v1⏎kind: Pod⏎metadata: {name: 7}
      pod | 5 | metadata.namespace | 'a/b' is not the name of a namespace |   namespace: a/b
      pod | 6 | metadata.labels.version | this is a number with a fraction, expected a string |   labels:⏎    version: 1.0
      pod | 6 | metadata.labels["sluice.io/mesh"] | 'enable' says neither that the mesh is wanted nor that it is not |   labels:⏎    sluice.io/mesh: enable
      pod | 5 | metadata.uid | 'web-1' is not the UID of a Pod |   uid: web-1
      pod | 6 | metadata.annotations["kubernetes.io/config.mirror"] | '0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c' is not the UID of a static pod |   annotations:⏎    kubernetes.io/config.mirror: 0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c
      pod | 6 | metadata.annotations["sluice.io/netns"] | '../web' is not the place of a network namespace |   annotations:⏎    sluice.io/netns: ../web
      pod | 6 | metadata.annotations["sluice.io/netns"] | '/run/netns/../web' is not the place of a network namespace |   annotations:⏎    sluice.io/netns: /run/netns/../web
      pod | 6 | metadata.annotations["openservicemesh.io/outbound-port-exclusion-list"] | '70000' is not a port from 1 to 65535 |   annotations:⏎    openservicemesh.io/outbound-port-exclusion-list: 80,70000
      pod | 6 | metadata.annotations["sluice.io/outbound-ip-range-exclusion-list"] | '10.1.2.3/8' has host bits set; write 10.0.0.0/8 |   annotations:⏎    sluice.io/outbound-ip-range-exclusion-list: 10.1.2.3/8
      pod | 8 | spec.containers[0].readinessProbe.httpGet.port | no port of this container is named 'http' | spec:⏎  containers:⏎  - name: a⏎    readinessProbe: {httpGet: {port: http}}
      pod | 7 | spec.containers[0].ports[0].containerPort | 65536 is outside 1..65535 | spec:⏎  containers:⏎  - ports: [{containerPort: 65536}]
      pod | 5 | spec.containers | this is a mapping, expected a list | spec: {containers: {a: 1}}
      pod | 5 | status.podIP | '10.0.0' is not an IP address | status: {podIP: "10.0.0"}
      pod | 5 | status.podIPs[1].ip | '127.0.0.1' cannot be the address of a pod or service | status: {podIPs: [{ip: 10.0.0.1}, {ip: 127.0.0.1}]}
      service | 6 | spec.ports[0].port | 0 is outside 1..65535 |   ports:⏎  - port: 0
      service | 6 | spec.ports[0].port | '0080' is not plain decimal |   ports:⏎  - port: 0080
      service | 6 | spec.ports[0].port | this is a string, expected an integer |   ports:⏎  - port: "80"
      service | 6 | spec.ports[0].port | the field is missing |   ports:⏎  - name: http
      service | 6 | spec.ports[0].protocol | 'tcp' is not a transport protocol |   ports:⏎  - {port: 80, protocol: tcp}
      service | 7 | spec.ports[1].name | another port has the same name |   ports:⏎  - {name: a, port: 80}⏎  - {name: a, port: 81}
      service | 5 | spec.clusterIP | '0.0.0.0' cannot be the address of a pod or service |   clusterIP: 0.0.0.0
      slice | 1 | addressType | the field is missing |
      slice | 4 | addressType | 'ipv4' is not known | addressType: ipv4
      slice | 6 | endpoints[0].addresses[0] | 'fd00::1' is not an IPv4 address | addressType: IPv4⏎endpoints:⏎- addresses: ["fd00::1"]
      target | 1 | spec | the field is missing |
      target | 4 | spec.destination | the field is missing | spec: {rules: []}
      target | 6 | spec.sources[0].name | the field is missing | spec:⏎  destination: {kind: ServiceAccount, name: db}⏎  sources: [{kind: ServiceAccount}]
      route | 4 | spec.matches.ports | the list names no port | spec: {matches: {ports: []}}
      route | 4 | spec.matches.ports[1] | -1 is outside 1..65535 | spec: {matches: {ports: [1, -1]}}
      route | 4 | spec.matches | this is a list, expected a mapping | spec: {matches: [{ports: [1]}]}
      config | 6 | spec.traffic.enableEgress | this is a string, expected a boolean |     enableEgress: yes
      config | 6 | spec.traffic.outboundPortExclusionList[0] | 99999999999 is outside 1..65535 |     outboundPortExclusionList: [99999999999]
      config | 6 | spec.traffic.outboundIPRangeInclusionList[0] | 'everything' is not an IP address |     outboundIPRangeInclusionList: [everything]
      config | 6 | spec.traffic.networkInterfaceExclusionList[0] | 'a/b' is not the name of an interface |     networkInterfaceExclusionList: [a/b]
      - | 3 | items[0].kind | a List inside a List | apiVersion: v1⏎kind: List⏎items: [{apiVersion: v1, kind: List}]
      - | 0 |  | the file holds no object | # nothing
      """;

  private static Wrong wrong(String row) {
    String[] cells = row.split(" \\|( |$)", -1);
    String text = beginning(cells[0]) + cells[4].replace('⏎', '\n') + "\n";
    return new Wrong(Integer.parseInt(cells[1]), cells[2], cells[3], text);
  }

  static Stream<Wrong> wrongManifests() {
    String pod = beginning("pod");
    String config = beginning("config");
    String setting =
        named("policy.openservicemesh.io/v1alpha1", "UpstreamTrafficSetting")
            + "spec: {host: web, rateLimit: {global: {http:\n"
            + "  {rateLimitService: {host: a.b.svc, port: 1}, domain: a, descriptors: [{entries: [\n"
            + "  %s]}]}}}}\n";
    String entry = "spec.rateLimit.global.http.descriptors[0].entries[0].";
    String grows = "\u0130".repeat(200); // in lower case it has two characters for each
    String ingress =
        named("policy.openservicemesh.io/v1alpha1", "IngressBackend")
            + "spec: {sources: [{kind: IPRange, name: 10.0.0.0/8}], backends: [\n  "
            + list("{name: web, port: {number: %d, protocol: http}}", 257)
            + "]}\n";
    String notAName =
        "'" + Printable.text(grows.toLowerCase(Locale.ROOT), 80) + "' is no field name";
    return Stream.concat(
        ROWS.lines().map(ObjectProblemsTest::wrong),
        Stream.of(
            new Wrong(4, "spec.backends", "there are more than 256", ingress),
            new Wrong(
                4,
                "spec.backends",
                "there are more than 256",
                ingress.replace("IngressBackend", "AccessControl")),
            new Wrong(
                6,
                entry + "requestHeader.name",
                notAName,
                setting.formatted("{requestHeader: {key: a, name: " + grows + "}}")),
            new Wrong(
                6,
                entry + "headerValueMatch.headers[0].name",
                notAName,
                setting.formatted(
                    "{headerValueMatch: {value: a, headers: [{name: " + grows + "}]}}")),
            new Wrong(
                6,
                entry + "requestHeader.name",
                "'a b' is no field name",
                setting.formatted("{requestHeader: {key: a, name: A b}}")),
            new Wrong(
                6,
                "metadata.annotations[\"openservicemesh.io/inbound-port-exclusion-list\"]",
                "it has 65 excluded ports in all; a pod has room for 64",
                pod
                    + "  annotations:\n    openservicemesh.io/inbound-port-exclusion-list: \""
                    + list("%d", 65)
                    + "\"\n"),
            new Wrong(
                6,
                "metadata.annotations[\"openservicemesh.io/outbound-ip-range-inclusion-list\"]",
                "it has 65 ranges in all; a pod has room for 64",
                pod
                    + "  annotations:\n    openservicemesh.io/outbound-ip-range-inclusion-list: \""
                    + list("10.%d.0.0/16", 65)
                    + "\"\n"),
            new Wrong(
                7,
                "spec.traffic.outboundIPRangeExclusionList",
                "it has 66 ranges in all; a pod has room for 64",
                config
                    + "    outboundIPRangeInclusionList: ["
                    + list("10.%d.0.0/16", 33)
                    + "]\n    outboundIPRangeExclusionList: ["
                    + list("10.1.%d.0/24", 33)
                    + "]\n"),
            new Wrong(
                6,
                "spec.traffic.networkInterfaceExclusionList",
                "it has 17 interfaces in all; a pod has room for 16",
                config + "    networkInterfaceExclusionList: [" + list("net%d", 17) + "]\n")));
  }

  @ParameterizedTest
  @MethodSource("wrongManifests")
  void namesLineAndFieldOfAProblem(Wrong wrong) {
    ObjectReader.ReadObjects read = read(wrong.text());

    assertThat(read.problems()).hasSize(1);
    Problem problem = read.problems().getFirst();
    assertThat(problem)
        .isEqualTo(
            new Problem("f.yaml", wrong.line(), wrong.field(), wrong.reason(), problem.mend()));
    assertThat(problem.mend()).isNotBlank();
  }

  private static ObjectReader.ReadObjects read(String text) {
    return ObjectReader.read("f.yaml", text.getBytes(StandardCharsets.UTF_8));
  }
}

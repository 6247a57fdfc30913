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

  static Stream<Wrong> wrongManifests() {
    String pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n";
    String service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n";
    String slice = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web}\n";
    String target =
        "apiVersion: access.smi-spec.io/v1alpha3\nkind: TrafficTarget\nmetadata: {name: web}\n";
    String route =
        "apiVersion: specs.smi-spec.io/v1alpha4\nkind: TCPRoute\nmetadata: {name: web}\n";
    String config =
        "apiVersion: config.sluice.io/v1alpha1\nkind: MeshConfig\nmetadata: {name: a}\nspec:\n"
            + "  traffic:\n";
    String group =
        "apiVersion: specs.smi-spec.io/v1alpha4\nkind: HTTPRouteGroup\nmetadata: {name: web}\n";
    String split =
        "apiVersion: split.smi-spec.io/v1alpha4\nkind: TrafficSplit\nmetadata: {name: web}\n";
    String setting =
        "apiVersion: policy.openservicemesh.io/v1alpha1\nkind: UpstreamTrafficSetting\n"
            + "metadata: {name: web}\nspec: {host: web, rateLimit: {global: {http:\n"
            + "  {rateLimitService: {host: a.b.svc, port: 1}, domain: a, descriptors: [{entries: [\n"
            + "  %s]}]}}}}\n";
    String entry = "spec.rateLimit.global.http.descriptors[0].entries[0].";
    String grows = "\u0130".repeat(200); // in lower case it has two characters for each
    String notAName =
        "'" + Printable.text(grows.toLowerCase(Locale.ROOT), 80) + "' is no field name";
    return Stream.of(
        new Wrong(
            6,
            entry + "requestHeader.name",
            notAName,
            setting.formatted("{requestHeader: {key: a, name: " + grows + "}}")),
        new Wrong(
            6,
            entry + "headerValueMatch.headers[0].name",
            notAName,
            setting.formatted("{headerValueMatch: {value: a, headers: [{name: " + grows + "}]}}")),
        new Wrong(
            6,
            entry + "requestHeader.name",
            "'a b' is no field name",
            setting.formatted("{requestHeader: {key: a, name: A b}}")),
        new Wrong(
            4,
            "spec.matches[0].methods",
            "the list names no method",
            group + "spec: {matches: [{name: a, methods: []}]}\n"),
        new Wrong(
            4,
            "spec.matches[0].methods[1]",
            "it is no method of HTTP (RFC 9110 §9.1)",
            group + "spec: {matches: [{name: a, methods: [GET, G T]}]}\n"),
        new Wrong(
            4,
            "spec.matches[1].name",
            "another match has the same name",
            group + "spec: {matches: [{name: a}, {name: a}]}\n"),
        new Wrong(
            4,
            "spec.matches[0].headers",
            "header Host is there twice",
            group + "spec: {matches: [{name: a, headers: [{host: a}, {Host: b}]}]}\n"),
        new Wrong(
            4,
            "spec.backends[0].weight",
            "1000001 is too much",
            split + "spec: {service: a, backends: [{service: b, weight: 1000001}]}\n"),
        new Wrong(
            4,
            "spec.backends[1].weight",
            "1001 is too much",
            split
                + "spec: {service: a, backends: [{service: b, weight: 1m}, {service: c, weight: 1001}]}\n"),
        new Wrong(
            4,
            "spec.backends[0].weight",
            "'1k' is no weight",
            split + "spec: {service: a, backends: [{service: b, weight: 1k}]}\n"),
        new Wrong(
            4,
            "spec.backends[0].weight",
            "the field is missing",
            split + "spec: {service: a, backends: [{service: b}]}\n"),
        new Wrong(
            7,
            "spec.rules[0].matches",
            "the list names no match",
            target
                + "spec:\n  destination: {kind: ServiceAccount, name: a}\n  rules:\n"
                + "  - {kind: HTTPRouteGroup, name: a, matches: []}\n"),
        new Wrong(1, "", "this is a string, not a Kubernetes object", "hello\n"),
        new Wrong(1, "", "this is a list, not a Kubernetes object", "- a\n"),
        new Wrong(1, "kind", "the field is missing", "apiVersion: v1\n"),
        new Wrong(1, "apiVersion", "the field is missing", "kind: Pod\n"),
        new Wrong(1, "metadata", "the field is missing", "apiVersion: v1\nkind: Pod\n"),
        new Wrong(
            4,
            "metadata.name",
            "the field is missing",
            "apiVersion: v1\nkind: Pod\nmetadata:\n  namespace: shop\n"),
        new Wrong(
            3,
            "metadata.name",
            "'Web_1' is not the name of an object",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: Web_1}\n"),
        new Wrong(
            3,
            "metadata.name",
            "this is an integer, expected a string",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: 7}\n"),
        new Wrong(
            5,
            "metadata.namespace",
            "'a/b' is not the name of a namespace",
            pod + "  namespace: a/b\n"),
        new Wrong(
            6,
            "metadata.labels.version",
            "this is a number with a fraction, expected a string",
            pod + "  labels:\n    version: 1.0\n"),
        new Wrong(
            6,
            "metadata.labels[\"sluice.io/mesh\"]",
            "'enable' says neither that the mesh is wanted nor that it is not",
            pod + "  labels:\n    sluice.io/mesh: enable\n"),
        new Wrong(5, "metadata.uid", "'web-1' is not the UID of a Pod", pod + "  uid: web-1\n"),
        new Wrong(
            6,
            "metadata.annotations[\"kubernetes.io/config.mirror\"]",
            "'0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c' is not the UID of a static pod",
            pod
                + "  annotations:\n"
                + "    kubernetes.io/config.mirror: 0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c\n"),
        new Wrong(
            6,
            "metadata.annotations[\"sluice.io/netns\"]",
            "'../web' is not the place of a network namespace",
            pod + "  annotations:\n    sluice.io/netns: ../web\n"),
        new Wrong(
            6,
            "metadata.annotations[\"sluice.io/netns\"]",
            "'/run/netns/../web' is not the place of a network namespace",
            pod + "  annotations:\n    sluice.io/netns: /run/netns/../web\n"),
        new Wrong(
            6,
            "metadata.annotations[\"openservicemesh.io/outbound-port-exclusion-list\"]",
            "'70000' is not a port from 1 to 65535",
            pod
                + "  annotations:\n    openservicemesh.io/outbound-port-exclusion-list: 80,70000\n"),
        new Wrong(
            6,
            "metadata.annotations[\"sluice.io/outbound-ip-range-exclusion-list\"]",
            "'10.1.2.3/8' has host bits set; write 10.0.0.0/8",
            pod + "  annotations:\n    sluice.io/outbound-ip-range-exclusion-list: 10.1.2.3/8\n"),
        new Wrong(
            8,
            "spec.containers[0].readinessProbe.httpGet.port",
            "no port of this container is named 'http'",
            pod
                + "spec:\n  containers:\n  - name: a\n    readinessProbe: {httpGet: {port: http}}\n"),
        new Wrong(
            7,
            "spec.containers[0].ports[0].containerPort",
            "65536 is outside 1..65535",
            pod + "spec:\n  containers:\n  - ports: [{containerPort: 65536}]\n"),
        new Wrong(
            5,
            "spec.containers",
            "this is a mapping, expected a list",
            pod + "spec: {containers: {a: 1}}\n"),
        new Wrong(
            5,
            "status.podIP",
            "'10.0.0' is not an IP address",
            pod + "status: {podIP: 10.0.0}\n".replace("10.0.0", "\"10.0.0\"")),
        new Wrong(
            5,
            "status.podIPs[1].ip",
            "'127.0.0.1' cannot be the address of a pod or service",
            pod + "status: {podIPs: [{ip: 10.0.0.1}, {ip: 127.0.0.1}]}\n"),
        new Wrong(
            6, "spec.ports[0].port", "0 is outside 1..65535", service + "  ports:\n  - port: 0\n"),
        new Wrong(
            6,
            "spec.ports[0].port",
            "'0080' is not plain decimal",
            service + "  ports:\n  - port: 0080\n"),
        new Wrong(
            6,
            "spec.ports[0].port",
            "this is a string, expected an integer",
            service + "  ports:\n  - port: \"80\"\n"),
        new Wrong(
            6,
            "spec.ports[0].port",
            "the field is missing",
            service + "  ports:\n  - name: http\n"),
        new Wrong(
            6,
            "spec.ports[0].protocol",
            "'tcp' is not a transport protocol",
            service + "  ports:\n  - {port: 80, protocol: tcp}\n"),
        new Wrong(
            7,
            "spec.ports[1].name",
            "another port has the same name",
            service + "  ports:\n  - {name: a, port: 80}\n  - {name: a, port: 81}\n"),
        new Wrong(
            5,
            "spec.clusterIP",
            "'0.0.0.0' cannot be the address of a pod or service",
            service + "  clusterIP: 0.0.0.0\n"),
        new Wrong(1, "addressType", "the field is missing", slice),
        new Wrong(4, "addressType", "'ipv4' is not known", slice + "addressType: ipv4\n"),
        new Wrong(
            6,
            "endpoints[0].addresses[0]",
            "'fd00::1' is not an IPv4 address",
            slice + "addressType: IPv4\nendpoints:\n- addresses: [\"fd00::1\"]\n"),
        new Wrong(1, "spec", "the field is missing", target),
        new Wrong(4, "spec.destination", "the field is missing", target + "spec: {rules: []}\n"),
        new Wrong(
            6,
            "spec.sources[0].name",
            "the field is missing",
            target
                + "spec:\n  destination: {kind: ServiceAccount, name: db}\n"
                + "  sources: [{kind: ServiceAccount}]\n"),
        new Wrong(
            4,
            "spec.matches.ports",
            "the list names no port",
            route + "spec: {matches: {ports: []}}\n"),
        new Wrong(
            4,
            "spec.matches.ports[1]",
            "-1 is outside 1..65535",
            route + "spec: {matches: {ports: [1, -1]}}\n"),
        new Wrong(
            4,
            "spec.matches",
            "this is a list, expected a mapping",
            route + "spec: {matches: [{ports: [1]}]}\n"),
        new Wrong(
            6,
            "spec.traffic.enableEgress",
            "this is a string, expected a boolean",
            config + "    enableEgress: yes\n"),
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
            config + "    networkInterfaceExclusionList: [" + list("net%d", 17) + "]\n"),
        new Wrong(
            6,
            "spec.traffic.outboundPortExclusionList[0]",
            "99999999999 is outside 1..65535",
            config + "    outboundPortExclusionList: [99999999999]\n"),
        new Wrong(
            6,
            "spec.traffic.outboundIPRangeInclusionList[0]",
            "'everything' is not an IP address",
            config + "    outboundIPRangeInclusionList: [everything]\n"),
        new Wrong(
            6,
            "spec.traffic.networkInterfaceExclusionList[0]",
            "'a/b' is not the name of an interface",
            config + "    networkInterfaceExclusionList: [a/b]\n"),
        new Wrong(
            3,
            "items[0].kind",
            "a List inside a List",
            "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List}]\n"),
        new Wrong(0, "", "the file holds no object", "# nothing\n"));
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

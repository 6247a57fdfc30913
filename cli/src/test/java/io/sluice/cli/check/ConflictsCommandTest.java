package io.sluice.cli.check;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** What contradicts each other in a folder, told by the command. */
class ConflictsCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory = Path.of("");
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  /**
   * Two objects of which one does not count as written, or one that says two things.
   *
   * @param told object, what it contradicts, level
   * @param apart what of it makes the contradiction, and what does not
   */
  record Contradiction(String yaml, List<String> told, String apart, String instead) {
    @Override
    public String toString() {
      return String.join(", ", told);
    }
  }

  private static String object(String version, String kind, String name, String rest) {
    return "apiVersion: %s%nkind: %s%nmetadata: {name: %s, namespace: shop}%n%s%n---%n"
        .formatted(version, kind, name, rest);
  }

  private static String service(String name, String address) {
    String spec = "spec: {clusterIP: %s, ports: [{port: 80}]}".formatted(address);
    return object("v1", "Service", name, spec);
  }

  private static String split(String name, String root) {
    String spec = "spec: {service: %s, backends: [{service: two, weight: 1}]}".formatted(root);
    return object("split.smi-spec.io/v1alpha2", "TrafficSplit", name, spec);
  }

  private static String route(String kind, String name, String match) {
    return object(
        "gateway.networking.k8s.io/v1",
        kind,
        name,
        """
        spec:
          parentRefs: [{group: "", kind: Service, name: one, port: 80}]
          rules: [{matches: [%s], backendRefs: [{name: two, port: 80}]}]\
        """
            .formatted(match));
  }

  private static String pod(String name, String address, String annotations) {
    return """
    apiVersion: v1
    kind: Pod
    metadata: {name: %s, namespace: shop, annotations: {%s}}
    spec: {serviceAccountName: web}
    status: {podIPs: [{ip: %s}]}
    ---
    """
        .formatted(name, annotations, address);
  }

  private static String ingress(String name, int port) {
    String spec =
        "spec: {backends: [{name: one, port: {number: %d, protocol: http}}],"
            + " sources: [{kind: IPRange, name: 10.0.0.0/8}]}";
    return object(
        "policy.openservicemesh.io/v1alpha1", "IngressBackend", name, spec.formatted(port));
  }

  private static String retry(String name, String destination) {
    String spec =
        """
        spec:
          source: {kind: ServiceAccount, name: web, namespace: shop}
          destinations: [{kind: Service, name: %s, namespace: shop}]
          retryPolicy: {retryOn: "5xx", numRetries: 2}\
        """;
    return object("policy.openservicemesh.io/v1alpha1", "Retry", name, spec.formatted(destination));
  }

  private static String config(String name, String traffic) {
    String spec = "spec: {traffic: {%s}}".formatted(traffic);
    return object("config.sluice.io/v1alpha1", "MeshConfig", name, spec);
  }

  private static final String SERVICES = service("one", "10.96.0.1") + service("two", "10.96.0.2");

  static Stream<Contradiction> contradictions() {
    String ranges =
        "'openservicemesh.io/outbound-ip-range-exclusion-list': 10.0.0.0/8,"
            + " 'openservicemesh.io/outbound-ip-range-inclusion-list': 10.1.0.0/16";
    return Stream.of(
        new Contradiction(
            SERVICES + split("a", "one") + split("b", "one"),
            List.of("TrafficSplit shop/b", "TrafficSplit shop/a", "error"),
            "name: b, namespace: shop}\nspec: {service: one",
            "name: b, namespace: shop}\nspec: {service: other"),
        new Contradiction(
            SERVICES
                + split("a", "one")
                + split("b", "two").replace("[{service: two,", "[{service: one,"),
            List.of("TrafficSplit shop/b", "TrafficSplit shop/a", "error"),
            "[{service: one,",
            "[{service: other,"),
        new Contradiction(
            SERVICES + split("a", "one") + route("HTTPRoute", "r", "{method: GET}"),
            List.of("TrafficSplit shop/a", "HTTPRoute shop/r", "error"),
            "kind: Service, name: one",
            "kind: Service, name: two"),
        new Contradiction(
            SERVICES
                + route("HTTPRoute", "a", "{method: GET}")
                + route("HTTPRoute", "b", "{method: GET}"),
            List.of("HTTPRoute shop/b", "HTTPRoute shop/a", "warning"),
            "name: b, namespace: shop}\nspec:\n  parentRefs: [{group: \"\", kind: Service, name: one",
            "name: b, namespace: shop}\nspec:\n  parentRefs: [{group: \"\", kind: Service, name: two"),
        new Contradiction(
            SERVICES
                + route(
                    "HTTPRoute", "a", "{method: GET}], backendRefs: []}, {matches: [{method: GET}"),
            List.of("HTTPRoute shop/a", "HTTPRoute shop/a", "warning"),
            "{matches: [{method: GET}], backendRefs: []}",
            "{matches: [{method: PUT}], backendRefs: []}"),
        new Contradiction(
            SERVICES
                + route("HTTPRoute", "a", "{method: GET}")
                + route("GRPCRoute", "b", "{method: {service: s}}"),
            List.of("HTTPRoute shop/a", "GRPCRoute shop/b", "error"),
            "name: b, namespace: shop}\nspec:\n  parentRefs: [{group: \"\", kind: Service, name: one",
            "name: b, namespace: shop}\nspec:\n  parentRefs: [{group: \"\", kind: Service, name: two"),
        new Contradiction(
            SERVICES + ingress("a", 80) + ingress("b", 80),
            List.of("IngressBackend shop/b", "IngressBackend shop/a", "error"),
            "number: 80",
            "number: 81"),
        new Contradiction(
            SERVICES
                + object(
                    "config.sluice.io/v1alpha1",
                    "MeshConfig",
                    "m",
                    "spec: {featureFlags: {enableRetryPolicy: true}}")
                + retry("a", "one")
                + retry("b", "one"),
            List.of("Retry shop/b", "Retry shop/a", "warning"),
            "name: one, namespace: shop}]",
            "name: two, namespace: shop}]"),
        new Contradiction(
            service("a", "10.96.0.9") + service("b", "10.96.0.9"),
            List.of("Service shop/a", "Service shop/b", "warning"),
            "name: b, namespace: shop}\nspec: {clusterIP: 10.96.0.9",
            "name: b, namespace: shop}\nspec: {clusterIP: 10.96.0.8"),
        new Contradiction(
            pod("a", "10.9.0.1", "") + pod("b", "10.9.0.1", ""),
            List.of("Pod shop/a", "Pod shop/b", "warning"),
            "name: b, namespace: shop, annotations: {}}\nspec: {serviceAccountName: web}\nstatus: {podIPs: [{ip: 10.9.0.1",
            "name: b, namespace: shop, annotations: {}}\nspec: {serviceAccountName: web}\nstatus: {podIPs: [{ip: 10.9.0.2"),
        new Contradiction(
            pod("a", "10.9.0.1", "sluice.io/netns: x") + pod("b", "10.9.0.2", "sluice.io/netns: x"),
            List.of("Pod shop/a", "Pod shop/b", "warning"),
            "name: b, namespace: shop, annotations: {sluice.io/netns: x",
            "name: b, namespace: shop, annotations: {sluice.io/netns: y"),
        new Contradiction(
            pod("a", "10.9.0.1", ranges),
            List.of("Pod shop/a", "Pod shop/a", "warning"),
            "10.1.0.0/16",
            "11.1.0.0/16"),
        new Contradiction(
            config(
                "a",
                "outboundIPRangeExclusionList: [10.1.0.0/16], outboundIPRangeInclusionList: [10.1.0.0/16]"),
            List.of("MeshConfig shop/a", "MeshConfig shop/a", "warning"),
            "InclusionList: [10.1.0.0/16]",
            "InclusionList: [10.0.0.0/8]"),
        new Contradiction(
            config("a", "enableEgress: true") + config("osm-mesh-config", "enableEgress: false"),
            List.of("MeshConfig shop/a", "MeshConfig shop/osm-mesh-config", "error"),
            "kind: MeshConfig\nmetadata: {name: a,",
            "kind: Config\nmetadata: {name: a,"),
        new Contradiction(
            service("one", "10.96.0.1") + service("one", "10.96.0.1"),
            List.of("Service shop/one", "Service shop/one", "error"),
            "---\napiVersion: v1\nkind: Service\nmetadata: {name: one, namespace: shop}\nspec: {clusterIP: 10.96.0.1,",
            "---\napiVersion: v1\nkind: Service\nmetadata: {name: two, namespace: shop}\nspec: {clusterIP: 10.96.0.2,"));
  }

  private int run(String yaml, String... words) throws IOException {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    String file = Files.writeString(directory.resolve("all.yaml"), yaml).toString();
    return new CommandLine(new ConflictsCommand())
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(
            Stream.concat(Stream.of("--registry", file), Stream.of(words)).toArray(String[]::new));
  }

  private List<List<String>> found() throws IOException {
    JsonNode json = JSON.readTree(out.toString());
    return Stream.of(json.path("conflicts"))
        .flatMap(all -> all.valueStream())
        .map(one ->
            Stream.of("object", "with", "level").map(name -> one.path(name).asText()).toList())
        .toList();
  }

  @ParameterizedTest
  @MethodSource("contradictions")
  void aContradictionIsToldAndWithoutItNothing(Contradiction one) throws IOException {
    assertThat(run(one.yaml(), "-o", "json")).as("%s%n%s", out, err).isEqualTo(1);
    assertThat(found()).contains(one.told());

    assertThat(one.yaml()).contains(one.apart());
    int at = one.yaml().lastIndexOf(one.apart());
    String apart =
        one.yaml().substring(0, at)
            + one.instead()
            + one.yaml().substring(at + one.apart().length());
    assertThat(run(apart, "-o", "json")).as("%s%n%s", out, err).isZero();
    assertThat(found()).isEmpty();
  }

  @Test
  void kindAndNamespaceChoose() throws IOException {
    String yaml =
        SERVICES
            + split("a", "one")
            + split("b", "one")
            + service("three", "10.96.0.2")
            + (split("a", "one") + split("b", "one")).replace("shop", "far");

    assertThat(run(yaml)).isEqualTo(1);
    assertThat(out.toString())
        .contains(
            "all.yaml:19: error: TrafficSplit shop/b: spec.service: is one, which TrafficSplit shop/a"
                + " splits already; remove one of the two\n")
        .endsWith("7 objects, 4 contradictions\n");
    assertThat(run(yaml, "trafficsplits", "-n", "shop", "-o", "json")).isEqualTo(1);
    assertThat(found())
        .containsExactly(List.of("TrafficSplit shop/b", "TrafficSplit shop/a", "error"));
    assertThat(run(yaml, "Service", "-n", "far,near")).isZero();
  }

  @Test
  void repeatedGrantsAreNoContradiction() throws IOException {
    String target =
        object(
            "access.smi-spec.io/v1alpha3",
            "TrafficTarget",
            "a",
            """
            spec:
              destination: {kind: ServiceAccount, name: store, namespace: shop}
              sources: [{kind: ServiceAccount, name: web, namespace: shop}]
              rules: [{kind: TCPRoute, name: all}]\
            """);
    String yaml =
        object("specs.smi-spec.io/v1alpha4", "TCPRoute", "all", "")
            + target
            + target.replace("name: a,", "name: b,");

    assertThat(run(yaml, "-o", "json")).isZero();
    assertThat(found())
        .containsExactly(List.of("TrafficTarget shop/b", "TrafficTarget shop/a", "info"));
  }

  @Test
  void whatCannotBeReadIsSaid() throws IOException {
    assertThat(run(service("one", "10.96.0.1") + "kind: [")).isEqualTo(2);
    assertThat(err.toString()).startsWith("sluice: ");
  }
}

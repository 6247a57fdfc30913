package io.sluice.cli.check;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.cli.SluiceCommand;
import io.sluice.mesh.decision.Reason;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What is wrong with an ingress's way in, told by the command of a folder alone. */
class IngressCommandTest {
  private static final String MESH =
      """
      apiVersion: v1
      kind: Namespace
      metadata: {name: shop, labels: {sluice.io/mesh: enabled}}
      ---
      apiVersion: config.openservicemesh.io/v1alpha2
      kind: MeshConfig
      metadata: {name: osm-mesh-config, namespace: osm-system}
      spec: {featureFlags: {enableIngressBackendPolicy: true}}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: store, namespace: shop, labels: {app: store}, annotations: {}}
      spec: {serviceAccountName: store, nodeName: a, containers: []}
      status: {podIPs: [{ip: 10.1.0.21}], conditions: [{type: Ready, status: "True"}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: other, namespace: shop, labels: {app: other}}
      spec: {serviceAccountName: other, nodeName: a, containers: []}
      status: {podIPs: [{ip: 10.1.0.22}], conditions: [{type: Ready, status: "True"}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: gateway, namespace: edge, labels: {app: gateway}}
      spec: {serviceAccountName: gateway, nodeName: a, containers: []}
      status: {podIPs: [{ip: 10.1.0.31}], conditions: [{type: Ready, status: "True"}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: books, namespace: shop}
      spec: {clusterIP: 10.96.0.1, selector: {app: store}, ports: [{name: http, port: 80, targetPort: 8080}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: gateway, namespace: edge}
      spec: {clusterIP: 10.96.0.2, selector: {app: gateway}, ports: [{name: http, port: 80, targetPort: 8000}]}
      ---
      apiVersion: policy.openservicemesh.io/v1alpha1
      kind: IngressBackend
      metadata: {name: store, namespace: shop}
      spec:
        backends: [{name: books, port: {number: 8080, protocol: http}}]
        sources: [{kind: Service, name: gateway, namespace: edge}]
      """;

  private static final String CALL =
      "--from-service edge/gateway --to-pod shop/store --to-service books --to-port 8080";

  @TempDir private Path directory = Path.of("");
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  /**
   * Something that is wrong.
   *
   * @param was in {@link #MESH}, and {@code is} what it is instead
   * @param call the words of the command
   * @param verdict that is said
   * @param step that is among the steps
   */
  record Wrong(String was, String is, String call, String verdict, String step) {
    @Override
    public String toString() {
      return step;
    }
  }

  private static Wrong wrong(String was, String is, String verdict, String step) {
    return new Wrong(was, is, CALL, verdict, step);
  }

  private static Wrong called(String call, String verdict, String step) {
    return new Wrong("", "", call, verdict, step);
  }

  /** What was in {@link #MESH}; what it is instead; verdict; step. */
  private static final String ROWS =
      """
      Policy: true | Policy: false | kept out | stop spec.featureFlags.enableIngressBackendPolicy of MeshConfig osm-system/osm-mesh-config is false: no IngressBackend counts
      name: books, namespace | name: b, namespace | kept out | stop Service shop/books does not exist
      app: store}, ports | app: other}, ports | kept out | stop Service shop/books does not lead to pod shop/store
      targetPort: 8080 | targetPort: 9090 | kept out | stop no pod of Service shop/books has port 8080
      selector: {app: gateway} | selector: {app: nobody} | unknown | stop Service edge/gateway has no endpoints: from where its pods call is not known
      name: gateway, namespace: edge}⏎spec: {clusterIP | name: door, namespace: edge}⏎spec: {clusterIP | unknown | stop Service edge/gateway of the ingress does not exist
      namespace: edge}] | namespace: far}] | kept out | stop 10.1.0.31 -> shop/store: the port has an IngressBackend or AccessControl, and a caller outside the mesh is none of its sources
      number: 8080 | number: 8081 | kept out | stop no IngressBackend of namespace shop names port 8080 of Service books
      mesh: enabled | mesh: disabled | arrives without an IngressBackend | stop pod shop/store is not in the mesh: it is open to everybody
      annotations: {} | annotations: {sluice.io/inbound-port-exclusion-list: "8080"} | arrives without an IngressBackend | stop pod shop/store excludes port 8080: it is open to everybody
      sluice.io/mesh: enabled}}⏎ | sluice.io/mesh: enabled}}⏎---⏎apiVersion: v1⏎kind: Namespace⏎metadata: {name: edge, labels: {sluice.io/mesh: enabled}}⏎ | unknown | stop pod edge/gateway of the ingress is in the mesh: TrafficTargets decide
      """;

  static Stream<Wrong> wrongs() {
    String none = "kept out";
    return Stream.concat(
        ROWS.lines()
            .map(row -> row.replace('⏎', '\n').split(" \\| ", -1))
            .map(row -> wrong(row[0], row[1], row[2], row[3])),
        Stream.of(
            wrong(
                "kind: IngressBackend",
                "kind: AccessControl",
                "arrives without an IngressBackend",
                "stop 10.1.0.31 -> shop/store: " + Reason.INGRESS_BACKEND.explanation()),
            wrong(
                "protocol: http}}",
                "protocol: https}}",
                none,
                "stop 10.1.0.31 -> shop/store: " + Reason.INGRESS_PRINCIPAL_REFUSED.explanation()),
            called(
                CALL + " --ingress-backend absent",
                "let in",
                "stop IngressBackend shop/absent does not exist"),
            called(
                CALL.replace("8080", "80"), none, "stop no pod of Service shop/books has port 80"),
            called(
                CALL.replace("to-pod shop/store", "to-pod shop/absent"),
                "unknown",
                "stop pod shop/absent does not exist, or is no pod of the mesh's"),
            called(
                "--from-range 10.1.0.0/16 --to-service shop/books",
                "mixed", // the gateway's pod is in it
                "ok the ingress calls from 10.1.0.0/16"),
            called(
                "--from-range 192.0.2.1 --to-pod shop/other",
                "unknown",
                "stop no Service of namespace shop leads to pod shop/other")));
  }

  private JsonNode run(int code, String yaml, String call) throws IOException {
    out.getBuffer().setLength(0);
    Files.writeString(directory.resolve("mesh.yaml"), yaml);
    List<String> words = new ArrayList<>(List.of("verify", "ingress", "-o", "json"));
    words.addAll(List.of("--registry", directory.toString(), "--node-name", "nobody-here"));
    words.addAll(List.of(call.split(" ")));
    int ended =
        SluiceCommand.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(words.toArray(String[]::new));
    assertThat(ended).as("%s%n%s", out, err).isEqualTo(code);
    return new ObjectMapper().readTree(out.toString());
  }

  /** What a client shows in TLS is supposed, and said. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "skipClientCertValidation: true; turn what is not TLS is kept out",
        "skipClientCertValidation: true, sniHosts: [b.example, a.example];"
            + " turn what is not TLS that names a.example is kept out"
      })
  void httpsLetsInWhoSpeaksTls(String tls, String step) throws IOException {
    String yaml = MESH.replace("protocol: http}}", "protocol: https}, tls: {" + tls + "}}");

    JsonNode answer = run(0, yaml, CALL + " --ingress-backend store");

    assertThat(answer.path("verdict").asText()).isEqualTo("let in");
    assertThat(steps(answer)).contains(step).noneMatch(each -> each.startsWith("stop"));
  }

  private static List<String> steps(JsonNode answer) {
    return answer
        .path("steps")
        .valueStream()
        .map(step -> step.path("mark").asText() + " " + step.path("text").asText())
        .toList();
  }

  @Test
  void sayWhichIngressBackendLetsItInAndWhatIsNotEnforced() throws IOException {
    JsonNode answer = run(0, MESH, CALL + " --ingress-backend store");

    assertThat(answer.path("verdict").asText()).isEqualTo("let in");
    assertThat(answer.path("ingressBackend").asText()).isEqualTo("shop/store");
    assertThat(answer.path("ways"))
        .singleElement()
        .satisfies(way -> assertThat(way.path("reason").asText()).isEqualTo("ingress_backend"));
    assertThat(steps(answer)).noneMatch(step -> step.startsWith("stop"));

    JsonNode withTls =
        run(
            0,
            MESH.replace("protocol: http}}", "protocol: http}, tls: {sniHosts: [a.example]}}"),
            CALL.replace(" --to-port 8080", ""));
    assertThat(steps(withTls))
        .contains(
            "turn IngressBackend shop/store spec.backends[0].tls: has no meaning where the protocol is"
                + " http: sniHosts");
  }

  @ParameterizedTest
  @MethodSource("wrongs")
  void whatIsWrongIsNamed(Wrong one) throws IOException {
    assertThat(MESH).contains(one.was());
    JsonNode answer = run(1, MESH.replace(one.was(), one.is()), one.call());

    assertThat(steps(answer)).contains(one.step());
    assertThat(answer.path("verdict").asText()).as("%s", out).isEqualTo(one.verdict());
  }

  @Test
  void aPortOfAnotherServiceIsNotTaken() throws IOException {
    String mesh =
        MESH.replace(
            "backends: [{", "backends: [{name: gateway, port: {number: 8000, protocol: http}}, {");

    JsonNode answer = run(0, mesh, CALL.replace(" --to-port 8080", ""));

    assertThat(answer.path("port").asInt()).isEqualTo(8080);
  }

  /** Of two the older one decides, and a command for the younger one says so. */
  @Test
  void theYoungerOfTwoIsToldToHaveNoEffect() throws IOException {
    String younger = MESH.substring(MESH.lastIndexOf("---")).replace("name: store,", "name: zoo,");

    JsonNode answer = run(1, MESH + younger, CALL + " --ingress-backend zoo");

    assertThat(answer.path("ingressBackend").asText()).isEqualTo("shop/store");
    assertThat(steps(answer))
        .contains(
            "stop IngressBackend shop/zoo spec.backends: port 8080 of Service books is a backend of"
                + " IngressBackend shop/store already",
            "stop IngressBackend shop/zoo is not the one that decides");
  }

  @Test
  void aRangeIsLetInWhereAllOfItIs() throws IOException {
    String mesh =
        MESH.replace(
            "{kind: Service, name: gateway, namespace: edge}",
            "{kind: IPRange, name: 192.0.2.0/24}");

    assertThat(run(0, mesh, "--from-range 192.0.2.0/25 --to-service shop/books").path("ways"))
        .hasSize(1);
    JsonNode wider = run(1, mesh, "--from-range 192.0.2.0/23 --to-service shop/books");
    assertThat(wider.path("verdict").asText()).isEqualTo("mixed");
  }

  /** Sources, of which both ends of the range asked for may be some, and what becomes of it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "192.0.2.0/26,192.0.2.192/26; 192.0.2.0/24; mixed; 192.0.2.0 192.0.2.64",
        "192.0.2.77/32; 192.0.2.0/24; mixed; 192.0.2.0 192.0.2.77",
        "2001:db8::/34,2001:db8:c000::/34; 2001:db8::/32; mixed; 2001:db8:: 2001:db8:4000::",
        "192.0.2.0/25,192.0.2.128/25; 192.0.2.0/24; let in; 192.0.2.0",
        "0.0.0.0/0; 0.0.0.0/0; let in; 0.0.0.0",
        "255.255.255.255/32; 0.0.0.0/0; mixed; 0.0.0.0 255.255.255.255",
        "10.1.0.0/16; 10.1.0.22/31; let in; 10.1.0.23",
        "10.1.0.0/16,10.1.0.22/32; 10.1.0.22/31; let in; 10.1.0.23",
        "10.1.0.0/16; 10.1.0.22/32; unknown; 10.1.0.22"
      })
  void everyPartOfARangeIsJudged(String sources, String range, String verdict, String from)
      throws IOException {
    String ranges =
        Stream.of(sources.split(","))
            .map(one -> "{kind: IPRange, name: \"%s\"}".formatted(one))
            .collect(Collectors.joining(", "));
    String mesh =
        MESH.replace("{kind: Service, name: gateway, namespace: edge}", ranges)
            .replace("{ip: 10.1.0.21}", "{ip: 10.1.0.21}, {ip: \"fd00::21\"}");

    JsonNode answer =
        run(
            verdict.equals("let in") ? 0 : 1,
            mesh,
            "--from-range " + range + " --to-pod shop/store --to-service books");

    assertThat(answer.path("ways").valueStream().map(way -> way.path("from").asText()))
        .containsExactly(from.split(" "));
    assertThat(answer.path("verdict").asText()).isEqualTo(verdict);
  }

  @Test
  void whatIsNotAskedForIsAMistakeOfTheCaller() throws IOException {
    Map<String, String> mistakes =
        Map.of(
            "--to-pod shop/store",
            "Missing required argument",
            "--from-range 10.1.0.1",
            "say --to-pod NAMESPACE/NAME, or --to-service NAMESPACE/NAME",
            "--from-range 10.1.0.1 --to-service books",
            "say --to-pod NAMESPACE/NAME, or --to-service NAMESPACE/NAME",
            "--from-range 10.1.0.300 --to-pod shop/store",
            "'10.1.0.300'",
            "--from-service gateway --to-pod shop/store",
            "'gateway' is not of the form namespace/name");
    for (Map.Entry<String, String> mistake : mistakes.entrySet()) {
      err.getBuffer().setLength(0);
      run(2, MESH, mistake.getKey());
      assertThat(err.toString()).contains(mistake.getValue());
    }
  }
}

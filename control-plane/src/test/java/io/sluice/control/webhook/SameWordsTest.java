package io.sluice.control.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.await.Await;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.conditions.StatusWriter;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesRegistry;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ReadableKind;
import io.sluice.control.validate.Finding;
import io.sluice.control.validate.Finding.Level;
import io.sluice.control.validate.ObjectsPresent;
import io.sluice.control.validate.Validation;
import io.sluice.mesh.NamespaceMembership;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Of a wrong object the webhook, the status in the cluster, and {@code validate} say the same: one
 * example of each rule.
 */
class SameWordsTest {
  /** Kind; what is wrong with it; the field that is told; a part of the reason. */
  private static final List<Wrong> TABLE =
      """
      HTTPRouteGroup | matches: [{name: a, pathRegex: '('}] | matches[0].pathRegex | missing closing )
      HTTPRouteGroup | matches: [{name: a, pathRegex: '\\Qa'}] | matches[0].pathRegex | \\Q
      HTTPRouteGroup | matches: [{name: a, methods: []}] | matches[0].methods | the list names no method
      HTTPRouteGroup | matches: [{name: a, methods: [G T]}] | matches[0].methods[0] | no method of HTTP
      HTTPRouteGroup | matches: [{pathRegex: /}] | matches[0].name | the field is missing
      HTTPRouteGroup | matches: [{name: a}, {name: a}] | matches[1].name | the same name
      HTTPRouteGroup | matches: [{name: a, headers: {x: '('}}] | matches[0].headers["x"] | missing closing )
      HTTPRouteGroup | matches: [{name: a, headers: [{X: a}, {x: b}]}] | matches[0].headers | is there twice
      HTTPRouteGroup | matches: [{name: a, pathRegex: 5}] | matches[0].pathRegex | this is an integer
      TrafficSplit | service: web, backends: [{service: v1, weight: -1}] | backends[0].weight | -1
      TrafficSplit | service: web, backends: [{service: v1, weight: 1000001}] | backends[0].weight | is too much
      TrafficSplit | service: web, backends: [{service: v1, weight: some}] | backends[0].weight | is no weight
      TrafficSplit | service: web, backends: [{service: v1}] | backends[0].weight | the field is missing
      TrafficSplit | service: web, backends: [{service: v1.far, weight: 1}] | backends[0].service | no Service of
      TrafficSplit | service: web.far, backends: [{service: v1, weight: 1}] | service | is no Service of
      TrafficSplit | service: Web_, backends: [{service: v1, weight: 1}] | service | 'Web_' is not
      TrafficSplit | service: web, backends: [{service: v1, weight: 1}], matches: [{kind: TCPRoute, name: main}] | matches[0].kind | TCPRoute
      in mesh: TrafficSplit | service: gone, backends: [{service: v1, weight: 1}] | service | no such Service
      in mesh: TrafficSplit | service: web, backends: [{service: gone, weight: 1}] | backends[0].service | does not exist
      TrafficTarget | rules: [{kind: SCTPRoute, name: main}] | rules[0].kind | is not known
      TrafficTarget | rules: [{kind: UDPRoute, name: main, matches: [a]}] | rules[0].matches | a
      in mesh: TrafficTarget | rules: [{kind: UDPRoute, name: gone}] | rules[0] | does not exist
      TrafficTarget | rules: [{kind: TCPRoute, name: main, matches: [a]}] | rules[0].matches | a
      TrafficTarget | rules: [{kind: HTTPRouteGroup, name: all, matches: []}] | rules[0].matches | no
      TrafficTarget | rules: [{name: main}] | rules[0].kind | the field is missing
      TrafficTarget | rules: [] | rules | is empty
      in mesh: TrafficTarget | rules: [{kind: TCPRoute, name: gone}] | rules[0] | does not exist
      in mesh: TrafficTarget | rules: [{kind: HTTPRouteGroup, name: all, matches: [gone]}] | rules[0].matches[0] | gone
      in mesh: UpstreamTrafficSetting | host: web.far | host | is no Service of
      UpstreamTrafficSetting | connectionSettings: {tcp: {connectTimeout: 5}} | connectionSettings.tcp.connectTimeout | expected a string
      UpstreamTrafficSetting | connectionSettings: {tcp: {connectTimeout: 5x}} | connectionSettings.tcp.connectTimeout | '5x' is no duration
      UpstreamTrafficSetting | connectionSettings: {tcp: {connectTimeout: 1h}} | connectionSettings.tcp.connectTimeout | 1h is outside
      UpstreamTrafficSetting | connectionSettings: {http: {maxRequests: -1}} | connectionSettings.http.maxRequests | -1 is outside
      UpstreamTrafficSetting | connectionSettings: {http: {circuitBreaking: {errorRatioThreshold: 50}}} | connectionSettings.http.circuitBreaking.errorRatioThreshold | 50 is outside 0..1
      UpstreamTrafficSetting | connectionSettings: {http: {circuitBreaking: {statTimeWindow: 1s}}} | connectionSettings.http.circuitBreaking.errorRatioThreshold | no threshold is set
      UpstreamTrafficSetting | rateLimit: {local: {http: {requests: 0, unit: minute}}} | rateLimit.local.http.requests | 0 is outside
      UpstreamTrafficSetting | rateLimit: {local: {http: {requests: 1, unit: day}}} | rateLimit.local.http.unit | 'day' is no unit
      UpstreamTrafficSetting | rateLimit: {local: {tcp: {unit: second}}} | rateLimit.local.tcp.connections | the field is missing
      UpstreamTrafficSetting | rateLimit: {global: {tcp: {domain: a, descriptors: [{entries: [{key: b, value: c}]}], rateLimitService: {host: 127.0.0.1, port: 1}}}} | rateLimit.global.tcp.rateLimitService.host | 127.0.0.1 is not asked
      UpstreamTrafficSetting | rateLimit: {global: {http: {domain: a, rateLimitService: {host: b, port: 1}}}} | rateLimit.global.http.descriptors | nothing is ever counted
      UpstreamTrafficSetting | rateLimit: {global: {http: {domain: a, rateLimitService: {host: b, port: 1}, descriptors: [{entries: [{}]}]}}} | rateLimit.global.http.descriptors[0].entries[0].genericKey | the entry is none of
      UpstreamTrafficSetting | httpRoutes: [{path: /, rateLimit: {local: {requests: 1, unit: minute}, global: {descriptors: [{entries: [{remoteAddress: {}}]}]}}}] | httpRoutes[0].rateLimit.global | is not acted on
      UpstreamTrafficSetting | httpRoutes: [{path: (, rateLimit: {local: {requests: 1, unit: minute}}}] | httpRoutes[0].path | missing closing )
      in mesh: UpstreamTrafficSetting | host: gone | host | no such Service
      HTTPRoute | matches: [{path: {value: a}}] | matches[0].path.value | no slash
      HTTPRoute | matches: [{path: {type: Suffix, value: /a}}] | matches[0].path.type | 'Suffix' is not known
      HTTPRoute | matches: [{path: {type: RegularExpression, value: /(}}] | matches[0].path.value | missing closing )
      HTTPRoute | matches: [{headers: [{name: a, type: Some, value: b}]}] | matches[0].headers[0].type | 'Some' is not known
      HTTPRoute | filters: [{type: ExternalAuth}] | filters[0].type | not supported
      HTTPRoute | filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [host]}}] | filters[0].type | header host may not be changed
      HTTPRoute | filters: [{type: RequestMirror, requestMirror: {backendRef: {name: v1, port: 80}, percent: 101}}] | filters[0].type | a share of 101/100 is none
      HTTPRoute | filters: [{type: RequestMirror, requestMirror: {backendRef: {name: v1}}}] | filters[0].requestMirror.backendRef.port | the field is missing
      HTTPRoute | filters: [{type: RequestRedirect, requestRedirect: {}}, {type: URLRewrite, urlRewrite: {}}] | filters | one too many
      HTTPRoute | timeouts: {request: 1 s} | timeouts.request | is no duration
      HTTPRoute | timeouts: {request: 1s, backendRequest: 1s1ms} | timeouts.backendRequest | longer than that of the request
      GRPCRoute | timeouts: {request: 1s} | timeouts | is not acted on
      IngressBackend | backends: [{name: NAME, port: {number: 80, protocol: https}, tls: {skipClientCertValidation: false}}], sources: [{kind: IPRange, name: 10.0.0.0/8}] | sources | no AuthenticatedPrincipal
      IngressBackend | backends: [{name: NAME, port: {number: 80, protocol: http}}], sources: [{kind: IPRange, name: 10.0.0.0/33}] | sources[0].name | prefix length 33 is outside
      Retry | retryOn: 'reset,5xxx' | retryPolicy.retryOn | '5xxx' is not known
      Retry | numRetries: 1 | retryPolicy.retryOn | the field is missing
      Retry | retryOn: 5xx, numRetries: 101 | retryPolicy.numRetries | 101 is too much
      Retry | retryOn: 5xx, perTryTimeout: 1x | retryPolicy.perTryTimeout | is no duration
      Retry | retryOn: retriable-status-codes | retryPolicy.retryOn | has retriable-status
      Telemetry | selector: {app: 1} | selector.app | this is an integer
      Telemetry | accessLog: {format: '%REQ(COOKIE)%'} | accessLog.format | %REQ(COOKIE)% is no operator
      Telemetry | accessLog: {format: '100% of %PROTOCOL%'} | accessLog.format | begins with no operator
      Telemetry | accessLog: {format: '{"a": %PROTOCOL%}'} | accessLog.format | begins with { and is no JSON
      Telemetry | accessLog: {format: '{"a": "", "a": ""}'} | accessLog.format | Duplicate field
      Telemetry | accessLog: {format: 'LONG LONG LONG'} | accessLog.format | more than 8192 characters
      Telemetry | accessLog: {format: "a\\nb"} | accessLog.format | more than ASCII that can be printed
      Telemetry | accessLog: {openTelemetry: {attributes: {a: b}}} | accessLog.openTelemetry.extensionService | the field is missing
      Telemetry | accessLog: {openTelemetry: {extensionService: {name: a, namespace: shop}, attributes: {a: LONG}}} | accessLog.openTelemetry.attributes.a | more than 256 characters
      in mesh: Telemetry | selector: {app: gone}, accessLog: {openTelemetry: {extensionService: {name: gone, namespace: shop}}} | accessLog.openTelemetry.extensionService | is not there or cannot be used
      ExtensionService | port: 4317 | host | the field is missing
      ExtensionService | host: otel, port: 4317, protocol: https | protocol | 'https' is no protocol
      ExtensionService | host: otel, port: 4317, connectTimeout: 1h | connectTimeout | 1h is outside
      ExtensionService | host: otel, port: 4317, tls: {caPem: none} | tls.caPem | neither a path nor base64
      ExtensionService | host: 169.254.169.254, port: 80 | host | is not asked
      FaultInjection | delay: {percentage: 101} | delay.percentage | 101 is outside 0..100
      FaultInjection | delay: {min: 1s} | delay.percentage | the field is missing
      FaultInjection | delay: {percentage: 1, min: 2s} | delay.min | is longer than max
      FaultInjection | delay: {percentage: 1, max: 31s} | delay.max | is more than 30s
      FaultInjection | abort: {percentage: -1} | abort.percentage | -1
      FaultInjection | abort: {percentage: 1, response: {headers: {x-a: LONG, x-b: LONG}}} | abort.response.headers | or 4096 characters
      FaultInjection | abort: {percentage: 1, response: {status: 600}} | abort.response.status | 600 is outside 200..599
      FaultInjection | abort: {percentage: 1, response: {headers: {Host: a}}} | abort.response.headers | may not be changed
      HTTPRoute | filters: [{type: ExtensionRef, extensionRef: {group: a.example, kind: B, name: c}}] | filters[0].type | names kind 'B' of group 'a.example'
      in mesh: HTTPRoute | filters: [{type: ExtensionRef, extensionRef: {group: extension.gateway.flomesh.io, kind: FaultInjection, name: gone}}] | filters[0].extensionRef.name | which is not there or cannot be used
      in mesh: HTTPRoute | timeouts: {request: 1s}, filters: [{type: ExtensionRef, extensionRef: {group: extension.gateway.flomesh.io, kind: FaultInjection, name: slow}}] | filters[0].extensionRef.name | longer than timeouts.request
      HTTPRoute | sessionPersistence: {cookieConfig: {lifetimeType: Forever}} | sessionPersistence.cookieConfig.lifetimeType | 'Forever' is not known
      HTTPRoute | retry: {attempts: 1} | retry | is not acted on
      in mesh: HTTPRoute | filters: [{type: RequestMirror, requestMirror: {backendRef: {name: gone, port: 80}}}] | filters[0].requestMirror.backendRef | it gets no copies
      GRPCRoute | matches: [{method: {type: Prefix, service: a}}] | matches[0].method.type | 'Prefix' is not known
      GRPCRoute | matches: [{method: {type: RegularExpression, service: (}}] | matches[0].method | missing closing )
      """
          .lines()
          .map(SameWordsTest::wrong)
          .toList();

  /** What they name, none of it wrong. */
  private static final String SURROUNDINGS =
      service("web")
          + service("v1")
          + """
          ---
          apiVersion: specs.smi-spec.io/v1alpha4
          kind: HTTPRouteGroup
          metadata: {name: all, namespace: shop}
          spec: {matches: [{name: all}]}
          ---
          apiVersion: specs.smi-spec.io/v1alpha4
          kind: TCPRoute
          metadata: {name: main, namespace: shop}
          ---
          apiVersion: extension.gateway.flomesh.io/v1alpha1
          kind: FaultInjection
          metadata: {name: slow, namespace: shop}
          spec: {delay: {percentage: 1, max: 2s}}
          ---
          """;

  private static ClusterHistory history;
  private static FakeCluster cluster;
  private static KubernetesRegistry registry;
  private static KubernetesApi api;
  private static StatusWriter writer;

  /**
   * An object that breaks one rule.
   *
   * @param field that is told
   * @param part of the reason
   * @param seenAlone whether it is wrong whatever else there is
   */
  private record Wrong(String yaml, String field, String part, boolean seenAlone) {
    /** Under a name of its own, and for a Service of its own. */
    String text() {
      return yaml.replace("NAME", "n" + TABLE.indexOf(this));
    }

    @Override
    public String toString() {
      return text().lines().skip(1).findFirst().orElse("") + " " + field + ": " + part;
    }
  }

  /** Of a row of the table; whether other objects matter stands before the kind. */
  private static Wrong wrong(String row) {
    String[] cells = row.split(" \\| ", -1);
    String kind = cells[0].replace("in mesh: ", "");
    return new Wrong(
        yaml(kind, cells[1].replace("LONG", "a".repeat(3_000))),
        (kind.endsWith("Route") ? "spec.rules[0]." : "spec.") + cells[2],
        cells[3],
        kind.equals(cells[0]));
  }

  private static String yaml(String kind, String wrong) {
    ReadableKind known =
        Stream.of(ReadableKind.values())
            .filter(each -> each.kind().equals(kind))
            .findFirst()
            .orElseThrow();
    String spec =
        switch (known) {
          case TRAFFIC_TARGET ->
              "destination: {kind: ServiceAccount, name: web, namespace: shop},"
                  + " sources: [{kind: ServiceAccount, name: db, namespace: shop}], %s";
          case RETRY ->
              "source: {kind: ServiceAccount, name: NAME, namespace: shop},"
                  + " destinations: [{kind: Service, name: v1, namespace: shop}],"
                  + " retryPolicy: {%s}";
          case HTTP_ROUTE, GRPC_ROUTE ->
              "parentRefs: [{group: '', kind: Service, name: NAME}],"
                  + " rules: [{%s, backendRefs: [{name: v1, port: 80}]}]";
          case UPSTREAM_TRAFFIC_SETTING -> wrong.startsWith("host:") ? "%s" : "host: NAME, %s";
          default -> "%s";
        };
    return """
    apiVersion: %s/%s
    kind: %s
    metadata: {name: NAME, namespace: shop}
    spec: {%s}
    """
        .formatted(known.group(), known.versions().getFirst(), kind, spec.formatted(wrong));
  }

  private static String service(String name) {
    return """
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: shop}
    spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80}]}
    """
        .formatted(name);
  }

  /** Every row with what it needs, and a Service for its own. */
  private static String mesh(Wrong wrong) {
    return wrong.text() + service("n" + TABLE.indexOf(wrong)) + SURROUNDINGS;
  }

  static Stream<Wrong> table() {
    return TABLE.stream();
  }

  @BeforeAll
  static void open(@TempDir Path home) throws Exception {
    history = new ClusterHistory();
    for (Wrong wrong : TABLE) {
      history.apply(service("n" + TABLE.indexOf(wrong)));
      history.apply(wrong.text());
    }
    history.apply(SURROUNDINGS.substring(4, SURROUNDINGS.length() - 4));
    cluster = new FakeCluster(history);
    registry =
        new KubernetesRegistry(cluster.access(home, "reader"), CompilerSettings.USUAL, _ -> {});
    api = new KubernetesApi(cluster.access(home, "writer"), Duration.ofSeconds(4));
    registry.start(_ -> {});
    writer =
        new StatusWriter(
            api,
            () -> true,
            registry,
            List::of,
            Map::of,
            new ControllerMetrics().replica(),
            InstantSource.system());
  }

  @AfterAll
  static void close() {
    writer.close();
    registry.close();
    api.close();
    cluster.close();
  }

  @ParameterizedTest
  @MethodSource("table")
  void aWrongObjectMeetsTheSameWordsEverywhere(Wrong wrong) throws Exception {
    Finding finding = validated(wrong);
    String told = finding.field() + ": " + finding.reason() + "; " + finding.mend();

    if (wrong.seenAlone()) {
      assertThat(admission(wrong, finding.level())).contains(told);
    }
    Await.until("the status says so", () -> status(wrong).contains(told));
  }

  /** The one that was there has it; who comes is refused, and no change of theirs for that. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          UpstreamTrafficSetting | host: web | host: v1 | spec.host: is web, which UpstreamTrafficSetting shop/a is for already
          IngressBackend | backends: [{name: web, port: {number: 80, protocol: http}}], sources: [{kind: IPRange, name: 10.0.0.0/8}] | backends: [{name: web, port: {number: 81, protocol: http}}], sources: [{kind: IPRange, name: 10.0.0.0/8}] | spec.backends: port 80 of Service web is a backend of IngressBackend shop/a already
          Telemetry | selector: {app: a}, accessLog: {} | selector: {app: b}, accessLog: {} | spec.selector: selects no pod that Telemetry shop/a, which is older, is not for already
          AccessControl | backends: [{name: web, port: {number: 80, protocol: http}}], sources: [{kind: IPRange, name: 10.0.0.0/8}] | backends: [{name: web, port: {number: 81, protocol: http}}], sources: [{kind: IPRange, name: 10.0.0.0/8}] | spec.backends: port 80 of Service web is a backend of AccessControl shop/a already
          """)
  void whoClaimsWhatAnotherHasMeetsTheSameWordsEverywhere(
      String kind, String spec, String otherwise, String words) throws Exception {
    String written =
        "{apiVersion: policy.openservicemesh.io/v1alpha1, kind: %s, metadata: {name: %s, namespace: shop}, spec: {%s}}";
    String second = written.formatted(kind, "b", spec);
    history.apply(written.formatted(kind, "a", spec));
    history.apply(second);
    Await.until(
        "the status says so",
        () -> history.stored(second).path("status").toString().contains(words + "; remove one of"));

    ObjectsPresent present = present();
    JsonNode created = reviewed(second, null, present);
    assertThat(created.path("allowed").asBoolean()).isFalse();
    assertThat(created.at("/status/message").asText()).contains(words + "; remove one of the two");
    assertThat(reviewed(second, second, present).path("allowed").asBoolean()).isTrue();
    String third = written.formatted(kind, "c", otherwise);
    assertThat(reviewed(third, null, present).path("allowed").asBoolean()).isTrue();
    assertThat(reviewed(written.formatted(kind, "c", spec), third, present).path("allowed"))
        .hasToString("false");
  }

  private static ObjectsPresent present() {
    return new ObjectsPresent() {
      @Override
      public NamespaceMembership membership(String namespace) {
        return NamespaceMembership.INSIDE;
      }

      @Override
      public List<KubernetesObject> beside(KubernetesObject object) {
        return registry.beside(object);
      }
    };
  }

  /** One for a host outside that no Egress names is refused itself, and has nothing. */
  @Test
  void whoHasNothingStandsInNobodysWay() throws Exception {
    String setting =
        "{apiVersion: policy.openservicemesh.io/v1alpha1, kind: UpstreamTrafficSetting,"
            + " metadata: {name: %s, namespace: shop}, spec: {host: claimed.example}}";
    String first = setting.formatted("claimer");
    history.apply(first);
    Await.until(
        "the status says so",
        () -> history.stored(first).path("status").toString().contains("no Egress there names"));

    String second = setting.formatted("owner");
    assertThat(reviewed(second, null, present()).path("allowed")).hasToString("true");

    history.apply(
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: Egress
        metadata: {name: claimer, namespace: shop}
        spec:
          sources: [{kind: ServiceAccount, name: buyer, namespace: shop}]
          hosts: [claimed.example]
          ports: [{number: 80, protocol: http}]
          matches: [{kind: UpstreamTrafficSetting, name: claimer}]
        """);
    Await.until(
        "now it has it", () -> !reviewed(second, null, present()).path("allowed").asBoolean());
  }

  /** What {@code validate} says of the whole. */
  private static Finding validated(Wrong wrong) {
    List<Finding> found =
        Validation.ofMesh(
                Map.of("mesh.yaml", mesh(wrong).getBytes(StandardCharsets.UTF_8)),
                CompilerSettings.USUAL)
            .findings();
    return found.stream()
        .filter(finding ->
            finding.field().equals(wrong.field()) && finding.reason().contains(wrong.part()))
        .findFirst()
        .orElseThrow(() -> new AssertionError("validate says " + found));
  }

  private static JsonNode reviewed(
      String yaml, @Nullable String beforeOrNull, ObjectsPresent present) throws Exception {
    ObjectNode review = new ObjectMapper().createObjectNode();
    review.put("apiVersion", "admission.k8s.io/v1").put("kind", "AdmissionReview");
    ObjectNode request = review.putObject("request").put("uid", "u");
    request.set("object", ClusterHistory.parse(yaml).getFirst());
    if (beforeOrNull != null) {
      request.set("oldObject", ClusterHistory.parse(beforeOrNull).getFirst());
    }
    return new ObjectMapper()
        .readTree(
            AdmissionReviews.answer(
                review.toString().getBytes(StandardCharsets.UTF_8),
                CompilerSettings.USUAL,
                present))
        .path("response");
  }

  private static String admission(Wrong wrong, Level level) throws Exception {
    JsonNode response = reviewed(wrong.text(), null, _ -> NamespaceMembership.INSIDE);
    assertThat(response.path("allowed").asBoolean()).isEqualTo(level != Level.ERROR);
    return level == Level.ERROR
        ? response.at("/status/message").asText()
        : response.path("warnings").toString();
  }

  /** The messages of its conditions; of a route those of its parent. */
  private static String status(Wrong wrong) {
    JsonNode status = history.stored(wrong.text()).path("status");
    JsonNode conditions =
        status.has("parents") ? status.at("/parents/0/conditions") : status.path("conditions");
    return Stream.iterate(0, i -> i < conditions.size(), i -> i + 1)
        .map(i -> conditions.path(i).path("message").asText())
        .collect(Collectors.joining("\n"));
  }
}

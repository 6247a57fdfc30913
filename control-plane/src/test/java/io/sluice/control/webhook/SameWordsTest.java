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
import io.sluice.control.validate.Finding;
import io.sluice.control.validate.Finding.Level;
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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Of a wrong object the webhook, the status in the cluster, and {@code validate} say the same: one
 * example of each rule.
 */
class SameWordsTest {
  private static final List<Wrong> TABLE =
      List.of(
          group("- {name: a, pathRegex: '('}", "matches[0].pathRegex", "missing closing )"),
          group("- {name: a, pathRegex: '\\Qa'}", "matches[0].pathRegex", "\\Q"),
          group("- {name: a, methods: []}", "matches[0].methods", "the list names no method"),
          group("- {name: a, methods: [G T]}", "matches[0].methods[0]", "no method of HTTP"),
          group("- {pathRegex: /}", "matches[0].name", "the field is missing"),
          group("- {name: a}\n  - {name: a}", "matches[1].name", "the same name"),
          group("- {name: a, headers: {x: '('}}", "matches[0].headers[\"x\"]", "missing closing )"),
          group("- {name: a, headers: [{X: a}, {x: b}]}", "matches[0].headers", "is there twice"),
          group("- {name: a, pathRegex: 5}", "matches[0].pathRegex", "this is an integer"),
          split("web", "[{service: v1, weight: -1}]", "backends[0].weight", "-1"),
          split("web", "[{service: v1, weight: 1000001}]", "backends[0].weight", "is too much"),
          split("web", "[{service: v1, weight: some}]", "backends[0].weight", "is no weight"),
          split("web", "[{service: v1}]", "backends[0].weight", "the field is missing"),
          split("web", "[{service: v1.far, weight: 1}]", "backends[0].service", "no Service of"),
          split("web.far", "[{service: v1, weight: 1}]", "service", "is no Service of"),
          split("Web_", "[{service: v1, weight: 1}]", "service", "'Web_' is not"),
          split(
              "web",
              "[{service: v1, weight: 1}], matches: [{kind: TCPRoute, name: main}]",
              "matches[0].kind",
              "TCPRoute"),
          inMesh(split("gone", "[{service: v1, weight: 1}]", "service", "no such Service")),
          inMesh(
              split(
                  "web", "[{service: gone, weight: 1}]", "backends[0].service", "does not exist")),
          target("rules: [{kind: UDPRoute, name: main}]", "rules[0].kind", "is not known"),
          target("rules: [{kind: TCPRoute, name: main, matches: [a]}]", "rules[0].matches", "a"),
          target(
              "rules: [{kind: HTTPRouteGroup, name: all, matches: []}]", "rules[0].matches", "no"),
          target("rules: [{name: main}]", "rules[0].kind", "the field is missing"),
          target("rules: []", "rules", "is empty"),
          inMesh(target("rules: [{kind: TCPRoute, name: gone}]", "rules[0]", "does not exist")),
          inMesh(
              target(
                  "rules: [{kind: HTTPRouteGroup, name: all, matches: [gone]}]",
                  "rules[0].matches[0]",
                  "gone")),
          inMesh(upstream("host: web.far", "host", "is no Service of")),
          upstream(
              "connectionSettings: {tcp: {connectTimeout: 5}}",
              "connectionSettings.tcp.connectTimeout",
              "expected a string"),
          upstream(
              "connectionSettings: {tcp: {connectTimeout: 5x}}",
              "connectionSettings.tcp.connectTimeout",
              "'5x' is no duration"),
          upstream(
              "connectionSettings: {tcp: {connectTimeout: 1h}}",
              "connectionSettings.tcp.connectTimeout",
              "1h is outside"),
          upstream(
              "connectionSettings: {http: {maxRequests: -1}}",
              "connectionSettings.http.maxRequests",
              "-1 is outside"),
          upstream(
              "connectionSettings: {http: {circuitBreaking: {errorRatioThreshold: 50}}}",
              "connectionSettings.http.circuitBreaking.errorRatioThreshold",
              "50 is outside 0..1"),
          upstream(
              "connectionSettings: {http: {circuitBreaking: {statTimeWindow: 1s}}}",
              "connectionSettings.http.circuitBreaking.errorRatioThreshold",
              "no threshold is set"),
          upstream(
              "rateLimit: {local: {http: {requests: 0, unit: minute}}}",
              "rateLimit.local.http.requests",
              "0 is outside"),
          upstream(
              "rateLimit: {local: {http: {requests: 1, unit: day}}}",
              "rateLimit.local.http.unit",
              "'day' is no unit"),
          upstream(
              "rateLimit: {local: {tcp: {unit: second}}}",
              "rateLimit.local.tcp.connections",
              "the field is missing"),
          upstream(
              "rateLimit: {global: {tcp: {domain: a, descriptors: [{entries: [{key: b, value: c}]}],"
                  + " rateLimitService: {host: 127.0.0.1, port: 1}}}}",
              "rateLimit.global.tcp.rateLimitService.host",
              "127.0.0.1 is not asked"),
          upstream(
              "rateLimit: {global: {http: {domain: a, rateLimitService: {host: b, port: 1}}}}",
              "rateLimit.global.http.descriptors",
              "nothing is ever counted"),
          upstream(
              "rateLimit: {global: {http: {domain: a, rateLimitService: {host: b, port: 1},"
                  + " descriptors: [{entries: [{}]}]}}}",
              "rateLimit.global.http.descriptors[0].entries[0].genericKey",
              "the entry is none of"),
          upstream(
              "httpRoutes: [{path: /, rateLimit: {local: {requests: 1, unit: minute},"
                  + " global: {descriptors: [{entries: [{remoteAddress: {}}]}]}}}]",
              "httpRoutes[0].rateLimit.global",
              "is not acted on"),
          upstream(
              "httpRoutes: [{path: (, rateLimit: {local: {requests: 1, unit: minute}}}]",
              "httpRoutes[0].path",
              "missing closing )"),
          inMesh(upstream("host: gone", "host", "no such Service")),
          route("HTTPRoute", "matches: [{path: {value: a}}]", "matches[0].path.value", "no slash"),
          route(
              "HTTPRoute",
              "matches: [{path: {type: Suffix, value: /a}}]",
              "matches[0].path.type",
              "'Suffix' is not known"),
          route(
              "HTTPRoute",
              "matches: [{path: {type: RegularExpression, value: /(}}]",
              "matches[0].path.value",
              "missing closing )"),
          route(
              "HTTPRoute",
              "matches: [{headers: [{name: a, type: Some, value: b}]}]",
              "matches[0].headers[0].type",
              "'Some' is not known"),
          route("HTTPRoute", "filters: [{type: ExternalAuth}]", "filters[0].type", "not supported"),
          route(
              "HTTPRoute",
              "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [host]}}]",
              "filters[0].type",
              "header host may not be changed"),
          route(
              "HTTPRoute",
              "filters: [{type: RequestMirror, requestMirror:"
                  + " {backendRef: {name: v1, port: 80}, percent: 101}}]",
              "filters[0].type",
              "a share of 101/100 is none"),
          route(
              "HTTPRoute",
              "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: v1}}}]",
              "filters[0].requestMirror.backendRef.port",
              "the field is missing"),
          route(
              "HTTPRoute",
              "filters: [{type: RequestRedirect, requestRedirect: {}},"
                  + " {type: URLRewrite, urlRewrite: {}}]",
              "filters",
              "one too many"),
          route("HTTPRoute", "timeouts: {request: 1 s}", "timeouts.request", "is no duration"),
          route(
              "HTTPRoute",
              "timeouts: {request: 1s, backendRequest: 1s1ms}",
              "timeouts.backendRequest",
              "longer than that of the request"),
          route("GRPCRoute", "timeouts: {request: 1s}", "timeouts", "is not acted on"),
          retry("retryOn: 'reset,5xxx'", "retryPolicy.retryOn", "'5xxx' is not known"),
          retry("numRetries: 1", "retryPolicy.retryOn", "the field is missing"),
          retry("retryOn: 5xx, numRetries: 101", "retryPolicy.numRetries", "101 is too much"),
          retry("retryOn: 5xx, perTryTimeout: 1x", "retryPolicy.perTryTimeout", "is no duration"),
          retry("retryOn: retriable-status-codes", "retryPolicy.retryOn", "has retriable-status"),
          faults("delay: {percentage: 101}", "delay.percentage", "101 is outside 0..100"),
          faults("delay: {min: 1s}", "delay.percentage", "the field is missing"),
          faults("delay: {percentage: 1, min: 2s}", "delay.min", "is longer than max"),
          faults("delay: {percentage: 1, max: 31s}", "delay.max", "is more than 30s"),
          faults("abort: {percentage: -1}", "abort.percentage", "-1"),
          faults(
              "abort: {percentage: 1, response: {headers: {x-a: %1$s, x-b: %1$s}}}"
                  .formatted("a".repeat(3_000)),
              "abort.response.headers",
              "or 4096 characters"),
          faults(
              "abort: {percentage: 1, response: {status: 600}}",
              "abort.response.status",
              "600 is outside 200..599"),
          faults(
              "abort: {percentage: 1, response: {headers: {Host: a}}}",
              "abort.response.headers",
              "may not be changed"),
          route(
              "HTTPRoute",
              "filters: [{type: ExtensionRef, extensionRef: {group: a.example, kind: B, name: c}}]",
              "filters[0].type",
              "names kind 'B' of group 'a.example'"),
          inMesh(
              route(
                  "HTTPRoute",
                  "filters: [{type: ExtensionRef, extensionRef:"
                      + " {group: extension.gateway.flomesh.io, kind: FaultInjection, name: gone}}]",
                  "filters[0].extensionRef.name",
                  "which is not there")),
          route("HTTPRoute", "retry: {attempts: 1}", "retry", "is not acted on"),
          inMesh(
              route(
                  "HTTPRoute",
                  "filters: [{type: RequestMirror, requestMirror:"
                      + " {backendRef: {name: gone, port: 80}}}]",
                  "filters[0].requestMirror.backendRef",
                  "it gets no copies")),
          route(
              "GRPCRoute",
              "matches: [{method: {type: Prefix, service: a}}]",
              "matches[0].method.type",
              "'Prefix' is not known"),
          route(
              "GRPCRoute",
              "matches: [{method: {type: RegularExpression, service: (}}]",
              "matches[0].method",
              "missing closing )"));

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

  private static Wrong group(String matches, String field, String part) {
    return new Wrong(
        """
        apiVersion: specs.smi-spec.io/v1alpha4
        kind: HTTPRouteGroup
        metadata: {name: NAME, namespace: shop}
        spec:
          matches:
          %s
        """
            .formatted(matches),
        "spec." + field,
        part,
        true);
  }

  private static Wrong split(String service, String backends, String field, String part) {
    return new Wrong(
        """
        apiVersion: split.smi-spec.io/v1alpha4
        kind: TrafficSplit
        metadata: {name: NAME, namespace: shop}
        spec: {service: %s, backends: %s}
        """
            .formatted(service, backends),
        "spec." + field,
        part,
        true);
  }

  private static Wrong target(String rules, String field, String part) {
    return new Wrong(
        """
        apiVersion: access.smi-spec.io/v1alpha3
        kind: TrafficTarget
        metadata: {name: NAME, namespace: shop}
        spec:
          destination: {kind: ServiceAccount, name: web, namespace: shop}
          sources: [{kind: ServiceAccount, name: db, namespace: shop}]
          %s
        """
            .formatted(rules),
        "spec." + field,
        part,
        true);
  }

  private static Wrong retry(String policy, String field, String part) {
    return new Wrong(
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: Retry
        metadata: {name: NAME, namespace: shop}
        spec:
          source: {kind: ServiceAccount, name: NAME, namespace: shop}
          destinations: [{kind: Service, name: v1, namespace: shop}]
          retryPolicy: {%s}
        """
            .formatted(policy),
        "spec." + field,
        part,
        true);
  }

  private static Wrong faults(String spec, String field, String part) {
    return new Wrong(
        """
        apiVersion: extension.gateway.flomesh.io/v1alpha1
        kind: FaultInjection
        metadata: {name: NAME, namespace: shop}
        spec: {%s}
        """
            .formatted(spec),
        "spec." + field,
        part,
        true);
  }

  private static Wrong route(String kind, String rule, String field, String part) {
    return new Wrong(
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: %s
        metadata: {name: NAME, namespace: shop}
        spec:
          parentRefs: [{group: "", kind: Service, name: NAME}]
          rules:
          - %s
            backendRefs: [{name: v1, port: 80}]
        """
            .formatted(kind, rule),
        "spec.rules[0]." + field,
        part,
        true);
  }

  private static Wrong upstream(String spec, String field, String part) {
    return new Wrong(
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: UpstreamTrafficSetting
        metadata: {name: NAME, namespace: shop}
        spec:
          %s
        """
            .formatted(spec.startsWith("host:") ? spec : "host: NAME\n  " + spec),
        "spec." + field,
        part,
        true);
  }

  private static Wrong inMesh(Wrong wrong) {
    return new Wrong(wrong.yaml(), wrong.field(), wrong.part(), false);
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

  private static String admission(Wrong wrong, Level level) throws Exception {
    ObjectNode review = new ObjectMapper().createObjectNode();
    review.put("apiVersion", "admission.k8s.io/v1").put("kind", "AdmissionReview");
    review
        .putObject("request")
        .put("uid", "u")
        .set("object", ClusterHistory.parse(wrong.text()).getFirst());
    JsonNode response =
        new ObjectMapper()
            .readTree(
                AdmissionReviews.answer(
                    review.toString().getBytes(StandardCharsets.UTF_8),
                    CompilerSettings.USUAL,
                    _ -> NamespaceMembership.INSIDE))
            .path("response");
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

package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.control.objects.ObjectReader;
import io.sluice.mesh.Faults;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.HttpFilters.PathChange;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SessionPersistence;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrafficRoute.Backend;
import io.sluice.mesh.TrafficRoute.Rule;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is made of HTTPRoutes and GRPCRoutes, and what is said of them. */
class GatewayCompilerTest {
  private static final String SERVICES =
      service("shop", "web") + service("shop", "v1") + service("shop", "v2") + service("far", "db");

  @Test
  void theMoreSpecificMatchGoesFirstWhateverTheOrder() {
    TrafficRoute route =
        only(
            http(
                "web",
                """
                - matches:
                  - path: {value: /}
                  - path: {value: /api}
                  - path: {type: RegularExpression, value: '/[a-z]+'}
                  - path: {type: Exact, value: /api}
                  - {path: {value: /api}, method: GET}
                  - {path: {value: /api}, headers: [{name: Version, value: two}]}
                  - {path: {value: /api}, queryParams: [{name: a, value: b}]}
                  backendRefs: [{name: v1, port: 80}]
                """));

    assertThat(route.rules())
        .as("one rule stays one")
        .singleElement()
        .extracting(Rule::placeOrNull)
        .hasToString("HTTPRoute shop/web spec.rules[0]");
    assertThat(route.rules().getFirst().matches())
        .extracting(GatewayCompilerTest::text)
        .containsExactly(
            "/api",
            "/[a-z]+",
            "/api(/.*)? GET",
            "/api(/.*)? version",
            "/api(/.*)? ?a",
            "/api(/.*)?",
            ".*");
  }

  private static String text(HttpMatch match) {
    return match.path().text()
        + String.join("", match.methods().stream().map(method -> " " + method).toList())
        + String.join("", match.headers().keySet().stream().map(name -> " " + name).toList())
        + String.join("", match.parameters().keySet().stream().map(name -> " ?" + name).toList());
  }

  @Test
  void olderRoutesGoBeforeYoungerOnesAndThenTheFirstByName() {
    CompiledChange change =
        Manifests.compile(
            SERVICES,
            http("b", "- backendRefs: [{name: v1, port: 80}]")
                .replace("name: b,", "name: b, creationTimestamp: '2026-01-02T00:00:00Z',"),
            http("c", "- backendRefs: [{name: v2, port: 80}]")
                .replace("name: c,", "name: c, creationTimestamp: '2026-01-01T00:00:00Z',"),
            http("a", "- backendRefs: [{name: web, port: 80}]"));

    assertThat(routes(change).getFirst().rules())
        .extracting(rule -> rule.backends().getFirst().serviceOrNull())
        .containsExactly(name("shop", "v2"), name("shop", "v1"), name("shop", "web"));
  }

  @ParameterizedTest
  @CsvSource({
    "'{}', -1, -1",
    "'{request: 1m30s500ms}', 90500, -1",
    "'{request: 0s, backendRequest: 2h}', 0, 7200000",
    "'{request: 10s, backendRequest: 10s}', 10000, 10000",
    "'{request: 99999h99999h99999h99999h}', 1439985600000, -1"
  })
  void limitsOfTimeAreThoseOfTheGatewayApi(String written, long request, long backend) {
    assertThat(
            only(http(
                    "web",
                    "- matches: [{path: {value: /a}}, {method: GET, path: {value: /a}}]\n"
                        + "  timeouts: %s\n  backendRefs: [{name: v1, port: 80}]\n"
                            .formatted(written)))
                .rules()
                .getFirst()
                .limits())
        .isEqualTo(new TrafficRoute.TimeLimits(request, backend));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{sessionName: sid}; COOKIE; sid; /; 0; false",
        "{sessionName: sid, type: Cookie, absoluteTimeout: 1h, cookieConfig: {lifetimeType: Session}};"
            + " COOKIE; sid; /; 3600; false",
        "{sessionName: sid, absoluteTimeout: 1500ms, cookieConfig: {lifetimeType: Permanent}};"
            + " COOKIE; sid; /; 2; true",
        "{sessionName: X-Session, type: Header}; HEADER; x-session; /; 0; false",
        "{cookie: {name: sid, path: /buy, lifetimeType: Permanent}, absoluteTimeout: 30m};"
            + " COOKIE; sid; /buy; 1800; true",
        "{type: Header, header: {name: x-session}}; HEADER; x-session; /; 0; false"
      })
  void sessionsAreThoseOfTheGatewayApiInItsOldWordsAndItsNew(
      String written,
      SessionPersistence.Carrier carrier,
      String name,
      String path,
      long seconds,
      boolean permanent) {
    SessionPersistence session = session(written);
    assertThat(session)
        .isEqualTo(
            new SessionPersistence(carrier, name, path, seconds, permanent, session.scope()));
  }

  @Test
  void sessionsOfRulesAreNotOneAnothers() {
    String rule =
        "- matches: [{path: {value: /%s}}]\n  sessionPersistence: {}\n"
            + "  backendRefs: [{name: v1, port: 80}]\n";
    List<SessionPersistence> sessions =
        only(http("web", rule.formatted("a") + rule.formatted("b"))).rules().stream()
            .map(each -> Objects.requireNonNull(each.sessionOrNull()))
            .toList();
    assertThat(sessions).hasSize(2).doesNotHaveDuplicates();
    assertThat(sessions).extracting(SessionPersistence::name).doesNotHaveDuplicates();
    assertThat(sessions).extracting(SessionPersistence::scope).doesNotHaveDuplicates();
  }

  @Test
  void sessionsOfARuleThatHasANameOutliveARuleAboveIt() {
    String rule =
        "- matches: [{path: {value: /%s}}]\n  sessionPersistence: {}\n%s"
            + "  backendRefs: [{name: v1, port: 80}]\n";
    String named = rule.formatted("a", "  name: buy\n");
    SessionPersistence alone = sessionAt("/a", named);
    assertThat(sessionAt("/a", rule.formatted("b", "") + named)).isEqualTo(alone);
    assertThat(sessionAt("/b", rule.formatted("b", "  name: look\n") + named)).isNotEqualTo(alone);
  }

  private static SessionPersistence sessionAt(String path, String rules) {
    return only(http("web", rules)).rules().stream()
        .filter(rule -> rule.matches().toString().contains(path))
        .map(rule -> Objects.requireNonNull(rule.sessionOrNull()))
        .findFirst()
        .orElseThrow();
  }

  private static SessionPersistence session(String written) {
    return Objects.requireNonNull(
        only(http(
                "web",
                "- matches: [{path: {value: /a}}, {method: GET, path: {value: /a}}]\n"
                    + "  sessionPersistence: %s\n  backendRefs: [{name: v1, port: 80}]\n"
                        .formatted(written)))
            .rules()
            .getFirst()
            .sessionOrNull());
  }

  private static final String FAULTY =
      """
      - matches: [{path: {value: /a}}, {method: GET, path: {value: /a}}]
        filters:
        - type: ExtensionRef
          extensionRef: {group: extension.gateway.flomesh.io, kind: FaultInjection, name: slow}
        backendRefs: [{name: v1, port: 80}]
      """;

  private static String faults(String namespace, String spec) {
    return """
    apiVersion: extension.gateway.flomesh.io/v1alpha1
    kind: FaultInjection
    metadata: {name: slow, namespace: %s}
    spec: {%s}
    """
        .formatted(namespace, spec);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "delay: {percentage: 5} | 5 1000 1000 - - - -",
        "delay: {percentage: 5, min: 200ms} | 5 200 1000 - - - -",
        "abort: {percentage: 30} | - - - 30 500 [] Fault injection triggered",
        "abort: {percentage: 0, response: {status: 429, body: '', headers: {X-A: b}}}"
            + " | - - - 0 429 [x-a: b]"
      })
  void aRuleHasTheFaultsThatItNames(String spec, String made) {
    CompiledChange change = Manifests.compile(SERVICES, http("web", FAULTY), faults("shop", spec));

    Rule rule = routes(change).getFirst().rules().getFirst();
    assertThat(rule.matches()).hasSize(2);
    assertThat(words(rule.faults())).isEqualTo(made);
  }

  private static String words(Faults faults) {
    Faults.Delay delay = faults.delayOrNull();
    Faults.Abort abort = faults.abortOrNull();
    String wait =
        delay == null
            ? "- - -"
            : delay.percentage() + " " + delay.minMillis() + " " + delay.maxMillis();
    return abort == null
        ? wait + " - - - -"
        : "%s %d %d %s %s"
            .formatted(
                wait,
                abort.percentage(),
                abort.status(),
                abort.headers().stream().map(one -> one.name() + ": " + one.value()).toList(),
                abort.content())
            .strip();
  }

  /** So that a name with a slip in it does not let requests pass as if nothing was asked for. */
  @Test
  void requestsOfARuleWhoseFaultsAreNotThereAreAnswered500() {
    CompiledChange change =
        Manifests.compile(SERVICES, http("web", FAULTY), faults("else", "delay: {percentage: 5}"));

    assertThat(routes(change).getFirst().rules())
        .allSatisfy(rule -> assertThat(rule.backends()).isEmpty());
    assertThat(change.statuses().toString()).contains("FaultInjection shop/slow");
  }

  @Test
  void filtersOfRuleAndBackendBecomeOne() {
    Rule rule =
        only(http(
                "web",
                """
                - matches: [{path: {value: /old/}}]
                  filters:
                  - type: RequestHeaderModifier
                    requestHeaderModifier: {set: [{name: X-A, value: rule}], remove: [X-B]}
                  - type: URLRewrite
                    urlRewrite:
                      hostname: other.example
                      path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}
                  backendRefs:
                  - name: v1
                    port: 80
                    filters:
                    - type: ResponseHeaderModifier
                      responseHeaderModifier: {add: [{name: X-C, value: backend}]}
                """))
            .rules()
            .getFirst();

    assertThat(rule.backends())
        .containsExactly(
            new Backend(
                name("shop", "v1"),
                80,
                1,
                new HttpFilters(
                    List.of(
                        new FieldChange(Action.SET, "x-a", "rule"),
                        new FieldChange(Action.REMOVE, "x-b", "")),
                    List.of(new FieldChange(Action.ADD, "x-c", "backend")),
                    new HttpFilters.Target("", "other.example", 0, new PathChange("/old/", "/new")),
                    List.of())));
  }

  @Test
  void sendsCopiesOfAShareToTheMirrorsThatMayBeUsed() {
    CompiledChange compilation =
        Manifests.compile(
            SERVICES,
            http(
                "web",
                """
                - filters:
                  - {type: RequestMirror, requestMirror: {backendRef: {name: v2, port: 80}, percent: 30}}
                  - {type: RequestMirror, requestMirror: {backendRef: {name: gone, port: 80}}}
                  - type: RequestMirror
                    requestMirror: {backendRef: {name: db, namespace: far, port: 80}}
                  backendRefs:
                  - name: v1
                    port: 80
                    filters:
                    - type: RequestMirror
                      requestMirror:
                        backendRef: {name: v2, port: 80}
                        fraction: {numerator: 1, denominator: 1000}
                """));

    assertThat(backends(compilation).getFirst().filters().mirrors())
        .containsExactly(
            new HttpFilters.Mirror(name("shop", "v2"), 80, 30, 100),
            new HttpFilters.Mirror(name("shop", "gone"), 80, 100, 100),
            new HttpFilters.Mirror(name("shop", "v2"), 80, 1, 1_000));
    assertThat(compilation.statuses())
        .extracting(ObjectStatus::field, ObjectStatus::word, ObjectStatus::severity)
        .containsExactlyInAnyOrder(
            tuple(
                "spec.rules[0].filters[1].requestMirror.backendRef",
                "BackendNotFound",
                Severity.WARNING),
            tuple(
                "spec.rules[0].filters[2].requestMirror.backendRef",
                "RefNotPermitted",
                Severity.WARNING));
    assertThat(compilation.statuses())
        .allSatisfy(status -> assertThat(status.reason()).endsWith(", so it gets no copies"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{type: ExternalAuth, externalAuth: {protocol: HTTP}} |"
            + " filter ExternalAuth is not supported",
        "{type: RequestMirror, requestMirror: {backendRef: {name: v1, port: 80}, percent: 101}} |"
            + " a share of 101/100 is none",
        "{type: RequestHeaderModifier, requestHeaderModifier: {remove: [Host]}} |"
            + " header host may not be changed",
        "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: \"b\\nc\"}]}} |"
            + " holds what no value of a header may",
        "{type: RequestRedirect, requestRedirect: {statusCode: 200}} |"
            + " status 200 is none of a redirect"
      })
  void whatCannotBeDoneIsAnsweredByAnError(String filter, String reason) {
    CompiledChange change =
        Manifests.compile(
            SERVICES,
            http("web", "- {filters: [" + filter + "], backendRefs: [{name: v1, port: 80}]}"));

    assertThat(routes(change).getFirst().rules().getFirst().backends()).isEmpty();
    assertThat(change.statuses())
        .filteredOn(status -> status.object().kind().equals("HTTPRoute"))
        .singleElement()
        .matches(status -> status.word().equals(GatewayCompiler.UNSUPPORTED_VALUE))
        .matches(status -> status.severity() == Severity.UNUSABLE)
        .extracting(ObjectStatus::reason)
        .asString()
        .contains(reason);
  }

  @Test
  void backendsOfOtherNamespacesNeedAGrant() {
    String route = http("web", "- backendRefs: [{name: db, namespace: far, port: 80}]");
    String grant =
        """
        apiVersion: gateway.networking.k8s.io/v1beta1
        kind: ReferenceGrant
        metadata: {name: grant, namespace: far}
        spec:
          from: [{group: gateway.networking.k8s.io, kind: %s, namespace: shop}]
          to: [{group: "", kind: Service, name: db}]
        """;

    CompiledChange without = Manifests.compile(SERVICES, route, grant.formatted("GRPCRoute"));
    assertThat(backends(without)).containsExactly(new Backend(null, 80, 1, HttpFilters.NONE));
    assertThat(words(without)).containsExactly(GatewayCompiler.REF_NOT_PERMITTED);

    CompiledChange with = Manifests.compile(SERVICES, route, grant.formatted("HTTPRoute"));
    assertThat(backends(with))
        .containsExactly(new Backend(name("far", "db"), 80, 1, HttpFilters.NONE));
    assertThat(words(with)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{name: gone, port: 80} | BackendNotFound",
        "{name: v1, port: 81} | BackendNotFound",
        "{group: example.org, kind: Bucket, name: v1} | InvalidKind"
      })
  void backendsThatAreNotThereAreTold(String backend, String word) {
    assertThat(words(Manifests.compile(SERVICES, http("web", "- backendRefs: [" + backend + "]"))))
        .containsExactly(word);
  }

  @ParameterizedTest
  @CsvSource({"'name: gone'", "'name: web, port: 81'", "'name: web, sectionName: other'"})
  void parentsThatAreNotThereAreTold(String parent) {
    CompiledChange change =
        Manifests.compile(
            SERVICES,
            http("web", "- backendRefs: [{name: v1, port: 80}]")
                .replace("name: web}", parent + "}"));

    assertThat(routes(change)).isEmpty();
    assertThat(words(change)).containsExactly(GatewayCompiler.NO_MATCHING_PARENT);
  }

  @Test
  void aRouteOfAnotherNamespaceIsForItsOwnPods() {
    CompiledChange change =
        Manifests.compile(
            SERVICES,
            http("web", "- backendRefs: [{name: v1, port: 80}]"),
            http("web", "- backendRefs: [{name: db, port: 80}]")
                .replace("namespace: shop}", "namespace: far}")
                .replace("name: web}", "name: web, namespace: shop}"));

    NamespacedName web = name("shop", "web");
    assertThat(change.snapshot().routeOf(web, "far").orElseThrow().clientsOrNull())
        .isEqualTo("far");
    assertThat(change.snapshot().routeOf(web, "shop").orElseThrow().clientsOrNull()).isNull();
  }

  @Test
  void routesOfTheGatewayApiGoBeforeATrafficSplitAndItsStatusSaysSo() {
    CompiledChange change =
        Manifests.compile(
            SERVICES,
            http("exact", "- matches: [{path: {type: Exact, value: /}}]"),
            http("old", "- backendRefs: [{name: v1, port: 80}]")
                .replace("name: old,", "name: old, creationTimestamp: '2026-01-01T00:00:00Z',"),
            """
            apiVersion: split.smi-spec.io/v1alpha4
            kind: TrafficSplit
            metadata: {name: split, namespace: shop}
            spec: {service: web, backends: [{service: v2, weight: 1}]}
            """);

    assertThat(routes(change))
        .extracting(TrafficRoute::origin)
        .containsExactly(TrafficRoute.Origin.GATEWAY_API);
    assertThat(change.statuses())
        .extracting(ObjectStatus::sentence)
        .containsExactly(
            "spec.service: is web, which HTTPRoute shop/old is for, and routes of the Gateway API go"
                + " before; remove the TrafficSplit, or the routes");
  }

  @Test
  void aGrpcRouteGoesBeforeAnHttpRouteOfTheSamePort() {
    String calls =
        http(
                "calls",
                """
                - matches: [{method: {service: shop.Books, method: Buy}}, {method: {method: Buy}}]
                  backendRefs: [{name: v1, port: 80}]
                """)
            .replace("kind: HTTPRoute", "kind: GRPCRoute");
    CompiledChange change =
        Manifests.compile(SERVICES, calls, http("web", "- backendRefs: [{name: v2, port: 80}]"));

    assertThat(routes(change).getFirst().rules().getFirst().matches())
        .extracting(match -> match.path().text())
        .containsExactly("/shop\\.Books/Buy", "/[^/]+/Buy");
    assertThat(words(change)).containsExactly(GatewayCompiler.CONFLICTED);
  }

  @Test
  void aGrpcRuleOfHeadersAloneGoesBeforeOneOfEverything() {
    String calls =
        http(
                "web",
                """
                - backendRefs: [{name: v1, port: 80}]
                - matches: [{headers: [{name: canary, value: "yes"}]}]
                  backendRefs: [{name: v2, port: 80}]
                """)
            .replace("kind: HTTPRoute", "kind: GRPCRoute");

    assertThat(only(calls).rules().getFirst().matches())
        .extracting(GatewayCompilerTest::text)
        .containsExactly(".* canary");
  }

  @Test
  void routesOfGatewaysAloneAreLeftAlone() {
    CompiledChange change =
        Manifests.compile(
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata: {name: edge, namespace: shop}
            spec:
              parentRefs: [{name: edge}]
              rules: [{filters: [{type: Odd}], matches: [{path: {type: Odd, value: x}}]}]
            """);

    assertThat(routes(change)).isEmpty();
    assertThat(change.statuses()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "matches: [{path: {type: RegularExpression, value: '('}}] | spec.rules[0].matches[0].path.value",
        "matches: [{path: {type: Odd, value: /a}}] | spec.rules[0].matches[0].path.type",
        "matches: [{path: {value: a}}] | spec.rules[0].matches[0].path.value",
        "backendRefs: [{name: v1}] | spec.rules[0].backendRefs[0].port",
        "backendRefs: [{name: v1, port: 80, weight: 1000001}] | spec.rules[0].backendRefs[0].weight",
        "sessionPersistence: {type: Odd} | spec.rules[0].sessionPersistence.type",
        "sessionPersistence: {sessionName: a b} | spec.rules[0].sessionPersistence.sessionName",
        "sessionPersistence: {cookie: {name: a b}} | spec.rules[0].sessionPersistence.cookie.name",
        "sessionPersistence: {cookieConfig: {path: a}} | spec.rules[0].sessionPersistence.cookieConfig.path",
        "sessionPersistence: {type: Header, header: {name: Host}} | spec.rules[0].sessionPersistence.header.name",
        "sessionPersistence: {absoluteTimeout: ever} | spec.rules[0].sessionPersistence.absoluteTimeout",
        "sessionPersistence: {cookie: {lifetimeType: Permanent}} | spec.rules[0].sessionPersistence.absoluteTimeout"
      })
  void whatCannotBeReadIsNamedByItsField(String rule, String field) {
    var read =
        ObjectReader.read(
            "file.yaml", http("web", "- {" + rule + "}").getBytes(StandardCharsets.UTF_8));

    assertThat(read.problems()).singleElement().matches(problem -> problem.field().equals(field));
  }

  private static String service(String namespace, String name) {
    return """
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: %s, namespace: %s}
    spec: {clusterIP: None, selector: {app: %s}, ports: [{name: http, port: 80}]}
    """
        .formatted(name, namespace, name);
  }

  private static String http(String name, String rules) {
    return """
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: %s, namespace: shop}
    spec:
      parentRefs: [{group: "", kind: Service, name: web}]
      rules:
    %s
    """
        .formatted(name, rules.stripTrailing().indent(2).stripTrailing());
  }

  private static TrafficRoute only(String route) {
    CompiledChange change = Manifests.compile(SERVICES, route);
    assertThat(change.statuses()).isEmpty();
    return routes(change).getFirst();
  }

  private static List<TrafficRoute> routes(CompiledChange change) {
    return List.copyOf(change.snapshot().all(Kind.ROUTE));
  }

  private static List<Backend> backends(CompiledChange change) {
    return routes(change).getFirst().rules().getFirst().backends();
  }

  private static List<String> words(CompiledChange change) {
    return change.statuses().stream().map(ObjectStatus::word).toList();
  }

  private static NamespacedName name(String namespace, String name) {
    return new NamespacedName(namespace, name);
  }
}

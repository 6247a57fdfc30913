package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectReader;
import io.sluice.control.objects.UpstreamTrafficSetting;
import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Regex;
import io.sluice.mesh.SharedLimit;
import io.sluice.mesh.SharedLimit.Descriptor;
import io.sluice.mesh.SharedLimit.Entry;
import io.sluice.mesh.SharedLimit.HeaderMatch;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Breaker;
import io.sluice.mesh.UpstreamSetting.Ejection;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.mesh.UpstreamSetting.RequestLimit;
import io.sluice.mesh.UpstreamSetting.RouteLimit;
import io.sluice.mesh.UpstreamSetting.SharedRequestLimit;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** UpstreamTrafficSettings become what is said of a service, with OSM's defaults. */
class UpstreamCompilerTest {
  private static final int NONE = UpstreamSetting.UNLIMITED;
  private final List<String> told = new ArrayList<>();

  private static String setting(String name, String created, String spec) {
    return """
    ---
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: UpstreamTrafficSetting
    metadata: {name: %s, namespace: shop, creationTimestamp: "%s"}
    spec:
    %s
    """
        .formatted(name, created, spec.indent(2));
  }

  private static String setting(String spec) {
    return setting("a", "2026-01-01T00:00:00Z", spec);
  }

  private static List<KubernetesObject> read(String text) {
    var objects = ObjectReader.read("a.yaml", text.getBytes(StandardCharsets.UTF_8));
    assertThat(objects.problems()).isEmpty();
    return objects.objects();
  }

  private List<UpstreamSetting> compiled(String text) {
    var change = new IncrementalCompiler(CompilerSettings.USUAL, 0).apply(Map.of("", read(text)));
    change.statuses().forEach(status -> told.add(status.sentence()));
    return List.copyOf(change.snapshot().all(Kind.UPSTREAM_SETTING));
  }

  /** Which no reader lets through: what the compiler fails at stops nothing but itself. */
  @Test
  void whatCannotBeCompiledStopsNothingElse() {
    var good =
        (UpstreamTrafficSetting)
            read(setting("good", "2026-01-01T00:00:00Z", "host: web")).getFirst();
    var bad =
        (UpstreamTrafficSetting)
            read(setting("bad", "2026-01-01T00:00:00Z", "host: db")).getFirst();
    bad =
        new UpstreamTrafficSetting(
            bad.meta(), "", Pool.NONE, null, null, null, 0, null, null, null, List.of(), List.of());

    var compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);
    var change = compiler.apply(Map.of("", List.of(bad, good)));

    assertThat(change.snapshot().all(Kind.UPSTREAM_SETTING))
        .extracting(UpstreamSetting::name)
        .containsExactly(new NamespacedName("shop", "good"));
    assertThat(change.statuses())
        .filteredOn(status -> status.severity() == Severity.UNUSABLE)
        .extracting(ObjectStatus::object)
        .containsExactly(bad.ref());
    assertThat(ObjectCompiler.statuses(bad, CompilerSettings.USUAL))
        .extracting(ObjectStatus::severity)
        .containsExactly(Severity.UNUSABLE);
  }

  @Test
  void aConnectionCarriesAnyNumberOfRequestsWhereThatIsZero() {
    assertThat(
            compiled(
                setting(
                    """
                    host: web
                    connectionSettings: {http: {maxRequestsPerConnection: 0}}
                    """)))
        .singleElement()
        .satisfies(one -> assertThat(one.pool().maxRequestsPerConnection()).isEqualTo(NONE));
  }

  @Test
  void everythingThatIsSaidIsThere() {
    assertThat(
            compiled(
                setting(
                    """
                    host: web.shop.svc.cluster.local
                    connectionSettings:
                      tcp: {maxConnections: 4294967295, connectTimeout: 1m0.5s}
                      http:
                        maxRequests: 1
                        maxRequestsPerConnection: 2
                        maxPendingRequests: 0
                        maxRetries: 4
                        circuitBreaking:
                          {statTimeWindow: 1m, minRequestAmount: 9, degradedTimeWindow: 2s,
                           slowTimeThreshold: 100ms, slowAmountThreshold: 7,
                           slowRatioThreshold: 0.5, errorAmountThreshold: 8,
                           errorRatioThreshold: 1, degradedStatusCode: 520,
                           degradedResponseContent: later}
                        outlierDetection:
                          {consecutive5xxErrors: 3, baseEjectionTime: 5s, maxEjectionTime: 1m,
                           maxEjectionPercent: 40}
                    rateLimit:
                      local:
                        tcp: {connections: 1, unit: minute, bps: 1000000}
                        http:
                          {requests: 3, unit: hour, burst: 5, responseStatusCode: 503,
                           responseHeadersToAdd: [{name: X-Why, value: busy}]}
                    httpRoutes:
                    - {path: /get.*, rateLimit: {local: {requests: 1, unit: second}}}
                    """)))
        .containsExactly(
            new UpstreamSetting(
                new NamespacedName("shop", "web"),
                new NamespacedName("shop", "a"),
                new Pool(NONE, Duration.ofMillis(60_500), 1, 2, 0, 4),
                new Breaker(
                    Duration.ofMinutes(1),
                    9,
                    Duration.ofSeconds(2),
                    Duration.ofMillis(100),
                    7,
                    0.5,
                    8,
                    1,
                    520,
                    "later"),
                new Ejection(3, Duration.ofSeconds(5), Duration.ofMinutes(1), 40),
                new Limits(
                    new Rate(1, Duration.ofMinutes(1), 0),
                    1_000_000,
                    new RequestLimit(
                        new Rate(3, Duration.ofHours(1), 5),
                        503,
                        List.of(new FieldChange(Action.ADD, "x-why", "busy"))),
                    List.of(
                        new RouteLimit(
                            Regex.of("/get.*"),
                            new RequestLimit(new Rate(1, Duration.ofSeconds(1), 0), 429, List.of()),
                            List.of())))));
  }

  @Test
  void whatOthersCountIsSaidWithOsmsNamesAndDefaults() {
    Limits made =
        compiled(
                setting(
                    """
                    host: web
                    rateLimit:
                      global:
                        tcp:
                          rateLimitService: {host: limits.tools.svc, port: 8081}
                          domain: shop
                          descriptors: [{entries: [{key: a, value: b}]}]
                          timeout: 1s
                          failOpen: false
                        http:
                          rateLimitService: {host: 192.0.2.1, port: 8081}
                          domain: web
                          descriptors:
                          - entries:
                            - genericKey: {value: all}
                            - remoteAddress: {}
                            - requestHeader: {name: X-User, key: user}
                            - headerValueMatch:
                                value: odd
                                expectMatch: false
                                headers:
                                - {name: a, exact: 'x.'}
                                - {name: b, prefix: x}
                                - {name: c, suffix: x}
                                - {name: d, regex: 'x|y'}
                                - {name: e, contains: x}
                                - {name: f, present: false}
                                - {name: g}
                    httpRoutes:
                    - path: /buy
                      rateLimit:
                        global:
                          descriptors: [{entries: [{genericKey: {key: what, value: buy}}]}]
                    """))
            .getFirst()
            .limits();

    assertThat(made.sharedConnectionsOrNull())
        .isEqualTo(
            new SharedLimit(
                new NamedServer("limits.tools.svc", 8081),
                "shop",
                List.of(new Descriptor(List.of(new Entry.Fixed("a", "b")))),
                1_000,
                false));
    assertThat(made.sharedRequestsOrNull())
        .isEqualTo(
            new SharedRequestLimit(
                new SharedLimit(
                    new NamedServer("192.0.2.1", 8081),
                    "web",
                    List.of(
                        new Descriptor(
                            List.of(
                                new Entry.Fixed("generic_key", "all"),
                                new Entry.ClientAddress(),
                                new Entry.OfHeader("user", "x-user"),
                                new Entry.Matching(
                                    "header_match",
                                    "odd",
                                    false,
                                    List.of(
                                        match("a", "x\\."),
                                        match("b", "x.*"),
                                        match("c", ".*x"),
                                        match("d", "x|y"),
                                        match("e", ".*x.*"),
                                        new HeaderMatch("f", false, Regex.ANY),
                                        match("g", ".*")))))),
                    20,
                    true),
                429,
                false));
    assertThat(made.routes())
        .containsExactly(
            new RouteLimit(
                Regex.of("/buy"),
                null,
                List.of(new Descriptor(List.of(new Entry.Fixed("what", "buy"))))));
    assertThat(made.concernsRequests()).isTrue();
  }

  private static HeaderMatch match(String name, String value) {
    return new HeaderMatch(name, true, Regex.of(value));
  }

  @Test
  void whatIsNotSaidIsAsOsmHasIt() {
    UpstreamSetting made =
        compiled(
                setting(
                    """
                    host: web
                    connectionSettings: {http: {circuitBreaking: {errorRatioThreshold: .5}}}
                    """))
            .getFirst();

    assertThat(made.pool())
        .isEqualTo(new Pool(NONE, Duration.ofSeconds(5), NONE, NONE, NONE, NONE));
    assertThat(made.limits()).isEqualTo(Limits.NONE);
    assertThat(made.breakerOrNull())
        .isEqualTo(
            new Breaker(
                Duration.ofSeconds(30),
                100,
                Duration.ofSeconds(30),
                Duration.ofSeconds(5),
                NONE,
                UpstreamSetting.NEVER,
                NONE,
                0.5,
                409,
                ""));
  }

  @Test
  void ofTwoForOneServiceTheOlderCountsAndTheOtherIsTold() {
    List<UpstreamSetting> made =
        compiled(
            setting("a", "2026-01-02T00:00:00Z", "host: web")
                + setting("b", "2026-01-01T00:00:00Z", "host: web.shop"));

    assertThat(made).extracting(one -> one.name().name()).containsExactly("b");
    assertThat(told).anyMatch(one -> one.startsWith("spec.host: is web, which "));
  }

  @Test
  void whatCannotBeUsedIsLeftOutAndNothingElse() {
    UpstreamSetting made =
        compiled(
                setting(
                    """
                    host: web
                    rateLimit: {local: {http: {requests: 1, unit: minute}}}
                    httpHeaders: [{headers: []}]
                    httpRoutes:
                    - {path: '(', rateLimit: {local: {requests: 1, unit: second}}}
                    - {path: /b, rateLimit: {local: {requests: 1, unit: second}}}
                    - path: /c
                      rateLimit:
                        local: {requests: 1, unit: second}
                        global: {descriptors: [{entries: [{remoteAddress: {}}]}]}
                    """))
            .getFirst();

    assertThat(made.limits().routes())
        .extracting(route -> route.path().text())
        .containsExactly("/b", "/c");
    assertThat(told)
        .contains(
            "spec.httpRoutes[2].rateLimit.global: is not acted on; remove it",
            "spec.httpHeaders: is not acted on; remove it")
        .anyMatch(one -> one.startsWith("spec.httpRoutes[0].path: "));
    assertThat(compiled(setting("host: web.stock"))).isEmpty();
  }
}

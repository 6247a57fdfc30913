package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.objects.ObjectReader;
import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Regex;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Breaker;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.mesh.UpstreamSetting.RequestLimit;
import io.sluice.mesh.UpstreamSetting.RouteLimit;
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

  private List<UpstreamSetting> compiled(String text) {
    var objects = ObjectReader.read("a.yaml", text.getBytes(StandardCharsets.UTF_8));
    assertThat(objects.problems()).isEmpty();
    var change =
        new IncrementalCompiler(CompilerSettings.USUAL, 0).apply(Map.of("", objects.objects()));
    change.statuses().forEach(status -> told.add(status.sentence()));
    return List.copyOf(change.snapshot().all(Kind.UPSTREAM_SETTING));
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
                            new RequestLimit(
                                new Rate(1, Duration.ofSeconds(1), 0), 429, List.of()))))));
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
                    rateLimit: {global: {}, local: {http: {requests: 1, unit: minute}}}
                    httpHeaders: [{headers: []}]
                    httpRoutes:
                    - {path: '(', rateLimit: {local: {requests: 1, unit: second}}}
                    - {path: /b, rateLimit: {local: {requests: 1, unit: second}}}
                    """))
            .getFirst();

    assertThat(made.limits().routes())
        .extracting(route -> route.path().text())
        .containsExactly("/b");
    assertThat(told)
        .contains(
            "spec.rateLimit.global: is not acted on; remove it",
            "spec.httpHeaders: is not acted on; remove it")
        .anyMatch(one -> one.startsWith("spec.httpRoutes[0].path: "));
    assertThat(compiled(setting("host: web.stock"))).isEmpty();
  }
}

package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.objects.ObjectReader;
import io.sluice.mesh.AccessLogSetting;
import io.sluice.mesh.AccessLogSetting.Collector.Protocol;
import io.sluice.mesh.Kind;
import io.sluice.mesh.LogFormat;
import io.sluice.mesh.LogFormat.Literal;
import io.sluice.mesh.LogFormat.Operator;
import io.sluice.mesh.LogFormat.Value;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TelemetryCompilerTest {
  private static final String SERVICE =
      """
      apiVersion: config.openservicemesh.io/v1alpha2
      kind: ExtensionService
      metadata: {name: otel, namespace: tools}
      spec: {host: OTEL.tools.svc, port: %d, protocol: %s, connectTimeout: 250ms}
      """;

  private final IncrementalCompiler compiler =
      new IncrementalCompiler(new CompilerSettings("sluice-system", PodRangeRule.IGNORE), 0);

  private CompiledChange apply(String... documents) {
    Map<String, List<io.sluice.control.objects.KubernetesObject>> changed = new HashMap<>();
    for (int i = 0; i < documents.length; i++) {
      ObjectReader.ReadObjects read =
          ObjectReader.read(i + ".yaml", documents[i].getBytes(StandardCharsets.UTF_8));
      assertThat(read.problems()).isEmpty();
      changed.put(i + ".yaml", read.objects());
    }
    return compiler.apply(changed);
  }

  private static String telemetry(String name, String namespace, String created, String spec) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: Telemetry
    metadata: {name: %s, namespace: %s, creationTimestamp: '2026-01-%sT00:00:00Z'}
    spec: {%s}
    """
        .formatted(name, namespace, created, spec);
  }

  private static String pod(String name, String namespace) {
    return """
    apiVersion: v1
    kind: Pod
    metadata: {name: %s, namespace: %s, labels: {app: %s, tier: back}}
    spec: {}
    """
        .formatted(name, namespace, name);
  }

  @ParameterizedTest
  @CsvSource({
    "web, shop, shop/selecting",
    "db, shop, shop/every",
    "web, bank, sluice-system/selecting",
    "db, bank, sluice-system/every",
  })
  void theOneThatIsNearestToThePodCounts(String pod, String namespace, String by) {
    CompiledChange change =
        apply(
            telemetry("every", "shop", "01", "accessLog: {}"),
            telemetry("selecting", "shop", "02", "selector: {app: web}, accessLog: {}"),
            telemetry("every", "sluice-system", "03", "accessLog: {}"),
            telemetry("selecting", "sluice-system", "04", "selector: {app: web}, accessLog: {}"),
            telemetry("later", "shop", "05", "selector: {tier: front}, accessLog: {}"),
            telemetry("silent", "shop", "01", "selector: {app: db}"),
            pod(pod, namespace));

    assertThat(change.snapshot().accessLogsOf(new NamespacedName(namespace, pod)).getFirst().name())
        .hasToString(by);
    assertThat(change.statuses())
        .extracting(ObjectStatus::sentence)
        .containsExactly(
            "says nothing of the access log, so it has no effect; write spec.accessLog");
  }

  @Test
  void ofTwoForOnePodTheOlderCountsAndWhoIsLeftNothingIsTold() {
    CompiledChange change =
        apply(
            telemetry("b", "shop", "01", "selector: {tier: back}, accessLog: {}"),
            telemetry("a", "shop", "02", "selector: {app: web}, accessLog: {}"),
            telemetry("c", "shop", "03", "selector: {app: web, tier: back}, accessLog: {}"),
            pod("web", "shop"));

    assertThat(change.snapshot().accessLogsOf(new NamespacedName("shop", "web")).getFirst().name())
        .hasToString("shop/b");
    assertThat(change.statuses())
        .singleElement()
        .satisfies(status -> {
          assertThat(status.object().name()).isEqualTo("c");
          assertThat(status.severity()).isEqualTo(Severity.UNUSABLE);
          assertThat(status.sentence())
              .isEqualTo(
                  "spec.selector: selects no pod that Telemetry shop/b, which is older, is not for"
                      + " already; remove one of the two, or select other pods");
        });
  }

  @Test
  void linesGoWhereTheExtensionServiceSaysAsLongAsItIsThere() {
    String telemetry =
        telemetry(
            "a",
            "shop",
            "01",
            "accessLog: {openTelemetry: {extensionService: {name: otel, namespace: tools},"
                + " attributes: {site: 'north %HOSTNAME%', empty: ''}}}");
    CompiledChange without = apply(telemetry);
    assertThat(only(without).collectorOrNull()).isNull();
    assertThat(without.statuses())
        .singleElement()
        .satisfies(status -> {
          assertThat(status.severity()).isEqualTo(Severity.WARNING);
          assertThat(status.sentence())
              .contains("extensionService: names ExtensionService tools/otel");
        });

    CompiledChange with = apply(telemetry, SERVICE.formatted(4317, "h2c"));
    assertThat(with.statuses()).isEmpty();
    assertThat(only(with).collectorOrNull())
        .isEqualTo(
            new AccessLogSetting.Collector(
                new NamedServer("otel.tools.svc", 4317),
                Protocol.GRPC,
                250,
                Map.of(
                    "site",
                    new LogFormat(
                        List.of(new Literal("north "), new Value(Operator.HOSTNAME, 0, false))),
                    "empty",
                    new LogFormat(List.of()))));

    CompiledChange other = apply(telemetry, SERVICE.formatted(4318, "http1"));
    assertThat(Objects.requireNonNull(only(other).collectorOrNull()).protocol())
        .isEqualTo(Protocol.HTTP);
    assertThat(only(apply(telemetry, pod("x", "shop"))).collectorOrNull()).isNull();
  }

  private static AccessLogSetting only(CompiledChange change) {
    assertThat(change.snapshot().all(Kind.ACCESS_LOG)).hasSize(1);
    return change.snapshot().all(Kind.ACCESS_LOG).iterator().next();
  }

  /** Values of JSON by themselves stand in brackets, others in parentheses. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          %PROTOCOL% 100%% | (PROTOCOL) 100%
          [%START_TIME%] "%REQ(:method)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH):40%" | [(START_TIME)] "(METHOD) (PATH 40)"
          %REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)%%RESP(grpc-status)% | (PATH)(GRPC_STATUS)
          {"a": "%DURATION%", "b": "é %DURATION%", "c": [1, null, {"d": "%%"}], "e": {}} | {"a":[DURATION],"b":"\\u00E9 (DURATION)","c":[1,null,{"d":"%"}],"e":{}}
          """)
  void formatsAreEnvoys(String written, String meaning) {
    CompiledChange change =
        apply(
            telemetry(
                "a", "shop", "01", "accessLog: {format: '" + written.replace("'", "''") + "'}"));

    StringBuilder read = new StringBuilder();
    Objects.requireNonNull(only(change).formatOrNull())
        .pieces()
        .forEach(piece ->
            read.append(
                switch (piece) {
                  case Literal(String text) -> text;
                  case Value(Operator operator, int most, boolean isJson) ->
                      (isJson ? "[" : "(")
                          + operator
                          + (most == 0 ? "" : " " + most)
                          + (isJson ? "]" : ")");
                }));
    assertThat(read).hasToString(meaning);
  }
}

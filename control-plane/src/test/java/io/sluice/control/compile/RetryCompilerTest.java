package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.RetryPolicy.Condition;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Retries: what becomes of them, and when they have none of it. */
class RetryCompilerTest {
  private static final String WHOLE =
      "{retryOn: '5xx, 429,cancelled', numRetries: 5, perTryTimeout: 1m1s,"
          + " retryBackoffBaseInterval: 50ms}";

  private static final String NAMED =
      """
      apiVersion: v1
      kind: ServiceAccount
      metadata: {name: buyer, namespace: shop}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: store, namespace: shop}
      spec: {ports: [{name: http, port: 80}], clusterIP: 10.96.0.7}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: far, namespace: other}
      spec: {ports: [{name: web, port: 81}, {name: http-more, port: 80}], clusterIP: 10.96.0.8}
      """;

  private static final String SETTING =
      """
      apiVersion: policy.openservicemesh.io/v1alpha1
      kind: UpstreamTrafficSetting
      metadata: {name: store, namespace: shop}
      spec: {host: store, connectionSettings: {http: {maxPendingRequests: 9}}}
      """;

  private static final String ROUTE =
      """
      apiVersion: split.smi-spec.io/v1alpha4
      kind: TrafficSplit
      metadata: {name: store, namespace: shop}
      spec: {service: store, backends: [{service: store, weight: 1}]}
      """;

  private static final String TARGET =
      """
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: store, namespace: shop}
      spec:
        destination: {kind: ServiceAccount, name: store, namespace: shop}
        sources: [{kind: ServiceAccount, name: buyer, namespace: shop}]
        rules: [{kind: HTTPRouteGroup, name: store}]
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: HTTPRouteGroup
      metadata: {name: store, namespace: shop}
      spec: {matches: [{name: all, pathRegex: .*, methods: ['*']}]}
      """;

  private static String config(boolean enabled) {
    return """
    apiVersion: config.openservicemesh.io/v1alpha2
    kind: MeshConfig
    metadata: {name: osm-mesh-config, namespace: mesh}
    spec: {featureFlags: {enableRetryPolicy: %s}}
    """
        .formatted(enabled);
  }

  private static String retry(String name, String source, String policy) {
    return """
    apiVersion: policy.openservicemesh.io/v1alpha1
    kind: Retry
    metadata: {name: %s, namespace: shop}
    spec:
      source: {kind: ServiceAccount, name: buyer, namespace: %s}
      destinations:
      - {kind: Service, name: store, namespace: shop}
      - {kind: Service, name: far, namespace: other}
      retryPolicy: %s
    """
        .formatted(name, source, policy);
  }

  private static NamespacedName name(String namespace, String name) {
    return new NamespacedName(namespace, name);
  }

  private static Collection<RetryPolicy> policies(CompiledChange change) {
    return change.snapshot().all(Kind.RETRY);
  }

  @Test
  void sayWhatIsWrittenAndElseWhatOsmSays() {
    assertThat(policies(Manifests.compile(config(true), retry("a", "shop", WHOLE))))
        .containsExactly(
            new RetryPolicy(
                name("shop", "a"),
                name("shop", "buyer"),
                Set.of(name("shop", "store"), name("other", "far")),
                Set.of(
                    Condition.SERVER_ERROR, Condition.CANCELLED, Condition.RETRIABLE_STATUS_CODES),
                Set.of(429),
                5,
                61_000,
                50));
    RetryPolicy usual =
        policies(Manifests.compile(config(true), retry("a", "shop", "{retryOn: reset}")))
            .iterator()
            .next();
    assertThat(List.of(usual.most(), usual.tryMillis(), usual.backoffMillis()))
        .isEqualTo(List.of(1, 0L, 25L));
  }

  @Test
  void haveNoEffectWhileTheFlagIsOffAndTheirStatusSaysSo() {
    IncrementalCompiler compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);
    CompiledChange off =
        compiler.apply(
            Map.of(
                "config",
                Manifests.objects("config", config(false)),
                "retry",
                Manifests.objects("retry", retry("a", "shop", WHOLE)),
                "named",
                Manifests.objects("named", NAMED)));
    assertThat(policies(off)).isEmpty();
    assertThat(off.statuses())
        .filteredOn(status -> status.object().kind().equals("Retry"))
        .singleElement()
        .satisfies(status -> assertThat(status.reason()).contains("enableRetryPolicy"));

    CompiledChange on = compiler.apply(Map.of("config", Manifests.objects("config", config(true))));
    assertThat(policies(on)).hasSize(1);
    assertThat(on.statuses()).isEmpty();
    assertThat(policies(compiler.apply(Map.of("config", List.of())))).isEmpty();
  }

  @Test
  void areOfTheirOwnNamespaceAndTheFirstByNameCounts() {
    assertThat(policies(Manifests.compile(config(true), retry("a", "other", WHOLE)))).isEmpty();

    CompiledChange two =
        Manifests.compile(
            config(true), NAMED, retry("b", "shop", "{retryOn: reset}"), retry("a", "shop", WHOLE));

    assertThat(two.snapshot().retryOrNull(name("shop", "buyer"), name("other", "far")))
        .isNotNull()
        .satisfies(policy -> assertThat(policy.name()).isEqualTo(name("shop", "a")));
    assertThat(two.snapshot().retryOrNull(name("shop", "thief"), name("other", "far"))).isNull();
    assertThat(two.statuses())
        .isNotEmpty()
        .allSatisfy(status -> {
          assertThat(status.object().name()).isEqualTo("b");
          assertThat(status.reason()).contains("which Retry shop/a is for already");
        });
  }

  @Test
  void sayWhatTheyNameInVainAndForAsLongAsItIsInVain() {
    IncrementalCompiler compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);
    String named = NAMED.replace("name: far", "name: fare").replace("name: http,", "name: web,");
    String pod = Manifests.pod("b", "10.0.0.9", "", "serviceAccountName: byuer");

    assertThat(
            told(
                compiler,
                Map.of(
                    "config",
                    config(true),
                    "retry",
                    retry("a", "shop", WHOLE),
                    "named",
                    named.replace("name: buyer", "name: byuer"),
                    "pod",
                    pod)))
        .containsExactlyInAnyOrder(
            "spec.source: names ServiceAccount buyer, which does not exist and no Pod runs as",
            "spec.destinations: name other/far, and no such Service can be called",
            "spec.destinations: name Service shop/store, none of whose ports is carried as HTTP:"
                + " nothing is tried again");

    assertThat(told(compiler, Map.of("pod", pod.replace("byuer", "buyer"), "named", named)))
        .noneMatch(sentence -> sentence.startsWith("spec.source"))
        .hasSize(2);
    assertThat(told(compiler, Map.of("setting", SETTING)))
        .containsExactly("spec.destinations: name other/far, and no such Service can be called");
    assertThat(told(compiler, Map.of("setting", "", "named", NAMED))).isEmpty();
    assertThat(told(compiler, Map.of("named", NAMED.replace("http", "tcp"), "target", TARGET)))
        .hasSize(1);
    assertThat(told(compiler, Map.of("named", NAMED.replace("name: http", "name: web")))).isEmpty();
    assertThat(told(compiler, Map.of("target", "")))
        .containsExactly(
            "spec.destinations: name Service other/far and 1 more, none of whose ports is carried"
                + " as HTTP: nothing is tried again");
  }

  @Test
  void takeASentenceForAllThatIsMissingAndNoneWhereTheyAreOff() {
    IncrementalCompiler compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);
    String account = NAMED.substring(0, NAMED.indexOf("---"));
    assertThat(
            told(
                compiler,
                Map.of(
                    "config", config(true), "retry", retry("a", "shop", WHOLE), "named", account)))
        .containsExactly(
            "spec.destinations: name other/far and 1 more, and no such Service can be called");
    assertThat(told(compiler, Map.of("config", config(false))))
        .singleElement()
        .asString()
        .contains("enableRetryPolicy");
  }

  @Test
  void areCompiledAgainOnlyWhereWhatTheyReadIsAnother() {
    IncrementalCompiler compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);
    Map<String, String> files = new HashMap<>();
    String named = NAMED.replace("name: http", "name: web");
    files.put("config", config(true));
    files.put("named", named);
    files.put("clerk", Manifests.pod("b", "10.0.0.9", "", "serviceAccountName: clerk"));
    files.put("retry", retry("a", "shop", WHOLE));
    for (int i = 0; i < 20; i++) {
      String other = retry("b-" + i, "shop", WHOLE).replace("buyer", "clerk");
      files.put("retry-" + i, other.replaceFirst("- .*name: store.*\n", ""));
    }
    told(compiler, files);
    String leaving = config(true).replace("spec: {", "spec: {traffic: {enableEgress: true}, ");

    assertThat(counted(compiler, Map.of("target", TARGET.replace("buyer", "thief")))).isZero();
    assertThat(counted(compiler, Map.of("target", TARGET))).isEqualTo(1);
    assertThat(told(compiler, Map.of()))
        .as("of the one that is granted requests nothing")
        .noneMatch(sentence -> sentence.contains("1 more"));
    assertThat(counted(compiler, Map.of("target", ""))).isEqualTo(1);
    assertThat(told(compiler, Map.of()))
        .as("nor is it any longer")
        .anyMatch(sentence -> sentence.contains("1 more"));
    assertThat(counted(compiler, Map.of("setting", SETTING))).isEqualTo(1);
    assertThat(counted(compiler, Map.of("route", ROUTE))).isEqualTo(1);
    assertThat(told(compiler, Map.of("setting", "")))
        .as("the split makes it one of HTTP")
        .noneMatch(sentence -> sentence.contains("1 more"));
    assertThat(told(compiler, Map.of("route", ""))).anyMatch(it -> it.contains("1 more"));
    assertThat(counted(compiler, Map.of("config", leaving))).isZero();
    assertThat(counted(compiler, Map.of("named", named.replace("port: 81", "port: 82"))))
        .as("the Service that all name")
        .isEqualTo(21);
  }

  /** Five hundred of one account, of which one names a Service that a grant makes another. */
  @Test
  void ofOneAccountAreCompiledThoseOfWhichSomethingIsAnother() {
    IncrementalCompiler compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);
    Map<String, String> files = new HashMap<>();
    files.put("config", config(true));
    files.put("named", NAMED.replace("name: http,", "name: web,"));
    files.put("retry", retry("a", "shop", WHOLE).replaceFirst("  - .*name: far.*\n", ""));
    for (int i = 0; i < 499; i++) {
      String service = NAMED.substring(NAMED.lastIndexOf("---")).replace("far", "far-" + i);
      String other = retry("b-" + i, "shop", WHOLE).replace("far", "far-" + i);
      files.put("retry-" + i, other.replaceFirst("- .*name: store.*\n", ""));
      files.put(
          "service-" + i,
          service
              .replace("web, port: 81", "http, port: 81")
              .replace("0.8", (1 + i / 250) + "." + (1 + i % 250)));
    }
    told(compiler, files);

    assertThat(counted(compiler, Map.of("target", TARGET))).isEqualTo(1);
    String more = TARGET.replace("name: store", "name: more");
    assertThat(counted(compiler, Map.of("more", more))).as("grants nothing new").isZero();
    assertThat(counted(compiler, Map.of("target", ""))).isZero();
    assertThat(counted(compiler, Map.of("more", ""))).isEqualTo(1);

    String same = files.get("retry").replace("name: a", "name: c");
    assertThat(counted(compiler, Map.of("same", same))).as("and no other of them").isEqualTo(1);
    assertThat(counted(compiler, Map.of("retry", "")))
        .as("which the other was behind")
        .isEqualTo(1);
    assertThat(told(compiler, Map.of())).noneMatch(it -> it.contains("for already"));
  }

  @Test
  void ofAnotherAccountIsTheOneThatItIsNow() {
    IncrementalCompiler compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);
    for (String account : List.of("buyer", "a", "b", "c", "d", "buyer")) {
      String written = retry("a", "shop", WHOLE).replace("buyer", account);
      told(compiler, Map.of("config", config(true), "retry", written));
      assertThat(policies(compiler.apply(Map.of())))
          .extracting(RetryPolicy::source)
          .containsExactly(name("shop", account));
    }
  }

  /** Retries compiled for a change. */
  private static long counted(IncrementalCompiler compiler, Map<String, String> files) {
    long before = compiler.retriesCompiled();
    told(compiler, files);
    return compiler.retriesCompiled() - before;
  }

  /** Sentences of Retries after a change. */
  private static List<String> told(IncrementalCompiler compiler, Map<String, String> files) {
    return compiler
        .apply(
            files.entrySet().stream()
                .collect(
                    Collectors.toMap(
                        Map.Entry::getKey,
                        file ->
                            file.getValue().isEmpty()
                                ? List.of()
                                : Manifests.objects(file.getKey(), file.getValue()))))
        .statuses()
        .stream()
        .filter(status -> status.object().kind().equals("Retry"))
        .map(status -> status.field() + ": " + status.reason())
        .toList();
  }
}

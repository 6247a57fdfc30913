package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.RetryPolicy.Condition;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Retries: what becomes of them, and when they have none of it. */
class RetryCompilerTest {
  private static final String WHOLE =
      "{retryOn: '5xx, 429,cancelled', numRetries: 5, perTryTimeout: 1m1s,"
          + " retryBackoffBaseInterval: 50ms}";

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
                Manifests.objects("retry", retry("a", "shop", WHOLE))));
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
            config(true), retry("b", "shop", "{retryOn: reset}"), retry("a", "shop", WHOLE));

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
}

package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.control.compile.ReferenceCompiler.Compilation;
import io.sluice.control.compile.ReferenceCompiler.Objects;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.Service;
import io.sluice.mesh.Workload;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IncrementalCompilerTest {
  private static final int STEPS = 400;

  private static final CompilerSettings ONE_NAMESPACE =
      new CompilerSettings("mesh", PodRangeRule.ENFORCE);

  private final IncrementalCompiler compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void findsAfterEveryChangeWhatTheFullCompilerFinds(long seed) {
    RandomCluster cluster = new RandomCluster(seed);
    MeshSnapshot before = MeshSnapshot.EMPTY;
    InForce inForce = InForce.NOTHING;
    CompilerSettings rules = seed % 2 == 0 ? ONE_NAMESPACE : CompilerSettings.USUAL;
    IncrementalCompiler compiler = new IncrementalCompiler(rules, 0);

    for (int step = 0; step < STEPS; step++) {
      CompiledChange change = compiler.apply(cluster.change());

      Compilation expected = full(cluster.files(), rules, inForce);
      inForce = expected.inForce();
      String where = "seed " + seed + " step " + step;
      assertThat(change.statuses()).as(where).isEqualTo(expected.statuses());
      assertThat(contents(change.snapshot())).as(where).isEqualTo(contents(expected.snapshot()));
      assertThat(change.snapshot().hasSameContentAs(expected.snapshot())).as(where).isTrue();
      assertSameAnswers(where, change.snapshot(), expected.snapshot());
      assertThat(change.changed()).as(where).isEqualTo(differences(before, change.snapshot()));
      before = change.snapshot();
    }
  }

  @Test
  void numbersOnlyWhatDiffers() {
    List<KubernetesObject> pod =
        Manifests.objects("web.yaml", Manifests.enrolledPod("web", "10.0.0.1"));

    CompiledChange nothing = compiler.apply(Map.of());
    CompiledChange first = compiler.apply(Map.of("web.yaml", pod));
    CompiledChange again = compiler.apply(Map.of("web.yaml", pod));
    CompiledChange gone = compiler.apply(Map.of("web.yaml", List.of()));

    assertThat(nothing.snapshot().revision()).isEqualTo(1);
    assertThat(first.snapshot().revision()).isEqualTo(2);
    assertThat(first.changed())
        .containsExactly(Kind.NAMESPACE.key("shop"), Kind.WORKLOAD.key("shop/web"));
    assertThat(again.snapshot()).isSameAs(first.snapshot());
    assertThat(again.changed()).isEmpty();
    assertThat(gone.snapshot().hasSameContentAs(nothing.snapshot())).isTrue();
    assertThat(first.snapshot().workload(new NamespacedName("shop", "web"))).isPresent();
  }

  @Test
  void goesOnCountingWhereAnotherOneStopped() {
    assertThat(
            new IncrementalCompiler(CompilerSettings.USUAL, 41)
                .apply(Map.of())
                .snapshot()
                .revision())
        .isEqualTo(42);
  }

  @Test
  void givesOutWhatNobodyCanChange() {
    CompiledChange change = compiler.apply(Map.of());

    assertThatThrownBy(() -> change.changed().add(Kind.SETTINGS.key("mesh")))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> change.statuses().clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }

  private static Compilation full(
      Map<String, List<KubernetesObject>> files, CompilerSettings rules, InForce inForce) {
    return ReferenceCompiler.compile(
        1, new Objects(files.values().stream().flatMap(List::stream).toList()), rules, inForce);
  }

  private static void assertSameAnswers(String where, MeshSnapshot found, MeshSnapshot expected) {
    for (Workload workload : expected.workloads()) {
      for (var address : workload.addresses()) {
        assertThat(found.workloadAt(address)).as(where).isEqualTo(expected.workloadAt(address));
      }
    }
    for (Service service : expected.services()) {
      for (var address : service.virtualAddresses()) {
        assertThat(found.serviceAt(address)).as(where).isEqualTo(expected.serviceAt(address));
      }
    }
    for (Permission permission : expected.permissions()) {
      assertThat(found.permissionsFor(permission.destination()))
          .as(where)
          .isEqualTo(expected.permissionsFor(permission.destination()));
    }
    for (int last = 1; last <= 6; last++) {
      var pod = IpAddresses.parse("10.0.0." + last);
      var virtual = IpAddresses.parse("10.96.0." + last);
      assertThat(found.workloadAt(pod)).as(where).isEqualTo(expected.workloadAt(pod));
      assertThat(found.serviceAt(virtual)).as(where).isEqualTo(expected.serviceAt(virtual));
    }
  }

  private static List<ResourceKey> differences(MeshSnapshot before, MeshSnapshot after) {
    Map<ResourceKey, Object> old = contents(before);
    Map<ResourceKey, Object> now = contents(after);
    TreeSet<ResourceKey> names = new TreeSet<>(old.keySet());
    names.addAll(now.keySet());
    names.removeIf(name -> now.containsKey(name) && now.get(name).equals(old.get(name)));
    return List.copyOf(names);
  }

  private static Map<ResourceKey, Object> contents(MeshSnapshot snapshot) {
    Map<ResourceKey, Object> contents = new HashMap<>();
    snapshot.objects().forEach(each -> contents.put(each.key(), each));
    return contents;
  }
}

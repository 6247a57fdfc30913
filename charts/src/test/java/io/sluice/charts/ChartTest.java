package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every site gets, whatever its values. */
@ResourceLock("KUBECONFIG")
class ChartTest {
  private static final int LONGEST_NAME = 63;

  @RegisterExtension final LookedUp cluster = new LookedUp();

  @Test
  void passesHelmsOwnLint() {
    LintResult result = new Helm(Chart.FOLDER).lint().strict().call();

    assertThat(result.isFailed()).as("%s", result.getMessages()).isFalse();
    assertThat(result.getMessages()).noneMatch(each -> each.contains("WARNING"));
  }

  @ParameterizedTest
  @EnumSource(Presets.class)
  void namesAreUniqueAndLabelsAreThoseOfKubernetes(Presets preset) {
    Objects objects = preset.chart().objects();

    assertThat(objects.names()).doesNotHaveDuplicates();
    assertThat(objects.all())
        .allSatisfy(each ->
            assertThat(each.getMetadata().getLabels())
                .containsEntry("app.kubernetes.io/name", "sluice")
                .containsEntry("app.kubernetes.io/instance", "sluice")
                .containsEntry("app.kubernetes.io/managed-by", "Helm"));
  }

  @ParameterizedTest
  @EnumSource(Presets.class)
  void namesOfALongReleaseAreCutAndStayApart(Presets preset) {
    String release = "a-release-with-a-name-as-long-as-helm-lets-it-be-53-x";
    assertThat(release).hasSize(53);

    Objects objects = preset.chart().named(release).objects();

    assertThat(objects.names()).doesNotHaveDuplicates();
    assertThat(objects.all())
        .extracting((HasMetadata each) -> each.getMetadata().getName())
        .allMatch(name -> name.length() <= LONGEST_NAME && !name.endsWith("-"));
    assertThat(objects.names())
        .isNotEqualTo(preset.chart().named(release.replace("53-x", "53-y")).objects().names());
  }

  @ParameterizedTest
  @EnumSource(Presets.class)
  void everyContainerHasLimitsAndAnImageOfTheRegistry(Presets preset) {
    for (Chart chart : List.of(preset.chart(), preset.chart().with("retire: true"))) {
      Objects objects = chart.with("image: {registry: registry.example/a}").objects();

      assertThat(objects.containers())
          .hasSizeGreaterThan(2)
          .allSatisfy(each -> {
            assertThat(each.getImage())
                .matches(
                    "registry.example/a/(sluice-\\w+:0.1.0|prometheus:v[0-9.]+|grafana:[0-9.]+)");
            assertThat(each.getResources().getRequests()).containsOnlyKeys("cpu", "memory");
            assertThat(each.getResources().getLimits()).containsOnlyKeys("cpu", "memory");
          });
    }
  }

  @ParameterizedTest
  @EnumSource(Presets.class)
  void heapAndWhatIsOutsideOfItFitIntoTheLimit(Presets preset) {
    Objects objects = preset.chart().objects();

    for (Container each : List.of(objects.node(), objects.controller())) {
      String options =
          each.getEnv().stream()
              .filter(env -> env.getName().equals("JDK_JAVA_OPTIONS"))
              .findFirst()
              .orElseThrow()
              .getValue();
      int reserved =
          Stream.of(options.split(" "))
              .filter(option -> option.endsWith("m") && !option.matches("-Xm[sn].*")) // in the heap
              .mapToInt(option -> Integer.parseInt(option.replaceAll("\\D", "")))
              .sum();
      String limit = String.valueOf(each.getResources().getLimits().get("memory"));
      assertThat(limit).endsWith("Mi");
      assertThat(reserved + 40)
          .as("%s and 40 MiB of JVM in %s", options, limit)
          .isLessThanOrEqualTo(Integer.parseInt(limit.replace("Mi", "")));
    }
  }

  @Test
  void helmTestIsAHookAndNoPartOfTheMesh() throws IOException {
    assertThat(Files.readString(Chart.FOLDER.resolve("templates/tests/controller.yaml")))
        .contains("helm.sh/hook: test\n", "helm.sh/hook-delete-policy: before-hook-creation");
  }

  @ParameterizedTest
  @ValueSource(strings = {"retire: false", "retire: true", "{retire: true, cni: {enabled: false}}"})
  void everyContainerWithCapabilitiesIsOutOfTheUsualProfile(String values) {
    String annotation = "container.apparmor.security.beta.kubernetes.io/";
    Objects older = Chart.asItComes().on("v1.29.0").with(values).objects();
    List<String> able =
        older.containers().stream()
            .filter(each -> !each.getSecurityContext().getCapabilities().getAdd().isEmpty())
            .map(Container::getName)
            .toList();

    assertThat(able).isNotEmpty();
    assertThat(older.daemonSet().getSpec().getTemplate().getMetadata().getAnnotations())
        .containsAllEntriesOf(
            able.stream().collect(Collectors.toMap(name -> annotation + name, _ -> "unconfined")));
    assertThat(Chart.asItComes().with(values).objects().containers())
        .filteredOn(each -> able.contains(each.getName()))
        .allMatch(
            each -> each.getSecurityContext().getAppArmorProfile().getType().equals("Unconfined"));
  }

  @Test
  void anImageCanBeNamedByItsDigest() {
    String digest = "sha256:" + "0a".repeat(32);

    Objects objects =
        Chart.asItComes().with("node: {image: {tag: v2, digest: '" + digest + "'}}").objects();

    assertThat(objects.node().getImage()).isEqualTo("localhost/sluice/sluice-node:v2@" + digest);
  }

  @Test
  void valuesOfASiteBeatThoseOfTheSize() {
    Objects objects =
        Chart.asItComes()
            .with("node: {heapMiB: 50, resources: {limits: {memory: 150Mi}}}")
            .objects();

    assertThat(objects.node().getResources().getLimits().get("memory")).hasToString("150Mi");
    assertThat(objects.node().getResources().getLimits().get("cpu")).hasToString("2");
    assertThat(objects.node().getEnv().toString()).contains("-Xmx50m");
  }

  @Test
  void definitionsOfAnUpgradeAreThoseOfTheFirstInstall() throws IOException {
    Objects objects = Chart.asItComes().with("crds: {upgrade: always}").objects();

    try (Stream<Path> files = Files.list(Chart.FOLDER.resolve("crds"))) {
      List<CustomResourceDefinition> installed =
          files
              .map(ChartTest::read)
              .flatMap(text -> StrictReader.read(text).stream())
              .map(CustomResourceDefinition.class::cast)
              .toList();
      assertThat(installed)
          .hasSizeGreaterThan(3)
          .allSatisfy(each ->
              assertThat(each.getMetadata().getAnnotations())
                  .containsAllEntriesOf(
                      Map.of(
                          "helm.sh/resource-policy", "keep",
                          "meta.helm.sh/release-name", "sluice",
                          "meta.helm.sh/release-namespace", Chart.NAMESPACE)));
      assertThat(objects.of(CustomResourceDefinition.class))
          .containsExactlyInAnyOrderElementsOf(installed);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBinding;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.ResourceLock;

/** The controller may do what the documents say that it needs, and nothing else. */
@ResourceLock("KUBECONFIG")
class AccessRulesTest {
  private static final Pattern BLOCK =
      Pattern.compile("(?m)^```yaml\\n((?:(?!```).*\\n)*?rules:(?:(?!```).*\\n)*)```");

  @RegisterExtension final LookedUp cluster = new LookedUp();

  @Test
  void rulesAreThoseOfTheDocuments() throws IOException {
    Objects objects =
        Chart.asItComes()
            .on("v1.31.0")
            .with("{controller: {authority: {type: certManager}}, smi: {trafficMetrics: true}}")
            .objects();

    assertThat(Stream.concat(clusterRules(objects), rules(objects)).toList())
        .containsExactlyInAnyOrderElementsOf(documented());
  }

  @Test
  void podsAreReadOnlyWhereTokensDoNotNameTheNode() {
    assertThat(resourcesOfOwnNamespace("v1.32.0")).contains("leases").doesNotContain("pods");
    assertThat(resourcesOfOwnNamespace("v1.31.9")).contains("leases", "pods");
  }

  @Test
  void rootsAreWrittenIntoOneConfigMapAndOnlyWhereTheChartDoesNotKnowThem() {
    Chart chart = Chart.asItComes().with("trustBundle: {configMap: our-roots}");

    assertThat(configMapRules(chart))
        .hasSize(2)
        .allSatisfy(rule ->
            assertThat(rule.getResourceNames())
                .isEqualTo(
                    rule.getVerbs().equals(List.of("create")) ? List.of() : List.of("our-roots")));
    assertThat(chart.objects().controller().getArgs())
        .contains("--trust-bundle-config-map=our-roots");
    Chart known = Chart.asItComes().with("trustBundle: {pem: 'text of certificates'}");
    assertThat(configMapRules(known)).isEmpty();
    assertThat(known.objects().controller().getArgs())
        .noneMatch(argument -> argument.startsWith("--trust-bundle"));
  }

  @Test
  void secretsAreWrittenWhereTheyAreNamedAndNowhereElse() {
    Objects objects =
        Chart.asItComes()
            .with("controller: {certificateSecrets: [{namespace: edge, names: [a, b]}]}")
            .objects();

    Role role = objects.one(Role.class, "-certificates");
    assertThat(role.getMetadata().getNamespace()).isEqualTo("edge");
    assertThat(role.getRules())
        .allSatisfy(rule ->
            assertThat(rule.getResourceNames())
                .isEqualTo(
                    rule.getVerbs().equals(List.of("create")) ? List.of() : List.of("a", "b")));
    assertThat(role.getRules().stream().flatMap(rule -> rule.getVerbs().stream()))
        .containsExactlyInAnyOrder("get", "update", "delete", "create");
    assertThat(
            Stream.concat(
                clusterRules(Chart.asItComes().objects()), rules(Chart.asItComes().objects())))
        .noneMatch(rule -> rule.getResources().contains("secrets"));
  }

  private static List<PolicyRule> configMapRules(Chart chart) {
    Objects objects = chart.objects();
    return Stream.concat(clusterRules(objects), rules(objects))
        .filter(rule -> rule.getResources().contains("configmaps"))
        .toList();
  }

  @Test
  void everyRoleIsBoundToTheController() {
    Objects objects =
        Chart.asItComes()
            .on("v1.31.0")
            .with("controller: {authority: {type: certManager, certManager: {namespace: pki}}}")
            .objects();
    String account = objects.controllerPod().getServiceAccountName();

    assertThat(objects.of(ClusterRoleBinding.class))
        .singleElement()
        .satisfies(binding -> {
          assertThat(binding.getRoleRef().getName())
              .isEqualTo(objects.of(ClusterRole.class).getFirst().getMetadata().getName());
          assertThat(binding.getSubjects())
              .singleElement()
              .satisfies(subject -> assertThat(subject.getName()).isEqualTo(account));
        });
    assertThat(objects.of(RoleBinding.class))
        .hasSize(2)
        .allSatisfy(binding -> {
          Role role = objects.one(Role.class, binding.getRoleRef().getName());
          assertThat(binding.getMetadata().getNamespace())
              .isEqualTo(role.getMetadata().getNamespace());
          assertThat(binding.getSubjects())
              .singleElement()
              .satisfies(subject -> {
                assertThat(subject.getName()).isEqualTo(account);
                assertThat(subject.getNamespace()).isEqualTo(Chart.NAMESPACE);
              });
        });
    assertThat(objects.one(Role.class, "-issuing").getMetadata().getNamespace()).isEqualTo("pki");
  }

  @Test
  void whoServesTrafficMetricsMayReadWhoTheApiServerIs() {
    RoleBinding binding =
        Chart.asItComes()
            .with("smi: {trafficMetrics: true}")
            .objects()
            .one(RoleBinding.class, "-traffic-metrics");

    assertThat(binding.getMetadata().getNamespace()).isEqualTo("kube-system");
    assertThat(binding.getRoleRef().getName())
        .isEqualTo("extension-apiserver-authentication-reader");
    assertThat(binding.getSubjects())
        .singleElement()
        .satisfies(subject -> assertThat(subject.getNamespace()).isEqualTo(Chart.NAMESPACE));
  }

  private static List<String> resourcesOfOwnNamespace(String version) {
    return rules(Chart.asItComes().on(version).objects())
        .flatMap(rule -> rule.getResources().stream())
        .toList();
  }

  private static Stream<PolicyRule> clusterRules(Objects objects) {
    return objects.of(ClusterRole.class).stream().flatMap(role -> role.getRules().stream());
  }

  private static Stream<PolicyRule> rules(Objects objects) {
    return objects.of(Role.class).stream().flatMap(role -> role.getRules().stream());
  }

  private static List<PolicyRule> documented() throws IOException {
    List<PolicyRule> rules = new ArrayList<>();
    for (String document : List.of("kubernetes.md", "identity.md")) {
      String text = Files.readString(Chart.ROOT.resolve("docs").resolve(document));
      BLOCK
          .matcher(text)
          .results()
          .flatMap(block -> Stream.of(block.group(1).split("(?m)^---\\n")))
          .flatMap(yaml -> Yaml.list(Yaml.read(yaml).get("rules")).stream())
          .forEach(rule -> rules.add(new ObjectMapper().convertValue(rule, PolicyRule.class)));
    }
    return rules;
  }
}

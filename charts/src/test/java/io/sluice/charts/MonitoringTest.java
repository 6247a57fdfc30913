package io.sluice.charts;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Dashboards;
import io.sluice.lab.site.Prometheus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** The Prometheus and the Grafana that a release may have. Grafana itself runs in no test. */
@ResourceLock("KUBECONFIG")
class MonitoringTest {
  private static final Chart BOTH =
      Chart.asItComes().with("osm: {deployPrometheus: true, deployGrafana: true}");

  @RegisterExtension final LookedUp cluster = new LookedUp();
  @TempDir private Path directory = Path.of("");

  @Test
  void withoutThemNothingMoreIsThere() {
    TreeSet<String> more = new TreeSet<>(BOTH.objects().names());
    Chart.asItComes().objects().names().forEach(more::remove);

    assertThat(more)
        .containsExactly(
            "ConfigMap/sluice-dashboard-controller",
            "ConfigMap/sluice-dashboard-mesh",
            "ConfigMap/sluice-dashboard-nodes",
            "ConfigMap/sluice-dashboard-pods",
            "ConfigMap/sluice-dashboard-services",
            "ConfigMap/sluice-dashboard-workloads",
            "ConfigMap/sluice-grafana",
            "ConfigMap/sluice-prometheus",
            "Deployment/sluice-grafana",
            "Deployment/sluice-prometheus",
            "NetworkPolicy/sluice-grafana",
            "NetworkPolicy/sluice-prometheus",
            "Role/sluice-prometheus",
            "RoleBinding/sluice-prometheus",
            "Service/sluice-grafana",
            "Service/sluice-prometheus",
            "ServiceAccount/sluice-prometheus");
    assertThat(Chart.asItComes().text()).doesNotContainIgnoringCase("grafana");
  }

  @Test
  void haveThePortsAndTheRetentionOfOpenServiceMesh() {
    Objects objects = BOTH.objects();

    assertThat(port(objects, "-prometheus")).isEqualTo(7070);
    assertThat(port(objects, "-grafana")).isEqualTo(3000);
    assertThat(container(objects, "-prometheus").getArgs())
        .contains("--storage.tsdb.retention.time=15d");
  }

  private static int port(Objects objects, String component) {
    int declared = container(objects, component).getPorts().getFirst().getContainerPort();
    assertThat(objects.one(Service.class, component).getSpec().getPorts())
        .singleElement()
        .satisfies(port -> assertThat(port.getPort()).isEqualTo(declared));
    return declared;
  }

  private static PodSpec pod(Objects objects, String component) {
    return objects.one(Deployment.class, component).getSpec().getTemplate().getSpec();
  }

  private static Container container(Objects objects, String component) {
    return pod(objects, component).getContainers().getFirst();
  }

  /**
   * Prometheus lists the pods of its own namespace, and Grafana does not talk to the API server.
   */
  @Test
  void mayDoNoMoreThanTheyNeed() {
    Objects objects = BOTH.objects();

    assertThat(objects.one(Role.class, "-prometheus").getRules())
        .singleElement()
        .satisfies(rule -> {
          assertThat(rule.getResources()).containsExactly("pods");
          assertThat(rule.getVerbs()).containsExactly("list", "watch");
        });
    assertThat(objects.one(RoleBinding.class, "-prometheus").getSubjects())
        .singleElement()
        .satisfies(subject ->
            assertThat(subject.getName())
                .isEqualTo(pod(objects, "-prometheus").getServiceAccountName()));
    assertThat(pod(objects, "-grafana").getAutomountServiceAccountToken()).isFalse();
    assertThat(List.of(pod(objects, "-prometheus"), pod(objects, "-grafana")))
        .allSatisfy(pod -> assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue());
  }

  @Test
  void everyFileThatTheyMountIsThere() throws IOException {
    Objects objects = BOTH.objects();
    List<String> dashboards = new ArrayList<>();
    for (String component : List.of("-prometheus", "-grafana")) {
      for (Volume volume : pod(objects, component).getVolumes()) {
        if (volume.getConfigMap() != null) {
          ConfigMap map = objects.one(ConfigMap.class, volume.getConfigMap().getName());
          assertThat(container(objects, component).getVolumeMounts())
              .filteredOn(mount -> mount.getName().equals(volume.getName()))
              .isNotEmpty()
              .extracting(VolumeMount::getSubPath)
              .allMatch(key -> key == null || map.getData().containsKey(key));
        } else if (volume.getProjected() != null) {
          for (VolumeProjection source : volume.getProjected().getSources()) {
            objects
                .one(ConfigMap.class, source.getConfigMap().getName())
                .getData()
                .forEach((name, text) -> dashboards.add(name));
          }
        }
      }
    }

    assertThat(dashboards)
        .containsExactlyElementsOf(
            Dashboards.all().stream().map(each -> each.path("uid").asText() + ".json").toList());
    assertThat(objects.one(ConfigMap.class, "-dashboard-pods").getData().values())
        .singleElement()
        .satisfies(text ->
            assertThat(new ObjectMapper().readTree(text)).isEqualTo(Dashboards.all().get(3)));
    Map<String, String> grafana = objects.one(ConfigMap.class, "sluice-grafana").getData();
    assertThat(grafana.get("datasource.yaml"))
        .contains("url: http://sluice-prometheus.sluice-system.svc:7070\n");
    assertThat(container(objects, "-grafana").getEnv())
        .anyMatch(each -> each.getValue().equals("/etc/sluice/dashboards/sluice-mesh.json"));
  }

  @Test
  void rulesAreTheSameInEveryForm() throws IOException {
    String rules = Files.readString(Dashboards.RULES);
    Chart form = Chart.asItComes();

    assertThat(config("sluice-rules.yaml")).isEqualToIgnoringWhitespace(rules);
    assertThat(
            form.with("alerts: {form: configMap}")
                .objects()
                .one(ConfigMap.class, "-alerts")
                .getData()
                .get("sluice-rules.yaml"))
        .isEqualToIgnoringWhitespace(rules);
    assertThat(
            form.with("{alerts: {form: prometheusRule}, meshConfig: {create: false}}")
                .objects()
                .of(GenericKubernetesResource.class))
        .singleElement()
        .satisfies(rule ->
            assertThat(rule.getAdditionalProperties().get("spec")).isEqualTo(Yaml.read(rules)));
  }

  private static String config(String file) {
    return requireNonNull(BOTH.objects().one(ConfigMap.class, "-prometheus").getData().get(file));
  }

  /**
   * The real program, with the arguments and the settings of the pod. Debian builds it without
   * discovery of pods, so it is told what that would find, in the same labels.
   */
  @Test
  void prometheusScrapesDaemonsAndControllersAndNothingElse() throws Exception {
    Map<String, Object> settings =
        Yaml.read(config("prometheus.yaml").replace("/etc/prometheus", directory.toString()));
    List<Map<String, Object>> jobs =
        Yaml.list(settings.get("scrape_configs")).stream().map(Yaml::mapping).toList();
    Objects objects = BOTH.objects();
    assertThat(found(jobs.get(0)))
        .isEqualTo(objects.daemonSet().getSpec().getSelector().getMatchLabels());
    assertThat(found(jobs.get(1)))
        .isEqualTo(objects.deployment().getSpec().getSelector().getMatchLabels());
    tell(
        jobs.get(0),
        target("10.0.0.1", "edge1-daemon", "edge1", "10.0.0.1", "Running", ""),
        target("10.0.0.1", "edge1-next-daemon", "edge1", "10.0.0.1", "Running", ""),
        target("fd00::2", "edge2-daemon", "edge2", "fd00::2", "Running", ""));
    tell(
        jobs.get(1),
        target("10.0.0.3:15012", "controller-1", "edge1", "10.0.0.3", "Running", "control"),
        target("10.0.0.3:15020", "controller-1", "edge1", "10.0.0.3", "Running", "metrics"),
        target("10.0.0.4:15020", "controller-0", "edge1", "10.0.0.4", "Failed", "metrics"));
    Files.writeString(
        directory.resolve("prometheus.yaml"), new ObjectMapper().writeValueAsString(settings));
    Files.writeString(directory.resolve("sluice-rules.yaml"), config("sluice-rules.yaml"));
    List<String> arguments =
        container(objects, "-prometheus").getArgs().stream()
            .filter(each -> !each.startsWith("--web."))
            .map(each -> each.replace("/etc/prometheus", directory.toString()))
            .map(each -> each.replace("=/prometheus", "=" + directory.resolve("data")))
            .toList();

    try (Prometheus prometheus = Prometheus.start(directory, arguments)) {
      Await.untilPasses(
          Await.patience(30),
          () ->
              assertThat(targets(prometheus))
                  .containsExactlyInAnyOrder(
                      "sluice-node edge1 http://10.0.0.1:15020/metrics",
                      "sluice-node edge2 http://[fd00::2]:15020/metrics",
                      "sluice-controller controller-1 http://10.0.0.3:15020/metrics"));
      assertThat(prometheus.ask("/api/v1/rules").path("groups")).hasSize(4);
      assertThat(
              prometheus.ask("/api/v1/status/flags").path("storage.tsdb.retention.time").asText())
          .isEqualTo("15d");
    }
  }

  /** The labels by which a job finds pods, which are those of the release's namespace. */
  private static Map<String, String> found(Map<String, Object> job) {
    Map<String, Object> discovery =
        Yaml.mapping(Yaml.list(job.get("kubernetes_sd_configs")).getFirst());
    assertThat(discovery.get("role")).isEqualTo("pod");
    assertThat(Yaml.mapping(discovery.get("namespaces")).get("names"))
        .isEqualTo(List.of(Chart.NAMESPACE));
    Map<String, String> labels = new HashMap<>();
    Object selector = Yaml.mapping(Yaml.list(discovery.get("selectors")).getFirst()).get("label");
    for (String each : String.valueOf(selector).split(",")) {
      labels.put(each.replaceFirst("=.*", ""), each.replaceFirst(".*=", ""));
    }
    return labels;
  }

  private static void tell(Map<String, Object> job, Object... targets) {
    job.remove("kubernetes_sd_configs");
    job.put("static_configs", List.of(targets));
  }

  /** A container's port as discovery tells it, or a container without one. */
  private static Map<String, Object> target(
      String found, String pod, String node, String address, String phase, String port) {
    String meta = "__meta_kubernetes_pod_";
    return Map.of(
        "targets",
        List.of(found),
        "labels",
        Map.of(
            meta + "name", pod,
            meta + "node_name", node,
            meta + "ip", address,
            meta + "phase", phase,
            meta + "container_port_name", port));
  }

  private static List<String> targets(Prometheus prometheus) {
    List<String> targets = new ArrayList<>();
    for (JsonNode each : prometheus.ask("/api/v1/targets?state=active").path("activeTargets")) {
      targets.add(
          each.at("/labels/job").asText()
              + " "
              + each.at("/labels/instance").asText()
              + " "
              + each.path("scrapeUrl").asText());
    }
    return targets;
  }
}

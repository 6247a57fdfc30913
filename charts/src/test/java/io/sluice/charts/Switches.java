package io.sluice.charts;

import static io.sluice.charts.Switches.Switch.of;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingWebhookConfiguration;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.kubernetes.api.model.rbac.Role;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Every value of the chart that switches something, and what it switches. */
final class Switches {
  private static final String HOST_STATE =
      "controller: {nodeSelector: {kubernetes.io/hostname: edge1}}";
  private static final String VAULT =
      "controller: {authority: {vault: {address: 'https://vault.example:8200'}}}";
  private static final String REMOTE = "controller: {authority: {type: certManager}}";

  private Switches() {}

  static List<Switch> all() {
    return List.of(
        of("size", "edge-tiny", o -> heap(o.node()).equals("-Xmx40m")),
        of("size", "default", o -> heap(o.controller()).equals("-Xmx384m")),
        of("interception.mode", "ebpf", nodeArgument("--mode=ebpf")),
        of("interception.mode", "iptables", nodeArgument("--mode=iptables")),
        of("interception.fallback", "true", nodeArgument("--fallback=true")),
        of("interception.failOpen", "true", nodeArgument("--fail-open")),
        of("interception.fastPath", "false", nodeArgument("--fast-path=false")),
        of("interception.earlierConnections", "keep", nodeArgument("--earlier-connections=keep")),
        of("interception.earlierConnections", "grace", nodeArgument("--earlier-connections=grace")),
        of(
            "interception.earlierConnections",
            "destroy",
            nodeArgument("--earlier-connections=destroy")),
        of(
            "cni.enabled",
            "false",
            nodeArgument("--remove-cni").and(nodeArgument("--cni").or(mounts("/")).negate())),
        of(
            "cni.replaceWithoutController",
            "always",
            nodeArgument("--replace-without-controller=always")),
        of(
            "cni.replaceWithoutController",
            "never",
            nodeArgument("--replace-without-controller=never")),
        of("image.pullPolicy", "Always", pulls("Always")),
        of("image.pullPolicy", "Never", pulls("Never")),
        of(
            "node.updateStrategy.type",
            "OnDelete",
            o -> o.daemonSet().getSpec().getUpdateStrategy().getRollingUpdate() == null),
        of("node.accessLog", "stdout", nodeArgument("--access-log=-")),
        of("node.accessLog", "file", nodeArgument("--access-log=access.log")),
        of("node.recordFlows", "false", nodeArgument("--record-flows=false")),
        of("node.keepKeys", "true", nodeArgument("--keep-keys")),
        of(
                "node.seccompProfile.type",
                "Localhost",
                o ->
                    "sluice.json"
                        .equals(
                            o.node()
                                .getSecurityContext()
                                .getSeccompProfile()
                                .getLocalhostProfile()))
            .beside("node: {seccompProfile: {localhostProfile: sluice.json}}"),
        of(
            "node.seccompProfile.type",
            "Unconfined",
            o -> o.node().getSecurityContext().getSeccompProfile().getType().equals("Unconfined")),
        of("node.appArmorProfile.type", "RuntimeDefault", appArmor("runtime/default"))
            .on("v1.29.0"),
        of("node.appArmorProfile.type", "Localhost", appArmor("localhost/sluice"))
            .on("v1.29.0")
            .beside("node: {appArmorProfile: {localhostProfile: sluice}}"),
        of(
                "controller.state.type",
                "hostPath",
                o -> !o.has(PersistentVolumeClaim.class) && runsAs(o) == 0)
            .beside(HOST_STATE),
        of("controller.state.type", "emptyDir", o -> !o.has(PersistentVolumeClaim.class))
            .beside(REMOTE),
        of(
            "controller.state.keep",
            "false",
            o ->
                o.of(PersistentVolumeClaim.class)
                    .getFirst()
                    .getMetadata()
                    .getAnnotations()
                    .isEmpty()),
        of(
                "controller.authority.type",
                "imported",
                o -> o.authority().containsKey("imported") && volume(o, "imported"))
            .beside("controller: {authority: {imported: {secretName: ca}}}"),
        of("controller.authority.type", "vault", o -> o.authority().containsKey("vault"))
            .beside(VAULT),
        of(
            "controller.authority.type",
            "certManager",
            o ->
                o.authority().containsKey("certManager")
                    && o.of(Role.class).stream()
                        .anyMatch(role -> role.getMetadata().getName().endsWith("-issuing"))),
        of("controller.authority.signingKey", "P384", authority("signingKey", "P384")),
        of("controller.authority.signingKey", "ED25519", authority("signingKey", "ED25519")),
        of("controller.authority.dnsNames", "true", authority("dnsNames", true)),
        of("controller.authority.nameConstraints", "false", authority("nameConstraints", false)),
        of(
                "controller.authority.certManager.issuer.kind",
                "ClusterIssuer",
                o ->
                    "ClusterIssuer"
                        .equals(
                            Yaml.mapping(
                                    Yaml.mapping(o.authority().get("certManager")).get("issuer"))
                                .get("kind")))
            .beside(REMOTE),
        of("controller.podRanges", "enforce", controllerArgument("--pod-ranges=enforce")),
        of("controller.podRanges", "ignore", controllerArgument("--pod-ranges=ignore")),
        of(
            "controller.podDisruptionBudget.enabled",
            "false",
            o -> !o.has(PodDisruptionBudget.class)),
        of(
            "webhook.enabled",
            "false",
            o ->
                !o.has(ValidatingWebhookConfiguration.class)
                    && !o.has(Secret.class)
                    && o.controller().getArgs().stream()
                        .noneMatch(each -> each.contains("webhook"))),
        of(
            "webhook.failurePolicy",
            "Fail",
            o ->
                o.of(ValidatingWebhookConfiguration.class).stream()
                    .flatMap(each -> each.getWebhooks().stream())
                    .allMatch(each ->
                        each.getName().startsWith("mesh-config.")
                            ? each.getFailurePolicy().equals("Ignore") // the release's own
                            : each.getFailurePolicy().equals("Fail"))),
        of("meshConfig.create", "false", o -> !o.has(GenericKubernetesResource.class)),
        config("traffic.enablePermissiveTrafficPolicyMode", "false", false),
        config("traffic.enableEgress", "false", false),
        config("traffic.mtlsMode", "PERMISSIVE", "PERMISSIVE"),
        config("traffic.http1PerRequestLoadBalancing", "true", true),
        config("traffic.metadataMode", "ALLOW", "ALLOW"),
        config("traffic.pingMode", "REFUSE", "REFUSE"),
        config("traffic.pingMode", "ALLOW", "ALLOW"),
        config("traffic.sameNodeMtls", "required", "required"),
        config("traffic.revokedConnections", "KEEP", "KEEP"),
        config("traffic.retirement", "ANNOUNCED", "ANNOUNCED"),
        config("traffic.retirement", "CLEAR", "CLEAR"),
        config("sidecar.sidecarDisabledMTLS", "true", true),
        config("sidecar.localProxyMode", "PodIP", "PodIP"),
        config("sidecar.tlsMinProtocolVersion", "TLSv1_2", "TLSv1_2"),
        config("sidecar.tlsMinProtocolVersion", "TLSv1_3", "TLSv1_3"),
        config("sidecar.tlsMaxProtocolVersion", "TLS_AUTO", "TLS_AUTO"),
        config("sidecar.tlsMaxProtocolVersion", "TLSv1_2", "TLSv1_2"),
        config("featureFlags.enableRetryPolicy", "true", true),
        config("featureFlags.enableEnvoyActiveHealthChecks", "true", true),
        config("featureFlags.enableIngressBackendPolicy", "false", false),
        config("featureFlags.enableAccessControlPolicy", "false", false),
        config("featureFlags.enableEgressPolicy", "false", false),
        config("featureFlags.enableAccessCertPolicy", "true", true),
        of(
            "meshConfig.observability.enableDebugServer",
            "true",
            o -> Boolean.TRUE.equals(o.meshConfig("observability").get("enableDebugServer"))),
        of(
            "metrics.localOnly",
            "true",
            nodeArgument("--metrics-address=127.0.0.1:15020")
                .and(o -> "127.0.0.1".equals(o.node().getReadinessProbe().getHttpGet().getHost()))),
        of(
            "metrics.scrapeAnnotations",
            "false",
            o ->
                templates(o).stream()
                    .noneMatch(each ->
                        each.getMetadata().getAnnotations().containsKey("prometheus.io/scrape"))),
        of("metrics.podMonitor.enabled", "true", o -> o.of(PodMonitor.class).size() == 2),
        of(
            "dashboards.enabled",
            "true",
            o ->
                o.of(ConfigMap.class).stream()
                        .filter(each ->
                            "1".equals(each.getMetadata().getLabels().get("grafana_dashboard")))
                        .count()
                    == 6),
        of("alerts.form", "configMap", o -> named(o, "ConfigMap/sluice-alerts")),
        of("alerts.form", "prometheusRule", o -> named(o, "PrometheusRule/sluice-alerts")),
        of("osm.deployPrometheus", "true", o -> named(o, "Deployment/sluice-prometheus")),
        of("osm.deployGrafana", "true", o -> named(o, "Deployment/sluice-grafana"))
            .beside("osm: {grafana: {prometheus: 'http://prometheus.monitoring:9090'}}"),
        of("networkPolicies.enabled", "false", o -> !o.has(NetworkPolicy.class)),
        of(
            "smi.validateTrafficTarget",
            "false",
            controllerArgument("--validate-traffic-target=false")),
        of(
            "smi.trafficMetrics",
            "true",
            controllerArgument("--traffic-metrics=true")
                .and(o -> named(o, "APIService/v1alpha1.metrics.smi-spec.io"))),
        of("crds.upgrade", "always", o -> o.has(CustomResourceDefinition.class)),
        of("crds.upgrade", "never", o -> !o.has(CustomResourceDefinition.class))
            .beside("crds: {upgrade: always}"),
        of("test.enabled", "false", o -> !o.has(Pod.class)),
        of(
            "retire",
            "true",
            o ->
                o.nodePod().getInitContainers().stream()
                        .map(Container::getName)
                        .toList()
                        .equals(List.of("cni-uninstall", "cleanup"))
                    && o.nodePod().getInitContainers().getLast().getArgs().contains("--forget")));
  }

  private static Switch config(String path, String value, Object said) {
    String[] names = path.split("\\.", -1);
    return of("meshConfig." + path, value, o -> said.equals(o.meshConfig(names[0]).get(names[1])));
  }

  private static Predicate<Objects> nodeArgument(String argument) {
    return objects -> objects.node().getArgs().contains(argument);
  }

  private static Predicate<Objects> controllerArgument(String argument) {
    return objects -> objects.controller().getArgs().contains(argument);
  }

  private static Predicate<Objects> mounts(String path) {
    return objects ->
        objects.nodePod().getVolumes().stream()
            .map(Volume::getHostPath)
            .anyMatch(host -> host != null && host.getPath().equals(path));
  }

  private static Predicate<Objects> pulls(String policy) {
    return objects ->
        objects.containers().stream().allMatch(each -> each.getImagePullPolicy().equals(policy));
  }

  private static Predicate<Objects> appArmor(String profile) {
    return objects -> {
      Map<String, String> annotations =
          objects.daemonSet().getSpec().getTemplate().getMetadata().getAnnotations();
      return profile.equals(annotations.get("container.apparmor.security.beta.kubernetes.io/node"));
    };
  }

  private static Predicate<Objects> authority(String field, Object value) {
    return objects -> value.equals(objects.authority().get(field));
  }

  private static boolean volume(Objects objects, String name) {
    return objects.controllerPod().getVolumes().stream()
        .anyMatch(each -> each.getName().equals(name));
  }

  private static long runsAs(Objects objects) {
    return objects.controllerPod().getSecurityContext().getRunAsUser();
  }

  private static boolean named(Objects objects, String name) {
    return objects.names().contains(name);
  }

  private static List<PodTemplateSpec> templates(Objects objects) {
    return List.of(
        objects.daemonSet().getSpec().getTemplate(), objects.deployment().getSpec().getTemplate());
  }

  private static String heap(Container container) {
    return container.getEnv().stream()
        .filter(each -> each.getName().equals("JDK_JAVA_OPTIONS"))
        .map(EnvVar::getValue)
        .map(options -> options.split(" ")[0])
        .findFirst()
        .orElseThrow();
  }

  /**
   * One value that changes what is rendered.
   *
   * @param path of the value, with dots
   * @param value it is set to
   * @param base everything else
   * @param seen what then holds, and does not hold for {@code base} alone
   */
  record Switch(String path, String value, Chart base, Predicate<Objects> seen) {
    static Switch of(String path, String value, Predicate<Objects> seen) {
      return new Switch(path, value, Chart.asItComes(), seen);
    }

    /** The same beside values that it needs. */
    Switch beside(String yaml) {
      return new Switch(path, value, base.with(yaml), seen);
    }

    /** The same on another Kubernetes. */
    Switch on(String version) {
      return new Switch(path, value, base.on(version), seen);
    }

    Chart chart() {
      boolean isTruth = value.equals("true") || value.equals("false");
      return base.with(Yaml.nested(path, isTruth ? value : "'" + value + "'"));
    }

    @Override
    public String toString() {
      return path + "=" + value;
    }
  }
}

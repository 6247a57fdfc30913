package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.charts.DocumentedValues.Value;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** No value is without effect: texts, numbers and lists, besides what {@link Switches} has. */
@ResourceLock("KUBECONFIG")
class EveryValueTest {
  private static final String VAULT =
      "{controller: {authority: {type: vault, vault: {address: 'https://vault.example'}}}}";
  private static final String ISSUER = "{controller: {authority: {type: certManager}}}";
  private static final String PROMETHEUS = "{osm: {deployPrometheus: true}}";
  private static final String GRAFANA = "{osm: {deployPrometheus: true, deployGrafana: true}}";
  private static final String OWN_CERTIFICATE =
      "{webhook: {certificate: {existingSecret: mine, caBundle: text}}}";

  @RegisterExtension final LookedUp cluster = new LookedUp();

  /**
   * A value other than the default.
   *
   * @param beside values without which it means nothing
   */
  private record Sample(String path, String value, String beside) {
    Chart base() {
      return Chart.asItComes().with(beside);
    }

    Chart chart() {
      return base().with(Yaml.nested(path, value));
    }
  }

  private static Sample sample(String path, String value) {
    return new Sample(path, value, "{}");
  }

  static List<Sample> samples() {
    return List.of(
        sample("fullnameOverride", "mesh"),
        sample("interception.pathCheckSeconds", "5"),
        sample("interception.withoutPrograms", "[sk_lookup]"),
        sample("cni.confDir", "/etc/cni/other"),
        sample("cni.binDirs", "[/usr/libexec/cni]"),
        sample("cni.replaceWithoutController", "never"),
        sample("cni.kubeletDir", "/var/snap/kubelet"),
        sample("cni.systemNamespaces", "[monitoring]"),
        sample("image.registry", "registry.example/a"),
        sample("image.pullSecrets", "[mirror]"),
        sample("node.image.repository", "other"),
        sample("node.image.tag", "v2"),
        sample("node.image.digest", "'sha256:" + "ab".repeat(32) + "'"),
        sample("node.heapMiB", "50"),
        sample("node.resources", "{limits: {memory: 300Mi}}"),
        sample("node.priorityClassName", "other"),
        sample("node.tolerations", "[]"),
        sample("node.nodeSelector", "{site/mesh: 'yes'}"),
        sample("node.updateStrategy.maxSurge", "20%"),
        new Sample(
            "node.updateStrategy.maxUnavailable",
            "20%",
            "{node: {updateStrategy: {maxSurge: 0, maxUnavailable: 1}}}"),
        sample("node.drainSeconds", "60"),
        new Sample(
            "node.seccompProfile.localhostProfile",
            "b.json",
            "{node: {seccompProfile: {type: Localhost, localhostProfile: a.json}}}"),
        new Sample(
            "node.appArmorProfile.localhostProfile",
            "b",
            "{node: {appArmorProfile: {type: Localhost, localhostProfile: a}}}"),
        sample("node.seLinuxType", "spc_t"),
        new Sample(
            "controller.replicas",
            "3",
            "{controller: {state: {type: emptyDir}, authority: {type: certManager}}}"),
        sample("controller.image.repository", "other"),
        sample("controller.image.tag", "v2"),
        sample("controller.image.digest", "'sha256:" + "ab".repeat(32) + "'"),
        sample("controller.heapMiB", "50"),
        sample("controller.resources", "{requests: {cpu: 1}}"),
        sample("controller.priorityClassName", "other"),
        sample("controller.tolerations", "[{operator: Exists}]"),
        sample("controller.nodeSelector", "{site/mesh: 'yes'}"),
        sample("controller.state.size", "2Gi"),
        sample("controller.state.storageClassName", "local-path"),
        new Sample(
            "controller.state.hostPath",
            "/srv/sluice",
            "{controller: {state: {type: hostPath}, nodeSelector: {site/a: b}}}"),
        sample("controller.staticPodNamespaces", "[edge]"),
        sample("controller.certificateSecrets", "[{namespace: edge, names: [a]}]"),
        sample("controller.podRanges", "enforce"),
        sample("controller.strangers", "100"),
        sample("controller.strangersPerAddress", "8"),
        sample("controller.leafLifetime", "1h"),
        sample("controller.nodeLifetime", "7d"),
        sample("controller.authority.distributeFor", "48h"),
        new Sample(
            "controller.authority.imported.secretName",
            "b",
            "{controller: {authority: {type: imported, imported: {secretName: a}}}}"),
        new Sample("controller.authority.vault.address", "https://b.example", VAULT),
        new Sample("controller.authority.vault.mount", "other", VAULT),
        new Sample("controller.authority.vault.role", "other", VAULT),
        new Sample("controller.authority.vault.tokenSecret", "token", VAULT),
        new Sample("controller.authority.vault.kubernetesMount", "other", VAULT),
        new Sample("controller.authority.vault.kubernetesRole", "other", VAULT),
        new Sample("controller.authority.vault.caSecret", "ca", VAULT),
        new Sample("controller.authority.certManager.namespace", "pki", ISSUER),
        new Sample("controller.authority.certManager.issuer.name", "other", ISSUER),
        new Sample("controller.authority.certManager.issuer.group", "pki.example", ISSUER),
        sample("trustBundle.configMap", "roots"),
        sample("trustBundle.pem", "text"),
        sample("webhook.timeoutSeconds", "1"),
        new Sample("webhook.certificate.existingSecret", "other", OWN_CERTIFICATE),
        new Sample("webhook.certificate.caBundle", "other", OWN_CERTIFICATE),
        sample("meshConfig.name", "other"),
        sample("meshConfig.namespace", "other"),
        sample("meshConfig.traffic.dnsResolvers", "[10.96.0.10]"),
        sample(
            "meshConfig.traffic.inboundExternalAuthorization",
            "{enable: true, address: opa.tools, port: 9191}"),
        sample("meshConfig.traffic.idleTimeout", "30m"),
        sample("meshConfig.traffic.outboundPortExclusionList", "[1]"),
        sample("meshConfig.traffic.inboundPortExclusionList", "[1]"),
        sample("meshConfig.traffic.outboundIPRangeExclusionList", "[10.0.0.0/8]"),
        sample("meshConfig.traffic.outboundIPRangeInclusionList", "[10.0.0.0/8]"),
        sample("meshConfig.traffic.networkInterfaceExclusionList", "[net1]"),
        sample("meshConfig.sidecar.sidecarTimeout", "5"),
        sample("meshConfig.sidecar.logLevel", "debug"),
        sample("meshConfig.observability.budget", "20Mi/day"),
        sample("meshConfig.observability.osmLogLevel", "debug"),
        sample(
            "meshConfig.observability.remoteLogging",
            "{enable: true, address: logs.tools, sampledFraction: '0.1'}"),
        sample(
            "meshConfig.observability.tracing",
            "{enable: true, sampledFraction: 0.1, tls: {enable: true}}"),
        sample("meshConfig.sidecar.cipherSuites", "[TLS_AES_256_GCM_SHA384]"),
        sample("meshConfig.sidecar.ecdhCurves", "[P-256]"),
        sample("meshConfig.certificate.trustDomain", "site-7.example"),
        sample("meshConfig.certificate.serviceCertValidityDuration", "12h"),
        sample("meshConfig.certificate.ingressGateway", "{subjectAltNames: [a.b.cluster.local]}"),
        sample("meshConfig.certificate.deniedIdentities", "['spiffe://a/ns/b/sa/c']"),
        sample("meshConfig.certificate.deniedSerials", "[ab]"),
        sample("meshConfig.certificate.federatesWith", "[{trustDomain: a, trustBundle: PEM}]"),
        sample("metrics.port", "15999"),
        new Sample("metrics.podMonitor.interval", "5s", "{metrics: {podMonitor: {enabled: true}}}"),
        new Sample(
            "metrics.podMonitor.labels", "{a: b}", "{metrics: {podMonitor: {enabled: true}}}"),
        new Sample("dashboards.labels", "{a: b}", "{dashboards: {enabled: true}}"),
        new Sample("alerts.labels", "{a: b}", "{alerts: {form: configMap}}"),
        new Sample("osm.prometheus.image.repository", "other", PROMETHEUS),
        new Sample("osm.prometheus.image.tag", "v2", PROMETHEUS),
        new Sample("osm.prometheus.image.digest", "'sha256:" + "ab".repeat(32) + "'", PROMETHEUS),
        new Sample("osm.prometheus.port", "9090", PROMETHEUS),
        new Sample("osm.prometheus.retention.time", "30d", PROMETHEUS),
        new Sample("osm.prometheus.retention.size", "5GB", PROMETHEUS),
        new Sample("osm.prometheus.claimName", "data", PROMETHEUS),
        new Sample("osm.prometheus.alertmanagers", "[alerts.monitoring.svc:9093]", PROMETHEUS),
        new Sample("osm.prometheus.resources", "{limits: {memory: 1Gi}}", PROMETHEUS),
        new Sample("osm.grafana.image.repository", "other", GRAFANA),
        new Sample("osm.grafana.image.tag", "v2", GRAFANA),
        new Sample("osm.grafana.image.digest", "'sha256:" + "ab".repeat(32) + "'", GRAFANA),
        new Sample("osm.grafana.port", "3001", GRAFANA),
        new Sample("osm.grafana.prometheus", "http://prometheus.monitoring:9090", GRAFANA),
        new Sample("osm.grafana.resources", "{limits: {memory: 1Gi}}", GRAFANA),
        sample("networkPolicies.nodeCidrs", "['fd00::/64']"),
        sample("networkPolicies.apiServerCidrs", "[10.0.0.1/32]"),
        sample("networkPolicies.metricsNamespaces", "[monitoring]"),
        sample("networkPolicies.debugNamespaces", "[monitoring]"),
        new Sample("networkPolicies.monitoringNamespaces", "[monitoring]", PROMETHEUS));
  }

  @ParameterizedTest
  @MethodSource("samples")
  void changesWhatIsRendered(Sample each) {
    String changed = each.chart().text();

    assertThat(changed).isNotEqualTo(each.base().text());
    assertThat(StrictReader.read(changed)).isNotEmpty();
  }

  @Test
  void nothingChangesByItself() {
    assertThat(Chart.asItComes().text()).isEqualTo(Chart.asItComes().text());
  }

  @Test
  void everyValueOfTheChartIsTried() throws IOException {
    Set<String> tried =
        samples().stream().map(Sample::path).collect(Collectors.toCollection(TreeSet::new));
    Switches.all().forEach(each -> tried.add(each.path()));

    assertThat(DocumentedValues.read())
        .extracting(Value::path)
        .containsExactlyInAnyOrderElementsOf(tried);
  }
}

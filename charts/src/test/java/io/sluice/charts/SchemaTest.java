package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Values that cannot be meant are refused before anything is installed. */
@ResourceLock("KUBECONFIG")
class SchemaTest {
  @RegisterExtension final LookedUp cluster = new LookedUp();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "intercepton: {mode: ebpf}          | intercepton",
        "interception: {mod: ebpf}          | mod",
        "node: {image: {version: '1'}}      | version",
        "controller: {state: {path: /a}}    | path",
        "meshConfig: {traffic: {egress: 1}} | egress",
        "global: {}                         | global",
      })
  void refusesKeysThatNobodyKnowsAndNamesThem(String values, String key) {
    assertThatThrownBy(() -> Chart.asItComes().with(values).text())
        .hasMessageContaining("additional properties '" + key + "' not allowed");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "interception: {mode: nftables}                        | /interception/mode",
        "interception: {fallback: 'yes'}                       | /interception/fallback",
        "interception: {withoutPrograms: [skb_egres]}          | /interception/withoutPrograms/0",
        "interception: {pathCheckSeconds: 0}                   | /interception/pathCheckSeconds",
        "size: huge                                            | /size",
        "image: {pullPolicy: Sometimes}                        | /image/pullPolicy",
        "image: {registry: 'http://registry.example'}          | /image/registry",
        "node: {image: {digest: 'sha256:12'}}                  | /node/image/digest",
        "node: {updateStrategy: {maxUnavailable: 0%}}          | /node/updateStrategy/maxUnavailable",
        "node: {updateStrategy: {maxSurge: -1}}                | /node/updateStrategy/maxSurge",
        "node: {resources: {limits: {memory: lots}}}           | /node/resources/limits/memory",
        "controller: {replicas: 0}                             | /controller/replicas",
        "controller: {leafLifetime: forever}                   | /controller/leafLifetime",
        "cni: {confDir: etc/cni/net.d}                         | /cni/confDir",
        "fullnameOverride: Sluice_1                            | /fullnameOverride",
        "metrics: {port: 70000}                                | /metrics/port",
        "meshConfig: {traffic: {outboundPortExclusionList: [0]}} | /meshConfig/traffic/outboundPortExclusionList/0",
        "networkPolicies: {nodeCidrs: [10.0.0.1]}              | /networkPolicies/nodeCidrs/0",
        "osm: {prometheus: {retention: {time: forever}}}       | /osm/prometheus/retention/time",
        "osm: {prometheus: {resources: {limits: {memory: lots}}}} | /osm/prometheus/resources/limits/memory",
        "osm: {grafana: {image: grafana/grafana:8.2.2}}        | /osm/grafana/image",
      })
  void refusesValuesOfTheWrongKindAndNamesThem(String values, String place) {
    assertThatThrownBy(() -> Chart.asItComes().with(values).text())
        .hasMessageContaining("at '" + place + "'");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "controller: {replicas: 2} | controller.replicas: 2 controllers cannot share the keys",
        "{size: default, node: {heapMiB: 63}} | node.heapMiB: size default keeps 24 MiB",
        "controller: {replicas: 2, authority: {type: certManager}} | controller.state.type: several",
        "controller: {state: {type: emptyDir}} | controller.state.type: with emptyDir",
        "controller: {state: {type: hostPath}} | controller.nodeSelector: with state.type hostPath",
        "controller: {authority: {type: vault}} | controller.authority.vault.address: name",
        "controller: {authority: {type: imported}} | controller.authority.imported.secretName: name",
        "controller: {authority: {type: certManager, dnsNames: true}} | controller.authority.dnsNames",
        "metrics: {localOnly: true, podMonitor: {enabled: true}} | metrics.podMonitor.enabled",
        "{metrics: {localOnly: true}, osm: {deployPrometheus: true}} | osm.deployPrometheus: with",
        "osm: {deployGrafana: true}                              | osm.deployGrafana: it has",
        "{networkPolicies: {enabled: false}, osm: {deployPrometheus: true}} | osm.deployPrometheus, osm",
        "networkPolicies: {enabled: false, debugNamespaces: [a]} | networkPolicies.debugNamespaces",
        "{webhook: {enabled: false}, smi: {trafficMetrics: true}} | smi.trafficMetrics: it is served",
        "{smi: {trafficMetrics: true}, controller: {replicas: 2, state: {type: emptyDir}, authority: {type: certManager}}} | smi.trafficMetrics: a controller",
        "controller: {leafLifetime: 7d}                          | set 7d or more",
        "controller: {leafLifetime: 4d, nodeLifetime: 95h}       | controller.nodeLifetime: a node's",
        "controller: {leafLifetime: 59s}                         | controller.leafLifetime: no cert",
        "controller: {nodeLifetime: 169h}                        | controller.nodeLifetime: no cert",
        "controller: {nodeLifetime: 99999999999999999999d}       | controller.nodeLifetime: no cert",
        "node: {updateStrategy: {maxUnavailable: 1}}             | node.updateStrategy",
        "node: {updateStrategy: {maxSurge: 0}}                   | node.updateStrategy",
        "{retire: true, node: {updateStrategy: {type: OnDelete, maxSurge: 0}}} | node.updateStrategy",
        "controller: {certificateSecrets: [{namespace: a, names: [b]}, {namespace: a, names: [c]}]} | controller.certificateSecrets: namespace a is there twice",
        "controller: {certificateSecrets: [{namespace: kube-system, names: [b]}]} | controller.certificateSecrets: kube-system",
        "webhook: {certificate: {caBundle: text}}                | webhook.certificate.caBundle: it is of",
        "webhook: {certificate: {existingSecret: mine}} | webhook.certificate.caBundle",
        "node: {seccompProfile: {type: Localhost}} | node.seccompProfile.localhostProfile",
        "node: {appArmorProfile: {type: Localhost}} | node.appArmorProfile.localhostProfile",
      })
  void refusesWhatDoesNotGoTogetherAndSaysWhatToDo(String values, String message) {
    assertThatThrownBy(() -> Chart.asItComes().with(values).text()).hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fullnameOverride: mesh",
        "controller: {leafLifetime: 7d, nodeLifetime: 168h}",
        "controller: {leafLifetime: 60s, nodeLifetime: 1m}",
        "image: {registry: 'registry.site.example:5000/mirror/of/sluice', pullSecrets: [mirror]}",
        "node: {updateStrategy: {maxSurge: 10%}, nodeSelector: {site/mesh: 'yes'}}",
        "node: {tolerations: [{key: a, operator: Equal, value: b, effect: NoExecute}]}",
        "cni: {confDir: /etc/cni/multus, binDirs: [/opt/cni/bin, /usr/libexec/cni]}",
        "networkPolicies: {nodeCidrs: [10.0.0.0/24, 'fd00::/64'], metricsNamespaces: [monitoring]}",
        "trustBundle: {pem: 'text of certificates'}",
        "controller: {authority: {type: vault, vault: {address: 'https://v:8200', tokenSecret: t, caSecret: c}}}",
        "webhook: {certificate: {existingSecret: mine, caBundle: text}}",
        "meshConfig: {certificate: {deniedSerials: ['0a:1b'], deniedIdentities: ['spiffe://t/ns/a/sa/b']}}",
      })
  void takesWhatSitesNeed(String values) {
    assertThatCode(() -> Chart.asItComes().with(values).objects()).doesNotThrowAnyException();
  }
}

package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingWebhookConfiguration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the chart makes of what it finds in the cluster. */
class LookupTest {
  private static final String CONTAINERD = "containerd://2.1.4";
  private static final Map<String, Object> K3S =
      LookedUp.node("v1.33.1+k3s1", "containerd://2.0.5-k3s1", Map.of());

  @RegisterExtension final LookedUp cluster = new LookedUp();

  static Stream<Arguments> nodes() {
    return Stream.of(
        arguments("k3s", K3S),
        arguments("rke2", LookedUp.node("v1.33.1+rke2r1", CONTAINERD, Map.of())),
        arguments("k0s", LookedUp.node("v1.33.1+k0s", CONTAINERD, Map.of())),
        arguments(
            "microk8s",
            LookedUp.node("v1.33.1", CONTAINERD, Map.of("microk8s.io/cluster", "true"))),
        arguments("crio", LookedUp.node("v1.33.1", "cri-o://1.33.0", Map.of())),
        arguments("generic", LookedUp.node("v1.33.1", CONTAINERD, Map.of())));
  }

  @ParameterizedTest
  @MethodSource("nodes")
  void recognisesTheKindOfKubernetesByItsNodes(String platform, Map<String, Object> node) {
    cluster.nodes(List.of(node, node));

    assertThat(Chart.asItComes().objects().nodePod())
        .isEqualTo(Chart.asItComes().with("platform: " + platform).objects().nodePod());
  }

  @Test
  void refusesToGuessAmongNodesOfSeveralKinds() {
    cluster.nodes(List.of(LookedUp.node("v1.33.1", CONTAINERD, Map.of()), K3S));

    assertThatThrownBy(() -> Chart.asItComes().text())
        .hasMessageContaining("platform: the nodes are of several kinds (generic, k3s); set");
    assertThat(Chart.asItComes().with("platform: k3s").objects().daemonSet()).isNotNull();
  }

  @Test
  void keepsTheCertificateOfTheWebhookOverAnUpgrade() {
    cluster.forgetInstall();
    Secret made = Chart.asItComes().objects().one(Secret.class, "-webhook");
    assertThat(Chart.asItComes().objects().one(Secret.class, "-webhook").getData())
        .as("made anew while there is none")
        .isNotEqualTo(made.getData());

    cluster.secret("sluice-webhook", made.getData());
    Objects upgraded = Chart.asItComes().objects();

    assertThat(upgraded.one(Secret.class, "-webhook").getData()).isEqualTo(made.getData());
    assertThat(upgraded.of(ValidatingWebhookConfiguration.class).getFirst().getWebhooks())
        .allMatch(
            each -> each.getClientConfig().getCaBundle().equals(made.getData().get("ca.crt")));
  }
}

package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingWebhookConfiguration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.ResourceLock;

/** What the chart makes of what it finds in the cluster. */
@ResourceLock("KUBECONFIG")
class LookupTest {
  @RegisterExtension final LookedUp cluster = new LookedUp();

  @Test
  void keepsTheCertificateOfTheWebhookOverAnUpgrade() {
    cluster.forgetInstall();
    Secret made = Chart.asItComes().objects().one(Secret.class, "-webhook");
    cluster.forgetInstall();
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

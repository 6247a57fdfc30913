package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SystemIdentityTest {
  private static final TrustDomain SITE = new TrustDomain("site.example");

  @Test
  void aNodeIsRecognisedByItsIdentity() {
    SpiffeId node = SystemIdentity.node(SITE, "edge-1.shop");

    assertThat(node).hasToString("spiffe://site.example/ns/sluice-system/sa/node.edge-1.shop");
    assertThat(SystemIdentity.nodeName(node)).contains("edge-1.shop");
    assertThat(SystemIdentity.isSystem(node)).isTrue();
  }

  @Test
  void theControllerIsNoNode() {
    SpiffeId controller = SystemIdentity.controller(SITE);

    assertThat(SystemIdentity.isSystem(controller)).isTrue();
    assertThat(SystemIdentity.nodeName(controller)).isEmpty();
  }

  @Test
  void aWorkloadIsNeither() {
    SpiffeId workload = new SpiffeId(SITE, "shop", "node.edge-1");

    assertThat(SystemIdentity.isSystem(workload)).isFalse();
    assertThat(SystemIdentity.nodeName(workload)).isEmpty();
  }

  @Test
  void aNodeWithoutANameIsNone() {
    assertThat(SystemIdentity.nodeName(new SpiffeId(SITE, "sluice-system", "node."))).isEmpty();
  }

  @Test
  void aNameThatFitsNoServiceAccountIsRefused() {
    assertThatThrownBy(() -> SystemIdentity.node(SITE, "n".repeat(248)))
        .hasMessageContaining("longer than 247");
    assertThatThrownBy(() -> SystemIdentity.node(SITE, "Edge 1"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

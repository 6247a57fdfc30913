package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DeniedPeersTest {
  private static final SpiffeId FORMER = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "buyer");
  private static final SpiffeId PRESENT = FORMER.in(new TrustDomain("site-7.example"));

  @Test
  void anAccountIsDeniedByWhicheverNameItHas() {
    DeniedPeers denied = new DeniedPeers(Set.of(PRESENT), Set.of());

    assertThat(denied.denies(FORMER, BigInteger.ONE)).isTrue();
    assertThat(denied.denies(new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "store"))).isFalse();
    assertThat(denied.denies(new SpiffeId(TrustDomain.CLUSTER_LOCAL, "bank", "buyer"))).isFalse();
  }
}

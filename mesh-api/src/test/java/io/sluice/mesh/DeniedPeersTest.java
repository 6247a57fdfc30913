package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DeniedPeersTest {
  private static final SpiffeId FORMER = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "buyer");
  private static final SpiffeId PRESENT = FORMER.in(new TrustDomain("site-7.example"));
  private static final Set<TrustDomain> MESH = Set.of(PRESENT.trustDomain());

  @Test
  void anAccountIsDeniedByWhicheverNameItHas() {
    DeniedPeers denied = new DeniedPeers(Set.of(PRESENT), Set.of(), Set.of());

    assertThat(denied.denies(FORMER, BigInteger.ONE, MESH)).isTrue();
    assertThat(denied.denies(new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "store"))).isFalse();
    assertThat(denied.denies(new SpiffeId(TrustDomain.CLUSTER_LOCAL, "bank", "buyer"))).isFalse();
  }

  @Test
  void aPeerOfAnotherMeshIsDeniedByItsWholeNameAlone() {
    SpiffeId theirs = FORMER.in(new TrustDomain("partner.example"));
    DeniedPeers ours = new DeniedPeers(Set.of(PRESENT), Set.of(), Set.of());
    DeniedPeers foreign = new DeniedPeers(Set.of(), Set.of(theirs), Set.of(BigInteger.TWO));

    assertThat(ours.deniesForeign(theirs, BigInteger.ONE)).isFalse();
    assertThat(foreign.deniesForeign(theirs, BigInteger.ONE)).isTrue();
    assertThat(foreign.denies(PRESENT, BigInteger.ONE, MESH))
        .as("our account of that name")
        .isFalse();
    assertThat(foreign.deniesForeign(PRESENT, BigInteger.TWO)).as("its serial").isTrue();
  }

  @Test
  void anAccountIsDeniedByANameThatIsAnothersByNowWhileTheMeshHasItToo() {
    DeniedPeers denied = new DeniedPeers(Set.of(), Set.of(FORMER), Set.of());
    Set<TrustDomain> both = Set.of(FORMER.trustDomain(), PRESENT.trustDomain());

    assertThat(denied.denies(FORMER, BigInteger.ONE, both)).isTrue();
    assertThat(denied.denies(PRESENT, BigInteger.ONE, both)).isTrue();
    assertThat(denied.denies(PRESENT, BigInteger.ONE, MESH)).as("it is another's").isFalse();
  }
}

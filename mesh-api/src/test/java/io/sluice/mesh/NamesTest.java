package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamesTest {
  @ParameterizedTest
  @ValueSource(strings = {"default/web", "a/b", "shop/web-7f.4d", "kube-system/x"})
  void printsTheNameThatItReads(String text) {
    assertThat(NamespacedName.parse(text)).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        "web",
        "/web",
        "shop/",
        "a/b/c",
        "a//b",
        "shop/..",
        "./web",
        "shop/we b",
        "shop/web\n",
        "shop/w\u0000eb",
        "shöp/web"
      })
  void refusesOtherNames(String text) {
    assertThatThrownBy(() -> NamespacedName.parse(text))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void takesNamesUpToTheLimitsOfKubernetes() {
    String namespace = "n".repeat(63);
    String name = "p".repeat(253);

    assertThat(NamespacedName.parse(namespace + "/" + name).name()).isEqualTo(name);
    assertThatThrownBy(() -> new NamespacedName(namespace + "n", name))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new NamespacedName(namespace, name + "p"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void ordersByNamespaceThenName() {
    var names =
        List.of(
            new NamespacedName("b", "a"),
            new NamespacedName("a", "z"),
            new NamespacedName("a", "b"));

    assertThat(names.stream().sorted().map(NamespacedName::toString))
        .containsExactly("a/b", "a/z", "b/a");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "spiffe://cluster.local/ns/default/sa/web",
        "spiffe://a_b-c.d/ns/n/sa/s.t-u",
        "spiffe://1/ns/1/sa/1"
      })
  void printsTheIdentityThatItReads(String text) {
    assertThat(SpiffeId.parse(text)).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "spiffe://",
        "cluster.local/ns/default/sa/web",
        "https://cluster.local/ns/default/sa/web",
        "SPIFFE://cluster.local/ns/default/sa/web",
        "spiffe:///ns/default/sa/web",
        "spiffe://Cluster.local/ns/default/sa/web",
        "spiffe://cluster.local:8443/ns/default/sa/web",
        "spiffe://user@cluster.local/ns/default/sa/web",
        "spiffe://cluster.local/ns/default/sa/",
        "spiffe://cluster.local/ns//sa/web",
        "spiffe://cluster.local/ns/default/sa/web/",
        "spiffe://cluster.local/ns/default/sa/web/x",
        "spiffe://cluster.local/ns/default/sa/web?x",
        "spiffe://cluster.local/ns/default/sa/web#x",
        "spiffe://cluster.local/ns/default/sa/we%62",
        "spiffe://cluster.local/ns/../sa/web",
        "spiffe://cluster.local/ns/default/sa/.",
        "spiffe://cluster.local/ns/default/sa/Web",
        "spiffe://cluster.local/ns/default/sa/web\n",
        "spiffe://cluster.local/ns/default/sa/web\u0000"
      })
  void refusesOtherIdentities(String text) {
    assertThatThrownBy(() -> SpiffeId.parse(text)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void refusesIdentitiesThatCouldNotBeReadBack() {
    assertThatThrownBy(() -> new SpiffeId(TrustDomain.CLUSTER_LOCAL, "a/sa/b/ns", "c"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new SpiffeId(TrustDomain.CLUSTER_LOCAL, "n".repeat(64), "c"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new SpiffeId(TrustDomain.CLUSTER_LOCAL, "n", "s".repeat(254)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Cluster.local", "a b", "a/b", "a:1", "a%62", "ä", "a\n"})
  void refusesOtherTrustDomains(String text) {
    assertThatThrownBy(() -> new TrustDomain(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + text + "'");
  }

  @Test
  void takesTrustDomainsOfUpTo255Characters() {
    assertThat(new TrustDomain("a".repeat(255)).name()).hasSize(255);
    assertThatThrownBy(() -> new TrustDomain("a".repeat(256)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.attack.Attack;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who keeps what several objects claim: whoever has it, else the older one; never a name. */
class ClaimsTest {
  private static final String ADDRESS = "10.0.0.5";
  private static final String CONFIG =
      """
      apiVersion: config.sluice.io/v1alpha1
      kind: MeshConfig
      metadata: {name: %s, namespace: %s, creationTimestamp: 2026-01-0%dT00:00:00Z}
      spec: {traffic: {enablePermissiveTrafficPolicyMode: %s}}
      """;

  private IncrementalCompiler compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);
  private final Map<String, List<KubernetesObject>> files = new HashMap<>();

  @ParameterizedTest
  @ValueSource(strings = {"10.0.0.5", "fd00::5"})
  @Tag("attack")
  void anAddressStaysWithThePodThatHasIt(String address) {
    apply("store", pod("store", 2, address));

    CompiledChange after = apply("aaa", pod("aaa", 3, address));

    assertThat(owner(after.snapshot(), address)).isEqualTo("shop/store");
    String told =
        "Pod shop/aaa: address "
            + IpAddresses.text(IpAddresses.parse(address))
            + " already belongs to Pod shop/store";
    assertThat(told(after)).containsExactly(told);
    Attack.tried("a Pod first in order of name claims " + address + ", which another Pod has")
        .refusedBy("controller: the claim in force stays")
        .countedAs("status of " + told);
  }

  @Test
  @Tag("attack")
  void anOlderPodThatClaimsAnAddressLaterDoesNotGetIt() {
    apply("old", pod("old", 1, "10.0.0.9"));
    apply("store", pod("store", 2, ADDRESS));

    CompiledChange after = apply("old", pod("old", 1, ADDRESS));

    assertThat(owner(after.snapshot(), ADDRESS)).isEqualTo("shop/store");
    Attack.tried("a kubelet writes another Pod's address into an older Pod's status")
        .refusedBy("controller: the claim in force stays")
        .countedAs(told(after).getFirst());
  }

  @Test
  void afterARestartTheOlderPodHasWhatTwoClaim() {
    apply("store", pod("store", 1, ADDRESS));
    apply("aaa", pod("aaa", 2, ADDRESS));

    assertThat(owner(restarted().snapshot(), ADDRESS)).isEqualTo("shop/store");
  }

  @Test
  @Tag("attack")
  void afterARestartAnOlderPodOfAnotherNodeDoesNotGetTheAddressWhereRangesDoNotBindYet() {
    String address = "10.42.1.7";
    for (int node = 1; node <= 2; node++) {
      apply("node" + node, node(node));
    }
    apply("store", onNode(1, "store", address).replace("2026-01-01", "2026-01-02"));
    apply("thief", onNode(2, "thief", address));

    CompiledChange after = restarted();

    assertThat(owner(after.snapshot(), address)).isEqualTo("shop/store");
    Attack.tried("a kubelet gives an older Pod another Node's address, and the controller restarts")
        .refusedBy("controller: a Pod inside its Node's range goes before")
        .countedAs(told(after).getFirst());
  }

  @Test
  void rangesThatComeLaterDecideWhatNothingElseDid() {
    String address = "10.42.1.7";
    files.put("a", Manifests.objects("a", onNode(1, "a", address)));
    files.put("b", Manifests.objects("b", onNode(2, "b", address)));

    CompiledChange before = restarted();
    CompiledChange after = apply("node1", node(1));

    assertThat(owner(before.snapshot(), address)).isEqualTo("nobody");
    assertThat(owner(after.snapshot(), address)).isEqualTo("shop/a");
  }

  @Test
  void aCompilerInThePlaceOfOneThatFailedKeepsWhatWasDecided() {
    apply("store", pod("store", 2, ADDRESS));
    apply("aaa", pod("aaa", 1, ADDRESS));
    apply("mine", CONFIG.formatted("sluice-mesh-config", "mesh", 2, false));
    apply("other", CONFIG.formatted("fsm-mesh-config", "mesh", 1, true));
    Map<String, List<KubernetesObject>> broken = Map.of("b", Collections.singletonList(null));

    assertThatThrownBy(() -> compiler.apply(broken)).isInstanceOf(NullPointerException.class);
    CompiledChange after =
        restarted(new IncrementalCompiler(CompilerSettings.USUAL, 0, compiler.inForce()));

    assertThat(owner(after.snapshot(), ADDRESS)).isEqualTo("shop/store");
    assertThat(after.snapshot().settings().permissive()).isFalse();
  }

  @Test
  void whereNothingTellsWhoWasFirstNobodyHasIt() {
    files.put("a", Manifests.objects("a", Manifests.enrolledPod("a", ADDRESS)));
    files.put("b", Manifests.objects("b", Manifests.enrolledPod("b", ADDRESS)));

    CompiledChange both = restarted();
    CompiledChange one = apply("b", "");

    assertThat(owner(both.snapshot(), ADDRESS)).isEqualTo("nobody");
    assertThat(told(both))
        .contains(
            "Pod shop/a: address 10.0.0.5 is claimed by Pod shop/b too, and nothing tells who was"
                + " first");
    assertThat(owner(one.snapshot(), ADDRESS)).isEqualTo("shop/a");
  }

  @ParameterizedTest
  @CsvSource({
    "status: {, 'status: {phase: Succeeded, '",
    "status: {, 'status: {phase: Failed, '",
    "'namespace: shop,', 'namespace: shop, deletionTimestamp: 2026-01-04T00:00:00Z,'"
  })
  void aPodThatHasEndedOrTerminatesReleasesWhatItHas(String before, String after) {
    String store = pod("store", 1, ADDRESS);
    apply("store", store);
    apply("web", pod("web", 2, ADDRESS));

    CompiledChange change = apply("store", store.replace(before, after));

    assertThat(owner(change.snapshot(), ADDRESS)).isEqualTo("shop/web");
  }

  @Test
  void aPodThatTerminatesKeepsWhatNobodyElseClaims() {
    String store = pod("store", 1, ADDRESS);
    String terminating =
        store.replace(
            "namespace: shop,", "namespace: shop, deletionTimestamp: 2026-01-04T00:00:00Z,");

    assertThat(owner(apply("store", terminating).snapshot(), ADDRESS)).isEqualTo("shop/store");
  }

  @Test
  @Tag("attack")
  void aPodOfTheNodesNetworkDoesNotGetThePodsAddress() {
    apply("store", pod("store", 2, ADDRESS));

    CompiledChange after =
        apply("aaa", pod("aaa", 3, ADDRESS).replace("spec: {", "spec: {hostNetwork: true, "));

    assertThat(owner(after.snapshot(), ADDRESS)).isEqualTo("shop/store");
    Attack.tried("a Pod of a node's network says that its address is another Pod's")
        .refusedBy("controller: the claim in force stays")
        .countedAs(told(after).getFirst());
  }

  @Test
  void podsOfOneNodesNetworkShareItsAddress() {
    String host = pod("a", 1, ADDRESS).replace("spec: {", "spec: {hostNetwork: true, nodeName: n");
    apply("a", host);

    assertThat(told(apply("b", host.replace("name: a,", "name: b,")))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"10.42.1.7", "fd00:42:1::7"})
  @Tag("attack")
  void onceMostNodesKeepToTheirRangesAForeignAddressIsRefused(String foreign) {
    for (int node = 1; node <= 2; node++) {
      apply("node" + node, node(node));
      apply("pod" + node, onNode(node, "pod" + node, "10.42." + node + ".2"));
    }

    CompiledChange after = apply("thief", onNode(2, "thief", foreign));

    assertThat(owner(after.snapshot(), foreign)).isEqualTo("nobody");
    assertThat(told(after).getFirst()).contains("is outside of").contains("its Node node2");
    Attack.tried("a kubelet gives its Pod the address " + foreign + " of another Node's range")
        .refusedBy("controller: outside of the Node's spec.podCIDRs")
        .countedAs(told(after).getFirst());
  }

  @Test
  @Tag("attack")
  void oneNodeCannotUndoThatRangesBind() {
    for (int node = 1; node <= 2; node++) {
      apply("node" + node, node(node));
      apply("pod" + node, onNode(node, "pod" + node, "10.42." + node + ".2"));
    }
    apply("thief", onNode(2, "thief", "10.99.0.1"));

    CompiledChange after = apply("again", onNode(2, "again", "10.42.1.7"));

    assertThat(owner(after.snapshot(), "10.42.1.7")).isEqualTo("nobody");
    Attack.tried("a kubelet first leaves its range, so that ranges seem to mean nothing")
        .refusedBy("controller: ranges that bind go on to")
        .countedAs(told(after).getFirst());
  }

  @Test
  void anAddressPlanOfItsOwnIsLeftAloneUnlessRangesAreEnforced() {
    for (int node = 1; node <= 3; node++) {
      apply("node" + node, node(node));
      apply("pod" + node, onNode(node, "pod" + node, "10.42.77." + node));
    }

    assertThat(told(compiler.apply(Map.of()))).isEmpty();
    compiler = new IncrementalCompiler(new CompilerSettings(null, PodRangeRule.ENFORCE), 0);
    assertThat(told(restarted(compiler))).hasSize(3);
    compiler = new IncrementalCompiler(new CompilerSettings(null, PodRangeRule.IGNORE), 0);
    assertThat(told(restarted(compiler))).isEmpty();
  }

  @Test
  @Tag("attack")
  void aMeshConfigOfAnotherNamespaceGovernsNothing() {
    compiler = new IncrementalCompiler(new CompilerSettings("sluice-system", PodRangeRule.AUTO), 0);

    CompiledChange alone = apply("theirs", CONFIG.formatted("sluice-mesh-config", "aaa", 1, true));
    CompiledChange both =
        apply("mine", CONFIG.formatted("sluice-mesh-config", "sluice-system", 2, false));

    assertThat(alone.snapshot().settings().permissive()).isFalse();
    assertThat(both.snapshot().settings().permissive()).isFalse();
    assertThat(told(both))
        .containsExactly(
            "MeshConfig aaa/sluice-mesh-config: only a MeshConfig of namespace sluice-system governs"
                + " this mesh");
    Attack.tried("a MeshConfig with a usual name in a namespace of one's own")
        .refusedBy("controller: only the release's namespace counts")
        .countedAs("Accepted=False, Unusable: " + told(both).getFirst());
  }

  @Test
  @Tag("attack")
  void theMeshConfigInForceStaysBesideOneWithAnEarlierName() {
    apply("mine", CONFIG.formatted("sluice-mesh-config", "mesh", 2, false));

    CompiledChange after = apply("other", CONFIG.formatted("fsm-mesh-config", "mesh", 1, true));

    assertThat(after.snapshot().settings().permissive()).isFalse();
    Attack.tried("a second MeshConfig beside the one in force, first in order of name")
        .refusedBy("controller: what is in force stays")
        .countedAs("Accepted=False, Unusable: " + told(after).getFirst());
  }

  @Test
  void ofMeshConfigsWithoutAnOrderNoneSaysThatTheMeshIsClosed() {
    String one = CONFIG.formatted("sluice-mesh-config", "mesh", 1, true);
    String other = CONFIG.formatted("osm-mesh-config", "mesh", 1, false);
    files.put("one", Manifests.objects("one", one));
    files.put("other", Manifests.objects("other", other));

    assertThat(restarted().snapshot().isGoverned()).isFalse();

    assertThat(apply("other", "").snapshot().settings().permissive()).isTrue();
    assertThat(apply("other", other).snapshot().settings().permissive()).isTrue();
    assertThat(apply("one", "").snapshot().settings().permissive()).isFalse();
  }

  @Test
  void aMeshConfigThatWentWhileItWasInDoubtWhichThereAreGovernsUntilThatIsKnown() {
    apply("mine", CONFIG.formatted("sluice-mesh-config", "mesh", 1, true));

    CompiledChange doubtful = compiler.apply(Map.of("mine", List.of()), false);
    CompiledChange known = compiler.apply(Map.of(), true);

    assertThat(doubtful.snapshot().settings().permissive()).isTrue();
    assertThat(known.snapshot().settings().permissive()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"osm-mesh-config", "another"})
  void aMeshConfigThatTerminatesGivesWay(String heir) {
    String mine = CONFIG.formatted("sluice-mesh-config", "mesh", 1, true);
    apply("mine", mine);
    apply("heir", CONFIG.formatted(heir, "mesh", 2, false));

    CompiledChange after =
        apply("mine", mine.replace("{name", "{deletionTimestamp: 2026-02-01T00:00:00Z, name"));

    assertThat(after.snapshot().settings().permissive()).isFalse();
    assertThat(told(after))
        .containsExactly(
            "MeshConfig mesh/sluice-mesh-config: MeshConfig mesh/"
                + heir
                + " is the MeshConfig in force");
  }

  private CompiledChange apply(String file, String text) {
    List<KubernetesObject> objects = text.isEmpty() ? List.of() : Manifests.objects(file, text);
    files.put(file, objects);
    return compiler.apply(Map.of(file, objects));
  }

  /** As another controller would find it. */
  private CompiledChange restarted() {
    compiler = new IncrementalCompiler(CompilerSettings.USUAL, 0);
    return restarted(compiler);
  }

  private CompiledChange restarted(IncrementalCompiler fresh) {
    return fresh.apply(files);
  }

  private static String pod(String name, int day, String address) {
    return Manifests.pod(name, address, "creationTimestamp: 2026-01-0" + day + "T00:00:00Z", "");
  }

  private static String onNode(int node, String name, String address) {
    return pod(name, 1, address).replace("spec: {", "spec: {nodeName: node" + node);
  }

  private static String node(int number) {
    return """
    apiVersion: v1
    kind: Node
    metadata: {name: node%1$d}
    spec: {podCIDRs: [10.42.%1$d.0/24, "fd00:42:%1$d::/64"]}
    """
        .formatted(number);
  }

  private static String owner(MeshSnapshot snapshot, String address) {
    return snapshot
        .workloadAt(IpAddresses.parse(address))
        .map(found -> found.name())
        .map(NamespacedName::toString)
        .orElse("nobody");
  }

  private static List<String> told(CompiledChange change) {
    return change.statuses().stream()
        .map(status -> status.object() + ": " + status.reason())
        .toList();
  }
}

package io.sluice.control.compile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MetadataMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Openings;
import io.sluice.mesh.PingMode;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.Resolvers;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WorkloadCompilerTest {
  private static final String CONFIG =
      """
      apiVersion: config.openservicemesh.io/v1alpha2
      kind: MeshConfig
      metadata: {name: %s, namespace: %s}
      spec:
        traffic:
          enablePermissiveTrafficPolicyMode: %s
          enableEgress: true
          outboundPortExclusionList: [6379]
          outboundIPRangeExclusionList: [10.1.0.0/16]
          networkInterfaceExclusionList: [net1]
      """;

  @Test
  void givesAWorkloadItsIdentityPlaceAndLists() {
    CompiledChange compilation =
        Manifests.compile(
            CONFIG.formatted("osm-mesh-config", "osm-system", false),
            Manifests.pod(
                "web",
                "10.0.0.1",
                "annotations: {sluice.io/netns: web, "
                    + "openservicemesh.io/outbound-port-exclusion-list: \"7070\", "
                    + "sluice.io/outbound-ip-range-inclusion-list: 10.0.0.0/8}",
                "serviceAccountName: web, nodeName: node-1"));

    Workload web = workload(compilation.snapshot(), "web");
    assertThat(web.identity()).hasToString("spiffe://cluster.local/ns/shop/sa/web");
    assertThat(web.netns()).contains("web");
    assertThat(web.nodeName()).contains("node-1");
    assertThat(web.interception())
        .isEqualTo(
            new InterceptionSettings(
                Set.of(6379, 7070),
                Set.of(),
                List.of(Cidr.parse("10.1.0.0/16")),
                List.of(Cidr.parse("10.0.0.0/8")),
                Set.of("net1")));
    assertThat(compilation.snapshot().settings())
        .usingRecursiveComparison()
        .ignoringFields("flagsOrNull") // those that are on by themselves
        .isEqualTo(new MeshSettings(false, true, TrustDomain.CLUSTER_LOCAL));
    assertThat(compilation.statuses()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "'', '', '', REFUSE, PLAIN, ''",
    "'metadataMode: ALLOW, pingMode: REFUSE', '', '', ALLOW, REFUSE, ''",
    "'metadataMode: ALLOW', 'sluice.io/metadata-mode: REFUSE', '', REFUSE, PLAIN, ''",
    "'', 'sluice.io/ping-mode: REFUSE', 'sluice.io/ping-mode: ALLOW', REFUSE, ALLOW, ''",
    "'metadataMode: ALLOW', '', 'sluice.io/metadata-mode: allow', REFUSE, PLAIN, "
        + "'write REFUSE or ALLOW'",
    "'pingMode: ALLOW', '', 'sluice.io/ping-mode: none', REFUSE, PLAIN, "
        + "'write REFUSE, PLAIN or ALLOW'",
  })
  void theMostSpecificOpeningWinsAndATypingErrorOpensNothing(
      String mesh,
      String namespace,
      String pod,
      MetadataMode metadata,
      PingMode ping,
      String warning) {
    CompiledChange compilation =
        Manifests.compile(
            meshConfig("traffic: {" + mesh + "}"),
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, annotations: {%s}}"
                .formatted(namespace),
            Manifests.pod("web", "10.0.0.1", "annotations: {" + pod + "}", "nodeName: node-1"));

    Openings openings = workload(compilation.snapshot(), "web").interception().openings();
    assertThat(openings.metadata()).isEqualTo(metadata);
    assertThat(openings.ping()).isEqualTo(ping);
    assertThat(compilation.statuses().toString()).contains(warning);
    assertThat(compilation.statuses()).hasSize(warning.isEmpty() ? 0 : 1);
  }

  @Test
  void aPodMayAskTheClustersTheMeshesAndItsOwnNameServers() {
    MeshSnapshot snapshot =
        Manifests.compile(
                meshConfig("traffic: {dnsResolvers: [192.0.2.53, \"fd00:53::/64\"]}"),
                """
                apiVersion: v1
                kind: Service
                metadata: {name: kube-dns, namespace: kube-system}
                spec:
                  clusterIPs: [10.43.0.10, "fd43::a"]
                  ports:
                  - {name: dns, port: 53, protocol: UDP}
                  - {name: dns-tcp, port: 53, targetPort: 1053}
                """,
                """
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: kube-dns-1, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
                addressType: IPv4
                ports: [{name: dns-tcp, port: 1053}]
                endpoints: [{addresses: [10.42.0.5]}]
                """,
                Manifests.pod(
                    "web",
                    "10.0.0.1",
                    "annotations: {sluice.io/dns-resolvers: 198.51.100.1}",
                    "dnsConfig: {nameservers: [198.51.100.2]}"))
            .snapshot();

    assertThat(Resolvers.of(snapshot, workload(snapshot, "web")).stream().map(Cidr::toString))
        .containsExactlyInAnyOrder(
            "192.0.2.53/32",
            "fd00:53::/64",
            "10.43.0.10/32",
            "fd43::a/128",
            "10.42.0.5/32",
            "198.51.100.1/32",
            "198.51.100.2/32");
  }

  private static String meshConfig(String spec) {
    return """
    apiVersion: config.sluice.io/v1alpha1
    kind: MeshConfig
    metadata: {name: sluice-mesh-config, namespace: sluice-system}
    spec: {%s}
    """
        .formatted(spec);
  }

  /** A sandbox of the next pod of the same name must not be taken for this one. */
  @Test
  void leavesItsUidToAPodThatHasFinished() {
    String uid = "6f1c0a52-8f0e-4a43-9a53-0d3a3f8e2b11";
    CompiledChange compilation =
        Manifests.compile(
            Manifests.pod("job", "10.0.0.1", "uid: " + uid, "serviceAccountName: job")
                .replace("status: {", "status: {phase: Succeeded, "));

    Workload job = workload(compilation.snapshot(), "job");
    assertThat(job.enrolled()).isFalse();
    assertThat(job.addresses()).isEmpty();
    assertThat(job.uid()).contains(new PodUid(uid));
  }

  @Test
  void isClosedWithoutAMeshConfig() {
    assertThat(Manifests.compile().snapshot().settings()).isEqualTo(MeshSettings.CLOSED);
  }

  @Test
  void takesTheOldestMeshConfigWithAUsualNameAndTellsTheOthers() {
    CompiledChange compilation =
        Manifests.compile(
            created(1, CONFIG.formatted("aaa", "aaa", true)),
            created(3, CONFIG.formatted("osm-mesh-config", "a", true)),
            created(2, CONFIG.formatted("fsm-mesh-config", "b", false)));

    assertThat(compilation.snapshot().settings().permissive()).isFalse();
    assertThat(compilation.statuses())
        .extracting(ObjectStatus::file, ObjectStatus::severity, ObjectStatus::reason)
        .containsExactlyInAnyOrder(
            tuple(
                "0.yaml",
                Severity.UNUSABLE,
                "MeshConfig b/fsm-mesh-config is the MeshConfig in force"),
            tuple(
                "1.yaml",
                Severity.UNUSABLE,
                "MeshConfig b/fsm-mesh-config is the MeshConfig in force"));
  }

  private static String created(int day, String config) {
    return config.replace(
        "namespace:", "creationTimestamp: 2026-01-0" + day + "T00:00:00Z, namespace:");
  }

  @Test
  void staysClosedWhereNothingTellsWhichMeshConfigWasFirst() {
    CompiledChange compilation =
        Manifests.compile(
            CONFIG.formatted("osm-mesh-config", "a", true),
            CONFIG.formatted("fsm-mesh-config", "b", true));

    assertThat(compilation.snapshot().settings()).isEqualTo(MeshSettings.CLOSED);
    assertThat(compilation.statuses())
        .hasSize(2)
        .extracting(ObjectStatus::reason)
        .containsOnly(
            "there are several MeshConfigs, and nothing tells which was first: none is in force");
  }

  @Test
  void takesTheOnlyMeshConfigWhateverItsName() {
    assertThat(
            Manifests.compile(CONFIG.formatted("mine", "here", true))
                .snapshot()
                .settings()
                .permissive())
        .isTrue();
  }

  @Test
  void tellsWhichFieldsAreNotEnforced() {
    CompiledChange compilation =
        Manifests.compile(
            """
            apiVersion: config.flomesh.io/v1alpha3
            kind: MeshConfig
            metadata: {name: fsm-mesh-config}
            spec: {sidecar: {configResyncInterval: 5s}, colour: blue}
            """);

    assertThat(compilation.statuses())
        .extracting(ObjectStatus::field, ObjectStatus::reason)
        .containsExactly(
            tuple("spec.colour", "no such field is known"),
            tuple("spec.sidecar.configResyncInterval", "is not enforced yet"));
  }

  @Test
  void givesTheAddressesOfAnEndedPodToTheNextOne() {
    String ended =
        Manifests.enrolledPod("a", "10.0.0.1").replace("status: {", "status: {phase: Failed, ");
    MeshSnapshot snapshot =
        Manifests.compile(ended, Manifests.enrolledPod("b", "10.0.0.1")).snapshot();

    assertThat(snapshot.workloadAt(IpAddresses.parse("10.0.0.1")))
        .contains(workload(snapshot, "b"));
  }

  @Test
  void tellsPodsThatShareAnAddressOrANetworkNamespace() {
    CompiledChange compilation =
        Manifests.compile(
            Manifests.pod(
                "b",
                "10.0.0.1",
                "creationTimestamp: 2026-01-01T00:00:00Z, annotations: {sluice.io/netns: x}",
                ""),
            Manifests.pod("a", "10.0.0.1", "annotations: {sluice.io/netns: /var/run/netns/x}", ""));

    assertThat(workload(compilation.snapshot(), "b").addresses()).hasSize(1);
    assertThat(workload(compilation.snapshot(), "a").addresses()).isEmpty();
    assertThat(workload(compilation.snapshot(), "a").netns()).isEmpty();
    assertThat(compilation.statuses())
        .extracting(ObjectStatus::toString)
        .containsExactly(
            "1.yaml:1: Pod shop/a: address 10.0.0.1 already belongs to Pod shop/b; "
                + "give every Pod its own addresses in status.podIPs",
            "1.yaml:1: Pod shop/a: network namespace /var/run/netns/x already belongs to Pod shop/b; "
                + "give every Pod its own sluice.io/netns");
  }

  @Test
  void placesPodsByTheUidThatTheKubeletKnows() {
    String uid = "0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c";
    String hash = "d41d8cd98f00b204e9800998ecf8427e";
    MeshSnapshot snapshot =
        Manifests.compile(
                Manifests.pod("a", "10.0.0.1", "uid: " + uid, ""),
                Manifests.pod(
                    "mirror",
                    "10.0.0.2",
                    "uid: 1b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c, "
                        + "annotations: {kubernetes.io/config.mirror: "
                        + hash
                        + "}",
                    ""))
            .snapshot();

    assertThat(workload(snapshot, "a").uid()).contains(new PodUid(uid));
    assertThat(workload(snapshot, "mirror").uid()).contains(new PodUid(hash));
  }

  @Test
  void placesAUidOnlyOnce() {
    String uid = "uid: 0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c";
    CompiledChange compilation =
        Manifests.compile(
            Manifests.pod("b", "10.0.0.1", "creationTimestamp: 2026-01-01T00:00:00Z, " + uid, ""),
            Manifests.pod("a", "10.0.0.2", uid, ""));

    assertThat(workload(compilation.snapshot(), "b").uid()).isPresent();
    assertThat(workload(compilation.snapshot(), "a").uid()).isEmpty();
    assertThat(compilation.statuses())
        .extracting(ObjectStatus::toString)
        .containsExactly(
            "1.yaml:1: Pod shop/a: UID 0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c already belongs to "
                + "Pod shop/b; give every Pod the metadata.uid that the cluster gave it");
  }

  @Test
  void marksPodsOfTheNodesNetworkAndKeepsThemOut() {
    Workload workload =
        workload(
            Manifests.compile(
                    Manifests.pod(
                        "host",
                        "10.0.0.1",
                        "uid: 0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c, "
                            + "labels: {sluice.io/mesh: enabled}",
                        "hostNetwork: true"))
                .snapshot(),
            "host");

    assertThat(workload.hostNetwork()).isTrue();
    assertThat(workload.enrolled()).isFalse();
    assertThat(workload.uid()).isEmpty();
  }

  @Test
  void tellsWhatIsNotRead() {
    CompiledChange compilation =
        Manifests.compile(
            """
            {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}}
            ---
            {apiVersion: access.smi-spec.io/v1alpha2, kind: TrafficTarget, metadata: {name: old}}
            """);

    assertThat(compilation.statuses())
        .extracting(ObjectStatus::toString)
        .containsExactly(
            "0.yaml:1: Deployment shop/web: the mesh does not read this kind",
            "0.yaml:3: TrafficTarget old: apiVersion: version v1alpha2 of this API is not read; "
                + "write access.smi-spec.io/v1alpha3");
  }

  @Test
  void givesTheSameContentWhateverTheOrderOfTheFiles() {
    List<String> texts = new ArrayList<>();
    for (int i = 1; i <= 9; i++) {
      texts.add(Manifests.enrolledPod("pod-" + i, "10.0.0." + i));
    }
    texts.add(Manifests.enrolledPod("pod-x", "10.0.0.5"));
    texts.add(CONFIG.formatted("osm-mesh-config", "osm-system", true));
    texts.add(
        """
        apiVersion: v1
        kind: Service
        metadata: {name: all, namespace: shop}
        spec: {selector: {sluice.io/mesh: enabled}, ports: [{port: 80}]}
        """);
    MeshSnapshot first = Manifests.compile(texts.toArray(String[]::new)).snapshot();

    assertThat(Manifests.compile(texts.toArray(String[]::new)).snapshot().hasSameContentAs(first))
        .isTrue();
    Collections.reverse(texts);
    assertThat(Manifests.compile(texts.toArray(String[]::new)).snapshot().hasSameContentAs(first))
        .isTrue();
  }

  private static Workload workload(MeshSnapshot snapshot, String name) {
    return snapshot.workload(new NamespacedName("shop", name)).orElseThrow();
  }
}

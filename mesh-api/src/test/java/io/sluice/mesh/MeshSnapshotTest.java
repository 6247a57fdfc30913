package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MeshSnapshotTest {
  @Test
  void findsWorkloadsAndServicesByNameAndAddress() {
    var web = Samples.workload("web", "10.0.0.1");
    var service = Samples.service("front", "10.96.0.1");
    var snapshot =
        new MeshSnapshot(3, MeshSettings.CLOSED, List.of(web), List.of(service), List.of());

    assertThat(snapshot.revision()).isEqualTo(3);
    assertThat(snapshot.workload(web.name())).contains(web);
    assertThat(snapshot.workloadAt(IpAddresses.parse("::ffff:10.0.0.1"))).contains(web);
    assertThat(snapshot.workloadAt(IpAddresses.parse("10.0.0.2"))).isEmpty();
    assertThat(snapshot.service(service.name())).contains(service);
    assertThat(snapshot.serviceAt(IpAddresses.parse("10.96.0.1"))).contains(service);
    assertThat(snapshot.serviceAt(IpAddresses.parse("10.0.0.1"))).isEmpty();
  }

  @Test
  void givesASharedAddressToTheSmallerName() {
    var a = Samples.workload("a", "10.0.0.1");
    var b = Samples.workload("b", "10.0.0.1");

    assertThat(of(List.of(a, b)).workloadAt(IpAddresses.parse("10.0.0.1"))).contains(a);
    assertThat(of(List.of(b, a)).workloadAt(IpAddresses.parse("10.0.0.1"))).contains(a);
  }

  @Test
  void collectsPermissionsByDestination() {
    var first = Samples.permission("first", "db", "web");
    var second = Samples.permission("second", "db", "batch");
    var other = Samples.permission("other", "web", "batch");
    var snapshot =
        new MeshSnapshot(
            1, MeshSettings.CLOSED, List.of(), List.of(), List.of(first, second, other));

    assertThat(snapshot.permissionsFor(new NamespacedName("shop", "db")))
        .containsExactly(first, second);
    assertThat(snapshot.permissionsFor(new NamespacedName("shop", "absent"))).isEmpty();
  }

  @Test
  void knowsNothingAndPermitsNothingWhenEmpty() {
    assertThat(MeshSnapshot.EMPTY.revision()).isZero();
    assertThat(MeshSnapshot.EMPTY.settings())
        .isEqualTo(
            new MeshSettings(
                false,
                false,
                TrustDomain.CLUSTER_LOCAL,
                true,
                DeniedPeers.NONE,
                RevokedMode.CLOSE));
    assertThat(MeshSnapshot.EMPTY.workloads()).isEmpty();
  }

  @Test
  void comparesContentWithoutRevision() {
    var web = Samples.workload("web", "10.0.0.1");
    var same = Samples.workload("web", "10.0.0.1");
    var moved = Samples.workload("web", "10.0.0.2");

    assertThat(of(List.of(web)).hasSameContentAs(of(List.of(same)))).isTrue();
    assertThat(of(List.of(web)).hasSameContentAs(of(List.of(moved)))).isFalse();
    assertThat(of(List.of()).hasSameContentAs(MeshSnapshot.EMPTY)).isTrue();
    assertThat(
            new MeshSnapshot(
                    1,
                    new MeshSettings(true, false, TrustDomain.CLUSTER_LOCAL),
                    List.of(),
                    List.of(),
                    List.of())
                .hasSameContentAs(MeshSnapshot.EMPTY))
        .isFalse();
  }

  @Test
  void doesNotChangeWithTheCollectionsItWasMadeOf() {
    var workloads = new ArrayList<>(List.of(Samples.workload("web", "10.0.0.1")));
    MeshSnapshot snapshot = of(workloads);

    workloads.clear();

    assertThat(snapshot.workloads()).hasSize(1);
    assertThatThrownBy(() -> snapshot.workloads().clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void namesWorkloadsAndServicesForTelemetry() {
    var plain = Samples.workload("web", "10.0.0.1");
    var labelled =
        new Workload(
            plain.name(),
            plain.identity(),
            plain.addresses(),
            Map.of("app", "old", "app.kubernetes.io/name", "shop-web", "version", "7"),
            true,
            "web",
            new PodUid("0b6cd7b5-4f4e-4b0a-9c1e-5f1d2e3a4b5c"),
            "node-1",
            false,
            InterceptionSettings.EVERYTHING,
            Set.of(),
            MtlsMode.STRICT);

    assertThat(plain.app()).isEqualTo("web");
    assertThat(plain.version()).isEqualTo("latest");
    assertThat(plain.netns()).isEmpty();
    assertThat(labelled.app()).isEqualTo("shop-web");
    assertThat(labelled.version()).isEqualTo("7");
    assertThat(labelled.netns()).contains("web");
    assertThat(labelled.nodeName()).contains("node-1");
    Service service = Samples.service("front", "10.96.0.1");
    assertThat(service.host()).isEqualTo("front.shop.svc.cluster.local");
    assertThat(service.port(80)).isPresent();
    assertThat(service.port(81)).isEmpty();
  }

  @Test
  void refusesPortsOutsideTheRange() {
    for (int port : new int[] {-1, 0, 65_536}) {
      assertThatThrownBy(() ->
              new InterceptionSettings(Set.of(port), Set.of(), List.of(), List.of(), Set.of()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("port " + port);
    }
  }

  @Test
  void differenceNamesWhatIsNewGoneOrOtherwise() {
    MeshSnapshot before =
        of(
            List.of(
                Samples.workload("kept", "10.0.0.1"),
                Samples.workload("moved", "10.0.0.2"),
                Samples.workload("gone", "10.0.0.3")));
    SnapshotEditor editor = before.edit();
    editor.put(Samples.workload("moved", "10.0.0.9"));
    editor.remove(Kind.WORKLOAD.key("shop/gone"));
    editor.put(Samples.workload("new", "10.0.0.4"));
    editor.put(Samples.permission("grant", "kept", "new"));
    editor.put(new KubernetesNamespace("shop", NamespaceMembership.INSIDE));

    SnapshotDifference difference = editor.snapshot(2).since(before);

    assertThat(difference.workloads())
        .extracting(NamespacedName::name)
        .containsExactlyInAnyOrder("moved", "gone", "new");
    assertThat(difference.permissions()).hasSize(1);
    assertThat(difference.of(Kind.NAMESPACE))
        .extracting(change -> change.key().toString())
        .containsExactly("namespace/shop");
    assertThat(difference.services()).isEmpty();
    assertThat(difference.kinds()).doesNotContain(Kind.SETTINGS);
    assertThat(of(List.copyOf(before.workloads())).since(before).isEmpty()).isTrue();
  }

  private static MeshSnapshot of(List<Workload> workloads) {
    return new MeshSnapshot(1, MeshSettings.CLOSED, workloads, List.of(), List.of());
  }
}

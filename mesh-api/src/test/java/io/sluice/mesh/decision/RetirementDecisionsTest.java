package io.sluice.mesh.decision;

import static io.sluice.mesh.decision.Outcome.REFUSED;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Retirement;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.Samples;
import io.sluice.mesh.SettingsDraft;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What counts for a mesh that is being taken away. */
class RetirementDecisionsTest {
  private static final String WEB = "10.0.0.1";
  private static final String DB = "10.0.0.2";
  private static final String BATCH = "10.0.0.3";
  private static final String LEGACY = "10.0.0.4"; // a workload outside the mesh
  private static final String OUTSIDE = "203.0.113.1";
  private static final List<Permission> PERMISSIONS =
      List.of(Samples.permission("web-to-db", "db", "web", 5432));

  /** An address proves nothing, and names who has left: it opens what policy grants to that one. */
  @ParameterizedTest
  @EnumSource(Retirement.class)
  void addressesCountOnlyWhileTheMeshIsTakenAway(Retirement retirement) {
    boolean counts = retirement != Retirement.NONE;
    MeshSnapshot strict = retiring(retirement, false, DeniedPeers.NONE);
    InetSocketAddress db = new InetSocketAddress(IpAddresses.parse(DB), 5432);

    Verdict granted = at(strict, from(WEB, db));
    assertThat(granted.reason()).isEqualTo(counts ? Reason.TRAFFIC_TARGET : Reason.MTLS_REQUIRED);
    assertThat(granted.isAllowed()).isEqualTo(counts);
    assertThat(at(strict, from(BATCH, db)).isAllowed()).isFalse();
    for (String stranger : List.of(LEGACY, OUTSIDE)) {
      for (boolean permissive : new boolean[] {false, true}) {
        assertThat(at(retiring(retirement, permissive, DeniedPeers.NONE), from(stranger, db)))
            .isEqualTo(Verdict.of(REFUSED, Reason.MTLS_REQUIRED));
      }
    }
    SpiffeId web = Samples.workload("web", WEB).identity();
    MeshSnapshot denying =
        retiring(retirement, true, new DeniedPeers(Set.of(web), Set.of(), Set.of()));
    assertThat(at(denying, from(WEB, db))).isEqualTo(Verdict.of(REFUSED, Reason.MTLS_REQUIRED));
  }

  private static MeshSnapshot retiring(
      Retirement retirement, boolean permissive, DeniedPeers denied) {
    return new MeshSnapshot(
        1,
        SettingsDraft.of(
            new MeshSettings(
                permissive, false, TrustDomain.CLUSTER_LOCAL, true, denied, RevokedMode.CLOSE),
            draft -> draft.retirement = retirement),
        List.of(
            Samples.workload("web", WEB),
            Samples.workload("db", DB),
            Samples.workload("batch", BATCH),
            Samples.workload("legacy", LEGACY, false)),
        List.of(),
        PERMISSIONS);
  }

  private static Flow from(String address, InetSocketAddress destination) {
    return new Flow(null, new InetSocketAddress(IpAddresses.parse(address), 40_000), destination);
  }

  private static Verdict at(MeshSnapshot snapshot, Flow flow) {
    return Decisions.decideAt(snapshot, new NamespacedName("shop", "db"), flow);
  }
}

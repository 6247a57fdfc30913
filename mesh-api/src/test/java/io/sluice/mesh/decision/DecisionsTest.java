package io.sluice.mesh.decision;

import static io.sluice.mesh.decision.Outcome.ALLOWED;
import static io.sluice.mesh.decision.Outcome.REFUSED;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Samples;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import java.net.InetSocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class DecisionsTest {
  private static final String WEB = "10.0.0.1";
  private static final String DB = "10.0.0.2";
  private static final String BATCH = "10.0.0.3";
  private static final String LEGACY = "10.0.0.4"; // a workload outside the mesh
  private static final String OUTSIDE = "203.0.113.1";

  private static final List<Workload> WORKLOADS =
      List.of(
          takingPlaintext("web", WEB),
          takingPlaintext("db", DB),
          takingPlaintext("batch", BATCH),
          Samples.workload("legacy", LEGACY, false));

  private static final List<Permission> PERMISSIONS =
      List.of(
          Samples.permission("web-to-db", "db", "web", 5432),
          Samples.permission("web-to-db-admin", "db", "web", 9000, 9001),
          Samples.permission("web-to-batch", "batch", "web"));

  private enum Mode {
    CLOSED(false, false),
    EGRESS(false, true),
    PERMISSIVE(true, false),
    OPEN(true, true);

    private final MeshSettings settings;

    Mode(boolean permissive, boolean egress) {
      this.settings = new MeshSettings(permissive, egress, TrustDomain.CLUSTER_LOCAL);
    }
  }

  private static Workload takingPlaintext(String name, String address) {
    return Samples.workload(name, address, true, MtlsMode.PERMISSIVE);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          granted port                            | CLOSED     | web   | 10.0.0.2    | 5432 | ALLOWED | TRAFFIC_TARGET     | web-to-db
          port of the second target               | CLOSED     | web   | 10.0.0.2    | 9001 | ALLOWED | TRAFFIC_TARGET     | web-to-db-admin
          target for every port                   | CLOSED     | web   | 10.0.0.3    | 1    | ALLOWED | TRAFFIC_TARGET     | web-to-batch
          port that no target names               | CLOSED     | web   | 10.0.0.2    | 80   | REFUSED | PORT_NOT_GRANTED   | web-to-db-admin
          source that no target names             | CLOSED     | batch | 10.0.0.2    | 5432 | REFUSED | NO_TRAFFIC_TARGET  |
          the way back is not granted             | CLOSED     | db    | 10.0.0.1    | 80   | REFUSED | NO_TRAFFIC_TARGET  |
          egress grants nothing inside            | EGRESS     | db    | 10.0.0.1    | 80   | REFUSED | NO_TRAFFIC_TARGET  |
          permissive mode                         | PERMISSIVE | db    | 10.0.0.1    | 80   | ALLOWED | PERMISSIVE_MODE    |
          permissive mode comes before targets    | PERMISSIVE | web   | 10.0.0.2    | 80   | ALLOWED | PERMISSIVE_MODE    |
          to itself                               | CLOSED     | web   | 10.0.0.1    | 80   | ALLOWED | SAME_WORKLOAD      |
          to itself comes before permissive mode  | PERMISSIVE | web   | 10.0.0.1    | 80   | ALLOWED | SAME_WORKLOAD      |
          no proven source                        | CLOSED     |       | 10.0.0.2    | 5432 | REFUSED | SOURCE_NOT_IN_MESH |
          source that the snapshot does not know  | CLOSED     | gone  | 10.0.0.2    | 5432 | REFUSED | SOURCE_NOT_IN_MESH |
          probe port from elsewhere               | CLOSED     |       | 10.0.0.2    | 8081 | REFUSED | SOURCE_NOT_IN_MESH |
          outside without egress                  | CLOSED     | web   | 203.0.113.1 | 443  | REFUSED | EGRESS_DISABLED    |
          outside in permissive mode              | PERMISSIVE | web   | 203.0.113.1 | 443  | REFUSED | EGRESS_DISABLED    |
          outside with egress                     | EGRESS     | web   | 203.0.113.1 | 443  | ALLOWED | EGRESS_ALLOWED     |
          outside with everything open            | OPEN       | web   | 203.0.113.1 | 443  | ALLOWED | EGRESS_ALLOWED     |
          outside without proven source           | OPEN       |       | 203.0.113.1 | 443  | REFUSED | SOURCE_NOT_IN_MESH |
          pod outside the mesh                    | CLOSED     | web   | 10.0.0.4    | 80   | REFUSED | EGRESS_DISABLED    |
          pod outside the mesh with egress        | EGRESS     | web   | 10.0.0.4    | 80   | ALLOWED | EGRESS_ALLOWED     |
          pod outside the mesh in permissive mode | PERMISSIVE | web   | 10.0.0.4    | 80   | ALLOWED | PERMISSIVE_MODE    |
          """)
  void decides(
      String name,
      Mode mode,
      @Nullable String source,
      String destination,
      int port,
      Outcome outcome,
      Reason reason,
      @Nullable String rule) {
    var snapshot = new MeshSnapshot(1, mode.settings, WORKLOADS, List.of(), PERMISSIONS);

    Verdict verdict =
        Decisions.decide(
            snapshot, flow(source, new InetSocketAddress(IpAddresses.parse(destination), port)));

    assertThat(verdict)
        .as(name)
        .isEqualTo(
            new Verdict(outcome, reason, rule == null ? null : new NamespacedName("shop", rule)));
    assertThat(verdict.isAllowed()).isEqualTo(outcome == ALLOWED);
  }

  @Test
  void treatsAnUnresolvedDestinationAsOutside() {
    var snapshot = new MeshSnapshot(1, MeshSettings.CLOSED, WORKLOADS, List.of(), PERMISSIONS);

    Verdict verdict =
        Decisions.decide(snapshot, flow("web", InetSocketAddress.createUnresolved("db", 5432)));

    assertThat(verdict).isEqualTo(Verdict.of(REFUSED, Reason.EGRESS_DISABLED));
  }

  @Test
  void refusesEverythingBeforeTheFirstSnapshot() {
    Verdict verdict =
        Decisions.decide(
            MeshSnapshot.EMPTY, flow("web", new InetSocketAddress(IpAddresses.parse(DB), 5432)));

    assertThat(verdict).isEqualTo(Verdict.of(REFUSED, Reason.SOURCE_NOT_IN_MESH));
  }

  @Test
  void listenerProvesItsWorkloadWhateverAddressWasCalled() {
    var snapshot = new MeshSnapshot(1, Mode.EGRESS.settings, WORKLOADS, List.of(), PERMISSIONS);
    var notKnownYet = new InetSocketAddress(IpAddresses.parse("10.0.0.99"), 5432);

    assertThat(at("db", snapshot, flow("web", notKnownYet)))
        .isEqualTo(
            new Verdict(ALLOWED, Reason.TRAFFIC_TARGET, new NamespacedName("shop", "web-to-db")));
    assertThat(at("db", snapshot, flow("batch", notKnownYet)))
        .isEqualTo(Verdict.of(REFUSED, Reason.NO_TRAFFIC_TARGET));
    assertThat(at("db", snapshot, flow(null, notKnownYet)))
        .isEqualTo(Verdict.of(REFUSED, Reason.SOURCE_NOT_IN_MESH));
    assertThat(at("legacy", snapshot, flow("batch", notKnownYet)))
        .isEqualTo(Verdict.of(ALLOWED, Reason.LEAVING));
  }

  /** Between the snapshot that says so and the end of its interception. */
  @ParameterizedTest
  @EnumSource(Mode.class)
  void anIsolationStandsBeforeWhateverLetsOut(Mode mode) {
    MeshSettings isolating =
        mode.settings.isolating(List.of(Cidr.parse("10.0.0.2"), Cidr.parse("2001:db8:1::/48")));
    var snapshot = new MeshSnapshot(1, isolating, WORKLOADS, List.of(), PERMISSIONS);
    Verdict isolated = Verdict.of(REFUSED, Reason.ISOLATED);

    assertThat(Decisions.decide(snapshot, flow("web", at("10.0.0.2", 5432)))).isEqualTo(isolated);
    assertThat(Decisions.decide(snapshot, flow("web", at("2001:db8:1::9", 443))))
        .isEqualTo(isolated);
    assertThat(Decisions.decide(snapshot, flow("web", at("2001:db8:2::9", 443))).reason())
        .isNotEqualTo(Reason.ISOLATED);
    assertThat(Decisions.decide(snapshot, flow("db", at("10.0.0.2", 5432))).reason())
        .isEqualTo(Reason.SAME_WORKLOAD);
    assertThat(Decisions.decide(snapshot, flow("legacy", at("10.0.0.2", 5432))).reason())
        .isNotEqualTo(Reason.ISOLATED);
  }

  /** Neither the other end's leaving nor KEEP leaves it open. */
  @Test
  void anIsolationEndsWhatIsOpen() {
    MeshSettings settings = Mode.EGRESS.settings;
    var before = new MeshSnapshot(1, settings, WORKLOADS, List.of(), PERMISSIONS);
    Flow flow = flow("web", at("10.0.0.2", 5432));
    var grant =
        Decisions.Grant.of(
            before,
            Direction.OUTBOUND,
            new NamespacedName("shop", "web"),
            flow,
            Decisions.decide(before, flow));
    List<Workload> others =
        WORKLOADS.stream().filter(one -> !one.name().name().equals("db")).toList();
    MeshSettings isolating = settings.isolating(List.of(Cidr.parse("10.0.0.2")));

    assertThat(grant.verdict(new MeshSnapshot(2, settings, others, List.of(), List.of()), null))
        .isEmpty();
    assertThat(grant.verdict(new MeshSnapshot(3, isolating, others, List.of(), List.of()), null))
        .contains(Verdict.of(REFUSED, Reason.ISOLATED));
    assertThat(grant.closes(before, Reason.ISOLATED)).isTrue();
  }

  private static InetSocketAddress at(String address, int port) {
    return new InetSocketAddress(IpAddresses.parse(address), port);
  }

  @Test
  void whatHasLeftTheMeshIsLeftAlone() {
    var closed = new MeshSnapshot(1, Mode.CLOSED.settings, WORKLOADS, List.of(), PERMISSIONS);
    Verdict leaving = Verdict.of(ALLOWED, Reason.LEAVING);
    InetSocketAddress outside = new InetSocketAddress(IpAddresses.parse(OUTSIDE), 443);
    InetSocketAddress legacy = new InetSocketAddress(IpAddresses.parse(LEGACY), 80);

    assertThat(Decisions.decide(closed, flow("legacy", outside))).isEqualTo(leaving);
    assertThat(at("legacy", closed, flow("web", legacy))).isEqualTo(leaving);
    assertThat(at("legacy", closed, flow(null, legacy))).isEqualTo(leaving);
    assertThat(Decisions.decide(closed, flow("web", legacy)).isAllowed()).isFalse();
  }

  private static Verdict at(String workload, MeshSnapshot snapshot, Flow flow) {
    return Decisions.decideAt(snapshot, new NamespacedName("shop", workload), flow);
  }

  private static Flow flow(@Nullable String source, InetSocketAddress destination) {
    return new Flow(
        source == null ? null : new NamespacedName("shop", source),
        new InetSocketAddress(IpAddresses.parse(WEB), 40_000),
        destination);
  }
}

package io.sluice.mesh.decision;

import static io.sluice.mesh.decision.Outcome.ALLOWED;
import static io.sluice.mesh.decision.Outcome.REFUSED;
import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DecisionsTest {
  private static final String WEB = "10.0.0.1";
  private static final String DB = "10.0.0.2";
  private static final String BATCH = "10.0.0.3";
  private static final String LEGACY = "10.0.0.4"; // a workload outside the mesh
  private static final String OUTSIDE = "203.0.113.1";
  private static final int PROBE_PORT = 8081;

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

  private record Case(
      String name,
      Mode mode,
      @Nullable String source,
      String destination,
      int port,
      Outcome outcome,
      Reason reason,
      @Nullable String rule) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() {
    return Stream.of(
        inside(
            "granted port",
            Mode.CLOSED,
            "web",
            DB,
            5432,
            ALLOWED,
            Reason.TRAFFIC_TARGET,
            "web-to-db"),
        inside(
            "port of the second target",
            Mode.CLOSED,
            "web",
            DB,
            9001,
            ALLOWED,
            Reason.TRAFFIC_TARGET,
            "web-to-db-admin"),
        inside(
            "target for every port",
            Mode.CLOSED,
            "web",
            BATCH,
            1,
            ALLOWED,
            Reason.TRAFFIC_TARGET,
            "web-to-batch"),
        inside(
            "port that no target names",
            Mode.CLOSED,
            "web",
            DB,
            80,
            REFUSED,
            Reason.PORT_NOT_GRANTED,
            "web-to-db-admin"),
        inside(
            "source that no target names",
            Mode.CLOSED,
            "batch",
            DB,
            5432,
            REFUSED,
            Reason.NO_TRAFFIC_TARGET,
            null),
        inside(
            "the way back is not granted",
            Mode.CLOSED,
            "db",
            WEB,
            80,
            REFUSED,
            Reason.NO_TRAFFIC_TARGET,
            null),
        inside(
            "egress grants nothing inside",
            Mode.EGRESS,
            "db",
            WEB,
            80,
            REFUSED,
            Reason.NO_TRAFFIC_TARGET,
            null),
        inside(
            "permissive mode",
            Mode.PERMISSIVE,
            "db",
            WEB,
            80,
            ALLOWED,
            Reason.PERMISSIVE_MODE,
            null),
        inside(
            "permissive mode comes before targets",
            Mode.PERMISSIVE,
            "web",
            DB,
            80,
            ALLOWED,
            Reason.PERMISSIVE_MODE,
            null),
        inside("to itself", Mode.CLOSED, "web", WEB, 80, ALLOWED, Reason.SAME_WORKLOAD, null),
        inside(
            "to itself comes before permissive mode",
            Mode.PERMISSIVE,
            "web",
            WEB,
            80,
            ALLOWED,
            Reason.SAME_WORKLOAD,
            null),
        inside(
            "no proven source",
            Mode.CLOSED,
            null,
            DB,
            5432,
            REFUSED,
            Reason.SOURCE_NOT_IN_MESH,
            null),
        inside(
            "source that the snapshot does not know",
            Mode.CLOSED,
            "gone",
            DB,
            5432,
            REFUSED,
            Reason.SOURCE_NOT_IN_MESH,
            null),
        inside(
            "probe port from elsewhere",
            Mode.CLOSED,
            null,
            DB,
            PROBE_PORT,
            REFUSED,
            Reason.SOURCE_NOT_IN_MESH,
            null),
        inside(
            "outside without egress",
            Mode.CLOSED,
            "web",
            OUTSIDE,
            443,
            REFUSED,
            Reason.EGRESS_DISABLED,
            null),
        inside(
            "outside in permissive mode",
            Mode.PERMISSIVE,
            "web",
            OUTSIDE,
            443,
            REFUSED,
            Reason.EGRESS_DISABLED,
            null),
        inside(
            "outside with egress",
            Mode.EGRESS,
            "web",
            OUTSIDE,
            443,
            ALLOWED,
            Reason.EGRESS_ALLOWED,
            null),
        inside(
            "outside with everything open",
            Mode.OPEN,
            "web",
            OUTSIDE,
            443,
            ALLOWED,
            Reason.EGRESS_ALLOWED,
            null),
        inside(
            "outside without proven source",
            Mode.OPEN,
            null,
            OUTSIDE,
            443,
            REFUSED,
            Reason.SOURCE_NOT_IN_MESH,
            null),
        inside(
            "pod outside the mesh",
            Mode.CLOSED,
            "web",
            LEGACY,
            80,
            REFUSED,
            Reason.EGRESS_DISABLED,
            null),
        inside(
            "pod outside the mesh with egress",
            Mode.EGRESS,
            "web",
            LEGACY,
            80,
            ALLOWED,
            Reason.EGRESS_ALLOWED,
            null),
        inside(
            "pod outside the mesh in permissive mode",
            Mode.PERMISSIVE,
            "web",
            LEGACY,
            80,
            ALLOWED,
            Reason.PERMISSIVE_MODE,
            null));
  }

  private static Workload takingPlaintext(String name, String address) {
    return Samples.workload(name, address, true, MtlsMode.PERMISSIVE);
  }

  private static Case inside(
      String name,
      Mode mode,
      @Nullable String source,
      String destination,
      int port,
      Outcome outcome,
      Reason reason,
      @Nullable String rule) {
    return new Case(name, mode, source, destination, port, outcome, reason, rule);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void decides(Case c) {
    var snapshot = new MeshSnapshot(1, c.mode().settings, WORKLOADS, List.of(), PERMISSIONS);

    Verdict verdict =
        Decisions.decide(
            snapshot,
            flow(c.source(), new InetSocketAddress(IpAddresses.parse(c.destination()), c.port())));

    NamespacedName rule = c.rule() == null ? null : new NamespacedName("shop", c.rule());
    assertThat(verdict).isEqualTo(new Verdict(c.outcome(), c.reason(), rule));
    assertThat(verdict.isAllowed()).isEqualTo(c.outcome() == ALLOWED);
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

package io.sluice.mesh.decision;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.mesh.Access;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.Samples;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions.Grant;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MutualTlsDecisionsTest {
  private static final TrustDomain MESH = TrustDomain.CLUSTER_LOCAL;
  private static final TrustDomain PARTNER = new TrustDomain("partner.example");
  private static final SpiffeId WEB = new SpiffeId(MESH, "shop", "web");
  private static final String WEB_ADDRESS = "10.0.0.1";
  private static final String DB_ADDRESS = "10.0.0.2";
  private static final int PROBE_PORT = 8081;
  private static final Verdict ALLOWED_BY_TARGET =
      new Verdict(Outcome.ALLOWED, Reason.TRAFFIC_TARGET, new NamespacedName("shop", "web-to-db"));

  @Tag("attack")
  @Test
  void aCertificateIsGrantedWhatItsServiceAccountIs() {
    assertThat(decide(closed(), certified(WEB, WEB_ADDRESS))).isEqualTo(ALLOWED_BY_TARGET);
    assertThat(decide(closed(), certified(new SpiffeId(MESH, "shop", "thief"), WEB_ADDRESS)))
        .as("the address of somebody who is granted it proves nothing")
        .isEqualTo(Verdict.of(Outcome.REFUSED, Reason.NO_TRAFFIC_TARGET));

    Attack.tried("a caller at the address of somebody who is granted it")
        .refusedBy("the decision: what the certificate says counts")
        .countedAs(refusals(Reason.NO_TRAFFIC_TARGET));
  }

  @Test
  void aWorkloadIsNamedOnlyWhereCertificateAndAddressAgree() {
    MeshSnapshot snapshot = snapshot(closed(), MtlsMode.STRICT);

    assertThat(flow(snapshot, WEB, WEB_ADDRESS).source())
        .contains(new NamespacedName("shop", "web"));
    assertThat(flow(snapshot, WEB, DB_ADDRESS).source()).isEmpty();
    assertThat(flow(snapshot, WEB, "10.0.0.77").source()).isEmpty();
  }

  @Test
  void whatWasGrantedStaysSoWhereTheMeshNamesItsTrustDomainOtherwise() {
    MeshSnapshot before = snapshot(closed(), MtlsMode.STRICT);
    MeshSnapshot now =
        snapshot(
            new MeshSettings(false, false, new TrustDomain("site-7.example")), MtlsMode.STRICT);
    Flow flow = flow(before, WEB, WEB_ADDRESS);
    Grant grant =
        Grant.of(
            before,
            Direction.INBOUND,
            new NamespacedName("shop", "db"),
            flow,
            Decisions.decide(before, flow));

    assertThat(grant.verdict(now, null)).contains(ALLOWED_BY_TARGET);
    assertThat(Decisions.decide(now, flow).isAllowed()).as("as a new one, unmapped").isFalse();
  }

  @Test
  void aCertificateWhoseAddressNobodyKnowsIsStillDecidedByItsIdentity() {
    assertThat(decide(closed(), certified(WEB, "10.0.0.77"))).isEqualTo(ALLOWED_BY_TARGET);
  }

  @Tag("attack")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "spiffe://other.example/ns/shop/sa/web",
        "spiffe://cluster.local/ns/sluice-system/sa/controller",
        "spiffe://cluster.local/ns/sluice-system/sa/node.one"
      })
  void foreignAndSystemIdentitiesAreGrantedNothingEvenInPermissivePolicyMode(String identity) {
    SpiffeId peer = SpiffeId.parse(identity);
    Permission forIt =
        new Permission(
            new NamespacedName("shop", "trap"),
            new NamespacedName("shop", "db"),
            Set.of(peer.serviceAccountName()),
            Ports.EVERY);

    for (boolean permissive : List.of(true, false)) {
      for (MtlsMode mode : MtlsMode.values()) {
        var snapshot =
            new MeshSnapshot(
                1,
                new MeshSettings(permissive, true, MESH),
                workloads(mode),
                List.of(),
                List.of(forIt));
        assertThat(Decisions.decide(snapshot, flow(snapshot, peer, WEB_ADDRESS)))
            .isEqualTo(Verdict.of(Outcome.REFUSED, Reason.SOURCE_NOT_IN_MESH));
      }
    }
    assertThat(SystemIdentity.isSystem(peer) || !peer.trustDomain().equals(MESH)).isTrue();

    Attack.tried("policy that grants " + identity)
        .refusedBy("the decision, permissive policy mode included")
        .countedAs(refusals(Reason.SOURCE_NOT_IN_MESH));
  }

  @Tag("attack")
  @Test
  void aPeerOfAnotherMeshIsLetInByItsWholeNameAloneWhateverThePolicyMode() {
    SpiffeId theirs = WEB.in(PARTNER);
    Set<SpiffeId> named = Set.of(theirs);
    Verdict refused = Verdict.of(Outcome.REFUSED, Reason.NO_TRAFFIC_TARGET);

    for (MeshSettings settings : List.of(closed(), permissive())) {
      assertThat(foreign(settings, named, theirs, 5432)).isEqualTo(ALLOWED_BY_TARGET);
      assertThat(foreign(settings, named, theirs, 80).reason()).isEqualTo(Reason.PORT_NOT_GRANTED);
      assertThat(foreign(settings, Set.of(), theirs, 5432))
          .as("our account of that name is granted it")
          .isEqualTo(refused);
      assertThat(foreign(settings, named, new SpiffeId(PARTNER, "shop", "thief"), 5432))
          .isEqualTo(refused);
      assertThat(foreign(settings, named, WEB.in(new TrustDomain("third.example")), 5432))
          .isEqualTo(refused);
    }
    assertThat(decide(closed(), named, certified(WEB.in(PARTNER), WEB_ADDRESS)).isAllowed())
        .as("a name that no foreign root has proven")
        .isFalse();

    Attack.tried("an account of another mesh with the name of one that is granted it")
        .refusedBy("the decision, permissive policy mode included")
        .countedAs(refusals(Reason.NO_TRAFFIC_TARGET));
  }

  /** The snapshot and the trust bundle come by different streams. */
  @Tag("attack")
  @Test
  void aPeerOfAnotherMeshStaysOneWhereTheSnapshotGivesTheMeshThatTrustDomain() {
    var renamed = new MeshSettings(true, false, PARTNER);
    SpiffeId theirs = WEB.in(PARTNER);

    assertThat(foreign(renamed, Set.of(), theirs, 5432))
        .isEqualTo(Verdict.of(Outcome.REFUSED, Reason.NO_TRAFFIC_TARGET));
    MeshSnapshot before = snapshot(closed(), Set.of(theirs), MtlsMode.STRICT);
    Flow flow = Flow.foreign(theirs, at(WEB_ADDRESS, 40_000), at(DB_ADDRESS, 5432));
    Grant grant =
        Grant.of(
            before,
            Direction.INBOUND,
            new NamespacedName("shop", "db"),
            flow,
            Decisions.decide(before, flow));
    assertThat(grant.verdict(before, null)).contains(ALLOWED_BY_TARGET);
    assertThat(grant.verdict(snapshot(renamed, Set.of(), MtlsMode.STRICT), null))
        .contains(Verdict.of(Outcome.REFUSED, Reason.NO_TRAFFIC_TARGET));

    Attack.tried("a peer of another mesh, while this mesh takes that trust domain")
        .refusedBy("the decision: whose roots proved it counts")
        .countedAs(refusals(Reason.NO_TRAFFIC_TARGET));
  }

  @Tag("attack")
  @ParameterizedTest
  @ValueSource(strings = {"sluice-system/sa/node.one", "sluice-system/sa/controller", "shop/sa/-"})
  void anotherMeshsOwnPartsAreGrantedNothing(String account) {
    SpiffeId part = SpiffeId.parse("spiffe://partner.example/ns/" + account);

    assertThat(foreign(permissive(), Set.of(part), part, 5432))
        .isEqualTo(Verdict.of(Outcome.REFUSED, Reason.SOURCE_NOT_IN_MESH));

    Attack.tried("policy that grants " + part)
        .refusedBy("the decision, permissive policy mode included")
        .countedAs(refusals(Reason.SOURCE_NOT_IN_MESH));
  }

  private static Verdict foreign(
      MeshSettings settings, Set<SpiffeId> named, SpiffeId peer, int port) {
    Flow flow = Flow.foreign(peer, at(WEB_ADDRESS, 40_000), at(DB_ADDRESS, port));
    return decide(settings, named, _ -> flow);
  }

  @Tag("attack")
  @Test
  void strictRefusesWhatNothingProvesEvenInPermissivePolicyMode() {
    Verdict required = Verdict.of(Outcome.REFUSED, Reason.MTLS_REQUIRED);

    assertThat(decide(closed(), plain(null, 5432))).isEqualTo(required);
    assertThat(decide(permissive(), plain(null, 5432))).isEqualTo(required);
    assertThat(decide(permissive(), plain(null, PROBE_PORT))).isEqualTo(required);

    Attack.tried("plaintext to a declared probe port, not of the node's kubelet")
        .refusedBy("the decision, permissive policy mode included")
        .countedAs(refusals(Reason.MTLS_REQUIRED));
  }

  @Test
  void strictTakesWhatAListenerProves() {
    assertThat(decide(closed(), plain("web", 5432))).isEqualTo(ALLOWED_BY_TARGET);
    assertThat(decide(permissive(), plain("web", 80)))
        .isEqualTo(Verdict.of(Outcome.ALLOWED, Reason.PERMISSIVE_MODE));
  }

  @Test
  void permissiveModeLeavesPlaintextToPolicy() {
    assertThat(decide(closed(), MtlsMode.PERMISSIVE, plain(null, 5432)))
        .isEqualTo(Verdict.of(Outcome.REFUSED, Reason.SOURCE_NOT_IN_MESH));
    assertThat(decide(permissive(), MtlsMode.PERMISSIVE, plain(null, 5432)))
        .isEqualTo(Verdict.of(Outcome.ALLOWED, Reason.PERMISSIVE_MODE));
  }

  @Test
  void withoutMutualTlsStrictCountsAsPermissive() {
    var off = new MeshSettings(true, false, MESH, false, DeniedPeers.NONE, RevokedMode.CLOSE);

    assertThat(decide(off, plain(null, 5432)))
        .isEqualTo(Verdict.of(Outcome.ALLOWED, Reason.PERMISSIVE_MODE));
  }

  @Test
  void withoutAnySettingsTheMeshIsStrictWithMutualTls() {
    assertThat(MeshSettings.CLOSED.mutualTls()).isTrue();
    assertThat(MeshSnapshot.EMPTY.settings().mutualTls()).isTrue();
    assertThat(MeshSettings.CLOSED.denied()).isEqualTo(DeniedPeers.NONE);
  }

  private static String refusals(Reason reason) {
    return "sluice_proxy_connections_refused_total{reason=\"" + reason.label() + "\"}";
  }

  private static MeshSettings closed() {
    return new MeshSettings(false, false, MESH);
  }

  private static MeshSettings permissive() {
    return new MeshSettings(true, false, MESH);
  }

  private interface Asked {
    Flow of(MeshSnapshot snapshot);
  }

  private static Asked certified(SpiffeId identity, String address) {
    return snapshot -> flow(snapshot, identity, address);
  }

  private static Asked plain(@Nullable String source, int port) {
    return snapshot ->
        new Flow(
            source == null ? null : new NamespacedName("shop", source),
            at(WEB_ADDRESS, 40_000),
            at(DB_ADDRESS, port));
  }

  private static Flow flow(MeshSnapshot snapshot, SpiffeId identity, String address) {
    return Flow.certified(snapshot, identity, at(address, 40_000), at(DB_ADDRESS, 5432));
  }

  private static Verdict decide(MeshSettings settings, Asked flow) {
    return decide(settings, MtlsMode.STRICT, flow);
  }

  private static Verdict decide(MeshSettings settings, MtlsMode mode, Asked flow) {
    MeshSnapshot snapshot = snapshot(settings, mode);
    return Decisions.decide(snapshot, flow.of(snapshot));
  }

  private static Verdict decide(MeshSettings settings, Set<SpiffeId> named, Asked flow) {
    MeshSnapshot snapshot = snapshot(settings, named, MtlsMode.STRICT);
    return Decisions.decide(snapshot, flow.of(snapshot));
  }

  private static MeshSnapshot snapshot(MeshSettings settings, MtlsMode mode) {
    return snapshot(settings, Set.of(), mode);
  }

  private static MeshSnapshot snapshot(MeshSettings settings, Set<SpiffeId> named, MtlsMode mode) {
    Permission usual = Samples.permission("web-to-db", "db", "web", 5432);
    return new MeshSnapshot(
        1,
        settings,
        workloads(mode),
        List.of(),
        List.of(
            new Permission(
                usual.name(),
                usual.destination(),
                usual.sources(),
                named,
                usual.ports(),
                Access.BYTES,
                null)));
  }

  private static List<Workload> workloads(MtlsMode mode) {
    return List.of(
        Samples.workload("web", WEB_ADDRESS, true, mode),
        Samples.workload("db", DB_ADDRESS, true, mode));
  }

  private static InetSocketAddress at(String address, int port) {
    return new InetSocketAddress(IpAddresses.parse(address), port);
  }
}

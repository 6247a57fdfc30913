package io.sluice.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.flows.RecordedFlow;
import io.sluice.node.flows.RecordedFlow.Asked;
import io.sluice.node.flows.RecordedFlow.Entry;
import io.sluice.node.flows.RecordedFlow.Seen;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Recorded flows under a candidate: what it says, and where the record cannot tell. */
class ReplayTest {
  private static final Instant THEN = Instant.parse("2026-03-01T10:00:00Z");
  private static final Verdict ALLOWED = Verdict.of(Outcome.ALLOWED, Reason.TRAFFIC_TARGET);
  private static final Verdict REFUSED = Verdict.of(Outcome.REFUSED, Reason.NO_TRAFFIC_TARGET);
  private static final String TARGET =
      """
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: HTTPRouteGroup
      metadata: {name: routes, namespace: shop}
      spec: {matches: [{name: a, pathRegex: /books, headers: [{x-role: admin}]}]}
      ---
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: to-store, namespace: shop}
      spec:
        destination: {kind: ServiceAccount, name: store, namespace: shop}
        sources: [{kind: ServiceAccount, name: buyer, namespace: shop}]
        rules: [{kind: HTTPRouteGroup, name: routes}]
      ---
      apiVersion: policy.openservicemesh.io/v1alpha1
      kind: Egress
      metadata: {name: out, namespace: shop}
      spec:
        sources: [{kind: ServiceAccount, name: buyer, namespace: shop}]
        hosts: [bank.example]
        ipAddresses: [198.51.100.0/24]
        ports: [{number: 80, protocol: http}]
        matches: [{apiGroup: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup, name: routes}]
      """;

  @TempDir private Path directory = Path.of("");

  private Replay.Said said(RecordedFlow flow) throws IOException {
    Path file = Files.writeString(directory.resolve("candidate.yaml"), TARGET);
    Candidate candidate = Candidate.of(file, null, MeshSnapshot.EMPTY);
    assertThat(candidate.unused()).isEmpty();
    return new Replay(candidate.snapshot()).decide(flow);
  }

  /** The snapshot in force has what a group grants, and not under its name. */
  @Test
  void aTargetWithoutItsGroupIsNotTriedWhereNoFolderIsNamed() throws IOException {
    String target = TARGET.split("---\n", -1)[1];
    Path file = Files.writeString(directory.resolve("candidate.yaml"), target);

    Candidate alone = Candidate.of(file, null, MeshSnapshot.EMPTY);

    assertThat(alone.unused()).isEmpty();
    assertThat(alone.unread())
        .singleElement()
        .asString()
        .contains("was not tried: it names HTTPRouteGroup shop/routes", "--registry");
    Path registry = Files.createDirectory(directory.resolve("registry"));
    Files.writeString(registry.resolve("all.yaml"), TARGET);
    assertThat(Candidate.of(file, registry, MeshSnapshot.EMPTY).unread()).isEmpty();
  }

  /** It is all of the policy, and what is missing there is what its reader has to know first. */
  @Test
  void whatIsInForceAndNotInAFolderIsNamedAndPermitsNothing() throws IOException {
    Path file = Files.writeString(directory.resolve("candidate.yaml"), TARGET);
    MeshSnapshot inForce = Candidate.of(file, null, MeshSnapshot.EMPTY).snapshot();
    Path folder = Files.createDirectory(directory.resolve("folder"));
    Asked admin = asked("/books", Map.of("x-role", "admin"), Set.of());
    Files.writeString(folder.resolve("one.yaml"), TARGET.replace("name: to-store", "name: other"));

    Candidate whole = Candidate.of(folder, null, inForce);

    assertThat(whole.absent()).containsExactly("TrafficTarget shop/to-store");
    Files.writeString(folder.resolve("one.yaml"), TARGET.split("---\n", -1)[0]);
    Candidate none = Candidate.of(folder, null, inForce);
    assertThat(none.absent()).containsExactly("TrafficTarget shop/to-store", "Egress shop/out");
    assertThat(new Replay(none.snapshot()).decide(leaving(Set.of())).verdict().reason())
        .isEqualTo(Reason.EGRESS_DISABLED);
    assertThat(
            new Replay(none.snapshot()).decide(flow("buyer", "store", 80, admin, ALLOWED)).word())
        .isEqualTo("refused");
    assertThat(Candidate.of(file, null, inForce).absent()).isEmpty();
  }

  private static SpiffeId identity(String account) {
    return new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", account);
  }

  private static RecordedFlow flow(
      String from, String to, int port, @Nullable Asked asked, Verdict verdict) {
    return new RecordedFlow(
        Direction.OUTBOUND,
        new NamespacedName("shop", from + "-1"),
        identity(from),
        false,
        false,
        new NamespacedName("shop", to + "-1"),
        identity(to),
        "",
        port,
        "",
        asked,
        verdict);
  }

  private static Asked asked(String path, Map<String, String> headers, Set<String> absent) {
    return new Asked("GET", "store", path, false, headers, absent);
  }

  /** Of an authority or path that is kept without its end. */
  private static Asked cut(String path, int length) {
    String whole = path + "x".repeat(length - path.length());
    return new Asked("GET", "store", whole, true, Map.of(), Set.of());
  }

  @Test
  void podsThatAreGoneAreJudgedAsWhatTheyWere() throws IOException {
    Asked admin = asked("/books", Map.of("x-role", "admin"), Set.of());
    assertThat(said(flow("buyer", "store", 80, admin, REFUSED)).word()).isEqualTo("allowed");
    assertThat(said(flow("buyer", "store", 80, admin, REFUSED)).verdict().rule())
        .hasToString("Optional[shop/to-store]");
    assertThat(said(flow("thief", "store", 80, admin, REFUSED)).word()).isEqualTo("refused");
    assertThat(said(flow("buyer", "buyer", 80, admin, REFUSED)).word()).isEqualTo("allowed");
  }

  @Test
  void aHeaderThatWasNotRecordedIsDoubtAndOneThatWasAbsentIsNone() throws IOException {
    Asked unknown = asked("/books", Map.of(), Set.of());
    Asked absent = asked("/books", Map.of(), Set.of("x-role"));
    Asked elsewhere = asked("/other", Map.of(), Set.of());
    assertThat(said(flow("buyer", "store", 80, unknown, ALLOWED)).doubt()).contains("x-role");
    assertThat(said(flow("buyer", "store", 80, absent, ALLOWED)).word()).isEqualTo("refused");
    assertThat(said(flow("buyer", "store", 80, elsewhere, ALLOWED)).word()).isEqualTo("refused");
  }

  @Test
  void whatAnEgressRefusesByAHeaderThatWasNotRecordedIsDoubtToo() throws IOException {
    assertThat(said(leaving(Set.of())).doubt()).contains("x-role");
    assertThat(said(leaving(Set.of("x-role"))).word()).isEqualTo("refused");
  }

  private static RecordedFlow leaving(Set<String> absent) {
    return new RecordedFlow(
        Direction.OUTBOUND,
        new NamespacedName("shop", "buyer-1"),
        identity("buyer"),
        false,
        false,
        null,
        null,
        "198.51.100.7",
        80,
        "",
        new Asked("GET", "bank.example", "/books", false, Map.of(), absent),
        ALLOWED);
  }

  @Test
  void aConnectionAsAWholeIsDoubtWhereRequestsAreGranted() throws IOException {
    assertThat(said(flow("buyer", "store", 80, null, REFUSED)).doubt()).contains("before");
    assertThat(said(flow("buyer", "store", 80, null, ALLOWED)).doubt()).contains("bytes");
    assertThat(said(flow("thief", "store", 80, null, REFUSED)).word()).isEqualTo("refused");
  }

  @Test
  void aFloodEarlyInADayPushesNothingLaterOut() {
    List<Entry> day = new ArrayList<>();
    for (int i = 0; i < 50_000; i++) {
      Asked flood = asked("/flood/" + i, Map.of(), Set.of());
      day.add(new Entry(flow("thief", "store", 80, flood, REFUSED), new Seen(1, THEN, THEN)));
    }
    for (int hour = 1; hour < 24; hour++) {
      Instant later = THEN.plus(Duration.ofHours(hour));
      for (int i = 0; i < 100; i++) {
        Asked usual = asked("/" + hour + "/" + i, Map.of(), Set.of());
        day.add(new Entry(flow("buyer", "store", 80, usual, ALLOWED), new Seen(1, later, later)));
      }
    }
    FlowTable table = new FlowTable();

    day.forEach(table::expect);
    table.divide();
    day.forEach(table::add);

    assertThat(table.rows().keySet())
        .filteredOn(key -> key.from().equals("shop/buyer"))
        .hasSize(2_300);
    assertThat(table.rows()).hasSize(40_000); // no room is left empty for it
    assertThat(table.leftOut()).isEqualTo(Map.of(THEN, 12_300L));
  }

  @Test
  void aWindowAcrossAnHourMayTellOfTheLaterFirstAndNothingOfEitherIsLeftOut() {
    List<Entry> window = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Instant last = THEN.minus(Duration.ofMinutes(i % 2));
      Asked one = asked("/" + (4 - i), Map.of(), Set.of());
      window.add(new Entry(flow("buyer", "store", 80, one, ALLOWED), new Seen(1, last, last)));
    }
    FlowTable table = new FlowTable();

    window.forEach(table::expect);
    table.divide();
    window.forEach(table::add);

    assertThat(table.rows()).hasSize(4);
    assertThat(table.leftOut()).isEmpty();
  }

  @Test
  void whatIsSuggestedCompilesAndPermitsThatAndNothingElse() {
    FlowTable table = new FlowTable();
    Asked odd = asked("/it's [odd]?\\d+: #x é\"\n", Map.of(), Set.of());
    Seen seen = new Seen(3, THEN, THEN);
    for (RecordedFlow flow :
        List.of(
            flow("buyer", "store", 80, asked("/books", Map.of(), Set.of()), ALLOWED),
            flow("buyer", "store", 80, odd, REFUSED),
            flow("buyer", "store", 5_432, null, ALLOWED),
            flow("buyer", "store", 80, cut("/long", 150), ALLOWED),
            flow("buyer", "store", 80, cut("/cut", 256), ALLOWED),
            flow("thief", "store", 80, asked("/secret", Map.of(), Set.of()), REFUSED))) {
      table.add(new Entry(flow, seen));
    }
    MeshSnapshot permissive =
        MeshSnapshot.of(1, true, List.of(new MeshSettings(true, true, TrustDomain.CLUSTER_LOCAL)));

    Suggestion all = Suggestion.of(table, false);
    assertThat(all.check(permissive)).isEmpty();
    assertThat(all.text()).contains("# was refused when it was seen: GET /secret to port 80");
    assertThat(all.text()).as("its authority was").containsPattern("/longx+\"");
    assertThat(all.text()).containsPattern("/cutx+\\.\\*\"");
    assertThat(Suggestion.of(table, true).text()).doesNotContain("thief", "odd");

    Suggestion wide = new Suggestion(all.text().replace("/secret\",", "/.*\","), all.permitted());
    assertThat(wide.check(permissive)).anyMatch(problem -> problem.contains("also permits"));
    Suggestion narrow = new Suggestion(all.text().replace("[5432]", "[5433]"), all.permitted());
    assertThat(narrow.check(permissive)).anyMatch(problem -> problem.contains("does not permit"));
  }
}

package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.MovedClock;
import io.sluice.lab.site.OpensslCertificate;
import io.sluice.lab.site.RegistryFolder;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.node.NodeCleanup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A site of two nodes and a controller whose wall clocks are set while they run, and over a power
 * cut: what `offline` names is what ends, at the moment that it names, and boards that do not know
 * the time have their mesh. One site for both, since it takes longer to make than to use.
 */
@Tag("kernel")
@Order(15)
class MovedClockTest {
  private static final int PORT = 8080;
  private static final String MESH_CONFIG = "mesh-config";
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration LEAF = Duration.ofHours(1);

  /**
   * How long another mesh's root is good: longer than the buyer's certificate, and shorter than the
   * store's.
   */
  private static final Duration LINK = Duration.ofMinutes(65);

  private static final Duration FLOOR_KEPT = Duration.ofMinutes(10); // how often
  private static final Duration YEARS = Duration.ofDays(5 * 365);
  private static final List<String> ACCOUNTS = List.of("buyer", "neighbour");

  private final Cluster cluster = new Cluster(ACCOUNTS, List.of("store"));
  private final SitePod buyer = cluster.pod("buyer");
  private final SitePod neighbour = cluster.pod("neighbour");
  private final SitePod store = cluster.pod("store");
  private final Site a = cluster.site("a");
  private final Site b = cluster.site("b");
  private final MovedClock clockOfA = MovedClock.in(cluster.directory().resolve("clock-a"));
  private final MovedClock clockOfB = MovedClock.in(cluster.directory().resolve("clock-b"));
  private final MovedClock clockOfControl = MovedClock.in(cluster.directory().resolve("clock-c"));

  @Test
  void offlineNamesWhatEndsAndWhenAndBoardsThatDoNotKnowTheTimeHaveTheirMesh() throws Exception {
    try (clockOfControl;
        Cluster _ = cluster;
        TcpServer _ = TcpServer.echo(store, Family.IPV4, PORT)) {
      OpensslCertificate partner = open();
      Instant end = firstEndWithoutController();
      oneMinuteBeforeAllWorksAndOneMinuteAfterTheBuyerDoesNot(end);
      Instant last = extended(aMinuteAfterTheOtherMeshsRootOnlyTheLinkToItHasEnded(partner));
      bootsWithoutAnIdeaOfTheTime(last);
      theExpiredLeafIsRefusedByWhoKnowsTheTime(last.plus(MINUTE));
      theControllerBringsBothBack(last.plus(MINUTE.multipliedBy(2)));
    }
  }

  /** What another mesh, whose root is believed, has given its buyer. */
  private OpensslCertificate open() throws IOException {
    RegistryFolder registry = cluster.registry();
    registry.write("namespace", Manifests.namespace());
    MovedClock clockOfPartner = MovedClock.in(cluster.directory().resolve("clock-partner"));
    clockOfPartner.set(Instant.now().plus(LINK).minus(Duration.ofDays(1)));
    OpensslCertificate root =
        OpensslCertificate.root(clockOfPartner, cluster.directory(), FederationTest.PARTNER);
    String others = "{federatesWith: [" + FederationTest.bundle(root) + "]}";
    registry.write(MESH_CONFIG, Manifests.meshConfig(Map.of("certificate", others)));
    registry.write("partner-to-store", FederationTest.target());
    ACCOUNTS.forEach(
        from -> registry.write(from, Manifests.trafficTarget(from, "store", List.of())));
    registry.write(buyer);
    registry.write(store);
    cluster.startControl(clockOfControl, "--leaf-lifetime", LEAF.toMinutes() + "m");
    String[] arguments = Mechanism.EBPF.arguments("--keep-keys");
    cluster.startDaemon(a, clockOfA, arguments);
    cluster.startDaemon(b, clockOfB, arguments);
    awaitCertificates(a, buyer);
    awaitCertificates(b, store);
    return root.signs("partner-buyer", FederationTest.BUYER);
  }

  /** Ten minutes later the neighbour moves in, the store is extended, and the uplink is lost. */
  private Instant firstEndWithoutController() {
    setAll(Instant.now().plus(MINUTE.multipliedBy(10)));
    cluster.registry().write(neighbour);
    awaitCertificates(a, neighbour);
    assertExtended(b);
    assertAnswered(buyer);
    assertAnswered(neighbour);
    cluster.control().kill();

    JsonNode report = report(a);
    assertThat(report.path("first").asText()).isEqualTo("certificate " + identity(buyer));
    assertThat(report.path("timeTrusted").asBoolean()).isTrue();
    return Instant.parse(report.path("until").asText());
  }

  private void oneMinuteBeforeAllWorksAndOneMinuteAfterTheBuyerDoesNot(Instant end) {
    setAll(end.minus(MINUTE));
    assertThat(offline(a)).contains("the first end is at " + end);
    assertThat(states()).containsOnly("valid");
    assertAnswered(buyer);
    assertAnswered(neighbour);

    setAll(end.plus(MINUTE));
    Attempt late = call(buyer);
    assertThat(late.wasTurnedAway()).as("%s", late).isTrue();
    assertAnswered(neighbour);
    assertThat(expired(a)).containsExactly(identity(buyer));
    assertThat(expired(b)).isEmpty();
    assertThat(report(a).path("ends").path(0).path("remaining").asText()).isEqualTo("ended");
    assertThat(why(buyer))
        .contains("UNREACHABLE", "(no_certificate)", identity(buyer) + " is expired");
    assertThat(why(neighbour)).contains("ALLOWED");
  }

  /** What others show is taken for a minute longer by each node. The time at the end. */
  private Instant aMinuteAfterTheOtherMeshsRootOnlyTheLinkToItHasEnded(OpensslCertificate partner) {
    assertThat(report(b).path("first").asText())
        .isEqualTo("federated-mesh " + FederationTest.PARTNER);
    Instant end = Instant.parse(report(b).path("until").asText());
    setAll(end.minus(MINUTE));
    ForeignCaller.Answer before = callOf(partner);
    assertThat(before.problem()).isEmpty();
    before.caller().close();
    assertAnswered(neighbour);

    Instant after = end.plus(SvidJudge.CLOCK_SKEW).plus(MINUTE);
    setAll(after);
    assertThat(callOf(partner).problem()).isNotEmpty();
    assertAnswered(neighbour);
    assertThat(report(b).path("ends").path(0).path("remaining").asText()).isEqualTo("ended");
    assertThat(report(b).path("ends").path(1).path("remaining").asText()).isNotEqualTo("ended");
    return after;
  }

  private ForeignCaller.Answer callOf(OpensslCertificate caller) {
    return ForeignCaller.connect(cluster.stranger(), caller, store.at(Family.IPV4, PORT));
  }

  /**
   * The controller is in reach again, and the other mesh is given up. The latest end of all that it
   * gives then.
   */
  private Instant extended(Instant now) {
    cluster.registry().write(MESH_CONFIG, Manifests.meshConfig(Map.of()));
    cluster.control().start();
    for (Site site : cluster.sites()) {
      Await.until(
          "the link is forgotten",
          Await.patience(60), // nodes ask seldom that were not answered for long
          () -> report(site).findValuesAsText("what").stream().noneMatch("federated-mesh"::equals));
    }
    assertThat(offline(a, "extend")).contains("true").doesNotContain("false");
    assertThat(a.daemon().log()).contains("offline_extend");
    assertExtended(b);
    assertThat(states()).containsOnly("valid");
    assertThat(why(buyer)).contains("ALLOWED");
    assertAnswered(buyer);
    Instant until = Instant.parse(report(a).path("until").asText());
    assertThat(until).isBetween(now.plus(LEAF).minus(MINUTE), now.plus(LEAF).plus(MINUTE));
    cluster.control().kill();
    return until;
  }

  /** A power cut; then one board wakes up in 1970 and the other five years ahead. */
  private void bootsWithoutAnIdeaOfTheTime(Instant end) {
    Instant least = end.minus(LEAF).minus(FLOOR_KEPT).minus(MINUTE);
    for (Site site : cluster.sites()) {
      Await.until("the floor is kept", () -> floor(site).isAfter(least));
      site.daemon().kill();
      NodeCleanup.removeAll(site.prefix());
    }
    clockOfA.set(Instant.EPOCH.plusSeconds(20));
    clockOfB.set(end.plus(YEARS));
    a.daemon().start();
    b.daemon().start();

    assertAnswered(buyer);
    for (Site site : cluster.sites()) {
      DaemonView view = site.daemon().view();
      assertThat(view.status().path("verdict").asText()).contains("see timeProblem");
      assertThat(view.metric("sluice_clock_trusted")).isZero();
      assertThat(now(site)).isBetween(least, end);
    }
    assertThat(offline(a)).contains("the time is not trusted: the wall clock shows 1970-01-01");
    assertThat(report(a).path("until").asText()).isEqualTo(end.toString());
    assertThat(states()).containsOnly("valid");
  }

  private void theExpiredLeafIsRefusedByWhoKnowsTheTime(Instant now) {
    clockOfB.set(now);
    awaitTrusted(b);
    Await.until("the log says so", () -> b.daemon().log().contains("time_trusted"));

    Attempt late = call(neighbour);
    assertThat(late.wasTurnedAway()).as("%s", late).isTrue();
    assertThat(expired(a)).isEmpty();
    assertThat(expired(b)).containsExactly(identity(store));
  }

  /** Node a is still in 1970. */
  private void theControllerBringsBothBack(Instant now) {
    clockOfControl.set(now);
    cluster.control().start();
    Await.until("the site knows the time", Await.patience(60), () -> call(neighbour).answered());
    assertThat(a.daemon().view().metric("sluice_clock_trusted")).isZero();
    assertThat(now(a)).isAfter(now.minus(MINUTE.multipliedBy(10)));
  }

  /** Sets the clocks of all, and returns when the daemons go by them. */
  private void setAll(Instant now) {
    clockOfControl.set(now);
    clockOfA.set(now);
    clockOfB.set(now);
    Await.until("the controller's clock is set", clockOfControl::isSeen);
    for (Site site : cluster.sites()) {
      Await.until("its clock is set", () -> !now(site).isBefore(now.minusSeconds(1)));
    }
  }

  private static void assertExtended(Site site) {
    assertThat(site.daemon().view().ask("extend"))
        .isNotEmpty()
        .allMatch(one -> one.path("extended").asBoolean());
  }

  private static void awaitTrusted(Site site) {
    Await.until(
        "the time is trusted", () -> site.daemon().view().status().path("timeTrusted").asBoolean());
  }

  private static void awaitCertificates(Site site, SitePod pod) {
    Await.until(
        pod.name() + " has a certificate",
        Await.patience(30),
        () -> site.daemon().view().hasCertificate(identity(pod)));
  }

  private Attempt call(SitePod from) {
    return Attempt.from(from, store.at(Family.IPV4, PORT), "hi");
  }

  private void assertAnswered(SitePod from) {
    Attempt attempt = call(from);
    assertThat(attempt.answered())
        .as(() -> attempt + ", and the daemons: " + told(a) + told(b))
        .isTrue();
  }

  private static List<JsonNode> told(Site site) {
    DaemonView view = site.daemon().view();
    return Stream.of(view.accessLog(), view.events(), view.certificates())
        .flatMap(List::stream)
        .toList();
  }

  private static String identity(SitePod pod) {
    return TwoNodes.identity(pod);
  }

  private static JsonNode report(Site site) {
    return site.daemon().view().ask("offline").getFirst();
  }

  private static Instant now(Site site) {
    return Instant.parse(report(site).path("now").asText());
  }

  /** What the command prints, by this machine's own clock. */
  private static String offline(Site site, String... words) {
    List<String> command = new ArrayList<>(List.of("offline"));
    command.addAll(List.of(words));
    command.addAll(List.of("--node-name", site.prefix()));
    return JavaCommand.here(command.toArray(String[]::new));
  }

  /** What its node says of a call of the store. */
  private String why(SitePod from) {
    return JavaCommand.here(
        "why", "shop/" + from.name(), "shop/store:" + PORT, "--node-name", a.prefix());
  }

  private Set<String> states() {
    return cluster.sites().stream()
        .flatMap(site -> site.daemon().view().certificates().stream())
        .map(certificate -> certificate.path("state").asText())
        .collect(Collectors.toSet());
  }

  private static List<String> expired(Site site) {
    return site.daemon().view().certificates().stream()
        .filter(certificate -> certificate.path("state").asText().equals("expired"))
        .map(certificate -> certificate.path("identity").asText())
        .toList();
  }

  private static Instant floor(Site site) throws IOException {
    Path file = site.state().resolve("clock");
    return Instant.ofEpochMilli(Long.parseLong(Files.readString(file).split(" ")[1]));
  }
}

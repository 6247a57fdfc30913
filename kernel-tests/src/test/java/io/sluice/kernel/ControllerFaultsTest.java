package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.MeshPorts;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The controller or the disk fails a node whose certificates live for a minute. What is there goes
 * on until it ends, {@code node status} says until when and why, and everything mends by itself.
 */
@Order(4)
@Tag("kernel")
class ControllerFaultsTest {
  private static final int PORT = 8080;
  private static final Duration LEAF_LIFETIME = Duration.ofSeconds(60);

  /** Twice the longest pause between two attempts, and what an attempt takes. */
  private static final Duration RECOVERY = Await.patience(70);

  private static TwoNodes shop;
  private static Path identities;

  @BeforeAll
  static void open() {
    shop =
        TwoNodes.open(
            Mechanism.EBPF,
            List.of("--leaf-lifetime", LEAF_LIFETIME.toSeconds() + "s"),
            "--keep-keys",
            "--access-log",
            "off");
    identities = shop.a().directory().resolve("state/identity");
  }

  @AfterAll
  static void close() {
    shop.close();
  }

  @Test
  void trafficOutlivesTheControllerAndWhoHasItsPortPastHalfOfTheCertificatesLives() {
    try (TcpServer _ = TcpServer.echo(shop.store, Family.IPV6, PORT);
        Talk held = Talk.begin(shop.buyer, shop.store.at(Family.IPV6, PORT))) {
      assertThat(held.isAlive()).isTrue();
      awaitHealthy();
      Map<String, String> before = serials();

      shop.control().kill();
      assertNonsenseOnItsPortIsToldAndNotBelieved();
      Await.until(
          "every certificate is past the point of its renewal",
          LEAF_LIFETIME,
          () ->
              shop.callingView().certificates().stream()
                  .filter(ControllerFaultsTest::isWorkload)
                  .allMatch(one -> time(one, "renewAt").isBefore(Instant.now())));

      Await.until("the failure is told", () -> failure().contains("unreachable"));
      assertThat(serials()).isEqualTo(before);
      assertThat(status().path("identity").asText())
          .isEqualTo("valid until " + earliestEnd())
          .as("the controller cannot have moved it");
      assertThat(status().path("identityFailingSince").asText()).isNotEqualTo("-");
      assertThat(held.isAlive()).isTrue();
      assertServes(Family.IPV6);

      shop.control().start();
      awaitHealthy();
      Await.until(
          "every certificate is another",
          RECOVERY,
          () -> serials().values().stream().noneMatch(before::containsValue));
      Await.until(
          "the other node has new ones too, in its own time",
          RECOVERY,
          () -> shop.call(shop.neighbour, Family.IPV6, PORT, "hi").answered());
    }
  }

  @Test
  void controllerThatHangsIsNoticedWithinFifteenSecondsAndTakesNothingAlong() {
    try (TcpServer _ = TcpServer.echo(shop.store, Family.IPV4, PORT);
        Talk held = Talk.begin(shop.buyer, shop.store.at(Family.IPV4, PORT))) {
      awaitHealthy();

      shop.control().pause();
      try {
        // Keep-alive asks after ten seconds of silence and waits five.
        Await.until(
            "the dead connection is noticed",
            Await.patience(17),
            () -> !status().path("controllerConnected").asBoolean());
        Await.until("the failure is told", () -> failure().contains("unreachable"));
        assertThat(held.isAlive()).isTrue();
        assertServes(Family.IPV4);
      } finally {
        shop.control().resume();
      }
      awaitHealthy();
      assertServes(Family.IPV4);
    }
  }

  private static void assertNonsenseOnItsPortIsToldAndNotBelieved() {
    try (TcpServer nonsense =
        TcpServer.open(
            shop.cluster.controlMachine(),
            shop.cluster.controlMachine().at(Family.IPV6, MeshPorts.CONTROL),
            TcpServer.greeting("HTTP/1.1 418 I am a teapot\r\n\r\n"))) {
      Await.until("it is asked", RECOVERY, () -> nonsense.accepted().size() > 1);
      Await.until("the failure is told", RECOVERY, () -> failure().contains("unreachable"));
      assertThat(status().path("certificatesValid").asInt()).isEqualTo(3);
      assertServes(Family.IPV6);
    }
  }

  @Test
  void fullDiskCostsTheKeepingAndNotTheCertificates() throws Exception {
    awaitHealthy();
    // A disk of their own: where snapshots are replaced too, there is room again in between.
    Path kept = identities.resolveSibling("kept");
    Commands.run("cp", "-a", identities.toString(), kept.toString());
    Commands.run(
        "mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "sluice-test", identities.toString());
    try (TcpServer _ = TcpServer.echo(shop.store, Family.IPV6, PORT)) {
      Commands.run("cp", "-a", kept + "/.", identities.toString());
      Path ballast = identities.resolve("ballast");
      fill(ballast);

      useAccount("thief", "locksmith");
      Await.until("the new account has a certificate", () -> state("locksmith").equals("valid"));
      Await.until(
          "the full disk is told",
          () -> status().path("identityStoreProblem").asText().contains("free space"));
      assertServes(Family.IPV6);

      Files.delete(ballast);
      Await.until(
          "what could not be written is written",
          Await.patience(45),
          () -> status().path("identityStoreProblem").asText().equals("-"));
    } finally {
      Commands.run("umount", identities.toString());
      useAccount("thief", "thief");
    }
    awaitHealthy();
  }

  /** Without Kubernetes, where nobody but the operator can say that the new root is the mesh's. */
  @Test
  void lostStateOfTheControllerIsToldAndMendedByNewJoinTokens() {
    awaitHealthy();
    String before = status().path("trustBundleRoots").asText();
    assertThat(shop.callingView().readiness()).contains("\r\n\r\nready\n");
    try (TcpServer _ = TcpServer.echo(shop.store, Family.IPV4, PORT)) {
      shop.control().kill();
      shop.control().loseState();
      shop.control().start();

      Await.until(
          "the node is not ready, and says why",
          RECOVERY,
          () -> status().path("missing").asText().contains("untrusted_controller"));
      assertThat(status().path("ready").asBoolean()).isFalse();
      assertThat(shop.callingView().readiness())
          .contains("503", "not ready: ", "untrusted_controller", "join token");
      assertThat(status().path("trustBundleRoots").asText()).isEqualTo(before);

      shop.cluster.sites().forEach(site -> shop.control().joinToken(site.prefix()));

      awaitHealthy();
      Await.until(
          "the other node has other roots too",
          RECOVERY,
          () ->
              !shop.b()
                  .daemon()
                  .view()
                  .status()
                  .path("trustBundleRoots")
                  .asText()
                  .contains(before));
      assertThat(status().path("trustBundleRoots").asText()).isNotEqualTo(before);
      assertThat(status().path("ready").asBoolean()).isTrue();
      assertThat(shop.callingView().readiness()).contains("\r\n\r\nready\n");
      assertThat(shop.callingView().events())
          .anyMatch(event -> event.path("reason").asText().equals("admitted_anew"));
      assertThat(shop.a().daemon().log()).contains("node_admitted_anew former_roots=[" + before);
      Await.until(
          "connections are carried by the new certificates",
          RECOVERY,
          () -> shop.call(shop.neighbour, Family.IPV4, PORT, "hi").answered());
    }
  }

  /** A connection that begins now is carried to the store on the other node. */
  private static void assertServes(Family family) {
    Attempt attempt = shop.call(shop.neighbour, family, PORT, "hi");
    assertThat(attempt.answered())
        .as(() -> attempt + "\n" + shop.a().daemon().log() + "\n" + shop.b().daemon().log())
        .isTrue();
  }

  private static void useAccount(String pod, String account) {
    shop.cluster
        .registry()
        .write(
            "pod-" + pod,
            Manifests.pod(shop.cluster.pod(pod))
                .replace("serviceAccountName: " + pod, "serviceAccountName: " + account));
  }

  private static JsonNode status() {
    return shop.callingView().status();
  }

  private static String failure() {
    return status().path("identityFailure").asText();
  }

  /** Returns when the controller is followed, nothing fails and no certificate is missing. */
  private static void awaitHealthy() {
    Await.until(
        "the node is in order with its controller",
        RECOVERY,
        () ->
            status().path("controllerConnected").asBoolean()
                && failure().equals("-")
                && status().path("certificatesMissing").asInt() == 0
                && status().path("certificatesExpired").asInt() == 0);
  }

  private static boolean isWorkload(JsonNode certificate) {
    return certificate.path("holder").asText().equals("workload");
  }

  private static Instant time(JsonNode certificate, String field) {
    return Instant.parse(certificate.path(field).asText());
  }

  private static String earliestEnd() {
    return shop.callingView().certificates().stream()
        .map(one -> time(one, "notAfter"))
        .min(Instant::compareTo)
        .orElseThrow()
        .toString();
  }

  private static String state(String account) {
    return shop.callingView().certificates().stream()
        .filter(one -> one.path("identity").asText().endsWith("/sa/" + account))
        .map(one -> one.path("state").asText())
        .findFirst()
        .orElse("unknown");
  }

  private static Map<String, String> serials() {
    return shop.callingView().certificates().stream()
        .filter(ControllerFaultsTest::isWorkload)
        .collect(
            Collectors.toMap(
                one -> one.path("identity").asText(), one -> one.path("serial").asText()));
  }

  private static void fill(Path ballast) throws IOException {
    try (OutputStream out = Files.newOutputStream(ballast)) {
      while (true) {
        out.write(new byte[1_024]);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
  }
}

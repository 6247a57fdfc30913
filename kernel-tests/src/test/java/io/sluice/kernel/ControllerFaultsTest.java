package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.control.authority.OpenSsl;
import io.sluice.control.authority.svid.Pem;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Callers;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.DaemonView;
import io.sluice.lab.site.Manifests;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.MeshPorts;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The controller or the disk fails a node whose certificates live for a minute; the authority's key
 * and certificate were brought along, as a Secret is mounted. What is there goes on until it ends,
 * {@code node status} says until when and why, and everything mends by itself.
 */
@Order(4)
@Tag("kernel")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ControllerFaultsTest {
  private static final int PORT = 8080;
  private static final Duration LEAF_LIFETIME = Duration.ofSeconds(60);

  /** Twice the longest pause between two attempts, and what an attempt takes. */
  private static final Duration RECOVERY = Await.patience(70);

  @TempDir private static Path secret;
  private static TwoNodes shop;
  private static Path identities;

  @BeforeAll
  static void open() throws Exception {
    fillSecret();
    Path authority =
        Files.writeString(
            secret.resolve("authority.yaml"),
            "imported: {certificate: %1$s/ca.crt, privateKey: %1$s/private.key}".formatted(secret));
    shop =
        TwoNodes.open(
            Mechanism.EBPF,
            List.of(
                "--leaf-lifetime",
                LEAF_LIFETIME.toSeconds() + "s",
                "--authority-file",
                authority.toString()),
            "--keep-keys",
            "--access-log",
            "off");
    identities = shop.a().directory().resolve("state/identity");
  }

  /** With an authority that is another each time. */
  private static void fillSecret() throws Exception {
    OpenSsl.Answer made =
        OpenSsl.run(
            secret,
            "req -x509 -newkey EC -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650"
                + " -keyout private.key -out ca.crt -addext keyUsage=critical,keyCertSign"
                + " -addext basicConstraints=critical,CA:TRUE",
            "-subj",
            "/CN=root");
    assertThat(made.ok()).as(made.text()).isTrue();
  }

  @AfterAll
  static void close() {
    shop.close();
  }

  @Test
  @Order(1) // the others leave certificates of accounts that no pod has any more
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
      awaitHealthy(); // the other node has new ones too, in its own time
      assertServes(Family.IPV6);
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

  /** As a reinstall beside the Secret that stays: calls go on, with new certificates and old. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aControllerThatStartsAgainOrHasLostAllButTheSecretSignsByTheSameRoot(boolean hasLostAll)
      throws Exception {
    awaitHealthy();
    X509Certificate root = root();
    double failed = failedHandshakes();
    String account = hasLostAll ? "heir" : "successor";
    try (TcpServer _ = TcpServer.echo(shop.store, Family.IPV4, PORT);
        Callers callers = new Callers(shop.neighbour, shop.store.at(Family.IPV4, PORT))) {
      shop.control().kill();
      if (hasLostAll) {
        shop.control().loseState();
      }
      shop.control().start();
      shop.cluster
          .registry()
          .write("new-to-store", Manifests.trafficTarget(account, "store", List.of()));
      useAccount("thief", account);
      Await.until("it signs again", RECOVERY, () -> state(account).equals("valid"));
      Await.until(
          "who has a certificate of before takes a new one",
          RECOVERY,
          () -> shop.call(shop.thief, Family.IPV4, PORT, "hi").answered());

      assertThat(root().getSerialNumber()).isEqualTo(root.getSerialNumber());
      assertThat(root()).isEqualTo(root);
      assertThat(callers.failed()).isEmpty();
      assertThat(failedHandshakes()).isEqualTo(failed);
    } finally {
      useAccount("thief", "thief");
      shop.cluster.registry().remove("new-to-store");
    }
  }

  /** The only one that the controller makes known. */
  private static X509Certificate root() throws Exception {
    return Await.value(
        "the root is known",
        Await.PATIENCE,
        () -> {
          List<X509Certificate> roots =
              Pem.parse(
                      Files.readString(shop.control().view().state().resolve("trust-bundle.pem")),
                      "it")
                  .certificates();
          assertThat(roots).hasSize(1);
          return Optional.of(roots.getFirst());
        });
  }

  /** Of both nodes. */
  private static double failedHandshakes() {
    return Stream.of(shop.callingView(), shop.servingView())
        .mapToDouble(view -> view.metric("sluice_tls_handshakes_total", "result=\"failure\""))
        .sum();
  }

  /** Without Kubernetes, where nobody but the operator can say that the new root is the mesh's. */
  @Test
  void lostStateOfTheControllerIsToldAndMendedByNewJoinTokens() throws Exception {
    awaitHealthy();
    String before = status().path("trustBundleRoots").asText();
    assertThat(shop.callingView().readiness()).contains("\r\n\r\nready\n");
    try (TcpServer _ = TcpServer.echo(shop.store, Family.IPV4, PORT)) {
      shop.control().kill();
      shop.control().loseState();
      fillSecret();
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

  /**
   * Returns when both nodes follow the controller, nothing fails, no certificate is missing, and
   * who calls and is called has at least half of a certificate's life before it.
   */
  private static void awaitHealthy() {
    Await.until(
        "the nodes are in order with their controller",
        RECOVERY,
        () ->
            Stream.of(shop.callingView(), shop.servingView())
                .allMatch(ControllerFaultsTest::isInOrder));
  }

  private static boolean isInOrder(DaemonView node) {
    JsonNode status = node.status();
    return status.path("controllerConnected").asBoolean()
        && status.path("identityFailure").asText().equals("-")
        && status.path("certificatesMissing").asInt() == 0
        && status.path("certificatesExpired").asInt() == 0
        && node.certificates().stream()
            .filter(one -> one.path("identity").asText().matches(".*/sa/(buyer|neighbour|store)"))
            .allMatch(one -> time(one, "renewAt").isAfter(Instant.now()));
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

package io.sluice.node.identity;

import static io.sluice.node.identity.TestNode.SHOP;
import static io.sluice.node.identity.TestNode.SITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.mesh.SystemIdentity;
import io.sluice.node.identity.CertificateStatus.State;
import io.sluice.node.identity.ControlSettings.Admission;
import io.sluice.node.identity.control.ControlAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a restart finds, and what it must not use. */
class KeptKeysTest {
  @TempDir private Path directory;
  private final TestClock clock = new TestClock();
  @AutoClose private TestController controller;

  @BeforeEach
  void startController() {
    controller = new TestController(new TestAuthority(SITE));
    TestNode.write(directory, "token", controller.token("one"));
  }

  private TestNode start(boolean keep) {
    return TestNode.start(directory, controller.address(), keep, clock);
  }

  /** A daemon that ran once, and its serial for SHOP. */
  private String runOnce(boolean keep) {
    try (TestNode node = start(keep)) {
      node.want(SHOP);
      Await.until(() -> assertThat(node.identities.of(SHOP)).isPresent());
      Await.until(() -> assertThat(files()).hasSize(keep ? 3 : 2));
      return node.serial(SHOP);
    }
  }

  private List<Path> files() {
    try (Stream<Path> files = Files.list(TestNode.state(directory))) {
      return files.filter(one -> !one.getFileName().toString().startsWith(".")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path file(String prefix) {
    return files().stream()
        .filter(one -> one.getFileName().toString().startsWith(prefix))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void restartWithKeptKeysNeedsNoController() {
    String serial = runOnce(true);
    controller.goAway();
    try (TestNode node = start(true)) {
      assertThat(node.identities.of(SHOP)).as("at once").isPresent();
      assertThat(node.serial(SHOP)).isEqualTo(serial);
      node.want(SHOP);
      Await.until(() -> assertThat(node.status().failure()).contains("unreachable"));
      assertThat(node.identities.of(SHOP)).isPresent();
    }
  }

  @Test
  void restartInThePastUsesWhatWasKept() {
    runOnce(true);
    clock.jump(Duration.ofDays(-3_650));
    try (TestNode node = start(true)) {
      assertThat(node.identities.of(SHOP)).isPresent();
    }
  }

  @Test
  void restartWithoutKeptKeysKeepsOnlyTheNodeItself() {
    String serial = runOnce(false);
    try (TestNode node = start(false)) {
      assertThat(node.identities.of(SHOP)).isEmpty();
      node.want(SHOP);
      Await.until(() -> assertThat(node.identities.of(SHOP)).isPresent());
      assertThat(node.serial(SHOP)).isNotEqualTo(serial);
      assertThat(controller.admissions).as("the token was used once").hasValue(1);
    }
  }

  @Test
  void withoutTheOptionWhatAnEarlierDaemonKeptIsRemoved() {
    runOnce(true);
    try (TestNode node = start(false)) {
      assertThat(node.identities.of(SHOP)).isEmpty();
      assertThat(files())
          .extracting(one -> one.getFileName().toString())
          .containsExactly("node.sealed", "seal.key");
    }
  }

  @Test
  void everyFileIsOfRootAloneAndHoldsNoKeyInTheClear() throws Exception {
    try (TestNode node = start(true)) {
      node.want(SHOP);
      Await.until(() -> assertThat(files()).hasSize(3));
    }
    assertThat(
            PosixFilePermissions.toString(Files.getPosixFilePermissions(TestNode.state(directory))))
        .isEqualTo("rwx------");
    for (Path file : files()) {
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
          .as("%s", file)
          .isEqualTo("rw-------");
      String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
      assertThat(text).doesNotContain("spiffe", "\"key\"", "chain");
    }
  }

  @Tag("attack")
  @ParameterizedTest
  @ValueSource(strings = {"flip", "cut", "empty", "version", "open", "swap"})
  void damagedFilesAreNotUsedAndNotFatal(String damage) throws Exception {
    String serial = runOnce(true);
    Path kept = file("workload-");
    byte[] bytes = Files.readAllBytes(kept);
    switch (damage) {
      case "flip" -> bytes[bytes.length / 2] ^= 1;
      case "cut" -> bytes = Arrays.copyOf(bytes, bytes.length / 2);
      case "empty" -> bytes = new byte[0];
      case "version" -> bytes[14] = '9';
      case "swap" -> bytes = Files.readAllBytes(file("node"));
      default -> {}
    }
    Files.write(kept, bytes);
    if (damage.equals("open")) {
      Files.setPosixFilePermissions(kept, PosixFilePermissions.fromString("rw-r--r--"));
    }
    try (TestNode node = start(true)) {
      assertThat(node.identities.of(SHOP)).isEmpty();
      node.want(SHOP);
      Await.until(() -> assertThat(node.identities.of(SHOP)).isPresent());
      assertThat(node.serial(SHOP)).isNotEqualTo(serial);
    }

    Attack.tried("a kept key on the disk, changed: " + damage)
        .refusedBy("the daemon: not used, issued anew")
        .countedAs("the serial in `node certificates`, another than before");
  }

  @Test
  void damagedNodeFileNeedsANewToken() throws Exception {
    runOnce(true);
    Files.writeString(file("node"), "sluice-sealed-1\nhalf");
    TestNode.write(directory, "token", controller.token("two"));
    try (TestNode node = start(true)) {
      node.want(SHOP);
      Await.until(() -> assertThat(node.identities.of(SHOP)).isPresent());
      assertThat(controller.admissions).hasValue(2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"open", "short", "unmade"})
  void storeThatCannotBeUsedCostsOnlyTheKeeping(String problem) throws Exception {
    Path key = directory.resolve("elsewhere").resolve("seal.key");
    if (!problem.equals("unmade")) {
      Files.createDirectory(directory.resolve("elsewhere"));
      Files.write(key, new byte[problem.equals("short") ? 7 : 32]);
      Files.setPosixFilePermissions(
          key, PosixFilePermissions.fromString(problem.equals("open") ? "rw-r-----" : "rw-------"));
    }
    try (TestNode node = TestNode.start(directory, settings(key), clock)) {
      node.want(SHOP);
      Await.until(() -> assertThat(node.identities.of(SHOP)).isPresent());
      assertThat(node.status().storeProblem()).contains("seal.key");
    }
  }

  private ControlSettings settings(Path key) {
    return new ControlSettings(
        ControlAddress.parse(controller.address()),
        new Admission.JoinToken(directory.resolve("token")),
        true,
        key);
  }

  @Test
  void withoutItsKeyWhatWasKeptIsOfNoUse() throws Exception {
    Path key = Files.createDirectory(directory.resolve("elsewhere")).resolve("seal.key");
    try (TestNode node = TestNode.start(directory, settings(key), clock)) {
      node.want(SHOP);
      Await.until(() -> assertThat(files()).hasSize(2));
    }
    Files.delete(key);
    try (TestNode node = TestNode.start(directory, settings(key), clock)) {
      assertThat(node.identities.of(SHOP)).isEmpty();
      Await.until(() -> assertThat(node.status().failure()).isNotEmpty());
    }
  }

  @Test
  void whatCouldNotBeWrittenIsWrittenLater() throws Exception {
    Path state = TestNode.state(directory);
    try (TestNode node = start(true)) {
      Await.until(() -> assertThat(files()).hasSize(2));
      // A directory in the way of the temporary file fails every write as a full disk does.
      Path obstacle = Files.createDirectory(state.resolve(".node.sealed.tmp"));
      Files.createFile(obstacle.resolve("x"));
      clock.pass(Duration.ofHours(14));
      node.identities.wake();
      Await.until(() -> assertThat(node.status().storeProblem()).contains("node.sealed", "disk"));
      assertThat(node.certificate(SystemIdentity.node(SITE, "edge1")).state())
          .isEqualTo(State.VALID);
      Files.delete(obstacle.resolve("x"));
      Files.delete(obstacle);
      Await.until(() -> {
        clock.pass(
            Duration.ofSeconds(31)); // again where the failure is noted later than it is told
        node.identities.wake();
        assertThat(node.status().storeProblem()).isEmpty();
      });
    }
  }

  @Test
  void endedCertificatesAreNotLoaded() {
    runOnce(true);
    clock.pass(Duration.ofHours(25));
    try (TestNode node = start(true)) {
      assertThat(node.identities.of(SHOP)).isEmpty();
      Await.until(() ->
          assertThat(node.status().failure())
              .contains("no_token", "used up", "sluice control token"));
    }
  }
}

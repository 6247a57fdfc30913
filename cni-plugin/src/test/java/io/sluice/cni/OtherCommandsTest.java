package io.sluice.cni;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cni.FakeDaemon.Request;
import io.sluice.cni.Invocation.Outcome;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** DEL, GC, STATUS and VERSION: what ends and asks must work without anything else working. */
class OtherCommandsTest {
  @TempDir Path directory;

  private static void assertSilentSuccess(Outcome outcome) {
    assertThat(outcome.text()).isEmpty();
    assertThat(outcome.exitStatus()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"DEL", "GC"})
  void daemonIsToldAndItsAnswerIsNotPrinted(String command) throws Exception {
    Config config = Config.in(directory).without("prevResult").with("cni.dev/attachments", "[]");
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.answer(1, "{\"code\":1}"))) {
      assertSilentSuccess(Invocation.of(command).without("CNI_NETNS").with(config).run());

      Request request = daemon.request();
      assertThat(request.variables()).containsEntry("CNI_COMMAND", command);
      assertThat(request.input()).isEqualTo(config.bytes());
    }
  }

  private static Stream<byte[]> brokenConfigurations() {
    return Stream.of(
        new byte[0],
        new byte[] {0, (byte) 0xff},
        "{\"socket\":".getBytes(UTF_8),
        "{}".getBytes(UTF_8),
        "{\"socket\":7,\"timeoutSeconds\":\"x\"}".getBytes(UTF_8),
        new byte[(1 << 20) + 1]);
  }

  @ParameterizedTest
  @MethodSource("brokenConfigurations")
  void nothingThatIsWrongWithTheConfigurationFailsADeletion(byte[] config) throws Exception {
    assertSilentSuccess(Invocation.of("DEL").with(config).run());
    assertSilentSuccess(Invocation.of("GC").with(config).run());
  }

  @Test
  void deletionNeedsNoVariableAndNoDaemon() throws Exception {
    Invocation deletion = Invocation.of("DEL").with(Config.in(directory));

    assertSilentSuccess(deletion.run());
    assertSilentSuccess(
        deletion
            .without("CNI_NETNS")
            .without("CNI_CONTAINERID")
            .without("CNI_IFNAME")
            .without("CNI_PATH")
            .run());
    assertSilentSuccess(deletion.with("CNI_NETNS", "/nonexistent").run());
    assertSilentSuccess(deletion.with("CNI_NETNS", "").run());
    assertSilentSuccess(deletion.with("CNI_ARGS", "a".repeat(100_000)).run());
  }

  @Test
  void deletionIsToldThoughAnotherMemberIsWrong() throws Exception {
    Config config = Config.in(directory).without("membership").with("timeoutSeconds", "900");
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.answer(0, ""))) {
      assertSilentSuccess(Invocation.of("DEL").with(config).run());

      assertThat(daemon.requestCount()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @CsvSource({"60, 3", "1, 1"})
  void deletionWaitsThreeSecondsAtMost(String timeout, int seconds) throws Exception {
    Config config = Config.in(directory).with("timeoutSeconds", timeout);
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.silentAfter(""))) {
      Outcome outcome = Invocation.of("DEL").with(config).run();

      assertSilentSuccess(outcome);
      assertThat(daemon.requestCount()).isEqualTo(1);
      assertThat(outcome.time())
          .isBetween(Duration.ofSeconds(seconds), Duration.ofMillis(seconds * 1000 + 500));
    }
  }

  @Test
  void deletionDoesNotWaitForInputThatDoesNotEnd() throws Exception {
    long begin = System.nanoTime();
    Process process = Invocation.of("DEL").start();
    try (OutputStream stdin = process.getOutputStream()) {
      stdin.flush();
      Outcome outcome = Invocation.await(process, begin);

      assertSilentSuccess(outcome);
      assertThat(outcome.time()).isLessThan(Duration.ofMillis(3500));
    }
  }

  @Test
  void statusIsGoodWithoutADaemonAndAsksNone() throws Exception {
    Invocation status =
        Invocation.of("STATUS")
            .without("CNI_CONTAINERID")
            .without("CNI_NETNS")
            .without("CNI_IFNAME")
            .with(Config.in(directory).without("prevResult"));

    assertSilentSuccess(status.run());
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.answer(1, "{}"))) {
      assertSilentSuccess(status.run());
      assertThat(daemon.connectionCount()).isZero();
    }
  }

  @Test
  void statusTellsAConfigurationThatCannotBeUsed() throws Exception {
    Outcome unreadable = Invocation.of("STATUS").with("{".getBytes(UTF_8)).run();
    Outcome incomplete = Invocation.of("STATUS").with(Config.in(directory).without("socket")).run();

    assertThat(unreadable.code()).isEqualTo(6);
    assertThat(unreadable.exitStatus()).isEqualTo(1);
    assertThat(incomplete.code()).isEqualTo(7);
    assertThat(incomplete.message()).contains("socket is missing");
    assertThat(incomplete.exitStatus()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"cniVersion\":\"0.4.0\"} | 0.4.0",
        "{\"cniVersion\":\"1.0.0\",\"x\":1} | 1.0.0",
        "{} | 1.1.0",
        "'' | 1.1.0",
        "no JSON | 1.1.0",
        "{\"cniVersion\":7} | 1.1.0"
      })
  void versionsAreToldWhateverTheConfigurationIs(String config, String version) throws Exception {
    Outcome outcome =
        Invocation.of("VERSION")
            .without("CNI_CONTAINERID")
            .without("CNI_NETNS")
            .without("CNI_IFNAME")
            .with(config.getBytes(UTF_8))
            .run();

    assertThat(outcome.exitStatus()).isZero();
    assertThat(outcome.json())
        .isEqualTo(
            Invocation.parse(
                ("{\"cniVersion\":\""
                        + version
                        + "\",\"supportedVersions\":"
                        + "[\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}")
                    .getBytes(UTF_8)));
  }
}

package io.sluice.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cni.FakeDaemon.Request;
import io.sluice.cni.Invocation.Outcome;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** ADD and CHECK with a daemon that answers. */
class AttachTest {
  @TempDir Path directory;

  @Test
  void daemonGetsTheVariablesThatAreSetAndTheConfigurationAsItWasRead() throws Exception {
    byte[] config = (" \n" + Config.in(directory).text() + "\n ").getBytes("UTF-8");
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.answer(0, "{}"))) {
      Invocation.ofPod("ADD", "shop", "store-1").with("PATH", "/bin").with(config).run();

      Request request = daemon.request();
      assertThat(request.variables())
          .isEqualTo(
              Map.of(
                  "CNI_COMMAND", "ADD",
                  "CNI_CONTAINERID", "sandbox-1",
                  "CNI_NETNS", Invocation.NAMESPACE,
                  "CNI_IFNAME", "eth0",
                  "CNI_PATH", "/opt/cni/bin",
                  "CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=store-1"));
      assertThat(request.input()).isEqualTo(config);
    }
  }

  @Test
  void variablesThatAreSetToNothingAndTheOverrideAreSentAsWell() throws Exception {
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.answer(0, "{}"))) {
      Invocation.of("ADD")
          .with("CNI_ARGS", "")
          .with("CNI_NETNS_OVERRIDE", "1")
          .with("CNI_PATHS", "no variable of ours")
          .with(Config.in(directory))
          .run();

      assertThat(daemon.request().variables())
          .containsEntry("CNI_ARGS", "")
          .containsEntry("CNI_NETNS_OVERRIDE", "1")
          .doesNotContainKey("CNI_PATHS");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 255})
  void answerBecomesOutputAndExitStatus(int exitStatus) throws Exception {
    String body = "{\"any\" :\t\"bytes é \\u0000\"}\n";
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.answer(exitStatus, body))) {
      Outcome outcome = Invocation.of("ADD").with(Config.in(directory)).run();

      assertThat(outcome.exitStatus()).isEqualTo(exitStatus);
      assertThat(outcome.text()).isEqualTo(body);
      assertThat(daemon.connectionCount()).isEqualTo(1);
    }
  }

  @Test
  void checkPrintsNothingOnSuccess() throws Exception {
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.answer(0, "{\"a\":1}"))) {
      Outcome outcome = Invocation.of("CHECK").with(Config.in(directory)).run();

      assertThat(outcome.exitStatus()).isZero();
      assertThat(outcome.output()).isEmpty();
      assertThat(daemon.request().variables()).containsEntry("CNI_COMMAND", "CHECK");
    }
  }

  @Test
  void checkSucceedsOnAnEmptyAnswer() throws Exception {
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.answer(0, ""))) {
      Outcome outcome = Invocation.ofPod("CHECK", "shop", "a").with(Config.in(directory)).run();

      assertThat(outcome.exitStatus()).isZero();
      assertThat(daemon.requestCount()).isEqualTo(1);
    }
  }

  @Test
  void checkPrintsTheErrorOfTheDaemon() throws Exception {
    String error = "{\"cniVersion\":\"1.0.0\",\"code\":999,\"msg\":\"slots are empty\"}";
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.answer(1, error))) {
      Outcome outcome = Invocation.of("CHECK").with(Config.in(directory)).run();

      assertThat(outcome.exitStatus()).isEqualTo(1);
      assertThat(outcome.text()).isEqualTo(error);
      assertThat(daemon.connectionCount()).isEqualTo(1);
    }
  }

  @Test
  void largestRequestAndLargestAnswerPass() throws Exception {
    Config config = Config.in(directory);
    int padding = (1 << 20) - config.bytes().length - "\"padding\": \"\", ".length();
    byte[] largest = config.with("padding", "\"" + "p".repeat(padding) + "\"").bytes();
    String body = "\"" + "b".repeat((1 << 20) - 2) + "\"";
    String longest = "a".repeat(64 << 10);
    assertThat(largest).hasSize(1 << 20);
    try (FakeDaemon daemon = new FakeDaemon(directory, FakeDaemon.answer(0, body))) {
      Outcome outcome =
          Invocation.of("ADD")
              .with("CNI_ARGS", longest)
              .with("CNI_PATH", longest)
              .with(largest)
              .run();

      Request request = daemon.request();
      assertThat(request.input()).isEqualTo(largest);
      assertThat(request.variables()).containsEntry("CNI_ARGS", longest);
      assertThat(outcome.exitStatus()).isZero();
      assertThat(outcome.text()).isEqualTo(body);
    }
  }
}

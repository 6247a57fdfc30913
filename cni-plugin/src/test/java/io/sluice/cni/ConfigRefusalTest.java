package io.sluice.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.sluice.cni.Invocation.Outcome;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What ADD and CHECK refuse, with which code, and whether the message names the thing. */
class ConfigRefusalTest {
  private static final int VARIABLES = 4;
  private static final int IO_FAILURE = 5;
  private static final int NO_JSON = 6;
  private static final int CONFIG = 7;

  @TempDir Path directory;

  private static void assertRefused(Outcome outcome, int code, String... named) {
    assertThat(outcome.exitStatus()).isEqualTo(1);
    assertThat(outcome.code()).as(outcome.text()).isEqualTo(code);
    assertThat(outcome.message()).contains(named);
    assertThat(outcome.json().path("details").isTextual()).isTrue();
  }

  private static Invocation add(Config config) {
    return Invocation.of("ADD").with(config);
  }

  @ParameterizedTest
  @CsvSource({
    "ADD,CNI_CONTAINERID", "ADD,CNI_NETNS", "ADD,CNI_IFNAME",
    "CHECK,CNI_CONTAINERID", "CHECK,CNI_NETNS", "CHECK,CNI_IFNAME"
  })
  void variableThatIsMissingOrEmpty(String command, String variable) throws Exception {
    Invocation whole = Invocation.of(command).with(Config.in(directory));

    assertRefused(whole.without(variable).run(), VARIABLES, variable);
    assertRefused(whole.with(variable, "").run(), VARIABLES, variable);
  }

  @Test
  void allVariablesThatAreMissingAreNamedAtOnce() throws Exception {
    Outcome outcome = add(Config.in(directory)).without("CNI_NETNS").without("CNI_IFNAME").run();

    assertRefused(outcome, VARIABLES, "CNI_NETNS, CNI_IFNAME");
    assertThat(outcome.message()).doesNotContain("CNI_CONTAINERID");
  }

  @Test
  void pathOfPluginsIsNotNeeded() throws Exception {
    Outcome outcome = add(Config.in(directory)).without("CNI_PATH").run();

    assertThat(outcome.text()).isEqualTo(Config.RESULT);
  }

  @Test
  void variableThatIsTooLong() throws Exception {
    Outcome outcome = add(Config.in(directory)).with("CNI_ARGS", "a".repeat((64 << 10) + 1)).run();

    assertRefused(outcome, VARIABLES, "CNI_ARGS is longer than 64 KiB");
  }

  @Test
  void commandThatIsMissingOrUnknown() throws Exception {
    Invocation whole = add(Config.in(directory));

    assertRefused(whole.without("CNI_COMMAND").run(), VARIABLES, "CNI_COMMAND is not set");
    assertRefused(whole.with("CNI_COMMAND", "add").run(), VARIABLES, "CNI_COMMAND", "value add");
  }

  @ParameterizedTest
  @ValueSource(strings = {"socket", "membership", "prevResult"})
  void memberThatIsMissing(String name) throws Exception {
    assertRefused(add(Config.in(directory).without(name)).run(), CONFIG, name, "is missing");
  }

  private static Stream<Arguments> wrongValues() {
    return Stream.of(
        arguments("socket", "7"),
        arguments("socket", "\"\""),
        arguments("socket", "\"relative.sock\""),
        arguments("socket", "\"/" + "s".repeat(107) + "\""),
        arguments("socket", "\"/run/\\u0000hidden\""),
        arguments("socket", "null"),
        arguments("membership", "[\"/a\"]"),
        arguments("membership", "\"m\""),
        arguments("membership", "\"/" + "m".repeat(4095) + "\""),
        arguments("timeoutSeconds", "0"),
        arguments("timeoutSeconds", "61"),
        arguments("timeoutSeconds", "-1"),
        arguments("timeoutSeconds", "1.5"),
        arguments("timeoutSeconds", "1e1"),
        arguments("timeoutSeconds", "\"10\""),
        arguments("timeoutSeconds", "99999999999999999999"),
        arguments("cniVersion", "1"),
        arguments("cniVersion", "\"\""),
        arguments("cniVersion", "\"1.0.0 \""),
        arguments("cniVersion", "\"" + "1".repeat(32) + "\""),
        arguments("prevResult", "[]"),
        arguments("prevResult", "\"{}\""),
        arguments("prevResult", "null"));
  }

  @ParameterizedTest
  @MethodSource("wrongValues")
  void memberWithAValueThatItCannotHave(String name, String value) throws Exception {
    assertRefused(add(Config.in(directory).with(name, value)).run(), CONFIG, name);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 60})
  void shortestAndLongestTimeoutAreTaken(int seconds) throws Exception {
    Config config = Config.in(directory).with("timeoutSeconds", Integer.toString(seconds));

    assertThat(add(config).run().text()).isEqualTo(Config.RESULT);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "null",
        "[]",
        "\"text\"",
        "{",
        "{}{}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.1}",
        "{\"a\":-}",
        "{\"a\":+1}",
        "{\"a\":1e}",
        "{\"a\":tru}",
        "{\"a\":TRUE}",
        "{\"a\":nul",
        "{\"a\":[1,]}",
        "{\"a\":[1 2]}",
        "{\"a\":[}",
        "{\"a\":{]}",
        "{\"a\":[1}]",
        "{\"a\":\"unterminated}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\ud83d\"}",
        "{\"a\":\"\\ud83d\\u0041\"}",
        "{\"a\":\"\\ude00\\ud83d\"}",
        "{\"\\ud83d\":1}",
        "{\"a\":\"\\",
        "{\"a\":\"line\nbreak\"}",
        "{\"a\":\"nul\0\"}",
        "{\0}",
        "{\"a\":1}\0",
        "\ufeff{}",
        "{\"a\":NaN}",
        "{/**/}",
        "{'a':1}"
      })
  void textThatIsNoJson(String text) throws Exception {
    Outcome outcome = Invocation.of("ADD").with(text.getBytes(StandardCharsets.UTF_8)).run();

    assertRefused(outcome, NO_JSON, "no JSON", "at byte ");
  }

  private static Stream<byte[]> invalidUtf8() {
    return Stream.of(
        new byte[] {(byte) 0x80},
        new byte[] {(byte) 0xc0, (byte) 0x80},
        new byte[] {(byte) 0xc3},
        new byte[] {(byte) 0xe0, (byte) 0x80, (byte) 0x80},
        new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
        new byte[] {(byte) 0xf0, (byte) 0x80, (byte) 0x80, (byte) 0x80},
        new byte[] {(byte) 0xf4, (byte) 0x90, (byte) 0x80, (byte) 0x80},
        new byte[] {(byte) 0xff});
  }

  @ParameterizedTest
  @MethodSource("invalidUtf8")
  void textThatIsNotUtf8(byte[] wrong) throws Exception {
    // ISO 8859-1 gives each character as the byte of its number; nothing else here is above ASCII.
    String inner = new String(wrong, StandardCharsets.ISO_8859_1);
    Config ascii = Config.in(directory).with("prevResult", "{}");
    String text = ascii.with("name", "\"" + inner + "\"").text();
    assertThat(add(ascii).run().text()).isEqualTo("{}");

    Outcome outcome = Invocation.of("ADD").with(text.getBytes(StandardCharsets.ISO_8859_1)).run();

    assertRefused(outcome, NO_JSON, "not UTF-8");
  }

  @Test
  void placeOfTheMistakeIsTold() throws Exception {
    Outcome outcome = Invocation.of("ADD").with("{\"a\": 1; }".getBytes("US-ASCII")).run();

    assertRefused(outcome, NO_JSON, "at byte 7");
  }

  @Test
  void nestingHasALimitAndNoneOfTheStack() throws Exception {
    Config config = Config.in(directory);
    String deepest = "[".repeat(512) + "]".repeat(512);
    String tooDeep = "{\"a\":".repeat(513) + "1" + "}".repeat(513);
    byte[] bomb = ("{\"a\":" + "[".repeat((1 << 20) - 5)).getBytes(StandardCharsets.US_ASCII);

    assertThat(add(config.with("name", deepest)).run().text()).isEqualTo(Config.RESULT);
    assertRefused(add(config.with("name", tooDeep)).run(), NO_JSON, "deeper than 512");
    assertRefused(Invocation.of("ADD").with(bomb).run(), NO_JSON, "deeper than 512");
  }

  @Test
  void inputThatIsTooLarge() throws Exception {
    byte[] config = Config.in(directory).bytes();
    byte[] tooLarge = new byte[(1 << 20) + 1];
    java.util.Arrays.fill(tooLarge, (byte) ' ');
    System.arraycopy(config, 0, tooLarge, 0, config.length);

    assertRefused(Invocation.of("ADD").with(tooLarge).run(), CONFIG, "standard input", "1 MiB");
    assertThat(Invocation.of("ADD").with(java.util.Arrays.copyOf(tooLarge, 1 << 20)).run().text())
        .isEqualTo(Config.RESULT);
  }

  @Test
  void inputThatDoesNotEnd() throws Exception {
    long begin = System.nanoTime();
    Process process = add(Config.in(directory)).start();
    try (OutputStream stdin = process.getOutputStream()) {
      stdin.write('{');
      stdin.flush();
      Outcome outcome = Invocation.await(process, begin);

      assertRefused(outcome, IO_FAILURE, "standard input", "does not end");
      assertThat(outcome.time()).isBetween(Duration.ofSeconds(10), Duration.ofMillis(10_500));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ADD", "CHECK"})
  void namespaceThatCannotBeOpened(String command) throws Exception {
    Path gone = directory.resolve("gone");
    Outcome outcome =
        Invocation.of(command).with("CNI_NETNS", gone.toString()).with(Config.in(directory)).run();

    assertRefused(outcome, IO_FAILURE, "CNI_NETNS=" + gone, "no such file");
  }

  @Test
  void errorsCarryTheVersionOfTheConfiguration() throws Exception {
    Config config = Config.in(directory).with("cniVersion", "\"0.4.0\"");
    String broken = "{\"cniVersion\":\"0.3.1\", \"name\": oops";

    assertThat(add(config.without("socket")).run().json().path("cniVersion").asText())
        .isEqualTo("0.4.0");
    assertThat(add(config).without("CNI_NETNS").run().json().path("cniVersion").asText())
        .isEqualTo("0.4.0");
    assertThat(
            Invocation.of("ADD")
                .with(broken.getBytes(StandardCharsets.UTF_8))
                .run()
                .json()
                .path("cniVersion")
                .asText())
        .isEqualTo("0.3.1");
    assertThat(
            add(config.without("cniVersion").without("socket"))
                .run()
                .json()
                .path("cniVersion")
                .asText())
        .isEqualTo("1.1.0");
  }

  @Test
  void foreignNamesInMessagesAreEscapedAndCut() throws Exception {
    Files.write(Config.membership(directory), MembershipText.of());
    String name = "quote\"back\\slash\ttab\u0001é";
    Outcome outcome =
        Invocation.ofPod("ADD", "n".repeat(10_000), name).with(Config.in(directory)).run();

    assertRefused(outcome, 11, name, "n".repeat(256) + ".../");
    assertThat(outcome.output().length).isLessThan(2048);
  }
}

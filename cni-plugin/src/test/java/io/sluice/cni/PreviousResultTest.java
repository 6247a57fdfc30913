package io.sluice.cni;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cni.Invocation.Outcome;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The result of the plugins before: found where it is, printed byte for byte. */
class PreviousResultTest {
  @TempDir Path directory;

  private static Outcome add(String config) throws Exception {
    return Invocation.of("ADD").with(config.getBytes(StandardCharsets.UTF_8)).run();
  }

  private static void assertPrinted(Outcome outcome, String result) {
    assertThat(outcome.text()).isEqualTo(result);
    assertThat(outcome.exitStatus()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{ }",
        "{\"a\":\"\\u0041\\ud83d\\ude00\\/\\\"}\"}",
        "{\"a\":\"é 漢 😀\"}",
        "{\"b\":1,\"a\":2,\"b\":3}",
        "{\"n\":[1.0,1e5,-0,100000000000000000000000000,0.10]}",
        "{\r\n\t\"a\" : [ { } , [ ] ]\n}",
        "{\"prevResult\":{\"inner\":true},\"socket\":7}"
      })
  void resultIsPrintedAsItWasWritten(String result) throws Exception {
    assertPrinted(add(Config.in(directory).with("prevResult", result).text()), result);
  }

  @Test
  void memberOfTheSameNameInsideAnotherIsNotTaken() throws Exception {
    Config config =
        Config.in(directory)
            .without("prevResult")
            .with("before", "{\"prevResult\":{\"wrong\":1}}")
            .with("prevResult", "{\"right\":1}")
            .with("after", "[{\"prevResult\":{\"wrong\":2}}]");

    assertPrinted(add(config.text()), "{\"right\":1}");
    assertThat(add(config.without("prevResult").text()).message())
        .contains("prevResult is missing");
  }

  @Test
  void nameInsideAStringIsNotTaken() throws Exception {
    Config config =
        Config.in(directory)
            .with("note", "\"x\\\",\\\"prevResult\\\":{\\\"wrong\\\":1},\\\"y\\\":\\\"\"");

    assertPrinted(add(config.text()), Config.RESULT);
    assertThat(add(config.without("prevResult").text()).code()).isEqualTo(7);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"PrevResult", "prevresult", "prevResul", "prevResults", "prevResult\\u0000"})
  void namesThatAreAlikeAreOthers(String name) throws Exception {
    Config config = Config.in(directory).without("prevResult").with(name, "{}");

    assertThat(add(config.text()).message()).contains("prevResult is missing");
  }

  @Test
  void nameMayBeEscaped() throws Exception {
    Config config =
        Config.in(directory).without("prevResult").with("\\u0070rev\\u0052esult", "{\"e\":1}");

    assertPrinted(add(config.text()), "{\"e\":1}");
  }

  @Test
  void lastOfTwoIsTakenAsDecodersOfRuntimesDo() throws Exception {
    String config = Config.in(directory).with("prevResult", "{\"first\":1}").text();
    String twice = config.substring(0, config.length() - 1) + ",\"prevResult\":{\"last\":1}}";
    String thenNull = config.substring(0, config.length() - 1) + ",\"prevResult\":null}";

    assertPrinted(add(twice), "{\"last\":1}");
    assertThat(add(thenNull).message()).contains("prevResult is missing");
  }

  @Test
  void pathsMayBeEscaped() throws Exception {
    String escaped =
        Config.membership(directory).toString().replace("/", "\\/") + "-\\u00e9\\ud83d\\ude00";
    Config config = Config.in(directory).with("membership", "\"" + escaped + "\"");
    Outcome outcome = Invocation.ofPod("ADD", "shop", "a").with(config).run();

    assertThat(outcome.message()).contains(Config.membership(directory) + "-é😀 cannot be read");
  }

  @Test
  void checkPrintsNoResult() throws Exception {
    Outcome outcome = Invocation.of("CHECK").with(Config.in(directory)).run();

    assertThat(outcome.exitStatus()).isZero();
    assertThat(outcome.output()).isEmpty();
  }
}

package io.sluice.node.identity.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What operators write: addresses and tokens. */
class WrittenFormsTest {
  private static final String ROOT = "0123456789abcdef".repeat(4);

  @ParameterizedTest
  @CsvSource({
    "controller.example:15012, controller.example, 15012",
    "10.0.0.1:1, 10.0.0.1, 1",
    "[fd00::1]:65535, fd00::1, 65535",
    "[fe80::1%eth0]:15012, fe80::1%eth0, 15012"
  })
  void addressesAreReadAndPrintedAsWritten(String text, String host, int port) {
    ControlAddress address = ControlAddress.parse(text);
    assertThat(address).isEqualTo(new ControlAddress(host, port)).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "host",
        ":15012",
        "[fd00::1]",
        "fd00::1:15012",
        "host:0",
        "host:65536",
        "host:x",
        "a b:1",
        "-a:1",
        "[host]:1",
        "dns:///host:1",
        "host/x:1"
      })
  void otherAddressesAreRefusedWithTheForm(String text) {
    assertThatThrownBy(() -> ControlAddress.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'" + text + "'")
        .hasMessageContaining("HOST:PORT");
  }

  @Test
  void tokenIsReadWithItsLineEndAndHidesItsSecret() {
    JoinToken token = JoinToken.parse("sluice-join." + ROOT + ".id1.s3cret\n");
    assertThat(token.rootFingerprint()).isEqualTo(ROOT);
    assertThat(token.presented()).isEqualTo("id1.s3cret");
    assertThat(token.toString()).contains("id1").doesNotContain("s3cret");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "sluice-join.",
        "sluice-join.0123.id.secret",
        "sluice-join.0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef.id.secret",
        "sluice-join.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.id"
      })
  void otherTokensAreRefusedWithoutShowingThem(String text) {
    assertThatThrownBy(() -> JoinToken.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sluice control token")
        .message()
        .doesNotContain("secret.")
        .doesNotContain("0123456789");
  }
}

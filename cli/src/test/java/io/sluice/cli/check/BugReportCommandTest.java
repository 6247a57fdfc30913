package io.sluice.cli.check;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BugReportCommandTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "AWS_SECRET_ACCESS_KEY=x",
        "{\"clientSecret\": \"x\"}",
        "clientSecret \"x\"",
        "from https://user:x@host/path",
        "redis://:x@host",
        "passwd=x",
        "db_pwd: x",
        "credentials: x",
        "private_key: x",
        "session_id=x",
        "Authorization: x",
        "got bearer x",
        "run --token x",
        "ghp_0123456789abcdefghij0123456789abcdef",
        "AGE-SECRET-KEY-1X",
        "AKIAABCDEFGHIJKLMNOP",
        "sluice-join.x",
        "-----BEGIN EC PRIVATE KEY-----"
      })
  void aLineWithWhatMayBeASecretIsLeftOut(String line) {
    assertThat(BugReportCommand.clean("before\n" + line + "\n")).startsWith("before\n[a line left");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET http://store.shop:8080/books 403",
        "spiffe://cluster.local/ns/shop/sa/buyer: the certificate has expired",
        "a token has expired",
        "image sluice@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      })
  void whatAHelperNeedsStays(String line) {
    assertThat(BugReportCommand.clean(line)).isEqualTo(line + "\n");
  }
}

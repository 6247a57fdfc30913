package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.proxy.http2.H2spec;
import io.sluice.proxy.http2.H2spec.Verdict;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** All of h2spec against the side that takes requests. {@code docs/hbone.md} argues exceptions. */
@Timeout(240)
class Http2SpecTest {
  private static final int CASES = 146;

  /** Where we do otherwise; the first two pass where the stream was forgotten before. */
  private static final Set<String> EXCEPTIONS =
      Set.of(
          "http2/5.1/6", // HEADERS after END_STREAM
          "http2/5.1/12", // HEADERS on a stream that has ended
          "http2/5.1.1/2"); // a new stream with an identifier that was skipped

  @TempDir private Path directory;

  @Test
  void serverKeepsTheRulesOfHttp2() throws Exception {
    assumeThat(System.getProperty("os.arch"))
        .as("h2spec is a program for x86-64: HTTP/2 is NOT JUDGED on this machine")
        .isEqualTo("amd64");
    try (var fixture = new H2cFixture(HttpLimits.DEFAULTS)) {
      Map<String, Verdict> verdicts =
          new H2spec(directory).run(fixture.serve(stream -> new Greeting(stream)));

      assertThat(verdicts).hasSize(CASES);
      Set<String> others = new TreeSet<>(verdicts.keySet());
      others.removeIf(name -> verdicts.get(name) == Verdict.PASSED);
      assertThat(EXCEPTIONS).containsAll(others);
    }
  }
}

package io.sluice.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.sluice.proxy.http.Http1AnswerTarget;
import io.sluice.proxy.http.Http1RequestTarget;
import io.sluice.proxy.http.Http2Target;
import io.sluice.proxy.http.MatchTarget;
import io.sluice.proxy.http.PathTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the fuzzer starts from, and what it found once, in every build. */
class SeedsTest {
  @Test
  void manifestsAreReadAsPromised() throws IOException {
    runAll("ManifestTarget", ManifestTarget::fuzzerTestOneInput);
  }

  @Test
  void compilersAgreeOnThem() throws IOException {
    runAll("CompilerTarget", CompilerTarget::fuzzerTestOneInput);
  }

  @Test
  void resourcesMeanTheSameAfterTheyWereEncodedAgain() throws IOException {
    runAll("ResourceTarget", ResourceTarget::fuzzerTestOneInput);
  }

  @Test
  void newerUsableSnapshotIsLoaded() throws IOException {
    runAll("SnapshotTarget", SnapshotTarget::fuzzerTestOneInput);
  }

  @Test
  void chainsProveWhatTheRulesSayOrNothing() throws IOException {
    runAll("CertificateTarget", CertificateTarget::fuzzerTestOneInput);
  }

  @Test
  void requestsOfTheCniClientAreReadAsPromised() throws IOException {
    runAll("CniRequestTarget", CniRequestTarget::fuzzerTestOneInput);
  }

  @Test
  void nonsenseAtTheHandOverSocketKeepsNobodyOut() throws IOException {
    runAll("HandOverTarget", HandOverTarget::fuzzerTestOneInput);
  }

  @Test
  void joiningIsRefusedOrUnderstood() throws IOException {
    runAll("JoinTarget", JoinTarget::fuzzerTestOneInput);
  }

  @Test
  void applicationsGetTheRequestsThatWereSent() throws IOException {
    runAll("Http1RequestTarget", Http1RequestTarget::fuzzerTestOneInput);
  }

  @Test
  void clientsGetTheAnswersThatWereSent() throws IOException {
    runAll("Http1AnswerTarget", Http1AnswerTarget::fuzzerTestOneInput);
  }

  @Test
  void bothGetThemByHttp2() throws IOException {
    runAll("Http2Target", Http2Target::fuzzerTestOneInput);
  }

  @Test
  void pathsHaveOneForm() throws IOException {
    runAll("PathTarget", PathTarget::fuzzerTestOneInput);
  }

  @Test
  void matchesMeanWhatIsWritten() throws IOException {
    runAll("MatchTarget", MatchTarget::fuzzerTestOneInput);
  }

  /** The profile runs what has seeds. */
  @Test
  void everyTargetHasSeeds() throws IOException {
    try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
      assertThat(sources.map(file -> file.getFileName().toString()))
          .filteredOn(name -> name.endsWith("Target.java"))
          .hasSizeGreaterThan(11)
          .allSatisfy(name ->
              assertThat(Path.of("seeds", name.replace(".java", ""))).isNotEmptyDirectory());
    }
  }

  private interface Entry {
    void accept(byte[] input) throws Exception;
  }

  private static void runAll(String target, Entry entry) throws IOException {
    List<Path> seeds;
    try (Stream<Path> files = Files.list(Path.of("seeds", target))) {
      seeds = files.sorted().toList();
    }
    assertThat(seeds).isNotEmpty();
    for (Path seed : seeds) {
      assertThatCode(() -> entry.accept(Files.readAllBytes(seed)))
          .as("%s", seed)
          .doesNotThrowAnyException();
    }
  }
}

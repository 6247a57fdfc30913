package io.sluice.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

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

  /** The profile runs what has seeds. */
  @Test
  void everyTargetHasSeeds() throws IOException {
    try (Stream<Path> sources = Files.list(Path.of("src/main/java/io/sluice/fuzz"))) {
      assertThat(sources.map(file -> file.getFileName().toString()))
          .filteredOn(name -> name.endsWith("Target.java"))
          .hasSizeGreaterThan(6)
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

package io.sluice.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
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

  private static void runAll(String target, Consumer<byte[]> entry) throws IOException {
    List<Path> seeds;
    try (Stream<Path> files = Files.list(Path.of("seeds", target))) {
      seeds = files.sorted().toList();
    }
    assertThat(seeds).isNotEmpty();
    for (Path seed : seeds) {
      entry.accept(Files.readAllBytes(seed)); // throws what is wrong
    }
  }
}

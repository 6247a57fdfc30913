package io.sluice.containers;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import io.sluice.attack.Attack;
import io.sluice.lab.site.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code images/packages.lock}, and that nothing else gets into an image. */
class PackageLockTest {
  private static final SourceTree TREE = SourceTree.around();

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"amd64", "arm64"})
  void pinsWhatTheContainerFilesNameByVersionAndHash(String architecture) {
    String lock = TREE.read(Path.of("images/packages.lock"));
    Map<String, String> locked = locked(architecture, lock);

    assertThat(locked)
        .containsKeys("bash", "coreutils", "libc6", "libbpf1", "nftables", "base-files");
    assertThat(locked.keySet()).anyMatch(name -> name.matches("openjdk-\\d+-jdk-headless"));
    for (String image : List.of("node", "controller")) {
      TREE.read(Path.of("images", image, "Containerfile"))
          .lines()
          .filter(line -> line.startsWith("ARG PACKAGES="))
          .flatMap(line -> List.of(line.split("[\" ]", -1)).stream().skip(2))
          .filter(name -> !name.isEmpty())
          .forEach(name -> assertThat(locked).containsKey(name));
    }
    assertThat(lines(lock)).allMatch(line -> line.matches("(amd64|arm64) \\S+ \\S+ [0-9a-f]{64}"));
  }

  @Test
  @Tag("attack")
  void aPackageOfOtherBytesIsRefused() throws Exception {
    Files.writeString(directory.resolve("mirror.deb"), "not what was pinned");

    String printed =
        download("cp " + directory.resolve("mirror.deb") + " bash_1.0_amd64.deb", "0".repeat(64));

    assertThat(printed)
        .contains("bash 1.0 has SHA-256 ", "packages.lock pins 0000", "not used")
        .doesNotContain("went on");
    Attack.tried("a mirror serves other bytes for a pinned package")
        .refusedBy("./sluice images: not used, exit code 1")
        .countedAs("\"images: NAME VERSION has SHA-256 ..., and .../packages.lock pins ...\"");
  }

  @Test
  void theRightBytesAreUsed() throws Exception {
    Files.writeString(directory.resolve("mirror.deb"), "as pinned");
    String sum =
        Commands.run("sha256sum", directory.resolve("mirror.deb").toString()).substring(0, 64);

    assertThat(download("cp " + directory.resolve("mirror.deb") + " bash_1.0_amd64.deb", sum))
        .contains("went on");
  }

  @Test
  void aVersionThatDebianNoLongerHasIsToldWithWhatToDo() throws Exception {
    String printed = download("echo \"E: Version '1.0' for 'bash' was not found\"; false", "0");

    assertThat(printed)
        .contains("E: Version '1.0' for 'bash' was not found", "./sluice images --lock", "snapshot")
        .doesNotContain("went on");
  }

  /** The build's own download, with {@code apt} in place of apt-get; what it printed. */
  private String download(String apt, String sum) throws IOException, InterruptedException {
    Files.writeString(directory.resolve("wanted"), "bash 1.0 " + sum + "\n");
    String script =
        """
        set -eu
        work=$1 architecture=amd64 here=$2/images
        say() { echo "$*"; }
        die() { echo "$*"; exit 1; }
        . "$2/images/base.sh"
        update_lists() { :; }
        private_apt() { %s; }
        download_locked "$work/wanted" "$work/debs"
        echo went on
        """
            .formatted(apt);
    Process process =
        new ProcessBuilder("sh", "-c", script, "sh", directory.toString(), TREE.root().toString())
            .redirectErrorStream(true)
            .start();
    String printed = new String(process.getInputStream().readAllBytes(), UTF_8);
    process.waitFor();
    return printed;
  }

  /** Versions by package that the images under test were made of, on this machine. */
  static Map<String, String> lockedForThisMachine() throws IOException {
    return locked(
        Commands.run("dpkg", "--print-architecture").strip(),
        Files.readString(ImageArchive.lock()));
  }

  private static Map<String, String> locked(String architecture, String lock) {
    Map<String, String> locked = new HashMap<>();
    for (String line : lines(lock)) {
      String[] words = line.split(" ", -1);
      if (words[0].equals(architecture)) {
        assertThat(locked.put(words[1], words[2])).as(line).isNull();
      }
    }
    return locked;
  }

  private static List<String> lines(String lock) {
    return lock.lines().filter(line -> !line.startsWith("#")).toList();
  }
}

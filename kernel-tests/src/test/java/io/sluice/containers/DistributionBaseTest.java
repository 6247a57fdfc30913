package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.OneAtATime;
import io.sluice.mesh.Release;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The container files as a user builds them: on {@code debian:trixie-slim}, with the packages that
 * they install from Debian. No registry is asked: the base is made of Debian's packages and has the
 * tag that a pull would give it.
 */
@ResourceLock(OneAtATime.CONTAINER_ENGINE)
@Tag("kernel")
@Tag("long")
class DistributionBaseTest {
  private static final List<String> NAMES = List.of("node", "controller");
  private static final Map<String, BuiltImage> IMAGES = new HashMap<>();

  /** What apt of a machine behind a proxy goes by; an engine hands them to every step. */
  private static final List<String> PROXIES = List.of("http_proxy", "https_proxy", "no_proxy");

  private static Path archive = Path.of("");
  private static ContainerEngine engine;

  @BeforeAll
  static void build(@TempDir Path context) throws IOException {
    archive = ImageArchive.path();
    Path base = base();
    engine =
        ContainerEngine.inTheMachinesNetwork(
            Path.of("/tmp", "sluice-build-" + ProcessHandle.current().pid()));
    BuiltImage.ofTar(engine.client(), base, context, "debian:trixie-slim");
    Map<String, String> arguments = new HashMap<>(System.getenv());
    arguments.keySet().retainAll(PROXIES);
    arguments.put("VERSION", Release.VERSION);
    for (String name : NAMES) {
      IMAGES.put(
          name,
          BuiltImage.build(
              engine.client(),
              archive.resolveSibling(name),
              "localhost/sluice-" + name + ":built",
              "host",
              arguments));
    }
  }

  @AfterAll
  static void stop() {
    engine.close();
  }

  @ParameterizedTest
  @CsvSource({"node, node", "controller, control"})
  void theProgramStartsWithItsPreparedClasses(String name, String command) {
    assertThat(image(name).sluice("", "--version")).isEqualTo("sluice " + Release.VERSION);
    // The JVM ends at once when it cannot use the classes that the image has prepared.
    assertThat(image(name).sluice("-XX:AOTMode=on", command, "run", "--help"))
        .contains("Usage: sluice " + command + " run");
  }

  @Test
  void theDaemonFindsWhatItFindsInTheImageWithoutAnEngine(@TempDir Path directory)
      throws IOException {
    String expected =
        ImageContents.unpack(archive, "node", directory).run("", "sluice", "node", "capabilities");

    assertThat(image("node").sluiceOfTheNode("node", "capabilities"))
        .contains("ebpf trial outbound", "iptables legacy ipv6")
        .isEqualTo(expected.strip());
  }

  /** The same release of Debian, so programs and libraries have the same names. */
  @ParameterizedTest
  @ValueSource(strings = {"node", "controller"})
  void everyFileAndPackageOfTheImageWithoutAnEngineIsThere(String name, @TempDir Path directory)
      throws IOException {
    ImageContents other = ImageContents.unpack(archive, name, directory);

    Set<String> files = lines(image(name), "find / -xdev -not -type d -printf '%P\\n'");
    Set<String> packages = lines(image(name), "dpkg-query -W -f '${Package}\\n'");

    assertThat(otherFiles(other)).hasSizeGreaterThan(50).isSubsetOf(files);
    assertThat(otherPackages(other)).hasSizeGreaterThan(5).isSubsetOf(packages);
  }

  @ParameterizedTest
  @ValueSource(strings = {"node", "controller"})
  void theInstallLeavesNothingBehind(String name) {
    assertThat(
            lines(
                image(name),
                "find / -xdev -type f \\( -perm /6000"
                    + " -o -path '/var/lib/apt/lists/*' -o -path '/var/cache/*' -o -path '/var/log/*' \\)"))
        .isEmpty();
  }

  /** Made once a source tree: an older base is what a machine that pulled it long ago has. */
  private static Path base() {
    Path base = archive.resolveSibling("pulled-base.tar");
    if (!Files.exists(base)) {
      Commands.run(
          SourceTree.around().root().resolve("kernel-tests/containers/base").toString(),
          base.toString());
    }
    return base;
  }

  private static Set<String> otherFiles(ImageContents image) throws IOException {
    return image.files().stream()
        .filter(file -> !Files.isDirectory(image.root().resolve(file)))
        .map(Path::toString)
        .collect(Collectors.toSet());
  }

  private static Set<String> otherPackages(ImageContents image) throws IOException {
    try (Stream<Path> directories = Files.list(image.root().resolve("usr/share/doc"))) {
      return directories
          .map(directory -> directory.getFileName().toString())
          .collect(Collectors.toSet());
    }
  }

  private static Set<String> lines(BuiltImage image, String script) {
    return image.script(script).lines().collect(Collectors.toCollection(TreeSet::new));
  }

  private static BuiltImage image(String name) {
    return Objects.requireNonNull(IMAGES.get(name), name);
  }
}

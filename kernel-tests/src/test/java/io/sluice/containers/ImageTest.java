package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.architecture.SourceTree;
import io.sluice.containers.ImageContents.Layer;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.OneAtATime;
import io.sluice.mesh.Release;
import io.sluice.mesh.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the images hold, and that their program starts on it. No container engine is needed. */
@ResourceLock(OneAtATime.CONTAINER_ENGINE)
@Tag("kernel")
class ImageTest {
  private static final int SET_ID_BITS = 06000;
  private static final String PREPARED_CLASSES = "cache";

  private static final Map<String, ImageContents> IMAGES = new HashMap<>();

  @TempDir private static Path directory;
  private static Path archive = Path.of("");

  @BeforeAll
  static void unpack() throws IOException {
    archive = ImageArchive.path();
    for (String name : List.of("node", "controller")) {
      IMAGES.put(name, ImageContents.unpack(archive, name, directory.resolve(name)));
    }
  }

  @ParameterizedTest
  @CsvSource({"node, 0:0", "controller, 65532:65532"})
  void isLabelledAndRunsTheProgramAsItsUser(String name, String user) {
    JsonNode config = image(name).config().path("config");

    assertThat(config.path("User").asText()).isEqualTo(user);
    assertThat(config.path("Entrypoint")).hasToString("[\"/usr/bin/sluice\"]");
    JsonNode labels = config.path("Labels");
    assertThat(labels.path("org.opencontainers.image.title").asText()).isEqualTo("sluice-" + name);
    assertThat(labels.path("org.opencontainers.image.version").asText()).isEqualTo(Release.VERSION);
    assertThat(labels.path("org.opencontainers.image.licenses").asText()).isEqualTo("Apache-2.0");
    assertThat(labels.path("org.opencontainers.image.description").asText()).isNotBlank();
  }

  @ParameterizedTest
  @ValueSource(strings = {"node", "controller"})
  void holdsNothingThatChangesUsersAndNothingOfItsMaking(String name) throws IOException {
    ImageContents image = image(name);

    assertThat(image.files())
        .hasSizeGreaterThan(100)
        .noneMatch(file -> (mode(image, file) & SET_ID_BITS) != 0)
        .noneMatch(file -> file.startsWith("var/cache") || file.startsWith("var/log"))
        .noneMatch(file -> file.startsWith("var/lib/apt") || file.startsWith("var/lib/dpkg"))
        .noneMatch(file -> file.startsWith("usr/share/man") || file.startsWith("usr/share/locale"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"node", "controller"})
  void theJavaRuntimeHasTheModulesInUseOnly(String name) {
    String listed = image(name).run("", "/usr/lib/sluice/runtime/bin/java", "--list-modules");

    assertThat(listed.lines().map(line -> line.replaceFirst("@.*", "")))
        .as("a new module is a decision: see images/modules")
        .containsExactlyInAnyOrder(
            "java.base",
            "java.logging",
            "java.management",
            "java.net.http",
            "java.xml",
            "jdk.crypto.cryptoki",
            "jdk.httpserver",
            "jdk.management",
            "jdk.unsupported");
  }

  @ParameterizedTest
  @CsvSource({"node, node", "controller, control"})
  void startsWithPreparedClassesOnAReadOnlyRootWithoutANetwork(String name, String command) {
    // The JVM ends at once when it cannot use the classes that the image has prepared.
    String help = image(name).run("-XX:AOTMode=on", "sluice", command, "run", "--help");

    assertThat(help).contains("Usage: sluice " + command + " run").doesNotContain("Picked up");
  }

  @Test
  void optionsOfLargerNodesOverrideTheImagesAndPreparedClassesFitThem() {
    String flags =
        image("node")
            .run(
                "-XX:AOTMode=on -XX:TieredStopAtLevel=4 -XX:TrimNativeHeapInterval=10000"
                    + " -Xms40m -Xmn24m -XX:+PrintFlagsFinal",
                "sluice",
                "node",
                "run",
                "--help");

    assertThat(flags)
        .containsPattern("\\bTieredStopAtLevel += 4 ")
        .containsPattern("\\bTrimNativeHeapInterval += 10000 ")
        .containsPattern("\\bMaxNewSize += 25165824 ");
  }

  @ParameterizedTest
  @CsvSource({"control, run, --help", "node, run, --standalone"})
  void theNodeImageNamesTheOtherOneToWhoWantsAController(
      String first, String second, String third) {
    assertThatThrownBy(() -> image("node").run("", "sluice", first, second, third))
        .hasMessageContaining("run the controller from the image sluice-controller");
  }

  @Test
  void theProgramsThatTheDaemonCallsAreInTheNodeImage() {
    for (String family : List.of("iptables", "ip6tables")) {
      assertThat(image("node").run("", family + "-nft", "-V")).contains(family, "(nf_tables)");
      assertThat(image("node").run("", family + "-legacy", "-V")).contains(family, "(legacy)");
    }
    assertThat(image("node").run("", "ip", "-V")).contains("iproute2");
    assertThat(image("node").run("", "nft", "--version")).contains("nftables");
    assertThat(image("node").run("", "nsenter", "--version")).contains("util-linux");
    assertThat(image("node").run("", "unshare", "--net", "cat", "/etc/passwd")).contains("root:");
  }

  @Test
  void bothImagesHaveTheirLowestLayersInCommon() {
    assertThat(image("node").layers().subList(0, 2))
        .isEqualTo(image("controller").layers().subList(0, 2))
        .extracting(Layer::name)
        .containsExactly("runtime", "libraries");
  }

  /** The bill by a Maven of its own, where the whole run's build has made the first. */
  @Test
  @Tag("long")
  void madeAgainTheLayersAreTheSameBytes() throws IOException {
    Files.deleteIfExists(SourceTree.around().root().resolve("target/images/program.cdx.json.of"));
    Map<String, String> again =
        ImageArchive.make("--digests")
            .lines()
            .filter(line -> line.endsWith(".tar") || line.endsWith(".json"))
            .map(line -> line.split(" +", -1))
            .collect(Collectors.toMap(words -> words[1], words -> words[0]));

    Map<String, String> made = new HashMap<>();
    IMAGES.forEach((name, image) ->
        image.layers().stream()
            .filter(layer -> !layer.name().equals(PREPARED_CLASSES))
            .forEach(layer -> made.put(name + "/" + layer.name() + ".tar", layer.content())));
    for (String name : IMAGES.keySet()) {
      made.put(name + "/bill.cdx.json", Sha256.hex(bill(name)));
    }
    assertThat(made).hasSize(11).isEqualTo(again);
  }

  @Test
  void theArchiveIsSignedAndOpensslFindsTheSignatureGood() throws IOException {
    String key = ImageArchive.publicKey(archive).toString();
    Path signature = directory.resolve("signature");
    Files.write(
        signature, Base64.getDecoder().decode(Files.readString(Path.of(archive + ".sig")).strip()));

    assertThat(ImageArchive.make("--verify", "--key", key, archive.toString()))
        .contains("/sluice-node:", "/sluice-controller:", "archive: signature good");
    assertThat(
            Commands.run(
                "openssl",
                "dgst",
                "-sha256",
                "-verify",
                key,
                "-signature",
                signature.toString(),
                archive.toString()))
        .contains("Verified OK");
  }

  @ParameterizedTest
  @ValueSource(strings = {"node", "controller"})
  void theBillNamesEveryJarAndEveryPackageOfTheImage(String name) throws IOException {
    JsonNode components = new ObjectMapper().readTree(bill(name)).path("components");
    Set<String> hashes = new HashSet<>();
    Map<String, String> packages = new HashMap<>();
    for (JsonNode component : components) {
      component.path("hashes").forEach(hash -> hashes.add(hash.path("content").asText()));
      String url = component.path("purl").asText();
      assertThat(url).startsWith("pkg:");
      if (url.startsWith("pkg:deb/debian/")) {
        packages.put(component.path("name").asText(), component.path("version").asText());
      }
    }

    ImageContents image = image(name);
    List<Path> jars =
        image.files().stream().filter(file -> file.toString().endsWith(".jar")).toList();
    assertThat(jars).hasSizeGreaterThan(40);
    for (Path jar : jars) {
      assertThat(hashes)
          .as("%s", jar)
          .contains(Sha256.hex(Files.readAllBytes(image.root().resolve(jar))));
    }
    // Every file of the base lies with a package that has left its copyright there.
    assertThat(
            image.files().stream()
                .filter(file -> file.startsWith("usr/share/doc") && file.getNameCount() == 4)
                .map(file -> file.getFileName().toString()))
        .isNotEmpty()
        .allSatisfy(packageName -> assertThat(packages).containsKey(packageName));
    assertThat(packages).containsKeys("base-files", "libc6", "bash");
    assertThat(components)
        .anySatisfy(component -> assertThat(component.path("name").asText()).isEqualTo("openjdk"))
        .anySatisfy(component ->
            assertThat(component.path("name").asText())
                .isEqualTo("netty-tcnative-boringssl-static"));
    assertThat(PackageLockTest.lockedForThisMachine()).containsAllEntriesOf(packages);
  }

  @Test
  void theNodeImageIsSmallEnoughForANarrowUplink() {
    IMAGES.forEach((name, image) ->
        image
            .layers()
            .forEach(layer ->
                System.out.printf(
                    "sluice-%s %s: %.1f MiB compressed%n",
                    name, layer.name(), layer.compressedBytes() / 1048576.0)));

    assertThat(image("node").layers().stream().mapToLong(Layer::compressedBytes).sum())
        .isLessThan(72L << 20);
  }

  private static byte[] bill(String name) {
    return Commands.run(
            "tar", "-xO", "-f", archive.toString(), "./sbom/sluice-" + name + ".cdx.json")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static ImageContents image(String name) {
    return Objects.requireNonNull(IMAGES.get(name), name);
  }

  private static int mode(ImageContents image, Path file) {
    try {
      return (int)
          Files.getAttribute(image.root().resolve(file), "unix:mode", LinkOption.NOFOLLOW_LINKS);
    } catch (IOException e) {
      throw new AssertionError("no mode of " + file, e);
    }
  }
}

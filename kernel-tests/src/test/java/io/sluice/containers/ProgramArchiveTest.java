package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.OneAtATime;
import io.sluice.mesh.Release;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * The archive of {@code ./sluice dist}, on a root file system that has a shell and the C library:
 * no source tree, no Java, no Maven, no network.
 */
@ResourceLock(OneAtATime.CONTAINER_ENGINE)
@Order(10)
@Tag("kernel")
class ProgramArchiveTest {
  private static final Path TREE = SourceTree.around().root();

  @TempDir private static Path directory = Path.of("");
  private static ImageContents machine;
  private static String sluice = "";

  @BeforeAll
  static void unpack() throws IOException {
    machine = ImageContents.ofBase(ImageArchive.path(), "controller", directory);
    String architecture = Commands.run("dpkg", "--print-architecture").strip();
    System.out.println(make(architecture));
    String name = "sluice-" + Release.VERSION + "-linux-" + architecture;
    Path opt = Files.createDirectory(machine.root().resolve("opt"));
    Commands.run("tar", "-xz", "-C", opt.toString(), "-f", directory + "/" + name + ".tar.gz");
    sluice = "/opt/" + name + "/bin/sluice";
  }

  private static String make(String architecture) {
    return Commands.run(
        "env",
        "JAVA_HOME=" + System.getProperty("java.home"),
        "SLUICE_DIST_GZIP=-1",
        TREE.resolve("charts/dist/build").toString(),
        "--arch",
        architecture,
        "--output",
        directory.toString());
  }

  private static String run(String... arguments) {
    String[] command = new String[arguments.length + 1];
    command[0] = sluice;
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    return machine.run("", command);
  }

  @Test
  void theMachineHasNeitherJavaNorMaven() throws IOException {
    assertThat(machine.files())
        .map(file -> file.toString())
        .filteredOn(file -> !file.startsWith("opt/"))
        .noneMatch(file -> file.matches("(?s).*/(java|javac|mvn|[^/]*\\.jar)"));
  }

  @Test
  void itSaysItsVersion() {
    assertThat(run("--version").strip()).isEqualTo("sluice " + Release.VERSION);
  }

  /** By Helm's library and the chart of the archive; a key of the webhook would differ. */
  @Test
  void itInstallsWhatTheSourceTreeInstalls() {
    String sluiceOfTheTree = TREE.resolve("sluice").toString();
    Commands.run(sluiceOfTheTree, "build"); // says so where there is something to build
    String value = "webhook.certificate.existingSecret=mine,webhook.certificate.caBundle=x";

    assertThat(run("install", "--print", "--set", value))
        .contains("kind: DaemonSet", "kind: CustomResourceDefinition")
        .isEqualTo(Commands.run(sluiceOfTheTree, "install", "--print", "--set", value));
  }

  @Test
  void itHasTheOtherCommandsAndNoneOfTheTree() {
    assertThat(run("--help"))
        .contains("install", "upgrade", "uninstall", "mesh", "version", "namespace", "validate")
        .contains("node", "control", "completion")
        .doesNotContain("demo");
    assertThat(run("node", "capabilities", "--help")).contains("Usage: sluice node capabilities");
  }

  @Test
  void completionLiesInItAsItIsPrinted() throws IOException {
    Path files =
        machine.root().resolve(sluice.substring(1)).resolve("../../completion").normalize();

    assertThat(run("completion", "bash"))
        .contains("_complete_sluice")
        .isEqualTo(Files.readString(files.resolve("sluice.bash")));
    assertThat(files.resolve("sluice.zsh")).content().startsWith("autoload -U");
  }

  /** Its Java modules are another architecture's, which cannot run here. */
  @Test
  @Tag("long")
  void theOtherArchitectureHasAnArchiveOfItsOwn() throws IOException {
    boolean isAmd64 = sluice.contains("amd64");
    String name = "sluice-" + Release.VERSION + "-linux-" + (isAmd64 ? "arm64" : "amd64");
    System.out.println(make(isAmd64 ? "arm64" : "amd64"));
    Path other = Files.createDirectory(directory.resolve("other"));
    Commands.run("tar", "-xz", "-C", other.toString(), "-f", directory + "/" + name + ".tar.gz");

    String machineOf = isAmd64 ? "AArch64" : "X86-64";
    for (String program : new String[] {"runtime/bin/java", "native/libjnidispatch.so"}) {
      assertThat(Commands.run("readelf", "-h", other.resolve(name).resolve(program).toString()))
          .contains(machineOf);
    }
    assertThat(other.resolve(name).resolve("charts/sluice/Chart.yaml")).exists();
  }
}

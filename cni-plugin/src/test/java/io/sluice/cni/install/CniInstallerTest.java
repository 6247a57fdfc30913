package io.sluice.cni.install;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CniInstallerTest {
  private static final String FLANNEL = Node.list("cbr0", "flannel", "portmap");

  @TempDir Path directory;
  private Node node;
  private CniInstaller installer;

  @BeforeEach
  void makeNode() throws IOException {
    node = new Node(directory);
    installer = node.installer();
  }

  @Test
  void installsTheBinaryAndThenTheConfiguration() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);

    Convergence result = installer.converge();

    assertThat(result.state()).isEqualTo(ChainState.CHAINED);
    assertThat(result.done())
        .containsExactly(
            "installed /opt/cni/bin/sluice-cni",
            "wrote /etc/cni/net.d/00-00-sluice.conflist from 10-flannel.conflist");
    assertThat(result.problems()).isEmpty();
    assertThat(node.chain()).containsExactly("flannel", "portmap", "sluice-cni");
    assertThat(node.binary).hasBinaryContent(Node.BINARY);
    assertThat(mode(node.binary)).isEqualTo("rwxr-xr-x");
    assertThat(mode(node.ours)).isEqualTo("rw-------");
    assertThat(node.confDir.resolve("10-flannel.conflist")).hasContent(FLANNEL);
  }

  @Test
  void doesNothingTheSecondTime() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);
    installer.converge();
    Object list = Files.getAttribute(node.ours, "unix:ino");
    Object binary = Files.getAttribute(node.binary, "unix:ino");

    assertThat(installer.converge().done()).isEmpty();
    assertThat(node.installer().converge().done()).as("another daemon").isEmpty();

    assertThat(Files.getAttribute(node.ours, "unix:ino")).isEqualTo(list);
    assertThat(Files.getAttribute(node.binary, "unix:ino")).isEqualTo(binary);
  }

  @Test
  void replacesAnOlderBinary() throws IOException {
    installer.converge();

    assertThat(node.installer("newer".getBytes(UTF_8)).converge().done())
        .containsExactly("installed /opt/cni/bin/sluice-cni");

    assertThat(node.binary).hasContent("newer");
  }

  @Test
  void takesTheFirstFileByNameForThePrimary() throws IOException {
    node.primary("20-b.conflist", Node.list("b", "b"));
    node.primary("10-a.conf", "{\"name\":\"a\",\"cniVersion\":\"0.3.1\",\"type\":\"a\"}");
    node.primary("05-readme.txt", "not a configuration");
    node.primary("04.conflist.cilium_bak", Node.list("c", "c"));
    Files.createDirectory(node.confDir.resolve("03.conflist"));

    assertThat(installer.status().primary()).isEqualTo("10-a.conf");
    installer.converge();

    assertThat(node.chain()).containsExactly("a", "sluice-cni");
  }

  @Test
  void takesTheNetworkThatTheRuntimeIsToldToUse() throws IOException {
    node.primary("10-a.conflist", Node.list("a", "a"));
    node.primary("20-b.conflist", Node.list("b", "b"));
    node.paths =
        new RuntimePaths(
            node.paths.confDir(),
            node.paths.binDirs(),
            List.of(),
            List.of(),
            "b",
            "",
            List.of(),
            List.of());

    installer.converge();

    assertThat(node.chain()).containsExactly("b", "sluice-cni");
  }

  @Test
  void keepsThePreviousStateWhenThePrimaryIsInvalid() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);
    installer.converge();
    node.primary("10-flannel.conflist", FLANNEL.substring(0, 30));

    Convergence result = installer.converge();

    assertThat(result.state()).isEqualTo(ChainState.OUTDATED);
    assertThat(result.done()).isEmpty();
    assertThat(result.problems())
        .singleElement()
        .asString()
        .startsWith("/etc/cni/net.d/10-flannel.conflist: ")
        .contains("is no JSON", "ours stays as it was");
    assertThat(node.chain()).containsExactly("flannel", "portmap", "sluice-cni");
  }

  @Test
  void writesNoConfigurationFromAnInvalidPrimary() throws IOException {
    node.primary("10-flannel.conflist", "{}");

    Convergence result = installer.converge();

    assertThat(result.state()).isEqualTo(ChainState.ABSENT);
    assertThat(result.problems()).singleElement().asString().contains("ours is not written");
    assertThat(node.ours).doesNotExist();
  }

  @Test
  void writesNoConfigurationWhoseBinaryIsNowhere() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);
    Files.delete(node.binDir);
    Files.writeString(node.binDir, "a file where the directory should be");

    Convergence result = installer.converge();

    assertThat(node.ours).doesNotExist();
    assertThat(result.state()).isEqualTo(ChainState.ABSENT);
    assertThat(result.problems())
        .extracting(problem -> problem.path().toString())
        .containsExactly("/opt/cni/bin/sluice-cni", "/etc/cni/net.d/00-00-sluice.conflist");
  }

  @Test
  void goesOnWhenOneOfSeveralDirectoriesFails() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);
    Files.writeString(node.root.resolve("broken"), "no directory");
    Files.createDirectory(node.root.resolve("other"));
    node.paths =
        new RuntimePaths(
            node.paths.confDir(),
            List.of(Path.of("/broken"), Path.of("/opt/cni/bin"), Path.of("/made/here")),
            List.of(Path.of("/other"), Path.of("/not/made")),
            List.of(),
            "",
            "",
            List.of(),
            List.of());

    Convergence result = installer.converge();

    assertThat(result.state()).isEqualTo(ChainState.CHAINED);
    assertThat(result.problems())
        .singleElement()
        .satisfies(problem -> assertThat(problem.path()).hasToString("/broken/sluice-cni"));
    assertThat(installer.status().binaries())
        .containsExactly(Path.of("/opt/cni/bin"), Path.of("/made/here"), Path.of("/other"));
    assertThat(node.root.resolve("not")).doesNotExist();
  }

  @Test
  void makesNoDirectoryBehindALinkOfSomebodyElse() throws IOException {
    Files.createSymbolicLink(node.root.resolve("current"), Path.of("/data/0ab"));
    node.paths = node.paths.withBinDirs(List.of(Path.of("/current/bin")));

    assertThat(installer.converge().problems())
        .singleElement()
        .asString()
        .startsWith("/current/bin/sluice-cni: ")
        .contains("data/0ab/bin, which does not exist");
    assertThat(node.root.resolve("data")).doesNotExist();
  }

  @Test
  void clearsWhatACrashLeftBehind() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);
    installer.converge();
    Files.writeString(node.confDir.resolve(".00-00-sluice.conflist.tmp"), "{\"na");
    Files.writeString(node.binDir.resolve(".sluice-cni.tmp"), "half");
    assertThat(node.configurations())
        .as("what a runtime reads")
        .containsExactly("00-00-sluice.conflist", "10-flannel.conflist");

    installer.converge();

    assertThat(node.confDir.toFile().list())
        .containsExactlyInAnyOrder("00-00-sluice.conflist", "10-flannel.conflist");
    assertThat(node.binDir.toFile().list()).containsExactly("sluice-cni");
  }

  @Test
  void tellsOfAFileThatSortsBeforeOurs() throws IOException {
    node.primary("00-00-a.conflist", Node.list("a", "a"));

    Convergence result = installer.converge();

    assertThat(result.state()).isEqualTo(ChainState.SHADOWED);
    assertThat(result.problems())
        .singleElement()
        .asString()
        .contains("/etc/cni/net.d/00-00-a.conflist", "rename it");
  }

  @Test
  void sortsBeforeMultus() throws IOException {
    node.primary("00-multus.conf", "{\"name\":\"m\",\"cniVersion\":\"0.3.1\",\"type\":\"multus\"}");

    assertThat(installer.converge().state()).isEqualTo(ChainState.CHAINED);

    assertThat(node.configurations().getFirst()).isEqualTo("00-00-sluice.conflist");
  }

  @Test
  void tellsOfPluginsThatNewerRuntimesRunAfterOurs() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);
    Files.createDirectory(node.confDir.resolve("cbr0"));
    assertThat(installer.converge().problems()).isEmpty();

    Files.writeString(node.confDir.resolve("cbr0/tuning.conf"), "{\"type\":\"tuning\"}");

    assertThat(installer.converge().problems())
        .singleElement()
        .asString()
        .startsWith("/etc/cni/net.d/cbr0: ");
  }

  @Test
  void waitsForANetworkToBeInstalled() throws IOException {
    assertThat(installer.converge().state()).isEqualTo(ChainState.NO_PRIMARY);
    assertThat(node.binary).exists();
    Files.delete(node.confDir);

    assertThat(installer.converge().state()).isEqualTo(ChainState.NO_DIRECTORY);
    assertThat(node.confDir).as("it is the network's to make").doesNotExist();
  }

  @Test
  void leavesAnOrphanToTheWatch() throws IOException {
    Path primary = node.primary("10-flannel.conflist", FLANNEL);
    installer.converge();
    Files.delete(primary);

    assertThat(installer.converge().state()).isEqualTo(ChainState.ORPHANED);

    assertThat(node.chain()).containsExactly("flannel", "portmap", "sluice-cni");
  }

  @Test
  void refusesToChainWhereTheRuntimeForbidsIt() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);
    node.paths =
        new RuntimePaths(
            node.paths.confDir(),
            node.paths.binDirs(),
            List.of(),
            List.of(),
            "",
            "",
            List.of("max_conf_num = 0"),
            List.of());

    Convergence result = installer.converge();

    assertThat(result.state()).isEqualTo(ChainState.ABSENT);
    assertThat(result.problems()).singleElement().asString().contains("max_conf_num = 0");
    assertThat(node.ours).doesNotExist();
  }

  @Test
  void uninstallRemovesTheConfigurationAndKeepsTheBinary() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);
    installer.converge();

    Convergence result = installer.uninstall();

    assertThat(result.state()).isEqualTo(ChainState.ABSENT);
    assertThat(result.done().getFirst()).isEqualTo("removed /etc/cni/net.d/00-00-sluice.conflist");
    assertThat(result.done().getLast()).contains("kept sluice-cni", "cannot be deleted without it");
    assertThat(node.chain()).containsExactly("flannel", "portmap");
    assertThat(node.binary).exists();
    assertThat(installer.uninstall().problems()).as("again").isEmpty();
  }

  @Test
  void uninstallLooksWhereAnEarlierRuntimeLooked() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);
    installer.converge();
    Files.createDirectories(node.root.resolve("k3s/net.d"));
    node.paths =
        new RuntimePaths(
            Path.of("/k3s/net.d"),
            node.paths.binDirs(),
            List.of(),
            List.of(Path.of("/etc/cni/net.d")),
            "",
            "",
            List.of(),
            List.of());
    assertThat(installer.removeBinary().problems()).hasSize(1);

    installer.uninstall();

    assertThat(node.ours).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void uninstallLooksWhereItWasBeforeTheOperatorNamedAnotherDirectory(boolean binDirsToo)
      throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);
    installer.converge();
    Path named = Path.of("/named/net.d");
    node.paths =
        binDirsToo
            ? RuntimePaths.named(named, node.paths.binDirs(), node.paths.confDirs())
            : node.paths.withConfDir(named).withConfDir(named);

    installer.uninstall();

    assertThat(node.ours).doesNotExist();
    assertThat(node.paths.otherConfDirs()).containsExactly(Path.of("/etc/cni/net.d"));
  }

  @Test
  void removesTheBinaryOnlyAfterTheConfiguration() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);
    installer.converge();

    assertThat(installer.removeBinary().problems())
        .singleElement()
        .asString()
        .contains("uninstall first");
    assertThat(node.binary).exists();

    installer.uninstall();
    assertThat(installer.removeBinary().done()).containsExactly("removed /opt/cni/bin/sluice-cni");
    assertThat(node.binary).doesNotExist();
  }

  @Test
  void theOneCommandOfTheStatusGivesTheNodeBackToItsNetwork() throws Exception {
    node.primary("10-flannel.conflist", FLANNEL);
    // On the node itself, the tree's root is the root: so is this command's path.
    node.paths = RuntimePaths.named(node.confDir, List.of(node.binDir), List.of());
    var onNode = new CniInstaller(Path.of("/"), () -> node.paths, Node.BINARY, Node.ENTRY);
    onNode.converge();
    assertThat(node.chain()).contains("sluice-cni");

    InstallStatus status = onNode.status();

    assertThat(status.state()).isEqualTo(ChainState.CHAINED);
    assertThat(status.removalCommand()).isEqualTo("rm -f " + node.ours);
    assertThat(new ProcessBuilder("sh", "-c", status.removalCommand()).start().waitFor()).isZero();
    assertThat(node.chain()).containsExactly("flannel", "portmap");
  }

  @Test
  void theCommandIsQuotedWhereThePathNeedsIt() {
    node.paths = node.paths.withConfDir(Path.of("/my conf's"));

    assertThat(installer.status().removalCommand())
        .isEqualTo("rm -f '/my conf'\\''s/00-00-sluice.conflist'");
  }

  @Test
  void statusChangesNothing() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);

    InstallStatus status = installer.status();

    assertThat(status.state()).isEqualTo(ChainState.ABSENT);
    assertThat(status.binaries()).isEmpty();
    assertThat(node.ours).doesNotExist();
    assertThat(node.binary).doesNotExist();
  }

  @Test
  void statusNamesAMissingBinaryThatTheConfigurationNeeds() throws IOException {
    node.primary("10-flannel.conflist", FLANNEL);
    installer.converge();
    Files.delete(node.binary);

    assertThat(installer.status().problems())
        .singleElement()
        .asString()
        .isEqualTo(
            "/opt/cni/bin/sluice-cni: is missing: the runtime looks for it in [/opt/cni/bin]");
  }

  private static String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }
}

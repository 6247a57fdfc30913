package io.sluice.cni.install;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator is told of a node whose runtime does not run the plugin. */
class ConvergenceTest {
  @TempDir Path directory;
  private Node node;
  private CniInstaller installer;

  @BeforeEach
  void makeNode() throws IOException {
    node = new Node(directory);
    installer = node.installer();
  }

  @Test
  void saysWhatMendsANodeWhoseDirectoryOfPluginsTakesNothing() throws IOException {
    node.primary("10-flannel.conflist", Node.list("cbr0", "flannel", "portmap"));
    Files.delete(node.binDir);
    Files.writeString(node.binDir, "a file");

    Convergence result = installer.converge();

    assertThat(result.state()).isEqualTo(ChainState.ABSENT);
    assertThat(result.missing())
        .hasValueSatisfying(why ->
            assertThat(why)
                .startsWith(
                    "the CNI plugin is absent: /opt/cni/bin/sluice-cni: cannot be installed")
                .contains("--set 'cni.binDirs={DIR}'", "both directories were set explicitly"));
    Files.delete(node.binDir);
    assertThat(installer.converge().missing()).isEmpty();
  }

  @Test
  void saysWhereItWaitsForTheClustersNetwork() {
    assertThat(installer.converge().missing())
        .hasValueSatisfying(why ->
            assertThat(why)
                .startsWith("no network is installed in /etc/cni/net.d")
                .contains("--cni-conf-dir"));
  }
}

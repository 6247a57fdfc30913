package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.output.ExitCode;
import io.sluice.control.kubernetes.ClientKey;
import io.sluice.control.kubernetes.FakeCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which of two clusters is meant by {@code --kubeconfig}, {@code --context} and KUBECONFIG. */
class ClusterChoiceTest {
  @TempDir private Path home = Path.of("");
  private final FakeCluster here = ChartCommands.started();
  private final FakeCluster elsewhere = ChartCommands.started();
  private final ChartCommands commands = new ChartCommands();

  @AfterEach
  void close() throws IOException {
    here.close();
    elsewhere.close();
    Files.deleteIfExists(found());
  }

  /** The file that is taken where no option names one; the pom sets it for tests. */
  private static Path found() {
    return Path.of(System.getenv().getOrDefault("KUBECONFIG", "KUBECONFIG is not set"));
  }

  private void succeed(String line) {
    int code = commands.run(line);
    assertThat(commands.err()).isEmpty();
    assertThat(code).isEqualTo(ExitCode.OK.code());
  }

  @Test
  void fileOfTheOptionStandsAboveTheOneThatIsFound() throws IOException {
    Files.copy(here.kubeconfig(home), found());
    Path other = elsewhere.kubeconfig(Files.createDirectory(home.resolve("other")));

    succeed("install --kubeconfig " + other);
    assertThat(elsewhere.names()).contains("DaemonSet/sluice-node");
    assertThat(here.writes()).isEmpty();

    int writes = elsewhere.writes().size();
    succeed("install");
    assertThat(here.names()).contains("DaemonSet/sluice-node");
    assertThat(elsewhere.writes()).hasSize(writes);
  }

  /** Our client and Helm's, which each read them in their own way. */
  @Test
  void usersWithKeysOfAnyKindInstall() throws Exception {
    succeed("install --kubeconfig " + here.kubeconfig(home, ClientKey.EC_PKCS8.files(home)));
    succeed("upgrade --kubeconfig " + here.kubeconfig(home, ClientKey.ED25519.inline()));
    succeed("upgrade --kubeconfig " + here.kubeconfig(home, ClientKey.RSA_PKCS1.plugin(home)));
    assertThat(here.names()).contains("DaemonSet/sluice-node");
  }

  @Test
  void wrongKeyIsNamedByFileAndField() throws Exception {
    Path file = here.kubeconfig(home, "{client-certificate: absent.crt, client-key: absent.key}");

    assertThat(commands.run("install --kubeconfig " + file)).isEqualTo(ExitCode.USAGE.code());
    assertThat(commands.err())
        .contains("--kubeconfig " + file + ": users[controller].user.client-certificate: ")
        .contains(home.resolve("absent.crt") + " cannot be read");
  }

  @Test
  void everyCommandGoesToTheClusterOfTheContext() throws IOException {
    Path both = both();
    String there = " --context elsewhere --kubeconfig " + both;

    succeed("install" + there);
    assertThat(elsewhere.names()).contains("Namespace/sluice-system", "DaemonSet/sluice-node");
    succeed("upgrade --set node.drainSeconds=25" + there);
    assertThat(
            elsewhere
                .get("/apis/apps/v1/namespaces/sluice-system/daemonsets/sluice-node")
                .orElseThrow()
                .toString())
        .contains("--drain-seconds=25");
    succeed("uninstall --yes --without-nodes --kube-context elsewhere --kubeconfig " + both);
    assertThat(elsewhere.names()).doesNotContain("DaemonSet/sluice-node");
    assertThat(here.writes()).isEmpty();

    succeed("install --kubeconfig " + both);
    assertThat(here.names()).contains("DaemonSet/sluice-node");
  }

  /** A file with both clusters, in which this one is the current. */
  private Path both() throws IOException {
    Path other = Files.createDirectory(home.resolve("other"));
    String first = Files.readString(here.kubeconfig(home));
    String second = Files.readString(elsewhere.kubeconfig(other));
    String text = first;
    for (String list : new String[] {"clusters", "contexts", "users"}) {
      text = text.replace(list + ": [", list + ": [" + entry(second, list) + ", ");
    }
    return Files.writeString(home.resolve("both"), text);
  }

  /** The one entry of a list, under a name of its own. */
  private static String entry(String file, String list) {
    int from = file.indexOf(list + ": [") + list.length() + 3;
    return file.substring(from, file.indexOf(']', from))
        .replace("name: site", "name: elsewhere")
        .replace("cluster: site", "cluster: elsewhere")
        .replace("name: controller", "name: stranger")
        .replace("user: controller", "user: stranger");
  }
}

package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.output.ExitCode;
import io.sluice.control.kubernetes.FakeCluster;
import java.nio.file.Path;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The claim with the authority's keys, in clusters that cannot fill it. */
class StateClaimTest {
  private static final String CLAIM = "PersistentVolumeClaim/sluice-controller";
  private static final String ON_A_NODE =
      " --set controller.state.type=hostPath --set controller.nodeSelector.disk=yes";

  @TempDir private Path home = Path.of("");
  @AutoClose private final FakeCluster cluster = ChartCommands.started();
  private final ChartCommands commands = new ChartCommands();

  private int run(String line) throws Exception {
    return commands.run(line + " --kubeconfig " + cluster.kubeconfig(home));
  }

  private void succeed(String line) throws Exception {
    int code = run(line);
    assertThat(commands.err()).isEmpty();
    assertThat(code).isEqualTo(ExitCode.OK.code());
  }

  @ParameterizedTest
  @CsvSource({
    "'', no StorageClass is the cluster's default",
    "' --set controller.state.storageClassName=absent', there is no StorageClass absent"
  })
  void claimThatNothingWouldFillIsRefusedBeforeAnythingIsWritten(String option, String told)
      throws Exception {
    ChartCommands.storageClass(cluster, "usual", false);

    assertThat(run("install" + option)).isEqualTo(ExitCode.FAILED.code());

    assertThat(commands.err())
        .contains("PersistentVolumeClaim sluice-controller would never be bound: " + told)
        .contains("--set controller.state.storageClassName=usual, or", "state.type=hostPath");
    assertThat(cluster.writes()).isEmpty();
    succeed("install --set controller.state.storageClassName=usual");
  }

  @Test
  void claimThatWasNeverFilledGoesWithTheValueThatChanges() throws Exception {
    ChartCommands.storageClass(cluster, "local", false);
    succeed("install");
    assertThat(cluster.names()).contains(CLAIM);

    succeed("upgrade --set controller.state.storageClassName=local");
    assertThat(
            cluster
                .get("/api/v1/namespaces/sluice-system/persistentvolumeclaims/sluice-controller")
                .orElseThrow()
                .at("/spec/storageClassName")
                .asText())
        .isEqualTo("local");
    assertThat(cluster.writes())
        .extracting(FakeCluster.Write::request)
        .contains(
            "DELETE /api/v1/namespaces/sluice-system/persistentvolumeclaims/sluice-controller");

    succeed("upgrade" + ON_A_NODE);
    assertThat(cluster.names()).doesNotContain(CLAIM);
  }

  @Test
  void claimOfAnInstallThatFailedIsNotInTheWayOfTheNext() throws Exception {
    assertThat(run("install --atomic --timeout 1s")).isEqualTo(ExitCode.FAILED.code());
    assertThat(cluster.names()).contains(CLAIM);

    succeed("install" + ON_A_NODE);

    assertThat(cluster.names()).doesNotContain(CLAIM);
  }

  @Test
  void claimWithAVolumeStaysWhateverTheValuesSay() throws Exception {
    ChartCommands.giveTheMesh(cluster);

    succeed("upgrade" + ON_A_NODE);

    assertThat(cluster.names()).contains(CLAIM);
  }
}

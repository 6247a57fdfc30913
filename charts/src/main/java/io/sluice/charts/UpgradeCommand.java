package io.sluice.charts;

import com.marcnuri.helm.Release;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.sluice.cli.cluster.ClusterAccess;
import io.sluice.cli.output.ExitCode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice upgrade}. */
@Command(
    name = "upgrade",
    description =
        "Brings an installed mesh to this release, with its values of before and those given.",
    mixinStandardHelpOptions = true)
final class UpgradeCommand implements Callable<Integer> {
  @Mixin private ReleaseOptions release = new ReleaseOptions();
  @Mixin private ValueOptions values = new ValueOptions();
  @Mixin private ResultOptions result = new ResultOptions();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    Config config = release.config();
    HelmRelease helm = release.helm(config);
    return ClusterAccess.ask(config, client -> upgrade(client, helm));
  }

  private int upgrade(KubernetesClient client, HelmRelease helm) {
    helm.requireInstalled("use `sluice install`, or ");
    List<String> documents = values.documents();
    List<PrintedObject> objects = release.check(over(helm.values(), documents), client);
    release.claim(client).removeUnfilled(objects, release.timeout());
    Release upgraded = helm.upgrade(documents);
    boolean isReady = result.waits() && release.mesh(client).await(release.timeout());
    ReleaseAnswer.print(upgraded, isReady, result.format(), spec.commandLine().getOut());
    return ExitCode.OK.code();
  }

  private static List<String> over(String earlier, List<String> later) {
    List<String> documents = new ArrayList<>(later);
    documents.addFirst(earlier);
    return documents;
  }
}

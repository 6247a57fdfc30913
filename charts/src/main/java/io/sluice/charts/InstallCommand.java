package io.sluice.charts;

import com.marcnuri.helm.Release;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.sluice.cli.cluster.ClusterAccess;
import io.sluice.cli.output.ExitCode;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sluice install}. */
@Command(
    name = "install",
    description = "Installs the mesh in a cluster by its Helm chart, or prints its objects.",
    mixinStandardHelpOptions = true)
final class InstallCommand implements Callable<Integer> {
  @Mixin private ReleaseOptions release = new ReleaseOptions();
  @Mixin private ValueOptions values = new ValueOptions();
  @Mixin private PrintOptions printing = new PrintOptions();
  @Mixin private ResultOptions result = new ResultOptions();

  @Option(
      names = "--atomic",
      description = "Waits as --wait does, and removes what was installed if that fails.")
  private boolean isAtomic;

  @Option(
      names = "--enforce-single-mesh",
      negatable = true,
      fallbackValue = "true",
      defaultValue = "true",
      description =
          "Refuses where another mesh of Sluice is installed; on by default, since two cannot"
              + " share a node.")
  private boolean enforcesSingleMesh = true;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    List<String> documents = values.documents();
    if (printing.isWanted()) {
      return printing.print(release, documents);
    }
    Config config = release.config();
    HelmRelease helm = release.helm(config);
    return ClusterAccess.ask(config, client -> install(client, helm, documents));
  }

  private int install(KubernetesClient client, HelmRelease helm, List<String> documents) {
    MeshWorkloads mesh = release.mesh(client);
    List<PrintedObject> objects = release.check(documents, client);
    requireAlone(mesh);
    helm.requireAbsent();
    mesh.prepareNamespace();
    release.claim(client).removeUnfilled(objects, release.timeout());
    boolean isReady = false;
    Release installed;
    try {
      installed = helm.install(documents);
      if (isAtomic || result.waits()) {
        isReady = mesh.await(release.timeout());
      }
    } catch (IllegalStateException | KubernetesClientException e) {
      removeIfAtomic(helm, e);
      throw e;
    }
    ReleaseAnswer.print(installed, isReady, result.format(), spec.commandLine().getOut());
    return ExitCode.OK.code();
  }

  private void requireAlone(MeshWorkloads mesh) {
    mesh.otherMesh()
        .filter(_ -> enforcesSingleMesh)
        .ifPresent(other -> {
          throw new IllegalStateException(
              "the mesh "
                  + other
                  + " is installed already, and two cannot share a node; uninstall it, or give both"
                  + " a node.nodeSelector of their own and use --no-enforce-single-mesh");
        });
  }

  private void removeIfAtomic(HelmRelease helm, RuntimeException why) {
    try {
      if (isAtomic && helm.status().isPresent()) {
        helm.uninstall();
      }
    } catch (IllegalStateException e) {
      why.addSuppressed(e);
    }
  }
}

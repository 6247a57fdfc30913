package io.sluice.charts;

import com.marcnuri.helm.Release;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.sluice.cli.cluster.ClusterAccess;
import io.sluice.cli.output.ExitCode;
import java.io.PrintWriter;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
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

  /** The options for objects as text, without a cluster. */
  private static final class PrintOptions {
    private static final String USUAL_VERSION = "v1.33.1";

    @Option(
        names = {"--print", "--dry-run"},
        description =
            "Prints the objects as YAML in the order in which they are applied, and asks no cluster."
                + " Hooks are marked; those of helm test are last. The webhook's key is a new one each"
                + " time, unless webhook.certificate.existingSecret names one.")
    private boolean isWanted;

    @Option(
        names = "--kube-version",
        paramLabel = "VERSION",
        description = "The cluster's version, with --print. Default: " + USUAL_VERSION + ".")
    private @Nullable String kubeVersion;

    @Option(names = "--no-hooks", description = "Leaves hooks out, with --print.")
    private boolean isWithoutHooks;

    @Option(
        names = "--skip-tests",
        description = "Leaves the hooks of helm test out, with --print.")
    private boolean isWithoutTests;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    /**
     * Whether the objects are to be printed.
     *
     * @throws ParameterException where options are given that would have no effect
     */
    boolean isWanted() {
      if (!isWanted && (kubeVersion != null || isWithoutHooks || isWithoutTests)) {
        throw new ParameterException(
            spec.commandLine(), "--kube-version, --no-hooks and --skip-tests are for --print");
      }
      return isWanted;
    }

    int print(ReleaseOptions release, List<String> values) {
      String version = Objects.requireNonNullElse(kubeVersion, USUAL_VERSION);
      PrintWriter out = spec.commandLine().getOut();
      out.print(release.text(values, version, hooks()));
      out.flush();
      return ExitCode.OK.code();
    }

    private PrintedObject.HookChoice hooks() {
      if (isWithoutHooks) {
        return PrintedObject.HookChoice.NONE;
      }
      return isWithoutTests ? PrintedObject.HookChoice.WITHOUT_TESTS : PrintedObject.HookChoice.ALL;
    }
  }
}

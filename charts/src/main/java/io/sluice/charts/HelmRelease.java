package io.sluice.charts;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.InstallCommand;
import com.marcnuri.helm.Release;
import com.marcnuri.helm.UpgradeCommand;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * One release of the chart in one cluster, as Helm's own code handles it. Whoever installed by
 * {@code helm} can upgrade by this, and the other way round. Methods block, and throw an {@link
 * IllegalStateException} with what Helm says.
 *
 * @param kubeconfig the text, with secrets
 * @param timeout for each of Helm's steps
 */
record HelmRelease(Path chart, String name, String namespace, String kubeconfig, Duration timeout) {
  private static final String ABSENT = "release: not found";

  /** Makes it. The namespace has to be there. */
  Release install(List<String> values) {
    try (TemporaryFiles files = new TemporaryFiles()) {
      InstallCommand command =
          new Helm(chart)
              .install()
              .withName(name)
              .withNamespace(namespace)
              .withTimeout(seconds())
              .withKubeConfigContents(kubeconfig);
      files.documents(values).forEach(command::withValuesFile);
      return command.call();
    }
  }

  /** Changes it: the chart's new defaults, the values of before, then these. */
  Release upgrade(List<String> values) {
    try (TemporaryFiles files = new TemporaryFiles()) {
      UpgradeCommand command =
          new Helm(chart)
              .upgrade()
              .withName(name)
              .withNamespace(namespace)
              .resetThenReuseValues()
              .withTimeout(seconds())
              .withKubeConfigContents(kubeconfig);
      files.documents(values).forEach(command::withValuesFile);
      return command.call();
    }
  }

  /** Removes it, and Helm's notes of it. */
  void uninstall() {
    Helm.uninstall(name).withNamespace(namespace).withKubeConfigContents(kubeconfig).call();
  }

  /** The values that were given to it so far, in YAML. */
  String values() {
    return Helm.get(name)
        .values()
        .withNamespace(namespace)
        .withKubeConfigContents(kubeconfig)
        .call();
  }

  /** What is there; empty where nothing of that name was installed. */
  Optional<Release> status() {
    try {
      return Optional.of(
          Helm.status(name).withNamespace(namespace).withKubeConfigContents(kubeconfig).call());
    } catch (IllegalStateException e) {
      if (String.valueOf(e.getMessage()).contains(ABSENT)) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Throws where something of that name is installed, or was not installed to its end. */
  void requireAbsent() {
    status()
        .ifPresent(there -> {
          throw new IllegalStateException(
              "%s is installed in namespace %s already (%s); use `sluice upgrade`, or `sluice uninstall` first"
                  .formatted(name, namespace, there.getStatus()));
        });
  }

  /**
   * Throws where nothing of that name was installed.
   *
   * @param instead what else one may have meant, ending in "or "; may be empty
   */
  void requireInstalled(String instead) {
    if (status().isEmpty()) {
      throw new IllegalStateException(
          "%s is not installed in namespace %s; %sname the mesh by --release and --namespace"
              .formatted(name, namespace, instead));
    }
  }

  private int seconds() {
    return Math.toIntExact(timeout.toSeconds());
  }
}

package io.sluice.charts;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.TemplateCommand;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * The objects of the chart without a cluster: the same text for the same values, except for the
 * webhook's key, which is a new one each time unless {@code webhook.certificate.existingSecret} is
 * set. Helm as a library renders no hooks, so the pod of {@code helm test} is not among them.
 *
 * @param chart its folder
 * @param kubeVersion what the API server would say
 */
record PrintedChart(Path chart, String release, String namespace, String kubeVersion) {
  /** Definitions first, then what the templates make. @throws IllegalStateException as Helm says */
  String text(List<String> values) {
    try (TemporaryFiles files = new TemporaryFiles()) {
      // Helm asks whatever cluster it finds; here nothing is to be found.
      Path alone = files.chart(chart, text -> text.replace("lookup \"", "dict \""));
      TemplateCommand command =
          new Helm(alone)
              .template()
              .withName(release)
              .withNamespace(namespace)
              .withKubeVersion(kubeVersion)
              .skipCrds();
      files.documents(values).forEach(command::withValuesFile);
      return definitions() + command.call();
    }
  }

  private String definitions() {
    StringBuilder text = new StringBuilder();
    try (Stream<Path> files = Files.list(chart.resolve("crds"))) {
      for (Path file : files.sorted().toList()) {
        text.append("---\n# Source: ").append(chart.getFileName()).append("/crds/");
        text.append(file.getFileName()).append('\n').append(Files.readString(file).strip());
        text.append('\n');
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the chart " + chart + " cannot be read", e);
    }
    return text.toString();
  }
}

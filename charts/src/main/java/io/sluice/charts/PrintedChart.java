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
 * set.
 *
 * @param chart its folder
 * @param kubeVersion what the API server would say
 */
record PrintedChart(Path chart, String release, String namespace, String kubeVersion) {
  /**
   * Definitions first, then what the templates make, in the order in which an install applies it.
   *
   * @throws IllegalStateException as {@link #objects}
   */
  String text(List<String> values, PrintedObject.HookChoice hooks) {
    return definitions() + PrintedObject.inOrder(objects(values), hooks);
  }

  /**
   * What the templates make, hooks among it.
   *
   * @throws IllegalStateException with what Helm says, where the chart's schema or one of its
   *     checks refuses a value
   */
  List<PrintedObject> objects(List<String> values) {
    try (TemporaryFiles files = new TemporaryFiles()) {
      Path alone = files.chart(chart, PrintedChart::withoutCluster);
      TemplateCommand command =
          new Helm(alone)
              .template()
              .withName(release)
              .withNamespace(namespace)
              .withKubeVersion(kubeVersion)
              .skipCrds();
      files.documents(values).forEach(command::withValuesFile);
      return PrintedObject.parse(command.call());
    }
  }

  /** Helm asks whatever cluster it finds, and keeps hooks to itself; here it is to do neither. */
  private static String withoutCluster(String template) {
    return PrintedObject.withHooksShown(template.replace("lookup \"", "dict \""));
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

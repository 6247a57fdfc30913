package io.sluice.charts;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.TemplateCommand;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The chart with some values, as {@code helm template} renders it. Immutable.
 *
 * @param release name of the release
 * @param kubeVersion what the API server would say
 * @param values documents of values, the later ones over the earlier
 */
record Chart(String release, String kubeVersion, List<String> values) {
  /** The chart's folder. */
  static final Path FOLDER = Path.of("sluice").toAbsolutePath();

  /** The repository's root. */
  static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  /** The chart, with its test as an ordinary object: Helm as a library renders no hooks. */
  private static final Path WITHOUT_HOOKS = withoutHooks();

  private static final Map<Chart, String> RENDERED = new ConcurrentHashMap<>();
  private static final Map<String, Objects> READ = new ConcurrentHashMap<>();

  static final String NAMESPACE = "sluice-system";

  Chart {
    values = List.copyOf(values);
  }

  /** With the values it comes with, on a Kubernetes that says nothing of its kind. */
  static Chart asItComes() {
    return new Chart("sluice", "v1.33.1", List.of());
  }

  /** With more values, in YAML. */
  Chart with(String yaml) {
    List<String> more = new ArrayList<>(values);
    more.add(yaml);
    return new Chart(release, kubeVersion, more);
  }

  Chart on(String version) {
    return new Chart(release, version, values);
  }

  Chart named(String name) {
    return new Chart(name, kubeVersion, values);
  }

  /** The text of every object. @throws IllegalStateException with what Helm says */
  String text() {
    return RENDERED.computeIfAbsent(this, Chart::render);
  }

  /** What Helm looks up is not what it was. */
  static void forgetRendered() {
    RENDERED.clear();
  }

  private String render() {
    try (TemporaryFiles files = new TemporaryFiles()) {
      TemplateCommand command =
          new Helm(WITHOUT_HOOKS)
              .template()
              .withName(release)
              .withNamespace(NAMESPACE)
              .withKubeVersion(kubeVersion)
              .skipCrds();
      files.documents(values).forEach(command::withValuesFile);
      return command.call();
    }
  }

  /** Every object, each read strictly. */
  Objects objects() {
    return READ.computeIfAbsent(text(), text -> new Objects(StrictReader.read(text)));
  }

  private static Path withoutHooks() {
    Path copy = Path.of("target", "chart-without-hooks").toAbsolutePath();
    TemporaryFiles.copyChart(
        FOLDER, copy, text -> text.replaceAll("(?m)^ *helm\\.sh/hook[^\n]*\n", ""));
    return copy;
  }
}

package io.sluice.reference;

import io.prometheus.client.CollectorRegistry;
import io.sluice.architecture.SourceTree;
import io.sluice.process.ProcessMetrics;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** The page of metrics. */
final class MetricReference {
  private static final Path NODE = Path.of("node-daemon/src/main/java/io/sluice/node/metrics");
  private static final Path CONTROLLER =
      Path.of("control-plane/src/main/java/io/sluice/control/metrics");

  private static final int MOST_LABELS_OF_A_CELL = 8;

  private MetricReference() {}

  static String text(SourceTree tree) {
    List<Metric> node = inPackage(tree, NODE);
    return """
    # Metrics

    In Prometheus' text format 0.0.4, at `/metrics`. Histograms have the suffixes `_bucket`, `_sum` and `_count`.

    ## Node daemon

    Port 15020 of every node (`node run --metrics-address`). What belongs to a part that does not run is absent: `sluice_cni_*` without
    `--cni`, `sluice_identity_*` without a controller, `sluice_distribution_*` and `sluice_snapshot_*` unless the daemon takes from a controller
    what the mesh is. Labels `namespace` and `pod` name an enrolled pod of the node; its series end with it.

    %s
    %s## Controller

    `control run --metrics-address`; the chart sets it. What is about a cluster is absent without `--kubernetes`.

    %s
    ## Both

    Of the process and its Java virtual machine.

    %s\
    """
        .formatted(table(node), manyLabels(node), table(inPackage(tree, CONTROLLER)), jvm());
  }

  private static List<Metric> inPackage(SourceTree tree, Path folder) {
    return SourceMetrics.in(
        tree.mainSources()
            .filter(file -> folder.equals(file.getParent()))
            .map(tree.root()::resolve)
            .toList());
  }

  private static MarkdownTable table(List<Metric> metrics) {
    MarkdownTable table = new MarkdownTable("Name", "Type", "Labels", "Help");
    for (Metric metric : metrics) {
      table.row(
          "`" + metric.name() + "`",
          metric.type(),
          metric.labels().size() > MOST_LABELS_OF_A_CELL ? "see below" : words(metric.labels()),
          metric.help());
    }
    return table;
  }

  /** Those that are too many for a cell, a paragraph for those that have the same. */
  private static String manyLabels(List<Metric> metrics) {
    Map<List<String>, List<String>> names = new LinkedHashMap<>();
    metrics.stream()
        .filter(metric -> metric.labels().size() > MOST_LABELS_OF_A_CELL)
        .forEach(metric ->
            names.computeIfAbsent(metric.labels(), labels -> new ArrayList<>()).add(metric.name()));
    StringBuilder text = new StringBuilder();
    names.forEach((labels, having) ->
        text.append("Labels of ")
            .append(words(having))
            .append(": ")
            .append(words(labels))
            .append(".\n\n"));
    return text.toString();
  }

  private static String words(List<String> texts) {
    return texts.stream().map(text -> "`" + text + "`").collect(Collectors.joining(", "));
  }

  /** Asked of their library, which has no labels where nothing was counted yet. */
  private static MarkdownTable jvm() {
    CollectorRegistry registry = new CollectorRegistry();
    ProcessMetrics.register(registry);
    MarkdownTable table = new MarkdownTable("Name", "Type", "Help");
    Collections.list(registry.metricFamilySamples()).stream()
        .map(family ->
            new Metric(
                family.name, family.type.name().toLowerCase(Locale.ROOT), List.of(), family.help))
        .sorted(Comparator.comparing(Metric::name))
        .forEach(metric -> table.row("`" + metric.name() + "`", metric.type(), metric.help()));
    return table;
  }
}

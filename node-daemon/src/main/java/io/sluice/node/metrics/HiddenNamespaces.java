package io.sluice.node.metrics;

import io.prometheus.client.Collector.MetricFamilySamples;
import io.prometheus.client.Collector.MetricFamilySamples.Sample;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Set;

/**
 * Namespaces whose own pods and workloads no series is to name. They are counted on, so that the
 * series come back as they would be.
 */
record HiddenNamespaces(Set<String> names) {
  private static final String NAMESPACE = "namespace";

  static HiddenNamespaces of(MeshSnapshot snapshot) {
    return new HiddenNamespaces(
        Set.copyOf(snapshot.keys(Kind.WORKLOAD, Kind.UNMEASURED_BY_NAMESPACE)));
  }

  /** What is left of {@code families}. */
  Enumeration<MetricFamilySamples> without(Enumeration<MetricFamilySamples> families) {
    return names.isEmpty()
        ? families
        : Collections.enumeration(Collections.list(families).stream().map(this::without).toList());
  }

  private MetricFamilySamples without(MetricFamilySamples family) {
    List<Sample> shown = family.samples.stream().filter(each -> !names.contains(of(each))).toList();
    return new MetricFamilySamples(family.name, family.unit, family.type, family.help, shown);
  }

  /** The namespace of the pod that a sample is about; of two ends, of the one that counted. */
  private static String of(Sample sample) {
    int reporter = sample.labelNames.indexOf("reporter");
    if (reporter >= 0) {
      return value(sample, sample.labelValues.get(reporter) + "_workload_namespace");
    }
    return sample.labelNames.contains("pod") ? value(sample, NAMESPACE) : "";
  }

  private static String value(Sample sample, String label) {
    int at = sample.labelNames.indexOf(label);
    return at < 0 ? "" : sample.labelValues.get(at);
  }
}

package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.Cidr;
import java.util.List;

/**
 * A Node ({@code v1}).
 *
 * @param meta its name is what {@code spec.nodeName} of Pods says
 * @param podRanges {@code spec.podCIDRs}, else {@code spec.podCIDR}; empty where the cluster gives
 *     nodes no ranges
 */
public record ClusterNode(ObjectMeta meta, List<Cidr> podRanges) implements KubernetesObject {
  private static final String MEND = "write address/length, as the API server does";

  public ClusterNode {
    podRanges = List.copyOf(podRanges);
  }

  static ClusterNode read(Fields document, ObjectMeta meta) {
    Fields spec = document.objectOrEmpty("spec");
    List<Cidr> ranges = spec.parsedList("podCIDRs", Cidr::parse, MEND);
    if (ranges.isEmpty()) {
      ranges = spec.parsed("podCIDR", Cidr::parse, MEND).stream().toList();
    }
    return new ClusterNode(meta, ranges);
  }
}

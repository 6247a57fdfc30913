package io.sluice.kernel;

import io.sluice.mesh.InterceptionSettings;
import java.util.Collection;
import java.util.Map;
import java.util.stream.Collectors;

/** What one MeshConfig says about interception. */
record FlowSetting(InterceptionSettings interception, boolean permissive) {
  static final FlowSetting NOTHING_EXCLUDED =
      new FlowSetting(InterceptionSettings.EVERYTHING, false);

  /** Fields of {@code spec.traffic}, in flow style. */
  Map<String, String> lists() {
    return Map.of(
        "dnsResolvers",
        quoted(interception.openings().resolvers()),
        "metadataMode",
        interception.openings().metadata().name(),
        "pingMode",
        interception.openings().ping().name(),
        "outboundPortExclusionList",
        sorted(interception.outboundPortExclusions()),
        "inboundPortExclusionList",
        sorted(interception.inboundPortExclusions()),
        "outboundIPRangeExclusionList",
        quoted(interception.outboundRangeExclusions()),
        "outboundIPRangeInclusionList",
        quoted(interception.outboundRangeInclusions()),
        "networkInterfaceExclusionList",
        quoted(interception.interfaceExclusions()));
  }

  /** An Isolation, where there is one, as a further document. */
  String isolation() {
    return interception.isolated().isEmpty()
        ? ""
        : """
        ---
        apiVersion: policy.flomesh.io/v1alpha1
        kind: Isolation
        metadata: {name: flows}
        spec: {cidrs: %s}
        """
            .formatted(quoted(interception.isolated()));
  }

  /** Equal settings are equal text, so that writing one again is no change. */
  private static String sorted(Collection<Integer> ports) {
    return ports.stream().sorted().toList().toString();
  }

  private static String quoted(Collection<?> values) {
    return values.stream()
        .map(value -> "\"" + value + "\"")
        .sorted()
        .collect(Collectors.joining(", ", "[", "]"));
  }
}

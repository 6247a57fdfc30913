package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/** Reads the lists of traffic to leave alone: from a Pod's annotations or from a MeshConfig. */
final class InterceptionReader {
  static final String RANGE_MEND = "write ranges such as 10.1.0.0/16 or fd00::/64";
  private static final String PORT_MEND = "write port numbers with commas, such as \"6379,7070\"";

  private InterceptionReader() {}

  /** Lists in the annotations of a Pod, under any of the known prefixes. */
  static InterceptionSettings fromAnnotations(Fields annotations) {
    Set<Integer> outboundPorts = new HashSet<>();
    Set<Integer> inboundPorts = new HashSet<>();
    List<Cidr> exclusions = new ArrayList<>();
    List<Cidr> inclusions = new ArrayList<>();
    for (String prefix : MeshKeys.PREFIXES) {
      outboundPorts.addAll(ports(annotations, prefix + "outbound-port-exclusion-list"));
      inboundPorts.addAll(ports(annotations, prefix + "inbound-port-exclusion-list"));
      exclusions.addAll(ranges(annotations, prefix + "outbound-ip-range-exclusion-list"));
      inclusions.addAll(ranges(annotations, prefix + "outbound-ip-range-inclusion-list"));
    }
    return new InterceptionSettings(outboundPorts, inboundPorts, exclusions, inclusions, Set.of());
  }

  /** Lists in {@code spec.traffic} of a MeshConfig. */
  static InterceptionSettings fromTraffic(Fields traffic) {
    return new InterceptionSettings(
        new HashSet<>(traffic.ports("outboundPortExclusionList")),
        new HashSet<>(traffic.ports("inboundPortExclusionList")),
        traffic.parsedList("outboundIPRangeExclusionList", Cidr::parse, RANGE_MEND),
        traffic.parsedList("outboundIPRangeInclusionList", Cidr::parse, RANGE_MEND),
        new HashSet<>(
            traffic.parsedList(
                "networkInterfaceExclusionList",
                InterceptionReader::interfaceName,
                "write the name of an interface inside the pod, such as net1")));
  }

  private static List<Integer> ports(Fields annotations, String name) {
    return annotations
        .parsed(name, text -> commaList(text, InterceptionReader::port), PORT_MEND)
        .orElse(List.of());
  }

  private static List<Cidr> ranges(Fields annotations, String name) {
    return annotations
        .parsed(name, text -> commaList(text, Cidr::parse), RANGE_MEND)
        .orElse(List.of());
  }

  private static <T> List<T> commaList(String text, Function<String, T> item) {
    List<T> items = new ArrayList<>();
    if (!text.isBlank()) {
      for (String part : text.split(",", -1)) {
        items.add(item.apply(part.strip()));
      }
    }
    return items;
  }

  private static Integer port(String text) {
    int port = text.matches("[1-9][0-9]{0,4}") ? Integer.parseInt(text) : 0;
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("'" + text + "' is not a port from 1 to 65535");
    }
    return port;
  }

  /** Linux takes names of 1 to 15 bytes without '/' and white space (dev_valid_name). */
  private static String interfaceName(String text) {
    if (!text.matches("[!-.0-~]{1,15}") || text.equals(".") || text.equals("..")) {
      throw new IllegalArgumentException("'" + text + "' is not the name of an interface");
    }
    return text;
  }
}

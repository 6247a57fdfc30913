package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Openings;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/** Reads the lists of traffic to leave alone: from a Pod's annotations or from a MeshConfig. */
final class InterceptionReader {
  static final String RANGE_MEND = "write ranges such as 10.1.0.0/16 or fd00::/64";
  private static final String RESOLVER_MEND =
      "write addresses of name servers, such as 10.96.0.10, or ranges; 0.0.0.0/0 and ::/0 are any";
  private static final String PORT_MEND = "write port numbers with commas, such as \"6379,7070\"";

  private InterceptionReader() {}

  /** What a Pod says: lists in its annotations, under any of the known prefixes, and its DNS. */
  static InterceptionSettings fromPod(Fields annotations, Fields spec) {
    return withinShare(
        annotations,
        first(annotations, names(MeshKey.OUTBOUND_PORTS, MeshKey.INBOUND_PORTS)),
        first(
            annotations, names(MeshKey.OUTBOUND_EXCLUDED_RANGES, MeshKey.OUTBOUND_INCLUDED_RANGES)),
        new InterceptionSettings(
            ports(annotations, MeshKey.OUTBOUND_PORTS),
            ports(annotations, MeshKey.INBOUND_PORTS),
            ranges(annotations, MeshKey.OUTBOUND_EXCLUDED_RANGES),
            ranges(annotations, MeshKey.OUTBOUND_INCLUDED_RANGES),
            Set.of(),
            resolvers(
                Stream.concat(
                        spec
                            .objectOrEmpty("dnsConfig")
                            .parsedList(
                                "nameservers",
                                text -> Cidr.of(IpAddresses.parse(text)),
                                "write the address of a name server")
                            .stream(),
                        items(annotations, MeshKey.DNS_RESOLVERS, Cidr::parse, RESOLVER_MEND)
                            .stream())
                    .toList()),
            List.of()));
  }

  /** The modes are words, which a Namespace may say too. */
  private static Openings resolvers(List<Cidr> resolvers) {
    return new Openings(resolvers, Openings.DEFAULT.metadata(), Openings.DEFAULT.ping());
  }

  private static String[] names(MeshKey... keys) {
    return Stream.of(keys).flatMap(key -> key.keys().stream()).toArray(String[]::new);
  }

  /** The first of these that is written. */
  private static String first(Fields fields, String... names) {
    return Stream.of(names).filter(fields::has).findFirst().orElse(names[0]);
  }

  /** What no pod has room for is a problem of the object here, before any node hears of it. */
  private static InterceptionSettings withinShare(
      Fields fields, String portsName, String rangesName, InterceptionSettings lists) {
    require(
        fields,
        portsName,
        "excluded ports",
        lists.outboundPortExclusions().size() + lists.inboundPortExclusions().size(),
        InterceptionSettings.MAX_PORTS);
    require(
        fields,
        rangesName,
        "ranges",
        lists.outboundRangeExclusions().size()
            + lists.outboundRangeInclusions().size()
            + lists.openings().resolvers().size(),
        InterceptionSettings.MAX_RANGES);
    return lists;
  }

  private static void require(Fields fields, String name, String what, int number, int most) {
    if (number > most) {
      fields.problem(
          name,
          "it has " + number + " " + what + " in all; a pod has room for " + most,
          "write at most " + most + "; wider ranges need fewer");
    }
  }

  /** Lists in {@code spec.traffic} of a MeshConfig. */
  static InterceptionSettings fromTraffic(Fields traffic) {
    Set<String> interfaces =
        new HashSet<>(
            traffic.parsedList(
                "networkInterfaceExclusionList",
                InterceptionReader::interfaceName,
                "write the name of an interface inside the pod, such as net1"));
    require(
        traffic,
        "networkInterfaceExclusionList",
        "interfaces",
        interfaces.size(),
        InterceptionSettings.MAX_INTERFACES);
    return withinShare(
        traffic,
        first(traffic, "outboundPortExclusionList", "inboundPortExclusionList"),
        first(traffic, "outboundIPRangeExclusionList", "outboundIPRangeInclusionList"),
        new InterceptionSettings(
            new HashSet<>(traffic.ports("outboundPortExclusionList")),
            new HashSet<>(traffic.ports("inboundPortExclusionList")),
            traffic.parsedList("outboundIPRangeExclusionList", Cidr::parse, RANGE_MEND),
            traffic.parsedList("outboundIPRangeInclusionList", Cidr::parse, RANGE_MEND),
            interfaces,
            resolvers(traffic.parsedList("dnsResolvers", Cidr::parse, RESOLVER_MEND)),
            List.of()));
  }

  private static Set<Integer> ports(Fields annotations, MeshKey key) {
    return new HashSet<>(items(annotations, key, InterceptionReader::port, PORT_MEND));
  }

  private static List<Cidr> ranges(Fields annotations, MeshKey key) {
    return items(annotations, key, Cidr::parse, RANGE_MEND);
  }

  /** Items of the lists under every name of {@code key}. */
  private static <T> List<T> items(
      Fields annotations, MeshKey key, Function<String, T> item, String mend) {
    List<T> items = new ArrayList<>();
    for (String name : key.keys()) {
      annotations.parsed(name, text -> commaList(text, item), mend).ifPresent(items::addAll);
    }
    return items;
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

package io.sluice.control.compile;

import io.sluice.control.objects.Egress;
import io.sluice.control.objects.Rfc1123;
import io.sluice.control.objects.TrafficSplit;
import io.sluice.control.objects.TrafficTarget;
import io.sluice.control.objects.TrafficTarget.Subject;
import io.sluice.mesh.Access;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.Egress.Carried;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.WireLimits;
import java.net.IDN;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Turns an Egress into what it lets out. A part that cannot be used lets nothing out. */
record EgressCompiler(Surroundings surroundings, Statuses statuses) {
  /**
   * What inet_aton(3) and browsers read as an address in parts, in octal or in hexadecimal: no name
   * of a host has such a last label (WHATWG URL, "ends in a number").
   */
  private static final Pattern ENDS_IN_A_NUMBER =
      Pattern.compile("(?:.*\\.)?(?:[0-9]+|0x[0-9a-f]*)\\.?");

  /** What people write for a host: a URL, or a part of one. */
  private static final Pattern URL =
      Pattern.compile(
          "(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#@]*@)?"
              + "(?<name>\\[[0-9a-f:.]*]|[^/?#@:\\[\\]]+?)\\.?(?::(?<port>[0-9]{1,5}))?(?:[/?#].*)?");

  /**
   * Deviation characters (UTS 46, "Deviations"), of which IDNA 2008, by which names are looked up
   * today, makes another name than IDNA 2003.
   */
  private static final Pattern DEVIATIONS = Pattern.compile("[\u00df\u03c2\u200c\u200d]");

  private static final Set<String> WITHOUT_REQUESTS = Set.of("https", "tcp", "tcp-server-first");

  private static final String WHOLE_NAME =
      "write the whole name of a host, such as www.example.org";

  /** What Egresses name. */
  interface Surroundings extends Matches.Groups {
    /** Whether the MeshConfig has them acted on. */
    boolean egresses();

    /** Whether everything is let out anyway. */
    boolean egressEnabled();

    /** What the UpstreamTrafficSetting of that name says, where it can be used. */
    Optional<UpstreamSetting> setting(NamespacedName name);
  }

  /** What {@code written} lets out, unless it cannot be used. */
  Optional<io.sluice.mesh.Egress> egress(Egress written) {
    if (!surroundings.egresses()) {
      statuses.unusable(
          written,
          "spec.featureFlags.enableEgressPolicy of the MeshConfig is false",
          "remove the flag, or set it to true");
      return Optional.empty();
    }
    if (surroundings.egressEnabled()) {
      statuses.info(written, "spec.traffic.enableEgress is true, so everything is let out anyway");
    }
    Statuses ofSources = new Statuses();
    Set<NamespacedName> sources = new EgressCompiler(surroundings, ofSources).sources(written);
    Statuses ofHosts = new Statuses();
    Set<String> hosts = new EgressCompiler(surroundings, ofHosts).hosts(written);
    Statuses ofPorts = new Statuses();
    List<io.sluice.mesh.Egress.Port> ports = // also where no host can be used: that is told there
        new EgressCompiler(surroundings, ofPorts).ports(written, !written.hosts().isEmpty());
    boolean lostHosts = hosts.isEmpty() && !written.hosts().isEmpty();
    take(written, "spec.sources", ofSources, sources.isEmpty());
    take(written, "spec.hosts", ofHosts, lostHosts);
    take(written, "spec.ports", ofPorts, ports.isEmpty());
    if (sources.isEmpty() || ports.isEmpty() || lostHosts) {
      return Optional.empty();
    }
    UpstreamSetting setting = setting(written, ports);
    if (setting == null && !written.settings().isEmpty()) {
      return Optional.empty();
    }
    Optional<List<HttpMatch>> routes =
        Matches.of(written, written.groups(), surroundings, statuses);
    return routes.map(matches ->
        new io.sluice.mesh.Egress(
            written.meta().namespacedName(),
            sources,
            hosts,
            written.ranges(),
            ports,
            new Access.Requests(matches),
            setting == null ? null : setting.service()));
  }

  /** Says of a list what was found in it. */
  private void take(Egress written, String field, Statuses found, boolean isLost) {
    statuses.addParts(
        found, isLost, written, field, "nothing of it can be used", "write at least one entry");
  }

  /** Null where it names none, or none that can be used: without a limit nothing is let out. */
  private @Nullable UpstreamSetting setting(
      Egress written, List<io.sluice.mesh.Egress.Port> ports) {
    if (written.settings().isEmpty()) {
      return null;
    }
    TrafficSplit.Group named = written.settings().getFirst();
    if (written.settings().size() > 1) {
      statuses.unusable(
          written,
          Matches.field(written.settings().get(1)),
          "names a second UpstreamTrafficSetting",
          "name one at most");
      return null;
    }
    UpstreamSetting setting =
        Matches.name(written.meta().namespace(), named.name())
            .flatMap(surroundings::setting)
            .orElse(null);
    if (setting == null) {
      statuses.unusable(
          written,
          Matches.field(named),
          "names UpstreamTrafficSetting " + named.name() + ", which cannot be used",
          "create or mend it in namespace " + written.meta().namespace());
    } else if (setting.concernsCalls()
        && ports.stream().anyMatch(port -> port.carried() != Carried.REQUESTS)) {
      statuses
          .on(Ground.NOT_ENFORCED)
          .warning(
              written,
              Matches.field(named),
              "names UpstreamTrafficSetting "
                  + named.name()
                  + ", of which connectionSettings.http is acted on at ports of protocol http alone",
              "name one without it at other ports");
    }
    return setting;
  }

  private Set<NamespacedName> sources(Egress written) {
    Set<NamespacedName> sources = new HashSet<>();
    for (int i = 0; i < written.sources().size(); i++) {
      Subject source = written.sources().get(i);
      String field = "spec.sources[" + i + "]";
      if (!source.kind().equals(TrafficTarget.ACCOUNT)) {
        statuses.warning(
            written, field + ".kind", "is " + source.kind(), "a source is a ServiceAccount");
      } else if (source.namespace().isEmpty()) {
        statuses.warning(
            written, field + ".namespace", "is missing", "write the namespace of the account");
      } else if (written.withCertificate().contains(i)) {
        statuses
            .on(Ground.NOT_ENFORCED)
            .warning(
                written,
                field + ".mtls",
                "is not acted on: the mesh adds no certificate to what leaves it",
                "let the application send its own, and remove mtls");
      } else {
        sources.add(new NamespacedName(source.namespace(), source.name()));
      }
    }
    return sources;
  }

  private Set<String> hosts(Egress written) {
    Set<String> hosts = new LinkedHashSet<>();
    for (int i = 0; i < written.hosts().size(); i++) {
      String host = written.hosts().get(i).toLowerCase(Locale.ROOT);
      Optional<Cidr> address = address(host);
      if (address.isPresent()) {
        statuses.warning(
            written,
            "spec.hosts[" + i + "]",
            "'" + host + "' is an address, which no name leads to",
            intoRanges(address.get()));
      } else if (ENDS_IN_A_NUMBER.matcher(host).matches()) {
        statuses.warning(
            written,
            "spec.hosts[" + i + "]",
            "'" + host + "' is read as an address by some programs, and is no name to others",
            "write the address as four decimal numbers into spec.ipAddresses");
      } else if (!Rfc1123.isSubdomain(host)) {
        statuses.warning(
            written, "spec.hosts[" + i + "]", "'" + host + "' is no name of one host", meant(host));
      } else if (hosts.size() == WireLimits.HOSTS) {
        statuses.warning(
            written,
            "spec.hosts[" + i + "]",
            "'" + host + "' is beyond the " + WireLimits.HOSTS + " that an Egress may name",
            "write it into another Egress");
      } else {
        hosts.add(host);
      }
    }
    return hosts;
  }

  /** What to write for what is no name, but may have one in it: that of a URL, or in Unicode. */
  private static String meant(String host) {
    if (host.contains("*")) {
      return "write whole names, without an asterisk";
    }
    Matcher parts = URL.matcher(host);
    if (!parts.matches()) {
      return WHOLE_NAME;
    }
    String name = parts.group("name");
    Optional<Cidr> address = address(name.replaceAll("[\\[\\]]", ""));
    if (address.isPresent()) {
      return intoRanges(address.get());
    }
    if (DEVIATIONS.matcher(name).find()) {
      return "write its form in ASCII, which begins with xn--";
    }
    String ascii;
    try {
      ascii = IDN.toASCII(name, IDN.USE_STD3_ASCII_RULES).toLowerCase(Locale.ROOT);
    } catch (IllegalArgumentException e) {
      return WHOLE_NAME;
    }
    if (!Rfc1123.isSubdomain(ascii) || ENDS_IN_A_NUMBER.matcher(ascii).matches()) {
      return WHOLE_NAME;
    }
    String port = parts.group("port");
    return "write " + ascii + (port == null ? "" : ", and " + port + " as a number of spec.ports");
  }

  private static String intoRanges(Cidr address) {
    return "write " + address + " into spec.ipAddresses";
  }

  private static Optional<Cidr> address(String host) {
    try {
      return Optional.of(Cidr.of(IpAddresses.parse(host)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static io.sluice.mesh.Egress.Port port(Egress.Port written, Carried carried) {
    return new io.sluice.mesh.Egress.Port(written.number(), carried);
  }

  private List<io.sluice.mesh.Egress.Port> ports(Egress written, boolean byHost) {
    Set<io.sluice.mesh.Egress.Port> ports = new LinkedHashSet<>();
    for (int i = 0; i < written.ports().size(); i++) {
      Egress.Port port = written.ports().get(i);
      String field = "spec.ports[" + i + "].protocol";
      String protocol = port.protocol().toLowerCase(Locale.ROOT);
      if (WITHOUT_REQUESTS.contains(protocol) && !written.groups().isEmpty()) {
        statuses.warning(
            written,
            field,
            "is "
                + port.protocol()
                + ", where spec.matches has no requests to match, so nothing is let out by it",
            "write http, or take another Egress for it");
        continue;
      }
      switch (protocol) {
        case "http" -> {
          if (!byHost && written.ranges().isEmpty()) {
            statuses.warning(
                written, field, "is http, and it names no host or range", "name spec.hosts");
          } else {
            ports.add(port(port, Carried.REQUESTS));
          }
        }
        case "https" -> {
          if (!byHost && written.ranges().isEmpty()) {
            statuses.warning(
                written, field, "is https, and it names no host or range", "name spec.hosts");
          } else {
            ports.add(port(port, byHost ? Carried.TLS : Carried.BYTES));
          }
        }
        case "tcp", "tcp-server-first" -> {
          if (byHost && written.ranges().isEmpty()) {
            statuses.warning(
                written,
                field,
                "is " + port.protocol() + ", which has no name of a host",
                "name spec.ipAddresses, or take another Egress for it");
          } else {
            ports.add(port(port, Carried.BYTES));
          }
        }
        default ->
            statuses.warning(
                written,
                field,
                "is " + port.protocol(),
                "write http, https, tcp or tcp-server-first");
      }
    }
    return List.copyOf(ports);
  }
}

package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.objects.KubernetesService.Port;
import io.sluice.control.objects.KubernetesService.Target;
import io.sluice.control.objects.PodReader.PodAddress;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.SessionAffinity;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads a Service and an EndpointSlice. */
final class ServiceReader {
  private static final String NO_CLUSTER_IP = "None";
  private static final String DISTRIBUTION = "trafficDistribution";

  /** {@code DefaultClientIPServiceAffinitySeconds} of Kubernetes. */
  private static final int DEFAULT_AFFINITY_SECONDS = 10_800;

  private ServiceReader() {}

  static KubernetesService readService(Fields document, ObjectMeta meta) {
    Fields spec = document.objectOrEmpty("spec");
    List<InetAddress> clusterIps = new ArrayList<>();
    boolean headless = spec.text("clusterIP").orElse("").equals(NO_CLUSTER_IP);
    for (Address address :
        spec.parsedList("clusterIPs", ServiceReader::clusterIp, PodAddress.MEND)) {
      headless |= address.valueOrNull() == null;
      addTo(clusterIps, address);
    }
    spec.parsed("clusterIP", ServiceReader::clusterIp, PodAddress.MEND)
        .ifPresent(address -> addTo(clusterIps, address));
    List<Port> ports = new ArrayList<>();
    Set<String> names = new HashSet<>();
    Set<String> numbers = new HashSet<>();
    for (Fields port : spec.objects("ports")) {
      Port read = readPort(port);
      ports.add(read);
      if (!names.add(read.name())) {
        port.problem("name", "another port has the same name", "give every port its own name");
      }
      if (!numbers.add(read.transport() + read.number())) {
        port.problem("port", "another port has the same number", "remove one of the two");
      }
    }
    return new KubernetesService(
        meta,
        spec.text("type").orElse("").equals("ExternalName"),
        headless,
        clusterIps,
        new HashSet<>(spec.parsedList("ipFamilies", ServiceReader::family, "write IPv4 or IPv6")),
        spec.texts("selector"),
        spec.isTrue("publishNotReadyAddresses"),
        affinity(spec, document),
        nearness(spec),
        notEnforced(spec),
        ports);
  }

  private static SessionAffinity affinity(Fields spec, Fields document) {
    SessionAffinity affinity =
        spec.parsed(
                "sessionAffinity",
                text ->
                    switch (text) {
                      case "None" -> SessionAffinity.NONE;
                      case "ClientIP" -> SessionAffinity.CLIENT_IP;
                      default ->
                          throw new IllegalArgumentException(
                              "'" + text + "' is not a kind of affinity");
                    },
                "write None or ClientIP")
            .orElse(SessionAffinity.NONE);
    return document
        .objectOrEmpty("metadata")
        .objectOrEmpty("annotations")
        .parsed(
            MeshKey.AFFINITY_MAX_LOAD.key(),
            text -> new SessionAffinity(true, Integer.parseInt(text)),
            "write 0, or a percentage of 100 to " + SessionAffinity.LARGEST_PERCENT + ", in quotes")
        .filter(_ -> affinity.byClient())
        .orElse(affinity);
  }

  private static Nearness nearness(Fields spec) {
    Nearness preferred =
        switch (spec.text(DISTRIBUTION).orElse("")) {
          case "PreferClose", "PreferSameZone" -> Nearness.PREFER_ZONE;
          case "PreferSameNode" -> Nearness.PREFER_NODE;
          default -> Nearness.ANYWHERE; // another word is told of below
        };
    return spec.text("internalTrafficPolicy").orElse("").equals("Local")
        ? Nearness.ONLY_NODE
        : preferred;
  }

  /** What members of the mesh would find when they call, and do not. */
  private static List<String> notEnforced(Fields spec) {
    List<String> paths = new ArrayList<>();
    if (spec.has("externalIPs")) {
      paths.add(spec.fieldPath("externalIPs"));
    }
    if (spec.has(DISTRIBUTION) && nearness(spec) == Nearness.ANYWHERE) {
      paths.add(spec.fieldPath(DISTRIBUTION));
    }
    Fields clientIp = spec.objectOrEmpty("sessionAffinityConfig").objectOrEmpty("clientIP");
    // The API server writes its default into every Service with affinity: nobody asked for it.
    if (clientIp
        .number("timeoutSeconds", "a number of seconds")
        .filter(seconds -> seconds != DEFAULT_AFFINITY_SECONDS)
        .isPresent()) {
      paths.add(clientIp.fieldPath("timeoutSeconds"));
    }
    return paths;
  }

  private static Port readPort(Fields port) {
    int number = port.requiredPort("port");
    String name = port.text("name").orElse("");
    Target target;
    if (port.isText("targetPort")) {
      target = new Target.Named(port.text("targetPort").orElse(""));
    } else {
      target = new Target.Number(port.port("targetPort").orElse(number));
    }
    return new Port(
        name,
        number,
        transport(port),
        AppProtocol.of(port.text("appProtocol").orElse(""), name),
        target);
  }

  static EndpointSlice readSlice(Fields document, ObjectMeta meta) {
    String type = document.requiredText("addressType");
    boolean isIp = type.equals("IPv4") || type.equals("IPv6");
    if (!type.isEmpty() && !isIp && !type.equals("FQDN")) {
      document.problem("addressType", "'" + type + "' is not known", "write IPv4 or IPv6");
    }
    List<EndpointSlice.Port> ports = new ArrayList<>();
    for (Fields port : document.objects("ports")) {
      ports.add(
          new EndpointSlice.Port(
              port.text("name").orElse(""), port.port("port").orElse(0), transport(port)));
    }
    List<EndpointSlice.Backend> endpoints = new ArrayList<>();
    for (Fields endpoint : isIp ? document.objects("endpoints") : List.<Fields>of()) {
      Fields conditions = endpoint.objectOrEmpty("conditions");
      endpoints.add(
          new EndpointSlice.Backend(
              endpoint.parsedList(
                  "addresses",
                  text -> ofFamily(text, type),
                  "write an address of the " + type + " family, or put it in a slice of its own"),
              !conditions.has("ready") || conditions.isTrue("ready")));
    }
    return new EndpointSlice(
        meta, meta.labels().getOrDefault(MeshKey.SERVICE_NAME.key(), ""), type, ports, endpoints);
  }

  private static String transport(Fields port) {
    return port.parsed(
            "protocol",
            text -> {
              if (!Set.of("TCP", "UDP", "SCTP").contains(text)) {
                throw new IllegalArgumentException("'" + text + "' is not a transport protocol");
              }
              return text;
            },
            "write TCP, UDP or SCTP")
        .orElse("TCP");
  }

  private static InetAddress ofFamily(String text, String family) {
    InetAddress address = PodAddress.parse(text);
    if ((address.getAddress().length == 4) != family.equals("IPv4")) {
      throw new IllegalArgumentException("'" + text + "' is not an " + family + " address");
    }
    return address;
  }

  private static String family(String text) {
    if (!text.equals("IPv4") && !text.equals("IPv6")) {
      throw new IllegalArgumentException("'" + text + "' is not an address family");
    }
    return text;
  }

  private static Address clusterIp(String text) {
    return new Address(
        text.isEmpty() || text.equals(NO_CLUSTER_IP) ? null : PodAddress.parse(text));
  }

  private static void addTo(List<InetAddress> addresses, Address address) {
    InetAddress value = address.valueOrNull();
    if (value != null && !addresses.contains(value)) {
      addresses.add(value);
    }
  }

  /** A cluster IP, or the word that there is none. */
  private record Address(@Nullable InetAddress valueOrNull) {}
}

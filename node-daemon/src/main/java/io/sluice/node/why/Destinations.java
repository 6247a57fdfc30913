package io.sluice.node.why;

import io.sluice.mesh.DatagramService;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.Workload;
import io.sluice.proxy.Family;
import java.net.IDN;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds out which pod calls, and which address it calls.
 *
 * @param udp whether ports of UDP are meant
 */
record Destinations(MeshSnapshot snapshot, NodeView node, boolean udp) {
  private static final int HTTP = 80;
  private static final int NO_PORT = 0;

  /**
   * Who is called.
   *
   * @param serviceOrNull the Service, where one is
   * @param called addresses that a client may get for it, of one family; of one Service the one
   *     that it has, of a headless one those of its pods
   * @param host name outside the mesh by which it is called; empty for none
   * @param authority as a client writes it into {@code Host}
   * @param notes what was chosen where the question left a choice
   */
  record Destination(
      @Nullable NamespacedName serviceOrNull,
      List<InetSocketAddress> called,
      String host,
      String authority,
      List<String> notes) {
    Destination {
      called = List.copyOf(called);
      notes = List.copyOf(notes);
    }
  }

  /** The pod of that name or address, or one behind the Service of that name. */
  Workload source(String text) {
    Optional<InetAddress> literal = literal(text);
    if (literal.isPresent()) {
      return snapshot
          .workloadAt(literal.get())
          .orElseGet(() -> Stranger.at(literal.get(), snapshot.settings()));
    }
    if (!text.contains("/")) {
      throw new IllegalArgumentException(
          "SRC '" + text + "' is neither NAMESPACE/NAME nor an address");
    }
    NamespacedName name = Why.name(text, "SRC");
    Optional<Workload> pod = snapshot.workload(name);
    if (pod.isPresent()) {
      return pod.get();
    }
    List<Workload> behind =
        snapshot.service(name).stream()
            .flatMap(service -> service.ports().stream())
            .flatMap(port -> port.endpoints().stream())
            .flatMap(end -> snapshot.workloadAt(end.address().getAddress()).stream())
            .toList();
    return behind.stream()
        .filter(one -> one.nodeName().equals(Optional.of(node.nodeName())))
        .findFirst()
        .or(() -> behind.stream().findFirst())
        .orElseThrow(() ->
            new IllegalArgumentException(
                "no Pod " + name + " is known here, and no Service with pods: " + known(name)));
  }

  private String known(NamespacedName name) {
    Set<String> names =
        snapshot.workloads().stream()
            .map(Workload::name)
            .filter(other -> other.namespace().equals(name.namespace()))
            .map(NamespacedName::name)
            .collect(Collectors.toCollection(TreeSet::new));
    return names.isEmpty()
        ? "the node knows no pod of namespace " + name.namespace()
        : "pods of namespace "
            + name.namespace()
            + " are "
            + names.stream().limit(10).collect(Collectors.joining(", "))
            + (names.size() > 10 ? ", and " + (names.size() - 10) + " more" : "")
            + (node.knowsEveryGrant()
                ? ""
                : "; pods of other nodes that are outside the mesh are asked about by address");
  }

  /** The Service as far as it is of what is sent; without ports where none are. */
  private Optional<Service> find(NamespacedName name) {
    Optional<Service> service = snapshot.service(name);
    return udp
        ? snapshot
            .get(Kind.DATAGRAM_SERVICE, name)
            .map(DatagramService::service)
            .or(() ->
                service.map(one -> new Service(one.name(), one.virtualAddresses(), List.of())))
        : service;
  }

  Destination of(WhyQuestion question, Workload source) {
    Asked asked = Asked.parse(question.destination());
    if (asked.host().contains("/")) {
      NamespacedName name = Why.name(asked.host(), "DST");
      Optional<Service> service = find(name);
      Optional<Workload> pod = snapshot.workload(name);
      if (pod.isPresent()) {
        int port = asked.port();
        return service
            .filter(one -> one.port(port).isPresent() && !ports(pod.get()).contains(port))
            .map(one -> service(one, asked, source))
            .orElseGet(() -> pod(pod.get(), asked, source));
      }
      return service
          .map(one -> service(one, asked, source))
          .orElseThrow(() ->
              new IllegalArgumentException(
                  "no Pod and no Service " + name + " is known here: " + known(name)));
    }
    Optional<InetAddress> literal = literal(asked.host());
    if (literal.isPresent()) {
      return address(literal.get(), asked, question, "", List.of());
    }
    return named(asked.host(), source)
        .map(service -> service(service, asked, source))
        .orElseGet(() -> resolved(asked, question, source));
  }

  private static Optional<InetAddress> literal(String text) {
    try {
      return Optional.of(IpAddresses.parse(text));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** The Service that a host name of the cluster means to the pod. */
  private Optional<Service> named(String host, Workload source) {
    List<String> labels = Arrays.asList(host.split("\\.", -1));
    boolean ofCluster = labels.size() <= 2 || labels.get(2).equals("svc") && labels.size() <= 5;
    try {
      return ofCluster
          ? find(
              new NamespacedName(
                  labels.size() == 1 ? source.name().namespace() : labels.get(1), labels.get(0)))
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private Destination resolved(Asked asked, WhyQuestion question, Workload source) {
    String host = asked.host().toLowerCase(Locale.ROOT);
    List<InetAddress> pinned =
        snapshot.settings().names().addresses().getOrDefault(host, Set.of()).stream()
            .sorted(Comparator.comparing(IpAddresses::text))
            .toList();
    if (!pinned.isEmpty()) {
      return address(
          ofFamily(pinned, source).orElse(pinned.getFirst()),
          asked,
          question,
          host,
          List.of(
              "of "
                  + pinned.size()
                  + " addresses that this node has found under "
                  + host
                  + " the"
                  + " first was taken"));
    }
    try {
      List<InetAddress> found = List.of(InetAddress.getAllByName(host));
      return address(
          ofFamily(found, source).orElse(found.getFirst()),
          asked,
          question,
          host,
          List.of(asked.host() + " was resolved by this node, not by the pod"));
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(
          "DST '"
              + asked.host()
              + "' is neither NAMESPACE/NAME, nor an address, nor a Service's name, and this node's"
              + " resolvers do not know it",
          e);
    }
  }

  private Destination address(
      InetAddress address, Asked asked, WhyQuestion question, String name, List<String> notes) {
    int port = asked.port() != NO_PORT ? asked.port() : question.isRequest() ? HTTP : NO_PORT;
    if (port == NO_PORT) {
      String host = asked.host().contains(":") ? "[" + asked.host() + "]" : asked.host();
      throw new IllegalArgumentException(
          "DST '" + asked.host() + "' needs a port: " + host + ":PORT");
    }
    NamespacedName service = snapshot.serviceAt(address).map(Service::name).orElse(null);
    return new Destination(
        service, List.of(new InetSocketAddress(address, port)), name, asked.host(), notes);
  }

  private Destination pod(Workload pod, Asked asked, Workload source) {
    InetAddress address =
        ofFamily(pod.addresses(), source)
            .orElseThrow(() ->
                new IllegalArgumentException(
                    "pod "
                        + pod.name()
                        + " has no address yet that "
                        + source.name()
                        + " can call"));
    List<String> notes = new ArrayList<>();
    if (snapshot.service(pod.name()).isPresent()) {
      notes.add(
          "DST is the Pod "
              + pod.name()
              + "; for the Service of that name ask about "
              + pod.name().name()
              + "."
              + pod.name().namespace());
    }
    int port = asked.port();
    if (port == NO_PORT) {
      Set<Integer> ports = ports(pod);
      port =
          ports.stream()
              .findFirst()
              .orElseThrow(() ->
                  new IllegalArgumentException(
                      "no Service leads to pod "
                          + pod.name()
                          + ": say the port, "
                          + pod.name()
                          + ":PORT"));
      notes.add("port " + port + " was taken, of those that Services lead to: " + ports);
    }
    return new Destination(
        null,
        List.of(new InetSocketAddress(address, port)),
        "",
        IpAddresses.text(new InetSocketAddress(address, port)),
        notes);
  }

  /** Those of the pod that Services lead to. */
  private Set<Integer> ports(Workload pod) {
    Stream<Service> services =
        udp
            ? snapshot.all(Kind.DATAGRAM_SERVICE).stream().map(DatagramService::service)
            : snapshot.services().stream();
    return services
        .flatMap(service -> service.ports().stream())
        .flatMap(each -> each.endpoints().stream())
        .map(Endpoint::address)
        .filter(end -> pod.addresses().contains(end.getAddress()))
        .map(InetSocketAddress::getPort)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private Destination service(Service service, Asked asked, Workload source) {
    List<String> notes = new ArrayList<>();
    int port = asked.port();
    if (port == NO_PORT) {
      List<Integer> ports = service.ports().stream().map(ServicePort::port).toList();
      if (ports.isEmpty()) {
        throw new IllegalArgumentException(
            "Service " + service.name() + " has no " + (udp ? "UDP" : "TCP") + " port");
      }
      port = ports.getFirst();
      if (ports.size() > 1) {
        notes.add("port " + port + " was taken, of " + ports);
      }
    }
    int number = port;
    Optional<InetAddress> address = ofFamily(service.virtualAddresses(), source);
    List<InetSocketAddress> called =
        address
            .map(one -> List.of(new InetSocketAddress(one, number)))
            .orElseGet(() -> endpoints(service, number, source));
    if (called.isEmpty()) {
      throw new IllegalArgumentException(
          "Service "
              + service.name()
              + " is headless, and no endpoint of port "
              + number
              + " is ready: its name has no address");
    }
    return new Destination(
        service.name(), called, "", service.host() + (number == HTTP ? "" : ":" + number), notes);
  }

  private static List<InetSocketAddress> endpoints(Service service, int port, Workload source) {
    List<InetSocketAddress> all =
        service.port(port).stream()
            .flatMap(each -> each.endpoints().stream())
            .filter(Endpoint::ready)
            .map(Endpoint::address)
            .toList();
    Optional<Family> family =
        ofFamily(all.stream().map(InetSocketAddress::getAddress).toList(), source).map(Family::of);
    return all.stream()
        .filter(each -> family.equals(Optional.of(Family.of(each.getAddress()))))
        .toList();
  }

  /** The first of the addresses that the pod has an own one of the same family for. */
  private static Optional<InetAddress> ofFamily(List<InetAddress> addresses, Workload source) {
    Set<Family> families = source.addresses().stream().map(Family::of).collect(Collectors.toSet());
    return addresses.stream().filter(address -> families.contains(Family.of(address))).findFirst();
  }

  /**
   * What was written for DST.
   *
   * @param host NAMESPACE/NAME, an address or a name
   * @param port 0 where none was written
   */
  private record Asked(String host, int port) {
    private static final Pattern URL = Pattern.compile("(\\w+)://([^/?#]*).*");

    /** The host and port of a URL, in the letters that DNS has. */
    private static String plain(String text) {
      Matcher url = URL.matcher(text);
      String plain = text;
      if (url.matches()) {
        boolean hasPort = url.group(2).matches(".*:\\d+");
        plain = url.group(2) + (hasPort ? "" : url.group(1).equals("https") ? ":443" : ":80");
      }
      try {
        return IDN.toASCII(plain);
      } catch (IllegalArgumentException e) {
        return plain; // which is told to be none
      }
    }

    static Asked parse(String text) {
      if (literal(text).isPresent()) {
        return new Asked(text, NO_PORT);
      }
      String plain = plain(text);
      if (!plain.equals(text)) {
        throw new IllegalArgumentException(
            "DST '" + text + "' is no host: it is written HOST[:PORT] here, " + plain);
      }
      int colon = text.lastIndexOf(':');
      if (colon < 0) {
        return new Asked(text, NO_PORT);
      }
      String host = text.substring(0, colon).replaceAll("^\\[|]$", "");
      try {
        int port = Integer.parseInt(text.substring(colon + 1));
        if (port >= 1 && port <= 65_535) {
          return new Asked(host, port);
        }
      } catch (NumberFormatException e) {
        // As one that is out of its range.
      }
      throw new IllegalArgumentException(
          "'" + text.substring(colon + 1) + "' of DST '" + text + "' is no port");
    }
  }
}

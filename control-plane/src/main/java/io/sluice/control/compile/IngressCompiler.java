package io.sluice.control.compile;

import io.sluice.control.objects.IngressBackend;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.Rfc1123;
import io.sluice.control.objects.TrafficTarget;
import io.sluice.control.objects.TrafficTarget.Subject;
import io.sluice.mesh.Access;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.WireLimits;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Turns the IngressBackends and AccessControls of a Kubernetes namespace into what is let in. Of
 * two of one kind for one port the older one applies, then the one that comes first by name; of an
 * IngressBackend and an AccessControl both do. One of which a part cannot be used lets in no more
 * than the rest says, and still closes its ports to everybody else outside.
 */
final class IngressCompiler {
  private final Surroundings surroundings;
  private final Statuses statuses;
  private final Map<Taken, IngressBackend> taken = new HashMap<>();

  private record Taken(Ingress.Origin origin, Ingress.Backend backend) {}

  /** What both kinds name. */
  interface Surroundings extends Matches.Groups {
    /** Whether all services are known, so that what is missing can be told. */
    boolean knowsServices();

    /** The Service of that name, with its endpoints, if there is one. */
    Optional<Service> compiled(NamespacedName name);

    /** Whether the MeshConfig has IngressBackends acted on. */
    boolean ingressBackends();

    /** Whether it has AccessControls acted on. */
    boolean accessControls();
  }

  /** For those of one namespace. */
  IngressCompiler(Surroundings surroundings, Statuses statuses) {
    this.surroundings = surroundings;
    this.statuses = statuses;
  }

  /** What {@code written}, all of one namespace, let in. */
  List<Ingress> ingresses(Collection<IngressBackend> written) {
    return written.stream()
        .sorted(KubernetesObject.OLDER_FIRST)
        .flatMap(one -> ingress(one).stream())
        .toList();
  }

  /** Services whose endpoints count. */
  static Set<NamespacedName> named(IngressBackend written) {
    Set<NamespacedName> names = new HashSet<>();
    written
        .backends()
        .forEach(one -> Matches.name(written.meta().namespace(), one.name()).ifPresent(names::add));
    written.sources().stream()
        .filter(source -> source.kind().equals(IngressBackend.SERVICE))
        .forEach(source ->
            Matches.name(namespace(written, source.namespace()), source.name())
                .ifPresent(names::add));
    return names;
  }

  private static String namespace(IngressBackend written, String said) {
    return said.isEmpty() ? written.meta().namespace() : said;
  }

  private Optional<Ingress> ingress(IngressBackend written) {
    Ingress.Origin origin = written.origin();
    boolean isOn =
        origin == Ingress.Origin.INGRESS_BACKEND
            ? surroundings.ingressBackends()
            : surroundings.accessControls();
    if (!isOn) {
      statuses.unusable(
          written,
          "spec.featureFlags.enable" + origin.kind() + "Policy of the MeshConfig is false",
          "remove the flag, or set it to true");
      return Optional.empty();
    }
    Set<Ingress.Backend> bytes = new LinkedHashSet<>();
    Map<Ingress.Backend, Ingress.Tls> tls = new LinkedHashMap<>();
    Statuses ofBackends = new Statuses();
    Set<Ingress.Backend> backends =
        new IngressCompiler(surroundings, ofBackends).backends(written, bytes, tls);
    statuses.addParts(
        ofBackends,
        backends.isEmpty(),
        written,
        "spec.backends",
        "no backend of it can be used",
        "name a Service of its own namespace, with port.protocol " + usable(origin));
    if (backends.isEmpty()) {
      return Optional.empty();
    }
    for (Ingress.Backend backend : backends) {
      IngressBackend older = taken.get(new Taken(origin, backend));
      if (older != null) {
        statuses.conflict(
            written,
            Severity.UNUSABLE,
            "spec.backends",
            "port "
                + backend.port()
                + " of Service "
                + backend.service().name()
                + " is a backend of "
                + older.ref()
                + " already",
            "remove one of the two",
            older.ref());
        return Optional.empty();
      }
    }
    backends.forEach(backend -> taken.put(new Taken(origin, backend), written));
    warn(written, backends);
    Set<String> principals = new LinkedHashSet<>();
    Statuses ofSources = new Statuses();
    List<Cidr> sources =
        new IngressCompiler(surroundings, ofSources).sources(written, !tls.isEmpty(), principals);
    boolean anywhere = isAnywhere(written, tls.values());
    boolean isClosed = sources.isEmpty() && !anywhere;
    statuses.addParts(
        ofSources,
        isClosed,
        written,
        "spec.sources",
        "no source of it can be used and nobody is let in",
        "name a Service that has endpoints, or an IPRange");
    if (!isClosed) {
      if (principals.isEmpty() && tls.values().stream().anyMatch(one -> !one.takesAnybody())) {
        statuses.unusable(
            written,
            "spec.sources",
            "name no AuthenticatedPrincipal, so nobody is let in by https",
            "name those whose certificates are to be believed");
      }
    }
    List<HttpMatch> routes =
        Matches.of(written, written.groups(), surroundings, statuses).orElse(List.of());
    return Optional.of(
        new Ingress(
            written.meta().namespacedName(),
            origin,
            backends,
            bytes,
            tls,
            sources,
            anywhere,
            principals,
            new Access.Requests(routes)));
  }

  /** Whether nothing but principals is named, of whom no address matters. */
  private boolean isAnywhere(IngressBackend written, Collection<Ingress.Tls> tls) {
    boolean anywhere =
        !tls.isEmpty()
            && !written.sources().isEmpty()
            && written.sources().stream()
                .allMatch(source -> source.kind().equals(TrafficTarget.PRINCIPAL));
    if (anywhere && tls.stream().anyMatch(Ingress.Tls::takesAnybody)) {
      statuses.warning(
          written,
          "spec.sources",
          "name no addresses, and no certificate is asked for: everybody is let in",
          "name a Service or an IPRange, or remove skipClientCertValidation");
    }
    return anywhere;
  }

  /** What {@code port.protocol} may be. */
  private static String usable(Ingress.Origin origin) {
    return origin == Ingress.Origin.INGRESS_BACKEND ? "http or https" : "http, https or tcp";
  }

  /**
   * Its backends.
   *
   * @param bytes to which those are added that take whatever is sent
   * @param tls to which those are added whose callers speak TLS
   */
  private Set<Ingress.Backend> backends(
      IngressBackend written, Set<Ingress.Backend> bytes, Map<Ingress.Backend, Ingress.Tls> tls) {
    boolean isAccess = written.origin() == Ingress.Origin.ACCESS_CONTROL;
    String own = written.meta().namespace();
    Set<Ingress.Backend> backends = new LinkedHashSet<>();
    for (int i = 0; i < written.backends().size(); i++) {
      IngressBackend.Backend one = written.backends().get(i);
      String field = "spec.backends[" + i + "]";
      Optional<Ingress.Backend> backend =
          Matches.name(own, one.name()).map(service -> new Ingress.Backend(service, one.port()));
      if (!namespace(written, one.namespace()).equals(own)) {
        statuses.warning(
            written,
            field + ".namespace",
            "is " + one.namespace() + ", not " + own,
            "put the " + written.origin().kind() + " into the namespace of its backend");
      } else if (one.protocol().equalsIgnoreCase("https")) {
        if (backend.isPresent()) {
          backends.add(backend.get());
          tls.put(backend.get(), new Ingress.Tls(one.takesAnybody(), hosts(written, one, field)));
        }
      } else if (isAccess && !one.tls().isEmpty()) {
        statuses
            .on(Ground.NOT_ENFORCED)
            .warning(
                written,
                field + ".tls",
                "is not acted on, so nobody is let in by it: only of https the mesh ends TLS: "
                    + String.join(", ", one.tls()),
                "write https, or remove it where plain text will do");
      } else if (isAccess && one.protocol().equalsIgnoreCase("tcp")) {
        if (!written.groups().isEmpty()) {
          statuses.warning(
              written,
              field + ".port.protocol",
              "is tcp, where spec.matches has no requests to match, so nobody is let in by it",
              "write http, or remove spec.matches");
          continue;
        }
        backend.filter(backends::add).ifPresent(bytes::add);
      } else if (!one.protocol().equalsIgnoreCase("http")) {
        statuses.warning(
            written,
            field + ".port.protocol",
            "is " + one.protocol(),
            "write " + usable(written.origin()));
      } else {
        if (!one.tls().isEmpty()) {
          statuses.warning(
              written,
              field + ".tls",
              "has no meaning where the protocol is http: " + String.join(", ", one.tls()),
              "remove it");
        }
        backend.ifPresent(backends::add);
      }
    }
    for (Ingress.Backend backend : tls.keySet()) {
      if (written.backends().stream()
          .anyMatch(one ->
              !one.isTls()
                  && one.port() == backend.port()
                  && one.name().equals(backend.service().name()))) {
        bytes.remove(backend);
        statuses.warning(
            written,
            "spec.backends",
            "have port %d of %s by https and otherwise: by https it is"
                .formatted(backend.port(), backend.service().name()),
            "write it once");
      }
    }
    return backends;
  }

  /** One that is no name stays, since without any every host is meant. */
  private Set<String> hosts(IngressBackend written, IngressBackend.Backend one, String field) {
    Set<String> hosts = new LinkedHashSet<>();
    for (int i = 0; i < one.hosts().size(); i++) {
      String host = one.hosts().get(i).toLowerCase(Locale.ROOT);
      if (!Rfc1123.isSubdomain(host.startsWith("*.") ? host.substring(2) : host)) {
        statuses.warning(
            written,
            field + ".tls.sniHosts[" + i + "]",
            "is no name of a host, so nobody is let in by it",
            "write a name such as store.example, or *.example");
      }
      if (hosts.size() < WireLimits.INGRESS_NAMES) {
        hosts.add(host);
      } else {
        tooMany(written, field + ".tls.sniHosts");
        break;
      }
    }
    return hosts;
  }

  private void tooMany(IngressBackend written, String field) {
    statuses.unusable(
        written,
        field,
        "only the first " + WireLimits.INGRESS_NAMES + " are let in",
        "write fewer");
  }

  private void addPrincipal(
      IngressBackend written, Subject source, String field, boolean isTls, Set<String> principals) {
    boolean isUri = source.name().contains("://");
    String name = isUri ? source.name() : source.name().toLowerCase(Locale.ROOT);
    if (!isTls) {
      statuses.warning(
          written,
          field,
          "is an AuthenticatedPrincipal, whom nothing proves in plain text",
          "write https for a backend, or name a Service or an IPRange");
    } else if (!isUri && !Rfc1123.isSubdomain(name)) {
      statuses.warning(
          written,
          field + ".name",
          "is neither a DNS name nor a URI, so nobody is let in by it",
          "write what the certificate has, whole");
    } else if (principals.size() >= WireLimits.INGRESS_NAMES && !principals.contains(name)) {
      tooMany(written, "spec.sources");
    } else {
      principals.add(name);
    }
  }

  /**
   * Its addresses.
   *
   * @param isTls whether callers of a backend speak TLS
   * @param principals to which are added whom certificates may name
   */
  private List<Cidr> sources(IngressBackend written, boolean isTls, Set<String> principals) {
    Set<Cidr> ranges = new LinkedHashSet<>();
    for (int i = 0; i < written.sources().size(); i++) {
      Subject source = written.sources().get(i);
      String field = "spec.sources[" + i + "]";
      switch (source.kind()) {
        case IngressBackend.RANGE -> {
          ranges.add(Cidr.parse(source.name()));
          if (!source.namespace().isEmpty()) {
            statuses.warning(
                written, field + ".namespace", "has no meaning for an IPRange", "remove it");
          }
        }
        case IngressBackend.SERVICE -> addEndpoints(written, source, field, ranges);
        case TrafficTarget.PRINCIPAL -> addPrincipal(written, source, field, isTls, principals);
        default ->
            statuses.warning(
                written,
                field + ".kind",
                source.kind() + " is not known",
                "use a Service, an IPRange or, for https, an AuthenticatedPrincipal");
      }
    }
    if (ranges.size() > WireLimits.INGRESS_SOURCES) {
      statuses.unusable(
          written,
          "spec.sources",
          "are with the endpoints of Services %d addresses and ranges, so only the first %d are let in"
              .formatted(ranges.size(), WireLimits.INGRESS_SOURCES),
          "name IPRanges that hold them");
    }
    return ranges.stream()
        .limit(WireLimits.INGRESS_SOURCES)
        .sorted(Comparator.comparing(Cidr::toString))
        .toList();
  }

  private void addEndpoints(
      IngressBackend written, Subject source, String field, Set<Cidr> ranges) {
    String namespace = namespace(written, source.namespace());
    if (!surroundings.knowsServices()) {
      ranges.add(Cidr.parse("0.0.0.0/32")); // whichever they are
      return;
    }
    List<Cidr> found =
        Matches.name(namespace, source.name()).flatMap(surroundings::compiled).stream()
            .flatMap(service -> service.ports().stream())
            .flatMap(port -> port.endpoints().stream())
            .map(endpoint -> Cidr.of(endpoint.address().getAddress()))
            .distinct()
            .toList();
    if (found.isEmpty()) {
      statuses.warning(
          written,
          field,
          "names Service " + namespace + "/" + source.name() + ", which has no endpoints",
          "name the Service of the pods that call");
    }
    ranges.addAll(found);
  }

  private void warn(IngressBackend written, Set<Ingress.Backend> backends) {
    if (!surroundings.knowsServices()) {
      return;
    }
    for (Ingress.Backend backend : backends) {
      Service service = surroundings.compiled(backend.service()).orElse(null);
      if (service == null) {
        statuses.warning(
            written,
            "spec.backends",
            "names Service " + backend.service().name() + ", which does not exist",
            "create the Service in namespace " + backend.service().namespace());
      } else if (!hasPort(service, backend.port())) {
        statuses.warning(
            written,
            "spec.backends",
            "names port "
                + backend.port()
                + ", which no pod of Service "
                + service.name().name()
                + " has: its pods have "
                + podPorts(service),
            "write the port of the pods, the Service's targetPort");
      }
    }
  }

  private static boolean hasPort(Service service, int port) {
    Set<Integer> ports = podPorts(service);
    return ports.isEmpty() || ports.contains(port);
  }

  private static Set<Integer> podPorts(Service service) {
    Set<Integer> ports = new TreeSet<>();
    for (ServicePort port : service.ports()) {
      port.endpoints().stream()
          .map(endpoint -> endpoint.address())
          .map(InetSocketAddress::getPort)
          .forEach(ports::add);
    }
    return ports;
  }
}

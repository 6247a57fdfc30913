package io.sluice.control.xds.translate;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import java.util.List;
import java.util.Optional;

/**
 * A service's port by the names that clients dial: {@code store.shop.svc.cluster.local:80}, without
 * {@code cluster.local} or {@code svc}, without the namespace in the caller's own, and without the
 * port where the service has only one.
 */
record CalledName(NamespacedName service, Optional<Integer> port) {
  private static final List<String> DOMAINS = List.of(".svc.cluster.local", ".svc");
  private static final int LONGEST_PORT = 5;

  /** The one name by which the port is called in every type. */
  static String full(Service service, ServicePort port) {
    return service.host() + ":" + port.port();
  }

  /**
   * Reads what a client dials.
   *
   * @param ownNamespace where a name without a namespace is looked up
   */
  static Optional<CalledName> parse(String text, Optional<String> ownNamespace) {
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? text : text.substring(0, colon);
    Optional<Integer> port = colon < 0 ? Optional.empty() : number(text.substring(colon + 1));
    if (colon >= 0 && port.isEmpty()) {
      return Optional.empty();
    }
    return name(host, ownNamespace).map(service -> new CalledName(service, port));
  }

  private static Optional<Integer> number(String text) {
    boolean digits =
        !text.isEmpty()
            && text.charAt(0) != '0'
            && text.length() <= LONGEST_PORT
            && text.chars().allMatch(c -> c >= '0' && c <= '9');
    return digits ? Optional.of(Integer.parseInt(text)) : Optional.empty();
  }

  private static Optional<NamespacedName> name(String host, Optional<String> ownNamespace) {
    String rest = host;
    for (String domain : DOMAINS) {
      // A service may be in a namespace called "svc": only what leaves name and namespace is cut.
      if (host.endsWith(domain) && host.indexOf('.') < host.length() - domain.length()) {
        rest = host.substring(0, host.length() - domain.length());
        break;
      }
    }
    int dot = rest.lastIndexOf('.');
    Optional<String> namespace = dot < 0 ? ownNamespace : Optional.of(rest.substring(dot + 1));
    String name = dot < 0 ? rest : rest.substring(0, dot);
    return namespace.flatMap(in -> named(in, name));
  }

  private static Optional<NamespacedName> named(String namespace, String name) {
    try {
      return Optional.of(new NamespacedName(namespace, name));
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // no object has that name
    }
  }

  /** The service of that name, and which of its ports is meant. */
  Optional<Target> in(MeshSnapshot snapshot) {
    return snapshot.service(service).flatMap(found -> target(found));
  }

  private Optional<Target> target(Service found) {
    if (port.isPresent()) {
      return found.port(port.get()).map(called -> new Target(found, called));
    }
    return found.ports().size() == 1
        ? Optional.of(new Target(found, found.ports().getFirst()))
        : Optional.empty();
  }

  /** One port of a service. */
  record Target(Service service, ServicePort port) {
    String name() {
      return full(service, port);
    }
  }
}

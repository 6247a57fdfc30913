package io.sluice.node.why;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.why.Fate.Kind;
import io.sluice.proxy.Family;
import java.net.InetSocketAddress;
import java.util.List;

/** Where a Service leads, and what becomes of a call where it leads nowhere. */
final class ServiceEnds {
  /** What the proxy answers where nobody can be reached. */
  static final int UNAVAILABLE = 503;

  /** Of a route with a backend that cannot be used. */
  static final int FAILED = 500;

  /** Status where the answer is waited for no longer. */
  static final int TOO_LATE = 504;

  private ServiceEnds() {}

  /** Ready endpoints of the family called, each once. */
  static List<InetSocketAddress> ready(ServicePort port, InetSocketAddress called) {
    Family family = Family.of(called.getAddress());
    return port.endpoints().stream()
        .filter(Endpoint::ready)
        .map(Endpoint::address)
        .filter(address -> Family.of(address.getAddress()) == family)
        .distinct()
        .toList();
  }

  /** The Service has no such port. */
  static Fate noSuchPort(Service service, int port, Story story) {
    List<Integer> ports = service.ports().stream().map(ServicePort::port).toList();
    return story.end(
        Kind.UNREACHABLE,
        Reason.UNKNOWN_SERVICE_PORT,
        List.of(
            Causes.service(service.name(), "spec.ports", "it has " + ports + ", and not " + port)),
        story.wasAskedAsRequest() ? UNAVAILABLE : 0);
  }

  /** Nobody is ready behind it. */
  static Fate noEndpoint(Service service, ServicePort port, Story story) {
    boolean any = !port.endpoints().isEmpty();
    return story.end(
        Kind.UNREACHABLE,
        Reason.NO_READY_ENDPOINT,
        List.of(
            Causes.service(
                service.name(),
                any ? "endpoints" : "spec.selector",
                any
                    ? "none of its "
                        + port.endpoints().size()
                        + " endpoints at port "
                        + port.port()
                        + " is ready and of the family called: see readiness of its pods"
                    : "no Pod with an address has its labels and the port")),
        story.wasAskedAsRequest() ? UNAVAILABLE : 0);
  }
}

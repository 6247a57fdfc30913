package io.sluice.control.validate;

import io.sluice.control.compile.Ground;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.KubernetesObject.TcpRoute;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.KubernetesService.Port;
import io.sluice.control.objects.KubernetesService.Target;
import io.sluice.control.objects.Pod;
import io.sluice.control.validate.Finding.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * TCPRoutes that name a Service's port where they mean that of the pods behind it. The mesh judges
 * the pod's, as Open Service Mesh does.
 */
final class ServicePorts {
  private ServicePorts() {}

  /** A warning for each port of a TCPRoute that Services of its namespace have and no pod does. */
  static List<Finding> check(List<KubernetesObject> objects) {
    List<Finding> findings = new ArrayList<>();
    for (TcpRoute route : of(TcpRoute.class, objects).toList()) {
      List<KubernetesObject> beside =
          objects.stream()
              .filter(each -> each.meta().namespace().equals(route.meta().namespace()))
              .toList();
      route.ports().stream()
          .sorted()
          .filter(port -> !isOfAPod(port, beside))
          .forEach(port -> warning(route, port, beside).ifPresent(findings::add));
    }
    return findings;
  }

  private static <T> Stream<T> of(Class<T> kind, List<KubernetesObject> objects) {
    return objects.stream().filter(kind::isInstance).map(kind::cast);
  }

  private static boolean isOfAPod(int number, List<KubernetesObject> beside) {
    return of(Pod.class, beside)
            .flatMap(pod -> pod.ports().stream())
            .anyMatch(port -> port.number() == number)
        || of(KubernetesService.class, beside)
            .flatMap(service -> service.ports().stream())
            .anyMatch(port -> port.target().equals(new Target.Number(number)));
  }

  private static Optional<Finding> warning(
      TcpRoute route, int number, List<KubernetesObject> beside) {
    for (KubernetesService service : of(KubernetesService.class, beside).toList()) {
      for (Port port : service.ports()) {
        if (port.number() == number) {
          return Optional.of(
              new Finding(
                  route.meta().file(),
                  route.meta().line(),
                  route.ref().toString(),
                  "spec.matches.ports",
                  Level.WARNING,
                  "%d is a port of Service %s, which leads to %s; a TCPRoute means ports of pods"
                      .formatted(number, service.meta().name(), described(port.target())),
                  switch (port.target()) {
                    case Target.Number pod -> "write " + pod.port();
                    case Target.Named(String name) ->
                        "write the number that containers call " + name;
                  },
                  "",
                  Ground.SERVICE_PORT));
        }
      }
    }
    return Optional.empty();
  }

  private static String described(Target target) {
    return switch (target) {
      case Target.Number(int port) -> "pod port " + port;
      case Target.Named(String name) -> "the pod port called " + name;
    };
  }
}

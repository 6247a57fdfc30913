package io.sluice.control.validate;

import io.sluice.control.compile.Ground;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.KubernetesObject.PortRoute;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.KubernetesService.Port;
import io.sluice.control.objects.KubernetesService.Target;
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.Pod;
import io.sluice.control.objects.TrafficTarget;
import io.sluice.control.objects.TrafficTarget.Subject;
import io.sluice.control.validate.Finding.Level;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Policy that is well written and leads nowhere: TCPRoutes that name a Service's port where they
 * mean that of the pods behind it, which the mesh judges as Open Service Mesh does; sources in no
 * namespace; requests granted where bytes are carried.
 */
final class PolicyEnds {
  private PolicyEnds() {}

  /**
   * A warning for each port of a TCPRoute or UDPRoute that Services of its namespace have and no
   * pod does.
   */
  static List<Finding> check(List<KubernetesObject> objects, MeshSnapshot snapshot) {
    List<Finding> findings = new ArrayList<>();
    for (PortRoute route : of(PortRoute.class, objects).toList()) {
      List<KubernetesObject> beside =
          objects.stream()
              .filter(each -> each.meta().namespace().equals(route.meta().namespace()))
              .toList();
      route.ports().stream()
          .sorted()
          .filter(port -> !isOfAPod(port, beside))
          .forEach(port -> warning(route, port, beside).ifPresent(findings::add));
    }
    of(TrafficTarget.class, objects)
        .forEach(target -> {
          addSources(target, objects, findings);
          addRequestsOnBytes(target, snapshot, findings);
        });
    return findings;
  }

  /** Where no namespace and no pod was given, nothing is known of them. */
  private static void addSources(
      TrafficTarget target, List<KubernetesObject> objects, List<Finding> findings) {
    Set<String> known =
        Stream.concat(
                of(Namespace.class, objects).map(each -> each.meta().name()),
                of(Pod.class, objects).map(each -> each.meta().namespace()))
            .collect(Collectors.toSet());
    for (int i = 0; i < target.sources().size() && !known.isEmpty(); i++) {
      Subject source = target.sources().get(i);
      if (source.kind().equals(TrafficTarget.ACCOUNT)
          && !source.namespace().isEmpty()
          && !known.contains(source.namespace())) {
        findings.add(
            warning(
                target,
                "spec.sources[" + i + "].namespace",
                "there is no namespace '" + source.namespace() + "'",
                "mend the namespace",
                Ground.SOURCE_NAMESPACE));
      }
    }
  }

  private static void addRequestsOnBytes(
      TrafficTarget target, MeshSnapshot snapshot, List<Finding> findings) {
    for (Permission permission : snapshot.permissions()) {
      if (!permission
          .name()
          .toString()
          .equals(target.meta().namespace() + "/" + target.meta().name())) {
        continue;
      }
      for (Service service : snapshot.services()) {
        for (ServicePort port : service.ports()) {
          boolean leadsThere =
              port.endpoints().stream()
                  .filter(end -> permission.grantsOnlyRequests(end.address().getPort()))
                  .flatMap(end -> snapshot.workloadsAt(end.address().getAddress()).stream())
                  .anyMatch(
                      one -> one.identity().serviceAccountName().equals(permission.destination()));
          if (leadsThere && !port.protocol().mayBeHttp()) {
            findings.add(
                warning(
                    target,
                    "spec.rules",
                    "port %s of Service %s is declared %s, so requests, which alone are granted, are reset"
                        .formatted(port.port(), service.name(), port.protocol().word()),
                    "declare the port http, or grant it by a TCPRoute",
                    Ground.HTTP_ON_BYTES));
          }
        }
      }
    }
  }

  private static Finding warning(
      KubernetesObject object, String field, String reason, String mend, Ground ground) {
    return new Finding(
        object.meta().file(),
        object.meta().line(),
        object.ref().toString(),
        field,
        Level.WARNING,
        reason,
        mend,
        "",
        ground);
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
      PortRoute route, int number, List<KubernetesObject> beside) {
    for (KubernetesService service : of(KubernetesService.class, beside).toList()) {
      for (Port port : service.ports()) {
        if (port.number() == number) {
          return Optional.of(
              warning(
                  route,
                  "spec.matches.ports",
                  "%d is a port of Service %s, which leads to %s; a %s means ports of pods"
                      .formatted(
                          number,
                          service.meta().name(),
                          described(port.target()),
                          route.ref().kind()),
                  switch (port.target()) {
                    case Target.Number pod -> "write " + pod.port();
                    case Target.Named(String name) ->
                        "write the number that containers call " + name;
                  },
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

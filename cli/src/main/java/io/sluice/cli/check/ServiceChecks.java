package io.sluice.cli.check;

import io.sluice.cli.check.Check.NotThereException;
import io.sluice.cli.check.Check.Sink;
import io.sluice.control.objects.EndpointSlice;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.KubernetesService.Target;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.Pod;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Service;
import io.sluice.mesh.Workload;
import java.util.List;
import java.util.Optional;

/** Services that lead nowhere, and exclusions that contradict. */
final class ServiceChecks {
  private ServiceChecks() {}

  static List<Check> all() {
    return List.of(
        new Check("endpoints of Services", ServiceChecks::endpoints),
        new Check("ports of Services", ServiceChecks::ports),
        new Check("exclusions", ServiceChecks::exclusions));
  }

  static boolean selects(KubernetesService service, Pod pod) {
    return !service.selector().isEmpty()
        && service.meta().namespace().equals(pod.meta().namespace())
        && pod.meta().labels().entrySet().containsAll(service.selector().entrySet());
  }

  private static void endpoints(Facts facts, Sink found) throws NotThereException {
    Objects objects = facts.objects();
    for (KubernetesService service : objects.of(KubernetesService.class).toList()) {
      if (service.externalName()) {
        continue;
      }
      boolean hasPods = objects.of(Pod.class).anyMatch(pod -> selects(service, pod));
      boolean hasSlice =
          objects
              .of(EndpointSlice.class)
              .anyMatch(slice ->
                  slice.meta().namespace().equals(service.meta().namespace())
                      && slice.service().equals(service.meta().name())
                      && !slice.endpoints().isEmpty());
      String subject = service.ref().toString();
      if (!hasPods && !hasSlice) {
        found.add(Code.SERVICE_EMPTY, subject, "its selector is " + service.selector());
        continue;
      }
      Optional<Service> compiled =
          Objects.name(service.meta().namespace(), service.meta().name())
              .flatMap(objects.snapshot()::service);
      if (compiled.isPresent()
          && !compiled.get().ports().isEmpty()
          && compiled.get().ports().stream()
              .flatMap(port -> port.endpoints().stream())
              .noneMatch(Endpoint::ready)) {
        long all = compiled.get().ports().stream().mapToLong(port -> port.endpoints().size()).sum();
        if (all > 0) { // why there is none is found where that is written
          found.add(Code.SERVICE_UNREADY, subject, "none of " + all + " endpoints is ready");
        }
      }
    }
  }

  private static void ports(Facts facts, Sink found) throws NotThereException {
    Objects objects = facts.objects();
    for (KubernetesService service : objects.of(KubernetesService.class).toList()) {
      List<Pod> pods = objects.of(Pod.class).filter(pod -> selects(service, pod)).toList();
      for (KubernetesService.Port port : service.ports()) {
        String subject = service.ref().toString();
        if (port.transport().equals("TCP") && port.protocol() == AppProtocol.UNDECLARED) {
          found.add(
              Code.PORT_UNDECLARED, subject, "port " + port.number() + " '" + port.name() + "'");
        }
        if (port.target() instanceof Target.Named(String name)
            && !pods.isEmpty()
            && pods.stream()
                .noneMatch(
                    pod -> pod.ports().stream().anyMatch(each -> each.name().equals(name)))) {
          found.add(Code.PORT_NAME, subject, "port " + port.number() + " leads to '" + name + "'");
        }
      }
    }
  }

  private static void exclusions(Facts facts, Sink found) throws NotThereException {
    Objects objects = facts.objects();
    objects
        .of(MeshConfig.class)
        .forEach(config -> contradictions(config.ref().toString(), config.interception(), found));
    objects
        .of(Pod.class)
        .forEach(pod -> contradictions(pod.ref().toString(), pod.interception(), found));
    for (Workload workload : objects.snapshot().workloads()) {
      NamespacedName account = workload.identity().serviceAccountName();
      for (int port : workload.interception().inboundPortExclusions()) {
        for (Permission permission : objects.snapshot().permissionsFor(account)) {
          if (workload.enrolled() && permission.ports().contain(port) && !isEvery(permission)) {
            found.add(
                Code.EXCLUSION_POLICY,
                "Pod " + workload.name(),
                "inbound port " + port + ", which TrafficTarget " + permission.name() + " grants");
          }
        }
      }
    }
  }

  /** It means no port in particular. */
  private static boolean isEvery(Permission permission) {
    return permission.ports().every();
  }

  private static void contradictions(String subject, InterceptionSettings settings, Sink found) {
    if (settings.inboundPortExclusions().contains(MeshPorts.HBONE)) {
      found.add(Code.EXCLUDES_HBONE, subject, "inbound exclusions have " + MeshPorts.HBONE);
    }
    for (Cidr excluded : settings.outboundRangeExclusions()) {
      if (excluded.prefixLength() == 0) {
        found.add(Code.EXCLUDES_ALL, subject, "outbound exclusions have " + excluded);
      }
    }
  }
}

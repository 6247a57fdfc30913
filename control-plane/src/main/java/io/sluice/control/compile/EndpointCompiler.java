package io.sluice.control.compile;

import io.sluice.control.objects.EndpointSlice;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.KubernetesService.Target;
import io.sluice.control.objects.Pod;
import io.sluice.mesh.Endpoint;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * Endpoints of a service port: from the Service's EndpointSlices, or from its Pods where it has a
 * selector and no slice, since a bare folder has no endpoint controller.
 */
final class EndpointCompiler {
  private static final Comparator<InetSocketAddress> ORDER =
      Comparator.comparing(
              (InetSocketAddress address) -> address.getAddress().getAddress(),
              (a, b) ->
                  a.length != b.length
                      ? Integer.compare(a.length, b.length)
                      : Arrays.compareUnsigned(a, b))
          .thenComparing(InetSocketAddress::getPort);

  private final Collection<EndpointSlice> slices;
  private final Collection<Pod> pods;

  /**
   * What may lie behind one Service.
   *
   * @param slices its EndpointSlices
   * @param pods Pods of its namespace; those that its selector does not choose are passed over
   */
  EndpointCompiler(Collection<EndpointSlice> slices, Collection<Pod> pods) {
    this.slices = slices;
    this.pods = pods;
  }

  /** Endpoints in order of address; one that is given twice is ready when either one is. */
  List<Endpoint> of(KubernetesService service, KubernetesService.Port port) {
    Map<InetSocketAddress, Boolean> readiness = new TreeMap<>(ORDER);
    if (!slices.isEmpty()) {
      slices.forEach(slice -> addFromSlice(slice, port, readiness));
    } else if (!service.selector().isEmpty()) {
      for (Pod pod : pods) {
        addFromPod(pod, service, port, readiness);
      }
    }
    return readiness.entrySet().stream()
        .map(entry -> new Endpoint(entry.getKey(), entry.getValue()))
        .toList();
  }

  /** Whether the Service's selector chooses the Pod. An empty one chooses none. */
  static boolean selects(KubernetesService service, Pod pod) {
    Map<String, String> labels = pod.meta().labels();
    for (var wanted : service.selector().entrySet()) {
      if (!wanted.getValue().equals(labels.get(wanted.getKey()))) {
        return false;
      }
    }
    return !service.selector().isEmpty();
  }

  private static void addFromSlice(
      EndpointSlice slice, KubernetesService.Port port, Map<InetSocketAddress, Boolean> readiness) {
    for (EndpointSlice.Port target : slice.ports()) {
      if (!target.name().equals(port.name()) || !target.transport().equals(port.transport())) {
        continue;
      }
      int number = target.number() == 0 ? port.number() : target.number();
      for (EndpointSlice.Backend backend : slice.endpoints()) {
        for (InetAddress address : backend.addresses()) {
          readiness.merge(
              new InetSocketAddress(address, number), backend.ready(), Boolean::logicalOr);
        }
      }
    }
  }

  private static void addFromPod(
      Pod pod,
      KubernetesService service,
      KubernetesService.Port port,
      Map<InetSocketAddress, Boolean> readiness) {
    if (pod.finished() || !selects(service, pod)) {
      return;
    }
    OptionalInt target = target(pod, port);
    if (target.isEmpty()) {
      return;
    }
    Set<String> families = families(service);
    for (InetAddress address : pod.addresses()) {
      if (families.isEmpty() || families.contains(family(address))) {
        readiness.merge(
            new InetSocketAddress(address, target.getAsInt()),
            pod.ready() || service.publishesUnready(),
            Boolean::logicalOr);
      }
    }
  }

  private static OptionalInt target(Pod pod, KubernetesService.Port port) {
    return switch (port.target()) {
      case Target.Number(int number) -> OptionalInt.of(number);
      case Target.Named(String name) ->
          pod.ports().stream()
              .filter(own -> own.name().equals(name) && own.transport().equals(port.transport()))
              .mapToInt(Pod.Port::number)
              .findFirst();
    };
  }

  private static Set<String> families(KubernetesService service) {
    if (!service.families().isEmpty()) {
      return service.families();
    }
    Set<String> families = new HashSet<>();
    service.clusterIps().forEach(address -> families.add(family(address)));
    return families;
  }

  private static String family(InetAddress address) {
    return address.getAddress().length == 4 ? "IPv4" : "IPv6";
  }
}

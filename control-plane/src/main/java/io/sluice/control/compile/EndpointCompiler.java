package io.sluice.control.compile;

import io.sluice.control.objects.EndpointSlice;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.KubernetesService.Target;
import io.sluice.control.objects.Pod;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.WarmUp;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Endpoints of a service port: from the Service's EndpointSlices, or from its Pods where it has a
 * selector and no slice, since a bare folder has no endpoint controller.
 *
 * @param slices the Service's EndpointSlices
 * @param pods Pods of its namespace; those that its selector does not choose are passed over. None
 *     are needed where there are slices and nothing warms up
 * @param ofNamespace how endpoints warm up where neither Pod nor Service says
 */
record EndpointCompiler(
    Collection<EndpointSlice> slices, Collection<Pod> pods, WarmUpWords ofNamespace) {
  private static final Comparator<InetSocketAddress> ORDER =
      Comparator.comparing(
              (InetSocketAddress address) -> address.getAddress().getAddress(),
              (a, b) ->
                  a.length != b.length
                      ? Integer.compare(a.length, b.length)
                      : Arrays.compareUnsigned(a, b))
          .thenComparing(InetSocketAddress::getPort);

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
    WarmUpWords words = WarmUpWords.of(service, new Statuses()).or(ofNamespace);
    Map<InetAddress, Pod> warming = warming(service, words);
    return readiness.entrySet().stream()
        .map(entry ->
            new Endpoint(
                entry.getKey(),
                entry.getValue(),
                warmUp(warming.get(entry.getKey().getAddress()), words)))
        .toList();
  }

  /** Pods that the Service chooses and of which anything is said; of two the first by name. */
  private Map<InetAddress, Pod> warming(KubernetesService service, WarmUpWords words) {
    Map<InetAddress, Pod> warming = new HashMap<>();
    for (Pod pod : pods) {
      if ((words.said() || WarmUpWords.isSaidBy(pod)) && !pod.finished() && selects(service, pod)) {
        for (InetAddress address : pod.addresses()) {
          warming.merge(
              address,
              pod,
              (one, other) -> one.meta().name().compareTo(other.meta().name()) < 0 ? one : other);
        }
      }
    }
    return warming;
  }

  private static @Nullable WarmUp warmUp(@Nullable Pod pod, WarmUpWords ofService) {
    if (pod == null) {
      return ofService.warmUpOrNull(); // from when a node sees it first
    }
    WarmUp own = WarmUpWords.of(pod, new Statuses()).or(ofService).warmUpOrNull();
    return own == null ? null : own.since(pod.readySecond());
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

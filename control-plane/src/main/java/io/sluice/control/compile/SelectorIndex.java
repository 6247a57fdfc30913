package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.Pod;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Which Services choose a Pod, without going through all of them: each is kept under one label of
 * its selector.
 */
final class SelectorIndex {
  private final Map<Label, Map<ObjectRef, KubernetesService>> services = new HashMap<>();

  /** A label of Pods in a Kubernetes namespace. */
  private record Label(String namespace, String key, String value) {}

  void add(KubernetesService service) {
    if (!service.selector().isEmpty()) {
      services.computeIfAbsent(label(service), _ -> new HashMap<>()).put(service.ref(), service);
    }
  }

  void remove(KubernetesService service) {
    if (!service.selector().isEmpty()) {
      Map<ObjectRef, KubernetesService> same = services.getOrDefault(label(service), Map.of());
      same.remove(service.ref());
      if (same.isEmpty()) {
        services.remove(label(service));
      }
    }
  }

  /** Names the Services that choose {@code pod}. */
  void choosing(Pod pod, Consumer<ObjectRef> consumer) {
    for (var label : pod.meta().labels().entrySet()) {
      var key = new Label(pod.meta().namespace(), label.getKey(), label.getValue());
      for (KubernetesService service : services.getOrDefault(key, Map.of()).values()) {
        if (EndpointCompiler.selects(service, pod)) {
          consumer.accept(service.ref());
        }
      }
    }
  }

  private static Label label(KubernetesService service) {
    String key = service.selector().keySet().stream().min(String::compareTo).orElseThrow();
    return new Label(service.meta().namespace(), key, service.selector().getOrDefault(key, ""));
  }
}

package io.sluice.control.compile;

import io.sluice.control.objects.EndpointSlice;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.Pod;
import io.sluice.mesh.Kind;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SnapshotEditor;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Services and EndpointSlices. A service depends on its Service, on its EndpointSlices, without any
 * on the Pods that it selects, and on the Services that claim the same cluster IPs.
 */
final class ServiceStage {
  private final Statuses.StatusBook statuses;
  private final Map<ObjectRef, KubernetesService> services = new HashMap<>();
  private final Map<NamespacedName, Map<ObjectRef, EndpointSlice>> slices = new HashMap<>();
  private final SelectorIndex selectors = new SelectorIndex();
  private final Claims claims;
  private final Set<ObjectRef> due = new HashSet<>();
  private final Set<String> withoutL7 = new HashSet<>(); // namespaces
  private final Map<String, WarmUpWords> warmUps = new HashMap<>(); // likewise

  ServiceStage(Statuses.StatusBook statuses, InForce inForce) {
    this.claims = new Claims(inForce.services());
    this.statuses = statuses;
  }

  void add(KubernetesService service) {
    services.put(service.ref(), service);
    selectors.add(service);
    claims.add(ServiceCompiler.claims(service), Claims.Claimant.alone(service));
    due.add(service.ref());
  }

  void remove(KubernetesService service) {
    services.remove(service.ref());
    selectors.remove(service);
    claims.remove(ServiceCompiler.claims(service), service.ref());
    due.add(service.ref());
  }

  void add(EndpointSlice slice) {
    Statuses found = new Statuses();
    ServiceCompiler.report(slice, found);
    statuses.put(slice.ref(), found);
    if (!slice.service().isEmpty()) {
      NamespacedName service = serviceOf(slice);
      slices.computeIfAbsent(service, _ -> new HashMap<>()).put(slice.ref(), slice);
      due.add(refOf(service));
    }
  }

  void remove(EndpointSlice slice) {
    if (!slice.service().isEmpty()) {
      NamespacedName service = serviceOf(slice);
      Map<ObjectRef, EndpointSlice> own = slices.getOrDefault(service, Map.of());
      own.remove(slice.ref());
      if (own.isEmpty()) {
        slices.remove(service);
      }
      due.add(refOf(service));
    }
  }

  /** Who has cluster IPs now. */
  Map<Object, String> held() {
    return claims.held();
  }

  private static NamespacedName serviceOf(EndpointSlice slice) {
    return new NamespacedName(slice.meta().namespace(), slice.service());
  }

  private static ObjectRef refOf(NamespacedName service) {
    return new ObjectRef("", "Service", service.namespace(), service.name());
  }

  /** The Service of that name. */
  @Nullable KubernetesService find(NamespacedName name) {
    return services.get(refOf(name));
  }

  /**
   * To be told of a Namespace as it was and as it is. Costs all its Services where it says anything
   * of them.
   */
  void namespaceChanged(Namespace namespace, boolean isThere) {
    String name = namespace.meta().name();
    boolean off = L7.of(namespace, new Statuses()).orElse(L7.ON) == L7.OFF;
    WarmUpWords warmUp = WarmUpWords.of(namespace, new Statuses());
    if (isThere) {
      warmUps.put(name, warmUp);
    } else {
      warmUps.remove(name);
    }
    boolean changed = off && (isThere ? withoutL7.add(name) : withoutL7.remove(name));
    if (changed || warmUp.said()) {
      services.keySet().stream().filter(ref -> ref.namespace().equals(name)).forEach(due::add);
    }
  }

  /** To be told of a Pod as it was and as it is. */
  void podChanged(Pod pod) {
    selectors.choosing(pod, due::add);
  }

  void compile(SnapshotEditor editor, PodStage pods) {
    claims.settle(due::add);
    for (ObjectRef ref : due) {
      compile(ref, editor, pods);
    }
    due.clear();
  }

  private void compile(ObjectRef ref, SnapshotEditor editor, PodStage pods) {
    KubernetesService service = services.get(ref);
    NamespacedName name = new NamespacedName(ref.namespace(), ref.name());
    if (service == null) {
      editor.remove(Kind.SERVICE.key(name));
      editor.remove(Kind.DATAGRAM_SERVICE.key(name));
      return;
    }
    Collection<EndpointSlice> own = slices.getOrDefault(name, Map.of()).values();
    Collection<Pod> candidates = List.of();
    WarmUpWords warmUp = warmUps.getOrDefault(ref.namespace(), WarmUpWords.NONE);
    if ((own.isEmpty()
            || warmUp.said()
            || WarmUpWords.isSaidBy(service)
            || pods.sayHowTheyWarmUp(ref.namespace()))
        && !service.selector().isEmpty()) {
      candidates = pods.in(ref.namespace());
    }
    Statuses found = new Statuses();
    ServiceCompiler.Compiled compiled =
        new ServiceCompiler(claims, found)
            .service(
                service,
                new EndpointCompiler(own, candidates, warmUp),
                withoutL7.contains(ref.namespace()) ? L7.OFF : L7.ON);
    compiled.streams().ifPresentOrElse(editor::put, () -> editor.remove(Kind.SERVICE.key(name)));
    compiled
        .datagrams()
        .ifPresentOrElse(editor::put, () -> editor.remove(Kind.DATAGRAM_SERVICE.key(name)));
    statuses.put(ref, found);
  }

  /**
   * Which Services choose a Pod, without going through all of them: each is kept under one label of
   * its selector.
   */
  private static final class SelectorIndex {
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
}

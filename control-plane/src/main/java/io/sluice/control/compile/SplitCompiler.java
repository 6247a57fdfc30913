package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.KubernetesService;
import io.sluice.control.objects.ObjectRef;
import io.sluice.control.objects.TrafficSplit;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.TrafficRoute;
import io.sluice.mesh.TrafficRoute.Backend;
import io.sluice.mesh.TrafficRoute.Rule;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Turns the TrafficSplits of a Kubernetes namespace into routes. Of two for one service the older
 * one applies, then the one that comes first by name; so it is with two that lead round in a
 * circle. One that cannot be used leaves the calls where they would go without it.
 */
final class SplitCompiler {
  private static final Set<String> DNS = Set.of("", "svc", "svc.cluster", "svc.cluster.local");

  private final Surroundings surroundings;
  private final Statuses statuses;
  private final Map<String, TrafficSplit> splitting = new HashMap<>();
  private final Map<String, Set<String>> leadsTo = new HashMap<>();

  /** What splits name. */
  interface Surroundings extends Matches.Groups {
    /** The Service of that name, if there is one. */
    @Nullable KubernetesService service(NamespacedName name);

    /** Whether all services are known, so that what is missing can be told. */
    boolean knowsServices();

    /**
     * The oldest route of the Gateway API that says where everybody's calls of {@code service} go;
     * null where none does.
     */
    @Nullable ObjectRef oldestRoute(NamespacedName service);
  }

  /** For the splits of one namespace. */
  SplitCompiler(Surroundings surroundings, Statuses statuses) {
    this.surroundings = surroundings;
    this.statuses = statuses;
  }

  /** The routes that {@code splits}, all of one namespace, make. */
  List<TrafficRoute> routes(Collection<TrafficSplit> splits) {
    return splits.stream()
        .sorted(KubernetesObject.OLDER_FIRST)
        .flatMap(split -> route(split).stream())
        .toList();
  }

  private Optional<TrafficRoute> route(TrafficSplit split) {
    Optional<String> root = service(split, "spec.service", split.service());
    List<Backend> backends = new ArrayList<>();
    Set<String> others = new HashSet<>();
    for (int i = 0; i < split.backends().size(); i++) {
      TrafficSplit.Backend written = split.backends().get(i);
      Optional<String> name = service(split, "spec.backends[" + i + "].service", written.service());
      if (root.isEmpty() || name.isEmpty()) {
        return Optional.empty();
      }
      backends.add(
          new Backend(new NamespacedName(split.meta().namespace(), name.get()), written.weight()));
      others.add(name.get());
    }
    if (root.isEmpty()) {
      return Optional.empty();
    }
    others.remove(root.get());
    if (backends.isEmpty()) {
      return refuse(split, "spec.backends", "is empty", "name a backend");
    }
    ObjectRef route =
        surroundings.oldestRoute(new NamespacedName(split.meta().namespace(), root.get()));
    if (route != null) {
      return refuse(
          split,
          route,
          "spec.service",
          "is "
              + root.get()
              + ", which "
              + route
              + " is for, and routes of the Gateway API go before",
          "remove the TrafficSplit, or the routes");
    }
    TrafficSplit older = splitting.get(root.get());
    if (older != null) {
      return refuse(
          split,
          older.ref(),
          "spec.service",
          "is " + root.get() + ", which " + older.ref() + " splits already",
          "remove one of the two");
    }
    Optional<TrafficSplit> leading =
        others.stream()
            .sorted()
            .filter(other -> leads(Set.of(other), root.get()))
            .map(splitting::get)
            .findFirst();
    if (leading.isPresent()) {
      return refuse(
          split,
          leading.get().ref(),
          "spec.backends",
          "lead back to " + root.get() + " by another TrafficSplit",
          "let one of them end at services that no TrafficSplit is for");
    }
    Optional<List<HttpMatch>> matches =
        Matches.ofGroups(split, split.groups(), surroundings, Ground.SPLIT_GROUP, statuses);
    if (matches.isEmpty()) {
      return Optional.empty();
    }
    splitting.put(root.get(), split);
    leadsTo.put(root.get(), others);
    warn(split, root.get(), backends);
    return Optional.of(
        new TrafficRoute(
            split.meta().namespacedName(),
            new NamespacedName(split.meta().namespace(), root.get()),
            List.of(new Rule(matches.get(), backends))));
  }

  /** The name of a Service of the split's own namespace, which may be written as DNS has it. */
  private Optional<String> service(TrafficSplit split, String field, String written) {
    String own = split.meta().namespace();
    Optional<String> name = nameWithin(own, written);
    return name.isPresent()
        ? name
        : refuse(
            split,
            field,
            "is " + written + ", which is no Service of namespace " + own,
            "name a Service of the TrafficSplit's own namespace");
  }

  /** The name of the Service of {@code namespace} that is called {@code host} there. */
  static Optional<String> nameWithin(String namespace, String host) {
    String[] parts = host.split("\\.", 3);
    return parts.length == 1
            || (parts[1].equals(namespace) && DNS.contains(parts.length > 2 ? parts[2] : ""))
        ? Optional.of(parts[0])
        : Optional.empty();
  }

  private boolean leads(Set<String> from, String to) {
    List<String> next = new ArrayList<>(from);
    Set<String> seen = new HashSet<>(from);
    while (!next.isEmpty()) {
      String at = next.removeLast();
      if (at.equals(to)) {
        return true;
      }
      leadsTo.getOrDefault(at, Set.of()).stream().filter(seen::add).forEach(next::add);
    }
    return false;
  }

  private void warn(TrafficSplit split, String root, List<Backend> backends) {
    if (backends.stream().allMatch(backend -> backend.weight() == 0)) {
      statuses
          .on(Ground.SPLIT_WEIGHTS)
          .warning(
              split,
              "spec.backends",
              "have all weight 0, so calls are refused",
              "give one a weight");
    }
    if (!surroundings.knowsServices()) {
      return;
    }
    Set<Integer> called = ports(new NamespacedName(split.meta().namespace(), root));
    if (called.isEmpty()) {
      statuses
          .on(Ground.SPLIT_SERVICE)
          .warning(
              split,
              "spec.service",
              "is " + root + ", and no such Service can be called",
              "create the Service in namespace " + split.meta().namespace());
    }
    for (int i = 0; i < backends.size(); i++) {
      Set<Integer> missing = new TreeSet<>(called);
      NamespacedName backend = new NamespacedName(split.meta().namespace(), backendName(split, i));
      missing.removeAll(ports(backend));
      if (surroundings.service(backend) == null) {
        statuses
            .on(Ground.SPLIT_BACKEND)
            .warning(
                split,
                "spec.backends[" + i + "].service",
                "is " + backend.name() + ", which does not exist and gets no calls",
                "create the Service in namespace " + backend.namespace());
      } else if (!missing.isEmpty()) {
        statuses
            .on(Ground.SPLIT_PORTS)
            .warning(
                split,
                "spec.backends[" + i + "].service",
                "has not the ports "
                    + missing.toString().replaceAll("[\\[\\]]", "")
                    + " of "
                    + root
                    + ", whose calls it does not get",
                "give Service " + backend.name() + " these ports");
      }
    }
  }

  private static String backendName(TrafficSplit split, int index) {
    return split.backends().get(index).service().split("\\.", 2)[0];
  }

  private Set<Integer> ports(NamespacedName service) {
    KubernetesService found = surroundings.service(service);
    Set<Integer> ports = new HashSet<>();
    if (found != null && !found.externalName()) {
      found.ports().stream()
          .filter(port -> port.transport().equals("TCP"))
          .forEach(port -> ports.add(port.number()));
    }
    return ports;
  }

  private <T> Optional<T> refuse(TrafficSplit split, String field, String reason, String mend) {
    statuses.unusable(split, field, reason, mend);
    return Optional.empty();
  }

  private <T> Optional<T> refuse(
      TrafficSplit split, ObjectRef rival, String field, String reason, String mend) {
    statuses.conflict(split, Severity.UNUSABLE, field, reason, mend, rival);
    return Optional.empty();
  }
}

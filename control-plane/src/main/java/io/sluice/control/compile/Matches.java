package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.TrafficSplit;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Regex;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The requests that {@code spec.matches} of an object means, by the HTTPRouteGroups it names. */
final class Matches {
  private static final HttpMatch EVERY = new HttpMatch("every", Regex.ANY, Set.of(), Map.of());

  private Matches() {}

  /** The groups that there are. */
  interface Groups {
    /** The HTTPRouteGroup of that name, if there is one. */
    @Nullable RouteGroup http(NamespacedName name);
  }

  /** One that matches every request where no group is named; empty where none can be used. */
  static Optional<List<HttpMatch>> of(
      KubernetesObject object, List<TrafficSplit.Group> named, Groups groups, Statuses statuses) {
    return named.isEmpty()
        ? Optional.of(List.of(EVERY))
        : ofGroups(object, named, groups, Ground.SAID, statuses);
  }

  /**
   * Those of the groups, none where none is named; empty where none can be used.
   *
   * @param missing why the object has a status for a group that is not there
   */
  static Optional<List<HttpMatch>> ofGroups(
      KubernetesObject object,
      List<TrafficSplit.Group> named,
      Groups groups,
      Ground missing,
      Statuses statuses) {
    Set<HttpMatch> matches = new LinkedHashSet<>();
    Statuses ofMatches = new Statuses();
    for (TrafficSplit.Group one : named) {
      String field = field(one);
      if (!one.kind().equals("HTTPRouteGroup")) {
        statuses.unusable(
            object, field + ".kind", one.kind() + " is not known", "use an HTTPRouteGroup");
        return Optional.empty();
      }
      RouteGroup group = name(object.meta().namespace(), one.name()).map(groups::http).orElse(null);
      if (group == null) {
        ofMatches
            .on(missing)
            .warning(
                object,
                field,
                "names HTTPRouteGroup " + one.name() + ", which does not exist",
                "create the HTTPRouteGroup in namespace " + object.meta().namespace());
      } else {
        matches.addAll(group.all());
      }
    }
    boolean areLost = matches.isEmpty() && !named.isEmpty();
    statuses.addParts(
        ofMatches,
        areLost,
        object,
        "spec.matches",
        "no match of it can be used",
        "mend one of the groups");
    if (areLost) {
      return Optional.empty();
    }
    return Optional.of(List.copyOf(matches));
  }

  static String field(TrafficSplit.Group group) {
    return "spec.matches[" + group.index() + "]";
  }

  /** Nothing for a text that no object can have for a name. */
  static Optional<NamespacedName> name(String namespace, String name) {
    try {
      return Optional.of(new NamespacedName(namespace, name));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}

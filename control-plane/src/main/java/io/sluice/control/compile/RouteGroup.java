package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject.HttpRouteGroup;
import io.sluice.control.objects.KubernetesObject.HttpRouteGroup.Match;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.Regex;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The matches of an HTTPRouteGroup. One that cannot be used matches nothing. Immutable.
 *
 * @param usable in their order
 */
record RouteGroup(Map<String, HttpMatch> usable, Set<String> unusable, boolean assumed) {
  private static final HttpMatch SOME = new HttpMatch("some", Regex.ANY, Set.of(), Map.of());

  /** One that is only taken to exist, with whatever match it is asked for. */
  static final RouteGroup ASSUMED = new RouteGroup(Map.of("some", SOME), Set.of(), true);

  /** That of {@code group}, of which what cannot be used is told. */
  static RouteGroup of(HttpRouteGroup group, Statuses statuses) {
    Map<String, HttpMatch> usable = new LinkedHashMap<>();
    Set<String> unusable = new HashSet<>();
    for (int i = 0; i < group.matches().size(); i++) {
      Match match = group.matches().get(i);
      match(group, match, "spec.matches[" + i + "]", statuses)
          .ifPresentOrElse(
              found -> usable.put(match.name(), found), () -> unusable.add(match.name()));
    }
    if (group.matches().isEmpty()) {
      statuses.unusable(group, "spec.matches", "is empty", "add a match, which has a name");
    }
    return new RouteGroup(usable, unusable, false);
  }

  private static Optional<HttpMatch> match(
      HttpRouteGroup group, Match match, String field, Statuses statuses) {
    Optional<Regex> path = regex(group, match.path(), field + ".pathRegex", statuses);
    Map<String, Regex> headers = new HashMap<>();
    match
        .headers()
        .forEach((name, value) ->
            regex(group, value, field + ".headers[\"" + name + "\"]", statuses)
                .ifPresent(compiled -> headers.put(name, compiled)));
    return path.filter(_ -> headers.size() == match.headers().size())
        .map(compiled -> new HttpMatch(match.name(), compiled, match.methods(), headers));
  }

  private static Optional<Regex> regex(
      HttpRouteGroup group, String text, String field, Statuses statuses) {
    try {
      return Optional.of(Regex.of(text));
    } catch (IllegalArgumentException e) {
      statuses.unusable(
          group,
          field,
          String.valueOf(e.getMessage()),
          "mend it; until then the match matches nothing");
      return Optional.empty();
    }
  }

  /** All that can be used. */
  List<HttpMatch> all() {
    return List.copyOf(usable.values());
  }

  /** Whether there is one of that name, usable or not. */
  boolean has(String name) {
    return assumed || usable.containsKey(name) || unusable.contains(name);
  }

  /** The one of that name, where it can be used. */
  Optional<HttpMatch> get(String name) {
    return assumed ? Optional.of(SOME) : Optional.ofNullable(usable.get(name));
  }
}

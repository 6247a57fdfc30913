package io.sluice.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Samples of loads on paths. Those that are measured together take turns; one that is measured
 * again later tells whether the machine was still the same.
 *
 * @param <P> names a path
 */
final class Rounds<P extends Enum<P>> {
  /** The kernel's own threads have as much of a machine on which nobody else works. */
  private static final double HARMLESS_SHARE = 0.05;

  /** Fewer samples are no take. */
  private static final int LEAST = 4;

  /** For each sample that is wanted. */
  private static final int MOST_TRIES = 2;

  private final List<Load> loads;
  private final Bench.Extent extent;
  private final Distance distance;
  private final Map<Load, Map<P, List<Take>>> takes = new EnumMap<>(Load.class);
  private final List<String> unsteady = new ArrayList<>();

  Rounds(List<Load> loads, Bench.Extent extent, Distance distance) {
    this.loads = List.copyOf(loads);
    this.extent = extent;
    this.distance = distance;
  }

  /**
   * Runs each load on each of {@code paths} until it is steady there, then {@link
   * Bench.Extent#steadyWindows} windows of each by turns, since a JVM compiles anew what another
   * load shows it. Measures them by turns too, so that what disturbs the machine for some seconds
   * falls on a few samples of each.
   *
   * @param samples of each load on each path, between processors that are far from each other; as
   *     many more are taken at most
   */
  void measure(Map<P, LoadClient> paths, int samples) throws Exception {
    if (loads.isEmpty()) {
      return;
    }
    List<Take> these = new ArrayList<>();
    try (Awake _ = Awake.begin()) {
      for (Load load : loads) {
        Map<P, List<Take>> ofLoad = takes.computeIfAbsent(load, none -> new LinkedHashMap<>());
        for (Map.Entry<P, LoadClient> path : paths.entrySet()) {
          if (!ofLoad.containsKey(path.getKey())) {
            warmUp(load, path.getValue());
          }
          Take take = new Take(load, path.getValue(), extent.timeOf(load), distance);
          ofLoad.computeIfAbsent(path.getKey(), none -> new ArrayList<>()).add(take);
          these.add(take);
        }
      }
      for (int i = 0; i < extent.steadyWindows(); i++) {
        for (Load load : loads) {
          for (LoadClient client : paths.values()) {
            load.run(client, extent.windowOf(load));
          }
        }
      }
      System.err.println(
          "measuring %s on %s"
              .formatted(
                  loads.stream().map(Load::id).collect(Collectors.joining(", ")),
                  paths.values().stream().map(LoadClient::name).collect(Collectors.joining(", "))));
      for (int i = 0; i < samples || (i < MOST_TRIES * samples && distance.isPatient()); i++) {
        for (Take take : these) {
          if (take.far().size() < samples) {
            take.sample();
          }
        }
      }
    }
    for (Take take : these) {
      take.requireWork();
    }
  }

  private void warmUp(Load load, LoadClient client) throws Exception {
    System.err.println("warming up " + load.id() + " on " + client.name());
    SteadyRate rate = new SteadyRate(extent.steadyWindows());
    long end = System.nanoTime() + extent.longestWarmUp().toNanos();
    while (!rate.isSteady()) {
      if (System.nanoTime() - end > 0) {
        unsteady.add(load.id() + " on " + client.name());
        return;
      }
      rate.add(pace(load).value().applyAsDouble(load.run(client, extent.windowOf(load))));
    }
  }

  /** Tells by itself whether a path has become faster or slower. */
  private static Load.Measure pace(Load load) {
    return load.measures().getFirst();
  }

  /** By path; without those of which there is no such thing, as hops of the direct one. */
  Map<P, Values> values(Load load, Load.Measure measure) {
    Map<P, Values> values = values(load, measure.value());
    values.values().removeIf(ofPath -> measure.isOfHops() && Collections.max(ofPath.all()) == 0);
    return values;
  }

  private Map<P, Values> values(Load load, ToDoubleFunction<Sample> property) {
    Counted counted = countedOf(load);
    Map<P, Values> values = new LinkedHashMap<>();
    takes
        .getOrDefault(load, Map.of())
        .forEach((path, those) ->
            values.put(
                path,
                new Values(
                    those.stream()
                        .map(
                            take -> counted.of(take).stream().map(property::applyAsDouble).toList())
                        .toList())));
    return values;
  }

  /** Which samples of a load count: those of one distance, if each take has enough of them. */
  private Counted countedOf(Load load) {
    return Stream.of(Counted.FAR, Counted.NEAR)
        .filter(counted -> takesOf(load).allMatch(take -> counted.of(take).size() >= LEAST))
        .findFirst()
        .orElse(Counted.ALL);
  }

  private Stream<Take> takesOf(Load load) {
    return takes.getOrDefault(load, Map.of()).values().stream().flatMap(List::stream);
  }

  private enum Counted {
    FAR,
    NEAR,
    ALL;

    List<Sample> of(Take take) {
      return switch (this) {
        case FAR -> take.far();
        case NEAR -> take.near();
        case ALL -> take.all();
      };
    }
  }

  /** What to think of the values, each a sentence; none where nothing is doubtful. */
  List<String> remarks() {
    List<String> moved = new ArrayList<>();
    List<String> disturbed = new ArrayList<>();
    for (Load load : loads) {
      for (Load.Measure measure : load.measures()) {
        values(load, measure)
            .forEach((path, values) -> {
              if (values.hasMoved()) {
                moved.add(measure.name() + " of " + named(load, path, "%.2f", values.moved()));
              }
            });
      }
      values(load, Sample::strangersShare)
          .forEach((path, shares) -> {
            if (shares.median() > HARMLESS_SHARE) {
              disturbed.add(named(load, path, "%.0f %%", shares.median() * 100));
            }
          });
    }
    List<String> remarks = ofDistance();
    told("Doubtful, for paths were others at the end than at the beginning", moved)
        .ifPresent(remarks::add);
    told("Others had a part of the machine meanwhile", disturbed).ifPresent(remarks::add);
    told("Not steady after " + extent.longestWarmUp().toSeconds() + " s", unsteady)
        .ifPresent(remarks::add);
    return remarks;
  }

  /** Of samples that do not count, and of those that count nevertheless. */
  private List<String> ofDistance() {
    int left = 0;
    List<String> near = new ArrayList<>();
    List<String> mixed = new ArrayList<>();
    for (Load load : loads) {
      Counted counted = countedOf(load);
      left += takesOf(load).mapToInt(take -> take.all().size() - counted.of(take).size()).sum();
      if (counted != Counted.FAR) {
        (counted == Counted.NEAR ? near : mixed).add(load.id());
      }
    }
    List<String> remarks = new ArrayList<>();
    if (left > 0) {
      remarks.add(left + " samples do not count: processors were at another distance");
    }
    told("Only between near processors", near).ifPresent(remarks::add);
    told("Doubtful, for processors were near at times, and far", mixed).ifPresent(remarks::add);
    return remarks;
  }

  private static Optional<String> told(String what, List<String> of) {
    return of.isEmpty() ? Optional.empty() : Optional.of(what + ": " + String.join(", ", of));
  }

  private String named(Load load, P path, String format, double value) {
    return load.id()
        + " on "
        + path.name().toLowerCase(Locale.ROOT)
        + " "
        + String.format(Locale.ROOT, format, value);
  }
}

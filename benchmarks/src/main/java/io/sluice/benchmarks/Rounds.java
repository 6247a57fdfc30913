package io.sluice.benchmarks;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
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

  /** Fewer samples are no measurement. */
  private static final int LEAST = 4;

  /** For each sample that is wanted. */
  private static final int MOST_TRIES = 2;

  /** For processors to be far from each other again, while some loads are measured. */
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private final List<Load> loads;
  private final Bench.Extent extent;
  private final Distance distance;
  private final Map<Load, Map<P, List<Turn>>> turns = new EnumMap<>(Load.class);
  private final List<String> unsteady = new ArrayList<>();

  Rounds(List<Load> loads, Bench.Extent extent, Distance distance) {
    this.loads = List.copyOf(loads);
    this.extent = extent;
    this.distance = distance;
  }

  /**
   * Runs each load on each of {@code paths} until it is steady there, then all of them by turns, so
   * that what disturbs the machine for some seconds falls on a few samples of each.
   *
   * @param samples of each load on each path
   */
  void measure(Map<P, LoadClient> paths, int samples) throws Exception {
    try (Awake awake = Awake.begin()) {
      measureAwake(paths, samples);
    }
  }

  private void measureAwake(Map<P, LoadClient> paths, int samples) throws Exception {
    List<Turn> these = new ArrayList<>();
    for (Load load : loads) {
      Map<P, List<Turn>> ofLoad = turns.computeIfAbsent(load, none -> new LinkedHashMap<>());
      for (Map.Entry<P, LoadClient> path : paths.entrySet()) {
        if (!ofLoad.containsKey(path.getKey())) {
          warmUp(load, path.getValue());
        }
        Turn turn = new Turn(load, path.getValue(), distance);
        ofLoad.computeIfAbsent(path.getKey(), none -> new ArrayList<>()).add(turn);
        these.add(turn);
      }
    }
    System.err.println(
        "measuring "
            + loads.stream().map(Load::id).collect(Collectors.joining(", "))
            + " on "
            + paths.values().stream().map(LoadClient::name).collect(Collectors.joining(", ")));
    Duration patience = PATIENCE;
    for (int i = 0; i < MOST_TRIES * samples; i++) {
      for (Turn turn : these) {
        if (turn.far().size() < samples) {
          patience = patience.minus(distance.awaitLongest(patience));
          turn.take(extent.time());
        }
      }
    }
    for (Turn turn : these) {
      turn.requireWork();
    }
  }

  private void warmUp(Load load, LoadClient client) throws Exception {
    System.err.println("warming up " + load.id() + " on " + client.name());
    SteadyRate rate = new SteadyRate();
    long end = System.nanoTime() + extent.longestWarmUp().toNanos();
    while (!rate.isSteady()) {
      if (System.nanoTime() - end > 0) {
        unsteady.add(load.id() + " on " + client.name());
        return;
      }
      rate.add(pace(load).value().applyAsDouble(load.run(client, extent.window())));
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
    Function<Turn, List<Sample>> which = countedOf(load).which;
    Map<P, Values> values = new LinkedHashMap<>();
    turns
        .getOrDefault(load, Map.of())
        .forEach((path, those) ->
            values.put(
                path,
                new Values(
                    those.stream()
                        .map(turn ->
                            which.apply(turn).stream().map(property::applyAsDouble).toList())
                        .filter(take -> !take.isEmpty())
                        .toList())));
    return values;
  }

  /**
   * Which samples of a load count: of each path those between processors as far from each other.
   */
  private Counted countedOf(Load load) {
    return Stream.of(Counted.FAR, Counted.NEAR)
        .filter(counted ->
            turns.getOrDefault(load, Map.of()).values().stream()
                .allMatch(those ->
                    those.stream().mapToInt(turn -> counted.which.apply(turn).size()).sum()
                        >= LEAST))
        .findFirst()
        .orElse(Counted.ALL);
  }

  private enum Counted {
    FAR(Turn::far),
    NEAR(Turn::near),
    ALL(Turn::all);

    private final Function<Turn, List<Sample>> which;

    Counted(Function<Turn, List<Sample>> which) {
      this.which = which;
    }
  }

  /** What to think of the values, each a sentence; none where nothing is doubtful. */
  List<String> remarks() {
    List<String> moved = new ArrayList<>();
    List<String> disturbed = new ArrayList<>();
    for (Load load : loads) {
      values(load, pace(load).value())
          .forEach((path, values) -> {
            if (values.hasMoved()) {
              moved.add(named(load, path, "%.2f", values.moved()));
            }
          });
      values(load, Sample::strangersShare)
          .forEach((path, shares) -> {
            if (shares.median() > HARMLESS_SHARE) {
              disturbed.add(named(load, path, "%.0f %%", shares.median() * 100));
            }
          });
    }
    List<String> remarks = new ArrayList<>();
    remarks.add(ofDistance());
    if (!moved.isEmpty()) {
      remarks.add(
          "Doubtful, for paths were others at the end than at the beginning: "
              + String.join(", ", moved));
    }
    if (!disturbed.isEmpty()) {
      remarks.add("Others had a part of the machine meanwhile: " + String.join(", ", disturbed));
    }
    if (!unsteady.isEmpty()) {
      remarks.add(
          "Not steady after %d s: %s"
              .formatted(extent.longestWarmUp().toSeconds(), String.join(", ", unsteady)));
    }
    return remarks;
  }

  private String ofDistance() {
    int left = 0;
    List<String> near = new ArrayList<>();
    List<String> mixed = new ArrayList<>();
    for (Map.Entry<Load, Map<P, List<Turn>>> ofLoad : turns.entrySet()) {
      Counted counted = countedOf(ofLoad.getKey());
      left +=
          ofLoad.getValue().values().stream()
              .flatMap(List::stream)
              .mapToInt(turn -> turn.all().size() - counted.which.apply(turn).size())
              .sum();
      if (counted != Counted.FAR) {
        (counted == Counted.NEAR ? near : mixed).add(ofLoad.getKey().id());
      }
    }
    return "A cache line took %.0f ns to another processor and back".formatted(distance.longest())
        + (left == 0 ? "" : "; %d samples while it took another time do not count".formatted(left))
        + (near.isEmpty() ? "" : "; of these only samples while it took less do: " + join(near))
        + (mixed.isEmpty() ? "" : "; doubtful, for of these all do: " + join(mixed));
  }

  private static String join(List<String> ids) {
    return String.join(", ", ids);
  }

  private String named(Load load, P path) {
    return load.id() + " on " + path.name().toLowerCase(Locale.ROOT);
  }

  private String named(Load load, P path, String format, double value) {
    return named(load, path) + " " + String.format(Locale.ROOT, format, value);
  }
}

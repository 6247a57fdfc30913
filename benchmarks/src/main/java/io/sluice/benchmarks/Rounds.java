package io.sluice.benchmarks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * Samples of loads on paths. Those that are measured together take turns; one that is measured
 * again later tells whether the machine was still the same.
 *
 * @param <P> names a path
 */
final class Rounds<P extends Enum<P>> {
  /** The kernel's own threads have as much of a machine on which nobody else works. */
  private static final double HARMLESS_SHARE = 0.05;

  private final List<Load> loads;
  private final Bench.Extent extent;
  private final Map<Load, Map<P, List<List<Sample>>>> takes = new EnumMap<>(Load.class);
  private final List<String> unsteady = new ArrayList<>();

  Rounds(List<Load> loads, Bench.Extent extent) {
    this.loads = List.copyOf(loads);
    this.extent = extent;
  }

  /** Runs each load on all of {@code paths}: on each until it is steady there, then by turns. */
  void measure(Map<P, LoadClient> paths, int samples) throws Exception {
    for (Load load : loads) {
      System.err.println(
          "measuring "
              + load.id()
              + " on "
              + paths.values().stream().map(LoadClient::name).collect(Collectors.joining(", ")));
      Map<P, List<List<Sample>>> ofLoad =
          takes.computeIfAbsent(load, none -> new LinkedHashMap<>());
      for (Map.Entry<P, LoadClient> path : paths.entrySet()) {
        if (ofLoad.containsKey(path.getKey())) {
          load.run(path.getValue(), extent.time()); // warm since its first time: only woken up
        } else {
          warmUp(load, path.getValue());
        }
      }
      take(load, paths, samples)
          .forEach(
              (path, take) -> ofLoad.computeIfAbsent(path, none -> new ArrayList<>()).add(take));
    }
  }

  private Map<P, List<Sample>> take(Load load, Map<P, LoadClient> paths, int samples)
      throws Exception {
    Map<LoadClient, List<Double>> before = new LinkedHashMap<>();
    for (LoadClient client : paths.values()) {
      before.put(client, client.hops().eachCpuSeconds());
    }
    Map<P, List<Sample>> take = new LinkedHashMap<>();
    for (int i = 0; i < samples; i++) {
      for (Map.Entry<P, LoadClient> path : paths.entrySet()) {
        take.computeIfAbsent(path.getKey(), none -> new ArrayList<>())
            .add(load.run(path.getValue(), extent.time()));
      }
    }
    for (Map.Entry<LoadClient, List<Double>> path : before.entrySet()) {
      requireWork(path.getKey(), path.getValue());
    }
    return take;
  }

  private void warmUp(Load load, LoadClient client) throws Exception {
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

  /** A hop that spent nothing was not on the way, and then nothing was measured. */
  private static void requireWork(LoadClient client, List<Double> before) throws IOException {
    List<Double> after = client.hops().eachCpuSeconds();
    for (int hop = 0; hop < before.size(); hop++) {
      if (!client.passesHopsBy() && after.get(hop) <= before.get(hop)) {
        throw new IOException("hop " + hop + " of " + client.name() + " did no work");
      }
    }
  }

  /** Tells by itself whether a path has become faster or slower. */
  private static Load.Measure pace(Load load) {
    return load.measures().getFirst();
  }

  /** By path; without those of which there is no such thing, as hops of the direct one. */
  Map<P, Values> values(Load load, Load.Measure measure) {
    Map<P, Values> values = values(load, measure.value());
    values.values().removeIf(ofPath -> measure.isOfHops() && ofPath.highest() == 0);
    return values;
  }

  private Map<P, Values> values(Load load, ToDoubleFunction<Sample> property) {
    Map<P, Values> values = new LinkedHashMap<>();
    takes
        .getOrDefault(load, Map.of())
        .forEach((path, those) ->
            values.put(
                path,
                new Values(
                    those.stream()
                        .map(take -> take.stream().map(property::applyAsDouble).toList())
                        .toList())));
    return values;
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

  private String named(Load load, P path, String format, double value) {
    return load.id()
        + " on "
        + path.name().toLowerCase(Locale.ROOT)
        + " "
        + String.format(Locale.ROOT, format, value);
  }
}

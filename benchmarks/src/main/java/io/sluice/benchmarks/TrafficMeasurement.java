package io.sluice.benchmarks;

import io.sluice.lab.site.DaemonProcess;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** The data path of one node: connections, requests and streams, each beside the direct path. */
final class TrafficMeasurement {
  private final Testbed testbed;
  private final Bench.Extent extent;
  private final List<Load> loads;
  private final Rounds<Route> rounds;

  /** Of the loads that belong to {@code parts}; there may be none. */
  TrafficMeasurement(Testbed testbed, Bench.Extent extent, Set<Part> parts) {
    this.testbed = testbed;
    this.extent = extent;
    this.loads = Stream.of(Load.values()).filter(load -> parts.contains(load.part())).toList();
    this.rounds = new Rounds<>(loads, extent);
  }

  /** To be called while no program is attached anywhere: before the mesh and after it. */
  void direct() throws Exception {
    measure(Route.DIRECT, ProcessUse.NONE, extent.baselines());
  }

  /** Both hops run in {@code daemon}. */
  void meshed(DaemonProcess daemon) throws Exception {
    measure(Route.MESHED, ProcessUse.of(daemon.pid()), extent.samples());
  }

  private void measure(Route route, ProcessUse hops, int samples) throws Exception {
    LoadClient client = new LoadClient(testbed.path(route), testbed.neighbours(route), hops);
    rounds.measure(Map.of(route, client), samples);
  }

  List<Figure> figures() {
    List<Figure> figures = new ArrayList<>();
    for (Load load : loads) {
      for (Load.Measure measure : load.measures()) {
        Map<Route, Values> values = rounds.values(load, measure);
        Values meshed = values.get(Route.MESHED);
        if (meshed != null) {
          figures.add(
              new Figure(
                  load.id() + "." + measure.name(),
                  measure.label(),
                  measure.unit(),
                  values.get(Route.DIRECT),
                  meshed));
        }
      }
    }
    return figures;
  }

  List<String> remarks() {
    return rounds.remarks();
  }
}

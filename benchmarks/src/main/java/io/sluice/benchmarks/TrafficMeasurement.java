package io.sluice.benchmarks;

import io.sluice.lab.site.DaemonProcess;
import java.util.ArrayList;
import java.util.EnumMap;
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
  TrafficMeasurement(Testbed testbed, Bench.Extent extent, Set<Part> parts, Distance distance) {
    this.testbed = testbed;
    this.extent = extent;
    this.loads = Stream.of(Load.values()).filter(load -> parts.contains(load.part())).toList();
    this.rounds = new Rounds<>(loads, extent, distance);
  }

  /** Whether none of the parts has a load. */
  boolean isEmpty() {
    return loads.isEmpty();
  }

  /** To be called while no program is attached anywhere: before the mesh and after it. */
  void direct() throws Exception {
    rounds.measure(Map.of(Route.DIRECT, client(Route.DIRECT, ProcessUse.NONE)), extent.baselines());
  }

  /** Both hops run in {@code daemon}. */
  void meshed(DaemonProcess daemon, Route route) throws Exception {
    LoadClient client = client(route, ProcessUse.of(daemon.pid()));
    if (route == Route.MESHED) {
      client.passHopsBy();
    }
    rounds.measure(Map.of(route, client), extent.samples());
  }

  /** The same, and by turns what is not decided by requests. */
  void meshedAndAsBytes(DaemonProcess daemon) throws Exception {
    Map<Route, LoadClient> clients = new EnumMap<>(Route.class);
    for (Route route : List.of(Route.MESHED, Route.AS_BYTES)) {
      LoadClient client = client(route, ProcessUse.of(daemon.pid()));
      client.requireDecisions(route == Route.MESHED);
      clients.put(route, client);
    }
    rounds.measure(clients, extent.samples());
  }

  private LoadClient client(Route route, ProcessUse hops) {
    return new LoadClient(testbed.path(route), testbed.neighbours(route), hops);
  }

  List<Figure> figures() {
    List<Figure> figures = new ArrayList<>();
    for (Load load : loads) {
      for (Load.Measure measure : load.measures()) {
        Map<Route, Values> values = rounds.values(load, measure);
        Values direct = values.remove(Route.DIRECT);
        values.forEach((route, meshed) ->
            figures.add(
                new Figure(
                    load.id() + route.id + "." + measure.name(),
                    measure.label() + route.label,
                    measure.unit(),
                    direct,
                    meshed)));
      }
    }
    return figures;
  }

  List<String> remarks() {
    return rounds.remarks();
  }
}

package io.sluice.scenario;

import io.sluice.kernel.LongRun;
import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Cluster;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/** How traffic is intercepted, on the clients' node and on the servers', and where YAML is read. */
enum Setting {
  /** Who calls from afar does so with programs, who calls from nearby with rules. */
  MIXED(List.of(Mechanism.EBPF, Mechanism.IPTABLES), Setting::folder),
  EBPF(List.of(Mechanism.EBPF, Mechanism.EBPF), Setting::folder),
  IPTABLES(List.of(Mechanism.IPTABLES, Mechanism.IPTABLES), Setting::folder),
  API_SERVER(List.of(Mechanism.EBPF, Mechanism.EBPF), ApiServerScenarios::new);

  private final List<Mechanism> mechanisms;
  private final Function<Cluster, ScenarioRegistry> registry;

  Setting(List<Mechanism> mechanisms, Function<Cluster, ScenarioRegistry> registry) {
    this.mechanisms = mechanisms;
    this.registry = registry;
  }

  /** Each; in a short run both mechanisms at once. */
  static Stream<Setting> tried() {
    return LongRun.ON ? Stream.of(values()) : Stream.of(MIXED, API_SERVER);
  }

  static ScenarioRegistry folder(Cluster cluster) {
    return new FolderScenarios(cluster.registry());
  }

  boolean readsApiServer() {
    return this == API_SERVER;
  }

  ScenarioSite open() {
    return ScenarioSite.open(mechanisms, registry);
  }
}

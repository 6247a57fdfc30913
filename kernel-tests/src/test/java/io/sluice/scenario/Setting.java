package io.sluice.scenario;

import io.sluice.kernel.Mechanism;
import io.sluice.lab.site.Cluster;
import java.util.function.Function;

/** How traffic is intercepted, and where YAML is read. */
enum Setting {
  EBPF(Mechanism.EBPF, cluster -> new FolderScenarios(cluster.registry())),
  IPTABLES(Mechanism.IPTABLES, cluster -> new FolderScenarios(cluster.registry())),
  API_SERVER(Mechanism.EBPF, ApiServerScenarios::new);

  private final Mechanism mechanism;
  private final Function<Cluster, ScenarioRegistry> registry;

  Setting(Mechanism mechanism, Function<Cluster, ScenarioRegistry> registry) {
    this.mechanism = mechanism;
    this.registry = registry;
  }

  boolean readsApiServer() {
    return this == API_SERVER;
  }

  ScenarioSite open() {
    return ScenarioSite.open(mechanism, registry);
  }
}

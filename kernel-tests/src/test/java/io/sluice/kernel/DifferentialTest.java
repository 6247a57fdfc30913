package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.site.Await;
import io.sluice.kernel.site.Commands;
import io.sluice.kernel.site.Manifests;
import io.sluice.kernel.site.Site;
import io.sluice.kernel.site.SitePod;
import io.sluice.linux.bpf.BpfMap;
import io.sluice.linux.bpf.BpfMapFd;
import io.sluice.linux.bpf.MapCodec;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.node.maps.PortRuleKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random settings and flows: the kernel's verdicts are those of the model, in each mechanism. More
 * flows, or another seed, by {@code -Dsluice.differential.settings=N -Dsluice.differential.seed=N}.
 */
@Tag("kernel")
class DifferentialTest {
  private static final long SEED = Long.getLong("sluice.differential.seed", 20_261_120);
  private static final int SETTINGS = Integer.getInteger("sluice.differential.settings", 20);
  private static final int FLOWS_PER_SETTING = 100;

  /** Not flows of the application: the proxy's own, and neighbour discovery. */
  private static final Set<String> NOT_OURS = Set.of("proxy_socket", "raw_socket");

  @ParameterizedTest
  @EnumSource(Mechanism.class)
  void theKernelAgreesWithTheModel(Mechanism mechanism) {
    System.out.printf("differential: %s, seed %d%n", mechanism, SEED);
    try (Site site = open(mechanism)) {
      RandomFlows flows = new RandomFlows(SEED, site.pod("caller"), site.pod("neighbour"));
      for (int i = 0; i < SETTINGS; i++) {
        RandomFlows.Setting setting = flows.setting();
        configure(site, setting);
        Map<String, Long> before = counted(site);
        Map<String, Long> expected = flows.send(setting, FLOWS_PER_SETTING);

        assertThat(since(before, counted(site)))
            .as("%s, seed %d, setting %d: %s", mechanism, SEED, i, setting)
            .isEqualTo(expected);
      }
    }
  }

  @Test
  void aRuleMissingInTheKernelIsNoticedInEbpf() {
    try (Site site = open(Mechanism.EBPF)) {
      assertThat(disagrees(site, () -> removePortRules(site))).isTrue();
    }
  }

  @Test
  void aRuleMissingInTheKernelIsNoticedInIptables() {
    try (Site site = open(Mechanism.IPTABLES)) {
      assertThat(disagrees(site, () -> removePortRule(site))).isTrue();
    }
  }

  /**
   * Whether flows to an excluded port show that {@code fault} was done behind the daemon's back.
   */
  private static boolean disagrees(Site site, Runnable fault) {
    RandomFlows flows = new RandomFlows(SEED, site.pod("caller"), site.pod("neighbour"));
    RandomFlows.Setting setting =
        new RandomFlows.Setting(
            new InterceptionSettings(Set.of(8_080), Set.of(), List.of(), List.of(), Set.of()),
            false);
    configure(site, setting);
    Map<String, Long> before = counted(site);
    fault.run();
    Map<String, Long> expected = flows.send(setting, FLOWS_PER_SETTING);
    return !since(before, counted(site)).equals(expected);
  }

  private static void removePortRules(Site site) {
    try (BpfMapFd map = BpfMapFd.openPinned(site.daemon().view().pins().map("port_rules"))) {
      BpfMap<PortRuleKey, Integer> rules = new BpfMap<>(map, PortRuleKey.CODEC, MapCodec.u32());
      assertThat(rules.snapshot()).isNotEmpty();
      rules.snapshot().keySet().forEach(rules::remove);
    }
  }

  private static void removePortRule(Site site) {
    SitePod pod = site.pod("caller");
    for (String program : List.of("iptables-nft", "ip6tables-nft")) {
      for (String table : List.of("nat", "filter")) {
        String saved =
            Commands.run("ip", "netns", "exec", pod.netns(), program + "-save", "-t", table);
        saved
            .lines()
            .filter(line -> line.startsWith("-A SLUICE") && line.contains("--dport 8080"))
            .forEach(line -> delete(pod, program, table, line));
      }
    }
  }

  private static void delete(SitePod pod, String program, String table, String line) {
    List<String> words =
        new ArrayList<>(List.of("ip", "netns", "exec", pod.netns(), program, "-t", table, "-D"));
    words.addAll(List.of(line.substring("-A ".length()).split(" ")));
    Commands.run(words.toArray(String[]::new));
  }

  private static Site open(Mechanism mechanism) {
    Site site = new Site("caller", "neighbour");
    try {
      site.registry().write("namespace", Manifests.namespace());
      site.registry().write("mesh-config", Manifests.meshConfig(false, false, Map.of()));
      site.registry().write(site.pod("caller"));
      site.registry().write(site.pod("neighbour"));
      site.startDaemon("--mode", mechanism.mode());
      return site;
    } catch (RuntimeException | Error e) {
      site.close();
      throw e;
    }
  }

  private static void configure(Site site, RandomFlows.Setting setting) {
    long before = enforced(site);
    int changes = site.registry().changes();
    site.registry()
        .write("mesh-config", Manifests.meshConfig(setting.permissive(), false, setting.lists()));
    if (site.registry().changes() != changes) {
      Await.until("every pod is brought to the change", () -> enforced(site) > before);
    }
  }

  private static long enforced(Site site) {
    return site.daemon().view().status().path("enforcedRevision").asLong();
  }

  private static Map<String, Long> counted(Site site) {
    String pod = site.pod("caller").meshName();
    Map<String, Long> counts = new TreeMap<>();
    for (Map<String, String> row : site.daemon().view().dump("verdict_counters")) {
      if (pod.equals(row.get("pod"))
          && "outbound".equals(row.get("direction"))
          && !NOT_OURS.contains(row.getOrDefault("reason", ""))) {
        counts.put(
            RandomFlows.key(
                row.getOrDefault("family", ""),
                row.getOrDefault("verdict", ""),
                row.getOrDefault("reason", "")),
            Long.parseLong(row.getOrDefault("count", "0")));
      }
    }
    return counts;
  }

  private static Map<String, Long> since(Map<String, Long> before, Map<String, Long> after) {
    Map<String, Long> grown = new TreeMap<>();
    after.forEach((key, count) -> {
      long more = count - before.getOrDefault(key, 0L);
      if (more != 0) {
        grown.put(key, more);
      }
    });
    return grown;
  }
}

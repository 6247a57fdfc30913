package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import io.sluice.mesh.InterceptionSettings;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random settings and flows, in and out: the verdicts are those of the model in each mechanism, by
 * the kernel's counters and by what each client sees. More flows, or another seed, by {@code
 * -Dsluice.differential.settings=N -Dsluice.differential.seed=N}.
 */
@Tag("kernel")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DifferentialTest {
  /** Excluded in both directions where faults are seeded. */
  static final int FAULTY_PORT = 8_080;

  private static final long SEED = Long.getLong("sluice.differential.seed", 20_261_120);
  private static final int SETTINGS =
      Integer.getInteger("sluice.differential.settings", LongRun.ON ? 100 : 7);
  private static final int OUTBOUND_FLOWS = 70;
  private static final int INBOUND_FLOWS = 30;

  /** One exclusion of each kind that a fault concerns, and different ones in and out. */
  private static final FlowSetting EXCLUSIONS =
      new FlowSetting(
          new InterceptionSettings(
              Set.of(FAULTY_PORT, 443),
              Set.of(FAULTY_PORT, 6_379),
              List.of(),
              List.of(),
              Set.of("net1")),
          false);

  private final Map<Mechanism, FlowSite> sites = new EnumMap<>(Mechanism.class);
  private final Map<Mechanism, RandomFlows> faultyFlows = new EnumMap<>(Mechanism.class);

  @AfterAll
  void closeSites() {
    sites.values().forEach(FlowSite::close);
  }

  @ParameterizedTest
  @EnumSource(Mechanism.class)
  @Order(1)
  void theKernelAgreesWithTheModel(Mechanism mechanism) {
    System.out.printf("differential: %s, seed %d%n", mechanism, SEED);
    FlowSite site = sites.computeIfAbsent(mechanism, FlowSite::open);
    RandomFlows flows = new RandomFlows(SEED, site);
    for (int i = 0; i < SETTINGS; i++) {
      FlowSetting setting = flows.setting();
      site.configure(setting);

      assertThat(differences(mechanism, site, setting, flows))
          .as("%s, seed %d, setting %d: %s", mechanism, SEED, i, setting)
          .isEmpty();
    }
  }

  /** After the others, which find nothing of a fault that way. */
  @ParameterizedTest
  @EnumSource(SeededFault.class)
  @Order(2)
  void aFaultInTheMechanismIsNoticed(SeededFault fault) {
    Mechanism mechanism = fault.mechanism();
    FlowSite site = sites.computeIfAbsent(mechanism, FlowSite::open);
    RandomFlows flows = faultyFlows.computeIfAbsent(mechanism, _ -> new RandomFlows(SEED, site));
    SeededFault.Deed deed = fault.prepare();
    // From nothing, so that whatever the fault before this one broke is written anew.
    site.configure(FlowSetting.NOTHING_EXCLUDED);
    site.configure(EXCLUSIONS);
    Await.untilPasses(
        Await.PATIENCE,
        () -> assertThat(differences(mechanism, site, EXCLUSIONS, flows)).isEmpty());

    Await.until(
        "the comparison shows " + fault,
        () -> {
          deed.on(site); // anew in each round: the daemon repairs within a second
          return !differences(mechanism, site, EXCLUSIONS, flows).isEmpty();
        });
  }

  private static List<String> differences(
      Mechanism mechanism, FlowSite site, FlowSetting setting, RandomFlows flows) {
    return FlowComparison.differences(
        site,
        new FlowModel(mechanism, site.steered(setting)),
        flows.outbound(OUTBOUND_FLOWS),
        flows.inbound(INBOUND_FLOWS));
  }
}

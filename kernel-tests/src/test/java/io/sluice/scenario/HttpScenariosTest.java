package io.sluice.scenario;

import io.sluice.kernel.Mechanism;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every row of the tables, in every cell. */
@Tag("kernel")
@ParameterizedClass
@EnumSource(
    value = Mechanism.class,
    names = {"EBPF", "IPTABLES"})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HttpScenariosTest {
  @Parameter private Mechanism mechanism = Mechanism.EBPF;
  private ScenarioSite site;
  private ScenarioRun run;

  @BeforeParameterizedClassInvocation
  void open() {
    site = ScenarioSite.open(mechanism);
    run = new ScenarioRun(site);
  }

  @AfterParameterizedClassInvocation
  void close() {
    run.close();
    site.close();
  }

  static List<Scenario> scenarios() {
    return Stream.of(
            AccessScenarios.all(),
            SplitScenarios.all(),
            ProtocolScenarios.all(),
            TelemetryScenarios.all(),
            Stream.of(BookstoreScenario.row()))
        .flatMap(rows -> rows)
        .toList();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("scenarios")
  void holdsInEveryCell(Scenario scenario) {
    run.run(scenario);
  }
}

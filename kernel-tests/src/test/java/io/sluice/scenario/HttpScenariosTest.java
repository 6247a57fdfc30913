package io.sluice.scenario;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.sluice.kernel.LongRun;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Every row of the tables, in cells of each place and family. */
@Order(1)
@Tag("kernel")
@ParameterizedClass
@MethodSource("io.sluice.scenario.Setting#tried")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HttpScenariosTest {
  @Parameter private Setting setting = Setting.EBPF;
  private ScenarioSite site;
  private ScenarioRun run;

  @BeforeParameterizedClassInvocation
  void open() {
    site = setting.open();
    run = new ScenarioRun(site);
  }

  @AfterParameterizedClassInvocation
  void close() {
    run.close();
    site.close();
  }

  @TestFactory
  Stream<DynamicTest> holdsInItsCells() {
    return rows().map(row -> dynamicTest(row.name(), () -> run.run(row)));
  }

  private Stream<Scenario> rows() {
    return setting.readsApiServer()
        ? Stream.of(
                TrafficMetricsScenarios.all(), // while nothing else is counted
                LongRun.ON
                    ? Stream.concat(AccessScenarios.all(), BookstoreScenario.row())
                    : Stream.<Scenario>empty(),
                OutsideScenarios.issued(site))
            .flatMap(rows -> rows)
        : Stream.of(
                TelemetryScenarios.all(site), // while the log is short
                ProtocolScenarios.all(),
                AccessScenarios.all(),
                BookstoreScenario.row(),
                OutsideScenarios.all(site),
                SplitScenarios.all(),
                Stream.of(WarmUpScenario.row()),
                LimitScenarios.all(),
                ResilienceScenarios.all(),
                AuthorizationScenarios.all(site),
                SharedLimitScenarios.all(site),
                TracingScenarios.all(site))
            .flatMap(rows -> rows);
  }
}

package io.sluice.node.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.Samples;
import io.sluice.node.flows.RecordedFlow.Asked;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RecordedFlowTest {
  private static final Asked GET = new Asked("GET", "a", "/a", false, Map.of(), Set.of());
  private static final Asked PUT =
      new Asked("PUT", "b", "/b", true, Map.of("h", "v"), Set.of("absent"));
  private static final Verdict ALLOWED =
      new Verdict(Outcome.ALLOWED, Reason.TRAFFIC_TARGET, Samples.CART);

  private static RecordedFlow flow(Verdict verdict) {
    return new RecordedFlow(
        Direction.OUTBOUND,
        Samples.CART,
        Samples.identity(Samples.CART),
        false,
        false,
        Samples.CATALOGUE,
        Samples.identity(Samples.CATALOGUE),
        "",
        80,
        "",
        GET,
        verdict);
  }

  static Stream<List<Record>> pairs() {
    RecordedFlow other =
        new RecordedFlow(
            Direction.INBOUND,
            null,
            null,
            true,
            true,
            null,
            null,
            "10.0.0.1",
            81,
            "s",
            PUT,
            Verdict.of(Outcome.REFUSED, Reason.NO_TRAFFIC_TARGET));
    return Stream.of(List.of(GET, PUT), List.of(flow(ALLOWED), other));
  }

  /** Whatever a flow comes to have must be compared as well. */
  @ParameterizedTest
  @MethodSource("pairs")
  void twoAreOneOnlyWhereAllIsAlike(List<Record> pair) throws ReflectiveOperationException {
    Object[] own = values(pair.getFirst());
    Object[] others = values(pair.getLast());
    assertThat(made(pair.getFirst(), own))
        .isEqualTo(pair.getFirst())
        .hasSameHashCodeAs(pair.getFirst());
    for (int i = 0; i < own.length; i++) {
      Object[] changed = own.clone();
      changed[i] = others[i];
      assertThat(made(pair.getFirst(), changed)).as("part %s", i).isNotEqualTo(pair.getFirst());
    }
  }

  @ParameterizedTest
  @MethodSource("otherVerdicts")
  void allOfAVerdictCounts(Verdict other) {
    assertThat(flow(other)).isNotEqualTo(flow(ALLOWED));
  }

  static Stream<Verdict> otherVerdicts() {
    return Stream.of(
        new Verdict(Outcome.REFUSED, ALLOWED.reason(), Samples.CART),
        new Verdict(ALLOWED.outcome(), Reason.PERMISSIVE_MODE, Samples.CART),
        Verdict.of(ALLOWED.outcome(), ALLOWED.reason()));
  }

  private static Object[] values(Record of) throws ReflectiveOperationException {
    RecordComponent[] parts = of.getClass().getRecordComponents();
    Object[] values = new Object[parts.length];
    for (int i = 0; i < parts.length; i++) {
      values[i] = parts[i].getAccessor().invoke(of);
    }
    return values;
  }

  private static Object made(Record like, Object[] values) throws ReflectiveOperationException {
    Constructor<?> constructor =
        like.getClass()
            .getDeclaredConstructor(
                Arrays.stream(like.getClass().getRecordComponents())
                    .map(RecordComponent::getType)
                    .toArray(Class[]::new));
    return constructor.newInstance(values);
  }
}

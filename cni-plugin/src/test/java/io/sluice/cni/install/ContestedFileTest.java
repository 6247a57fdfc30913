package io.sluice.cni.install;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cni.install.ConfigurationWatch.ContestedFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ContestedFileTest {
  private static final RuntimePaths PATHS =
      RuntimePaths.named(Path.of("/etc/cni/net.d"), List.of(Path.of("/opt/cni/bin")), List.of());
  private static final Convergence CHANGE =
      new Convergence(PATHS, ChainState.CHAINED, List.of("wrote it"), List.of());
  private static final Convergence QUIET =
      new Convergence(PATHS, ChainState.CHAINED, List.of(), List.of());
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private final ContestedFile contested = new ContestedFile();

  @Test
  void slowsDownAndTellsWhenItIsUndoneAgainAndAgain() {
    for (int i = 0; i < 100; i++) {
      assertThat(contested.judge(CHANGE, i)).isSameAs(CHANGE);
      assertThat(contested.pause()).isZero();
    }

    Convergence judged = contested.judge(CHANGE, 100);

    assertThat(contested.pause()).isPositive();
    assertThat(judged.state()).isEqualTo(ChainState.CHAINED);
    assertThat(judged.problems())
        .singleElement()
        .asString()
        .startsWith("/etc/cni/net.d/00-00-sluice.conflist: ")
        .contains("cni.exclusive");
  }

  @Test
  void bearsManyRoundsThatChangeNothingAndFewChangesOverTime() {
    for (int i = 0; i < 1_000; i++) {
      assertThat(contested.judge(QUIET, i)).isSameAs(QUIET);
      assertThat(contested.judge(CHANGE, i * SECOND)).isSameAs(CHANGE);
    }
  }

  @Test
  void isAtPeaceAgainAMinuteAfterItEnded() {
    for (int i = 0; i <= 100; i++) {
      contested.judge(CHANGE, i);
    }

    assertThat(contested.judge(QUIET, 62 * SECOND)).isSameAs(QUIET);
    assertThat(contested.pause()).isZero();
  }
}

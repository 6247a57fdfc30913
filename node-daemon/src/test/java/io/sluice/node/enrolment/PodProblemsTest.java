package io.sluice.node.enrolment;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.enrolment.StatusView.PodProblems;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Which problems of pods are told, and when. */
class PodProblemsTest {
  private static final NamespacedName WEB = new NamespacedName("shop", "web");
  private static final LinuxException ABSENT =
      new LinuxException("find network namespace", Errno.ENOENT, "pod shop/web", "is it here?");
  private static final LinuxException UNCERTAIN =
      new LinuxException("find network namespace", Errno.EAGAIN, "pod shop/web", "too early");

  private long now;
  private final PodProblems problems = new PodProblems(() -> now);

  private boolean sweep(RuntimeException cause, boolean isExpected) {
    problems.begin();
    return problems.note(WEB, cause, isExpected);
  }

  @Test
  void sandboxThatIsNotThereYetIsToldOnceItIsOverdue() {
    assertThat(sweep(ABSENT, true)).isFalse();
    assertThat(sweep(UNCERTAIN, true)).isFalse();
    assertThat(problems.current()).containsKey(WEB);

    now += Duration.ofSeconds(31).toNanos();

    assertThat(sweep(ABSENT, true)).isTrue();
    assertThat(sweep(UNCERTAIN, true)).isFalse();
  }

  @Test
  void sandboxThatCameMeanwhileHasItsTimeAgain() {
    sweep(ABSENT, true);
    now += Duration.ofSeconds(31).toNanos();
    problems.begin(); // it was enrolled
    problems.begin();

    assertThat(sweep(ABSENT, true)).isFalse();
  }

  @Test
  void otherProblemsAreToldAtOnceAndAgainWhenTheyChange() {
    LinuxException denied = new LinuxException("setns", Errno.EPERM, "pod shop/web", "allow it");

    assertThat(sweep(ABSENT, false)).as("a namespace that a manifest names").isTrue();
    assertThat(sweep(ABSENT, false)).isFalse();
    assertThat(sweep(denied, true)).isTrue();
    assertThat(sweep(denied, true)).isFalse();
  }
}

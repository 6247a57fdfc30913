package io.sluice.control.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.attack.Attack;
import io.sluice.control.admission.AdmissionException.Reason;
import io.sluice.control.authority.TestClock;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TryLimitTest {
  private final TestClock clock = new TestClock(Instant.parse("2026-06-01T12:00:00Z"));
  private final TryLimit limit = new TryLimit(clock);

  private Reason wrongToken(String remote, Reason why) throws Exception {
    InetAddress address = InetAddress.getByName(remote);
    Supplier<AdmittedNode> attempt =
        () -> {
          throw new AdmissionException(why, "wrong", "mend it");
        };
    return catchThrowableOfType(AdmissionException.class, () -> limit.run(address, attempt))
        .reason();
  }

  private String rightToken(String remote) throws Exception {
    return limit
        .run(InetAddress.getByName(remote), () -> new AdmittedNode("edge1", "test"))
        .nodeName();
  }

  @ParameterizedTest
  @CsvSource({"10.0.0.1,10.0.0.1,10.0.0.2", "fd00:0:0:1::1,fd00:0:0:1::ffff,fd00:0:0:2::1"})
  void guesserIsStoppedAndOthersAreNot(String guesser, String sameRemote, String other)
      throws Exception {
    for (int i = 0; i < 10; i++) {
      assertThat(wrongToken(guesser, Reason.UNKNOWN)).isEqualTo(Reason.UNKNOWN);
    }

    assertThat(wrongToken(sameRemote, Reason.UNKNOWN)).isEqualTo(Reason.LIMITED);
    assertThat(rightToken(other)).isEqualTo("edge1");
    clock.advance(Duration.ofSeconds(6));
    assertThat(rightToken(guesser)).isEqualTo("edge1");
  }

  @Tag("attack")
  @Test
  void guessersTogetherAreStoppedUntilTimeHasPassed() throws Exception {
    for (int i = 0; i < 300; i++) {
      assertThat(wrongToken("10.0." + i / 100 + "." + i % 100, Reason.UNKNOWN))
          .isEqualTo(Reason.UNKNOWN);
    }

    assertThat(wrongToken("10.1.0.1", Reason.UNKNOWN)).isEqualTo(Reason.LIMITED);
    clock.advance(Duration.ofSeconds(1));
    assertThat(rightToken("10.1.0.1")).isEqualTo("edge1");

    Attack.tried("join tokens guessed from three hundred addresses")
        .refusedBy("the controller, call Admit")
        .countedAs("sluice_control_refusals_total{call=\"admit\",reason=\"token_limited\"}");
  }

  @Test
  void successesAndFaultsThatAreNotTheNodesCostNothing() throws Exception {
    for (int i = 0; i < 50; i++) {
      assertThat(rightToken("10.0.0.1")).isEqualTo("edge1");
      assertThat(wrongToken("10.0.0.1", Reason.BACKEND_UNREACHABLE))
          .isEqualTo(Reason.BACKEND_UNREACHABLE);
    }
  }
}

package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PassedTrialTest {
  @TempDir private Path directory;

  private Path file() {
    return directory.resolve("trial");
  }

  private PassedTrial trial(String boot) {
    return new PassedTrial(file(), boot);
  }

  @Test
  void holdsUntilItIsForgotten() {
    assertThat(trial("one").isNoted()).isFalse();

    trial("one").note();
    assertThat(trial("one").isNoted()).isTrue();

    trial("one").forget();
    assertThat(trial("one").isNoted()).isFalse();
  }

  @Test
  void saysNothingAfterAnotherBootOfOtherProgramsOrInHalf() throws Exception {
    trial("one").note();
    assertThat(trial("two").isNoted()).isFalse();

    String whole = Files.readString(file());
    Files.writeString(file(), whole.replaceFirst("programs ....", "programs 0000"));
    assertThat(trial("one").isNoted()).isFalse();
    Files.writeString(file(), whole.substring(1));
    assertThat(trial("one").isNoted()).isFalse();
    Files.writeString(file(), whole);
    assertThat(trial("one").isNoted()).isTrue();
  }
}

package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

class FailuresTest {
  @Test
  void messageIsTheSentence() {
    assertThat(Failures.sentence(new IllegalStateException("the daemon runs; stop it")))
        .isEqualTo("the daemon runs; stop it");
  }

  @Test
  void wrappersOfFuturesAreTakenOff() {
    assertThat(
            Failures.sentence(
                new CompletionException(new CompletionException(new IOException("no route")))))
        .isEqualTo("no route");
  }

  @Test
  void detailOfAnIoFailureIsAddedOnce() {
    IOException detail = new IOException("Permission denied");

    assertThat(Failures.sentence(new UncheckedIOException("cannot lock /x", detail)))
        .isEqualTo("cannot lock /x: Permission denied");
    assertThat(Failures.sentence(new UncheckedIOException("cannot (Permission denied)", detail)))
        .isEqualTo("cannot (Permission denied)");
  }

  @Test
  void failureWithoutMessageIsItsClass() {
    assertThat(Failures.sentence(new NullPointerException())).isEqualTo("NullPointerException");
  }
}

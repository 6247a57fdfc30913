package io.sluice.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
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
  void failureOfAFileIsToldInWords() {
    assertThat(
            Failures.sentence(
                new UncheckedIOException("cannot list /x", new AccessDeniedException("/x"))))
        .isEqualTo("cannot list /x: permission denied, are you root?");
    assertThat(
            Failures.sentence(
                new UncheckedIOException("cannot lock /x", new NoSuchFileException("/y"))))
        .isEqualTo("cannot lock /x: there is no /y");
    assertThat(
            Failures.sentence(
                new UncheckedIOException(
                    "cannot make /x", new FileSystemException("/x", null, "Not a directory"))))
        .isEqualTo("cannot make /x: Not a directory");
  }

  @Test
  void failureWithoutMessageIsTheProgramsFault() {
    assertThat(Failures.sentence(new NullPointerException()))
        .isEqualTo(
            "a fault of the program itself, which you may report: java.lang.NullPointerException");
  }
}

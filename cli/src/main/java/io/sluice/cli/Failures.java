package io.sluice.cli;

import java.io.UncheckedIOException;
import java.util.concurrent.CompletionException;

/** Failures in words for the person at the terminal. */
public final class Failures {
  private Failures() {}

  /** What failed and why, on one line; the class name only when there is no message. */
  public static String sentence(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException) && cause.getCause() != null) {
      cause = cause.getCause();
    }
    String message = cause.getMessage();
    if (message == null) {
      return cause.getClass().getSimpleName();
    }
    if (cause instanceof UncheckedIOException && cause.getCause() != null) {
      String detail = String.valueOf(cause.getCause().getMessage());
      return message.contains(detail) ? message : message + ": " + detail;
    }
    return message;
  }
}

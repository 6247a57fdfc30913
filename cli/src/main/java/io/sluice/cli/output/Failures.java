package io.sluice.cli.output;

import io.sluice.mesh.FileFault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
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
    if (cause instanceof UncheckedIOException wrapper && wrapper.getCause() != null) {
      String detail = detail(wrapper.getCause());
      return message.contains(detail) ? message : message + ": " + detail;
    }
    return message;
  }

  /** Failures of files have the path for a message and tell the reason by their class. */
  private static String detail(IOException failure) {
    return switch (failure) {
      case AccessDeniedException denied -> FileFault.reason(denied) + ", are you root?";
      case NoSuchFileException missing -> "there is no " + missing.getFile();
      default -> FileFault.reason(failure);
    };
  }
}

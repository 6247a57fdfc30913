package io.sluice.cni.install;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Words for what the file system said; the path is named by the caller, as the node knows it. */
final class Failures {
  private Failures() {}

  static String text(IOException failure) {
    return switch (failure) {
      case NoSuchFileException e -> "it does not exist";
      case AccessDeniedException e -> "access is denied";
      case FileSystemException e when e.getReason() != null -> e.getReason();
      default ->
          failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    };
  }
}

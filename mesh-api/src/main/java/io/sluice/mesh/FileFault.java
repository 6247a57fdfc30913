package io.sluice.mesh;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Failures of files in words. They have the path for a message, and the reason is their class. */
public final class FileFault {
  private FileFault() {}

  /** Why, without the path where the failure tells anything else; never empty. Any thread. */
  public static String reason(IOException failure) {
    return switch (failure) {
      case NoSuchFileException _ -> "no such file";
      case AccessDeniedException _ -> "permission denied";
      case FileAlreadyExistsException _ -> "File exists";
      case NotDirectoryException _ -> "Not a directory";
      case DirectoryNotEmptyException _ -> "Directory not empty";
      case FileSystemException other when other.getReason() != null -> other.getReason();
      default -> String.valueOf(failure.getMessage());
    };
  }
}

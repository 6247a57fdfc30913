package io.sluice.cli.arguments;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Folders that are named on the command line. */
public final class Folders {
  private Folders() {}

  /**
   * Refuses what is no folder, and tells apart whether this user may not know.
   *
   * @param option that names it, for the message
   * @param folder nothing is wrong with none
   * @throws ParameterException naming option and folder
   */
  public static void require(CommandSpec spec, String option, @Nullable Path folder) {
    if (folder == null) {
      return;
    }
    String problem = "is not a folder";
    if (isDenied(folder)) {
      problem = "cannot be looked into: permission denied, are you root?";
    } else if (Files.isDirectory(folder)) {
      return;
    }
    throw new ParameterException(spec.commandLine(), option + " " + folder + " " + problem);
  }

  /** Whether this user may not look into it, or not even see whether it is there. */
  public static boolean isDenied(Path path) {
    try {
      return Files.readAttributes(path, BasicFileAttributes.class).isDirectory()
          && !(Files.isReadable(path) && Files.isExecutable(path));
    } catch (AccessDeniedException e) {
      return true;
    } catch (IOException e) {
      return false; // it is not there, which others tell
    }
  }
}

package io.sluice.cli.arguments;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Folders and files that are named on the command line, by an option or a parameter. */
public final class Paths {
  private Paths() {}

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
    if (isDenied(folder)) {
      throw wrong(spec, option, folder, "cannot be looked into: permission denied, are you root?");
    }
    if (!Files.isDirectory(folder)) {
      String what = Files.exists(folder) ? ", but a file" : ": it does not exist";
      throw wrong(spec, option, folder, "is not a folder" + what + "; name a folder");
    }
  }

  /** The same for one that may be missing: it is made then, or has nothing. */
  public static void requireIfThere(CommandSpec spec, String option, @Nullable Path folder) {
    if (folder == null) {
      return;
    }
    Path there = firstThere(folder);
    if (there.equals(folder)) {
      require(spec, option, folder);
    } else if (!Files.isDirectory(there)) {
      throw wrong(
          spec, option, folder, "is not a folder: " + there + " is a file; name another folder");
    }
  }

  /** Refuses what no file can be written to. */
  public static void requireWritableFile(CommandSpec spec, String option, @Nullable Path file) {
    if (file == null) {
      return;
    }
    Path folder = file.toAbsolutePath().getParent();
    if (Files.isDirectory(file)) {
      throw wrong(spec, option, file, "is a folder; name a file");
    }
    if (folder != null && !Files.isDirectory(folder)) {
      String problem =
          Files.exists(folder)
              ? folder + " is a file; name another"
              : "there is no folder " + folder + "; make it, or name another";
      throw wrong(spec, option, file, "cannot be written: " + problem);
    }
    if (!Files.isWritable(Files.exists(file) || folder == null ? file : folder)) {
      throw wrong(spec, option, file, "cannot be written: permission denied, are you root?");
    }
  }

  /** Refuses what cannot be read as a file. */
  public static void requireReadableFile(CommandSpec spec, String option, @Nullable Path file) {
    if (file == null) {
      return;
    }
    if (Files.isDirectory(file)) {
      throw wrong(spec, option, file, "is a folder; name a file");
    }
    if (!Files.exists(file)) {
      throw wrong(spec, option, file, "cannot be read: there is no such file; name another");
    }
    if (!Files.isReadable(file)) {
      throw wrong(spec, option, file, "cannot be read: permission denied, are you root?");
    }
  }

  /** Refuses what is not the proc file system of a node. */
  public static void requireProc(CommandSpec spec, Path proc) {
    if (!Files.isDirectory(proc.resolve("1"))) {
      throw wrong(spec, "--proc", proc, "is not a proc file system");
    }
  }

  /** The path itself, or what of the way to it is there. */
  private static Path firstThere(Path path) {
    Path there = path;
    while (!Files.exists(there) && there.toAbsolutePath().getParent() != null) {
      there = there.toAbsolutePath().getParent();
    }
    return there;
  }

  private static ParameterException wrong(
      CommandSpec spec, String option, Path path, String problem) {
    return new ParameterException(spec.commandLine(), option + " " + path + " " + problem);
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

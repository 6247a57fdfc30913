package io.sluice.cni.install;

import io.sluice.process.DurableFile;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The plugin's binary in the directories in which runtimes look for plugins. */
final class BinaryPlaces {
  private static final Set<PosixFilePermission> MODE = PosixFilePermissions.fromString("rwxr-xr-x");

  private final HostTree tree;
  private final byte[] binary;

  BinaryPlaces(HostTree tree, byte[] binary) {
    this.tree = tree;
    this.binary = binary.clone();
  }

  /** Puts the binary where it is not. Every directory on its own: one may be read-only. */
  void install(RuntimePaths paths, List<String> done, List<Problem> problems) {
    for (Path binDir : all(paths)) {
      try {
        Path local = tree.resolve(binDir);
        if (!Files.isDirectory(local)) {
          if (!paths.binDirs().contains(binDir)) {
            continue; // of a runtime that is not used: nothing is made for it
          }
          make(binDir, local);
          done.add("made " + binDir);
        }
        DurableFile file = file(local);
        if (file.clearTemporary()) {
          done.add("cleared what an interrupted write left in " + binDir);
        }
        if (!file.holds(binary)) {
          file.replace(binary);
          done.add("installed " + binDir.resolve(PluginEntry.TYPE));
        }
      } catch (IOException e) {
        problems.add(
            new Problem(
                binDir.resolve(PluginEntry.TYPE),
                "cannot be installed: "
                    + Failures.text(e)
                    + "; see to it that the directory can be written, or let the runtime look in"
                    + " another one too, by its own settings"));
      }
    }
  }

  /** Where a link leads to belongs to somebody: k3s takes such a directory for unpacked. */
  private void make(Path binDir, Path local) throws IOException {
    if (tree.passesLinks(binDir)) {
      throw new IOException("it leads to " + local + ", which does not exist");
    }
    Files.createDirectories(local);
  }

  /** The directories that have the binary as it should be. */
  List<Path> current(RuntimePaths paths) {
    var current = new ArrayList<Path>();
    for (Path binDir : all(paths)) {
      try {
        if (file(tree.resolve(binDir)).holds(binary)) {
          current.add(binDir);
        }
      } catch (IOException e) {
        continue; // what cannot be read is not current
      }
    }
    return current;
  }

  /** Whether the runtime finds a binary of ours, be it an earlier one. */
  boolean canRun(RuntimePaths paths) {
    for (Path binDir : paths.binDirs()) {
      try {
        Path file = tree.resolve(binDir.resolve(PluginEntry.TYPE));
        if (Files.isRegularFile(file) && Files.isExecutable(file)) {
          return true;
        }
      } catch (IOException e) {
        continue; // not here; the next directory may have it
      }
    }
    return false;
  }

  /** Removes the binary everywhere. */
  void remove(RuntimePaths paths, List<String> done, List<Problem> problems) {
    for (Path binDir : all(paths)) {
      Path path = binDir.resolve(PluginEntry.TYPE);
      try {
        if (file(tree.resolve(binDir)).remove()) {
          done.add("removed " + path);
        }
      } catch (IOException e) {
        problems.add(new Problem(path, "cannot be removed: " + Failures.text(e)));
      }
    }
  }

  private static Set<Path> all(RuntimePaths paths) {
    var all = new LinkedHashSet<>(paths.binDirs());
    all.addAll(paths.otherBinDirs());
    return all;
  }

  private static DurableFile file(Path directory) {
    return new DurableFile(directory.resolve(PluginEntry.TYPE), MODE);
  }

  /** Words for what the file system said; the path is named by the caller, as the node knows it. */
  static final class Failures {
    private Failures() {}

    static String text(IOException failure) {
      return switch (failure) {
        case NoSuchFileException e -> "it does not exist";
        case AccessDeniedException e -> "access is denied";
        case FileSystemException e when e.getReason() != null -> e.getReason();
        default ->
            failure.getMessage() == null
                ? failure.getClass().getSimpleName()
                : failure.getMessage();
      };
    }
  }
}

package io.sluice.lab.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** A folder that daemons and controllers watch. Every change is one atomic rename. */
record ManifestFolder(Path folder) {
  /** Writes or replaces a file. */
  void put(String file, String content) {
    Path target = folder.resolve(file);
    Path hidden = folder.resolve("." + file);
    try {
      Files.createDirectories(folder);
      Files.writeString(hidden, content);
      Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + target, e);
    }
  }

  /** Removes it, where it is there. */
  void remove(String file) {
    try {
      Files.deleteIfExists(folder.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + folder.resolve(file), e);
    }
  }
}

package io.sluice.process;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** The steps of a replacement that fail on a full or read-only disk. */
public interface FileSteps {
  /**
   * Of a file that is being written: it may be a secret, and gets its own mode when it is whole.
   */
  Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");

  /** The file system itself. */
  FileSteps REAL =
      new FileSteps() {
        @Override
        public FileOutputStream create(Path temporary) throws IOException {
          Files.createFile(temporary, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
          // A stream, because an interrupt of the thread closes a channel half-way.
          return new FileOutputStream(temporary.toFile());
        }

        @Override
        public boolean unlink(Path file) throws IOException {
          return Files.deleteIfExists(file);
        }
      };

  /**
   * Makes a file that is not there yet, for its owner alone, and opens it for writing; the caller
   * closes it.
   */
  FileOutputStream create(Path temporary) throws IOException;

  /** Removes the name of a file. Returns false when there was none. */
  boolean unlink(Path file) throws IOException;
}

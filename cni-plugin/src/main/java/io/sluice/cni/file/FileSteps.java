package io.sluice.cni.file;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The steps of a replacement that fail on a full or read-only disk. */
public interface FileSteps {
  /** The file system itself. */
  FileSteps REAL =
      new FileSteps() {
        @Override
        public FileChannel create(Path temporary) throws IOException {
          return FileChannel.open(
              temporary,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.WRITE,
              LinkOption.NOFOLLOW_LINKS);
        }

        @Override
        public boolean unlink(Path file) throws IOException {
          return Files.deleteIfExists(file);
        }
      };

  /** Makes a file that is not there yet and opens it for writing; the caller closes it. */
  FileChannel create(Path temporary) throws IOException;

  /** Removes the name of a file. Returns false when there was none. */
  boolean unlink(Path file) throws IOException;
}

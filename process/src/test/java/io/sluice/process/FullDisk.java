package io.sluice.process;

import io.sluice.process.DurableFile.FileSteps;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Path;

/** Writes to the kernel's device that is always full: the error is a real one. */
public final class FullDisk implements FileSteps {
  private final boolean canUnlink;

  /** A full disk on which files can be removed. */
  public FullDisk() {
    this(true);
  }

  /**
   * @param canUnlink false for one on which removing fails as well
   */
  public FullDisk(boolean canUnlink) {
    this.canUnlink = canUnlink;
  }

  @Override
  public FileOutputStream create(Path temporary) throws IOException {
    return new FileOutputStream("/dev/full");
  }

  @Override
  public boolean unlink(Path file) throws IOException {
    if (!canUnlink) {
      throw new IOException("unlink is not possible");
    }
    return REAL.unlink(file);
  }
}

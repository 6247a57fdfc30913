package io.sluice.containers;

import java.nio.file.Path;

/** TEMP. */
final class ImageArchive {
  private ImageArchive() {}

  static Path path() {
    return Path.of("/work/wt/images/target/images/amd64/sluice-images.tar");
  }
}

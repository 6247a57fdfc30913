package io.sluice.containers;

import io.sluice.architecture.SourceTree;
import io.sluice.kernel.site.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * The images of this source tree in one archive, made by the launcher where it is not up to date.
 */
final class ImageArchive {
  private ImageArchive() {}

  /** Where it is. */
  static synchronized Path path() throws IOException {
    Path root = SourceTree.around().root();
    String architecture = Commands.run("dpkg", "--print-architecture").strip();
    Path archive = root.resolve("target/images").resolve(architecture).resolve("sluice-images.tar");
    if (!Files.exists(archive) || isOlder(archive, root.resolve("cli/target/dist/lib"))) {
      Commands.run(root.resolve("sluice").toString(), "images", "--save", archive.toString());
    }
    return archive;
  }

  private static boolean isOlder(Path archive, Path product) throws IOException {
    if (!Files.isDirectory(product)) {
      return true;
    }
    try (Stream<Path> jars = Files.list(product)) {
      for (Path jar : jars.toList()) {
        if (Files.getLastModifiedTime(jar).compareTo(Files.getLastModifiedTime(archive)) > 0) {
          return true;
        }
      }
    }
    return false;
  }
}

package io.sluice.containers;

import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The archive of both images for this machine, made by {@code ./sluice images} and signed with a
 * key of its own. Any thread.
 */
final class ImageArchive {
  private static final Path ROOT = SourceTree.around().root();
  private static final Path PINNED = ROOT.resolve("images/packages.lock");

  private static Path lock = PINNED;

  private ImageArchive() {}

  /** Where it is; made anew when what goes into it has changed since. */
  static synchronized Path path() throws IOException {
    String architecture = Commands.run("dpkg", "--print-architecture").strip();
    // Not the file that a user of this tree may have made and signed.
    Path archive = ROOT.resolve("target/images").resolve(architecture).resolve("tested.tar");
    if (!Files.exists(archive) || newest().compareTo(Files.getLastModifiedTime(archive)) > 0) {
      Files.createDirectories(archive.getParent());
      String key = archive.resolveSibling("tested.key").toString();
      Commands.run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key);
      Commands.run("openssl", "ec", "-in", key, "-pubout", "-out", publicKey(archive).toString());
      System.out.println(make("--sign-key", key, "--save", archive.toString()));
    }
    return archive;
  }

  /** The key that it has to be checked with. */
  static Path publicKey(Path archive) {
    return archive.resolveSibling("tested.pub");
  }

  /**
   * Runs the program behind {@code ./sluice images}; what it prints. Where Debian no longer carries
   * what is pinned, with what it carries now: that must not keep the tests from telling of the
   * tree.
   */
  static String make(String... options) {
    try {
      return build(options);
    } catch (IllegalStateException e) {
      if (!String.valueOf(e.getMessage()).contains("If Debian no longer carries the version")) {
        throw e;
      }
      pinWhatIsCarried();
      return build(options);
    }
  }

  /** The packages that are used here. */
  static synchronized Path lock() {
    return lock;
  }

  private static synchronized void pinWhatIsCarried() {
    if (lock.equals(PINNED)) {
      lock = ROOT.resolve("target/images/carried.lock");
      System.out.println(
          "Debian carries other packages than images/packages.lock pins, see " + lock);
      build("--lock");
    }
  }

  private static String build(String... options) {
    return Commands.run(
        Stream.concat(
                Stream.of(
                    "env",
                    "JAVA_HOME=" + System.getProperty("java.home"),
                    "SLUICE_PACKAGES_LOCK=" + lock(),
                    ROOT.resolve("images/build").toString()),
                Stream.of(options))
            .toArray(String[]::new));
  }

  private static FileTime newest() throws IOException {
    Optional<FileTime> newest = Optional.empty();
    for (String part : new String[] {"images", "cli/target/dist/lib", "sluice"}) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(part))) {
        for (Path file : files.toList()) {
          FileTime time = Files.getLastModifiedTime(file);
          newest = newest.filter(other -> other.compareTo(time) > 0).or(() -> Optional.of(time));
        }
      }
    }
    return newest.orElseThrow();
  }
}

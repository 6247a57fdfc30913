package io.sluice.kernel.cni;

import io.sluice.lab.site.Commands;
import io.sluice.mesh.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/**
 * An image of one static program, made on this machine: the tests fetch none. Any thread.
 *
 * @param name by which pods ask for it
 * @param archive as {@code docker save} writes it
 */
record LocalImage(String name, Path archive) {
  /** Of sandboxes. */
  static final String PAUSE = "localhost/sluice-test/pause:1";

  /** Of applications. */
  static final String APPLICATION = "localhost/sluice-test/application:1";

  /** The image of sandboxes, in {@code directory}, which is made. */
  static LocalImage pause(Path directory) throws IOException {
    Files.createDirectories(directory);
    Path source = directory.resolve("pause.c");
    try (InputStream in = LocalImage.class.getResourceAsStream("pause.c")) {
      Files.write(source, Objects.requireNonNull(in).readAllBytes());
    }
    Path program = directory.resolve("pause");
    Commands.run(
        "clang",
        "-nostdlib",
        "-static",
        "-fuse-ld=lld",
        "-o",
        program.toString(),
        source.toString());
    return of(PAUSE, program, directory);
  }

  /** An image that holds {@code program} and runs it. */
  static LocalImage of(String name, Path program, Path directory) throws IOException {
    String file = program.getFileName().toString();
    Path contents = Files.createDirectories(directory.resolve(file + "-image"));
    Path layer = contents.resolve("layer.tar");
    Commands.run("tar", "-C", program.resolveSibling("").toString(), "-cf", layer.toString(), file);
    String architecture = Commands.run("dpkg", "--print-architecture").strip();
    Files.writeString(
        contents.resolve("config.json"),
        """
        {"architecture": "%s", "os": "linux", "config": {"Entrypoint": ["/%s"]},
         "rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}}
        """
            .formatted(architecture, file, sha256(layer)));
    Files.writeString(
        contents.resolve("manifest.json"),
        """
        [{"Config": "config.json", "RepoTags": ["%s"], "Layers": ["layer.tar"]}]
        """
            .formatted(name));
    Path archive = directory.resolve(file + ".tar");
    Commands.run("tar", "-C", contents.toString(), "-cf", archive.toString(), ".");
    return new LocalImage(name, archive);
  }

  private static String sha256(Path file) {
    try {
      return Sha256.hex(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package io.sluice.containers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.sluice.architecture.SourceTree;
import io.sluice.lab.site.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * An image of the archive, unpacked as an engine unpacks it.
 *
 * @param config as the OCI image specification has it
 * @param layers digests of the compressed layers, the lowest first
 * @param root its root file system
 */
record ImageContents(JsonNode config, List<Layer> layers, Path root, Path scratch) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * A layer.
   *
   * @param content digest of the tar: sha256, in hexadecimal
   * @param compressedBytes what a node fetches
   */
  record Layer(String name, String content, long compressedBytes) {}

  /** Of {@code sluice-NAME} into {@code directory}, which is made. */
  static ImageContents unpack(Path archive, String name, Path directory) throws IOException {
    Path layout = Files.createDirectories(directory.resolve("layout"));
    Path root = Files.createDirectories(directory.resolve("root"));
    Commands.run("tar", "-x", "-C", layout.toString(), "-f", archive.toString());
    JsonNode config = config(archive, name);
    List<Layer> layers = new ArrayList<>();
    for (JsonNode file : image(archive, name).path("Layers")) {
      Path layer = layout.resolve(file.asText());
      Commands.run("tar", "-xz", "-C", root.toString(), "-f", layer.toString());
      layers.add(
          new Layer(
              config.path("history").path(layers.size()).path("created_by").asText(),
              config
                  .path("rootfs")
                  .path("diff_ids")
                  .path(layers.size())
                  .asText()
                  .replace("sha256:", ""),
              Files.size(layer)));
    }
    Commands.run("rm", "-r", layout.toString());
    return new ImageContents(
        config, layers, root, Files.createDirectories(directory.resolve("scratch")));
  }

  /** No more than its base, which the archive was made of: a shell and the C library. */
  static ImageContents ofBase(Path archive, String name, Path directory) throws IOException {
    Path root = Files.createDirectories(directory.resolve("root"));
    Path base = archive.resolveSibling(name).resolve("base.tar");
    Commands.run("tar", "-x", "-C", root.toString(), "-f", base.toString());
    Path scratch = Files.createDirectories(directory.resolve("scratch"));
    return new ImageContents(MissingNode.getInstance(), List.of(), root, scratch);
  }

  /** What {@code sluice-NAME} of the archive says of itself. */
  static JsonNode config(Path archive, String name) throws IOException {
    return member(archive, image(archive, name).path("Config").asText());
  }

  private static JsonNode image(Path archive, String name) throws IOException {
    return member(archive, "manifest.json")
        .valueStream()
        .filter(image -> image.path("RepoTags").path(0).asText().contains("/sluice-" + name + ":"))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no image " + name + " in " + archive));
  }

  private static JsonNode member(Path archive, String file) throws IOException {
    return JSON.readTree(Commands.run("tar", "-xO", "-f", archive.toString(), "./" + file));
  }

  /** Every file, relative to the root. */
  List<Path> files() throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      return files.map(root::relativize).toList();
    }
  }

  /**
   * What a command prints that runs on it: root, a file system that cannot be written, loopback.
   */
  String run(String javaOptions, String... command) {
    return Commands.run(
        Stream.concat(
                Stream.of(
                    "env",
                    "JDK_JAVA_OPTIONS=" + javaOptions,
                    SourceTree.around().root().resolve("images/inside").toString(),
                    root.toString(),
                    scratch.toString()),
                Stream.of(command))
            .toArray(String[]::new));
  }
}

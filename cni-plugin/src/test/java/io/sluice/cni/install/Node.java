package io.sluice.cni.install;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.await.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A node's file tree in a directory, with the usual places of CNI, and what a runtime sees. */
final class Node {
  static final byte[] BINARY = "the client".getBytes(UTF_8);
  static final PluginEntry ENTRY =
      new PluginEntry(
          Path.of("/run/sluice/n/cni.sock"),
          Path.of("/var/lib/sluice/cni/membership"),
          PluginEntry.DEFAULT_TIMEOUT);
  private static final ObjectMapper JSON = new ObjectMapper();

  final Path root;
  final Path confDir;
  final Path binDir;
  final Path ours;
  final Path binary;
  volatile RuntimePaths paths =
      RuntimePaths.named(Path.of("/etc/cni/net.d"), List.of(Path.of("/opt/cni/bin")), List.of());

  Node(Path directory) throws IOException {
    root = directory.toRealPath();
    confDir = Files.createDirectories(root.resolve("etc/cni/net.d"));
    binDir = Files.createDirectories(root.resolve("opt/cni/bin"));
    ours = confDir.resolve("00-00-sluice.conflist");
    binary = binDir.resolve("sluice-cni");
  }

  CniInstaller installer() {
    return installer(BINARY);
  }

  CniInstaller installer(byte[] content) {
    return new CniInstaller(root, () -> paths, content, ENTRY);
  }

  static String list(String name, String... types) {
    String plugins =
        String.join(",", Stream.of(types).map(type -> "{\"type\":\"" + type + "\"}").toList());
    return "{\"name\":\"%s\",\"cniVersion\":\"1.0.0\",\"plugins\":[%s]}".formatted(name, plugins);
  }

  Path primary(String file, String content) throws IOException {
    return Files.writeString(confDir.resolve(file), content);
  }

  /** The names of the files in the directory of configurations that a runtime reads, sorted. */
  List<String> configurations() throws IOException {
    try (Stream<Path> files = Files.list(confDir)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.matches(".*\\.(conf|conflist|json)"))
          .sorted()
          .toList();
    }
  }

  /** The types of the plugins that a runtime runs which takes the first configuration. */
  List<String> chain() throws IOException {
    JsonNode list = JSON.readTree(Files.readAllBytes(confDir.resolve(configurations().getFirst())));
    return list.path("plugins").valueStream().map(plugin -> plugin.get("type").asText()).toList();
  }

  void awaitChain(String... types) {
    Await.until("the chain is " + List.of(types), () -> chain().equals(List.of(types)));
  }
}

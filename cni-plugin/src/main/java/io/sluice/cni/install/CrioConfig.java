package io.sluice.cni.install;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;

/** The configuration of CRI-O: one file, and drop-ins of which the last by name wins. */
final class CrioConfig {
  private final TomlFiles files;

  CrioConfig(HostTree tree) {
    this.files = new TomlFiles(tree);
  }

  /**
   * What the files say about CNI.
   *
   * @param sources the files in the order in which CRI-O reads them
   * @throws IOException naming file and reason, when one cannot be read
   */
  CniSettings read(List<Path> sources) throws IOException {
    ObjectNode merged = JsonNodeFactory.instance.objectNode();
    for (Path source : sources) {
      TomlFiles.merge(merged, files.read(source));
    }
    JsonNode network = merged.path("crio").path("network");
    var binDirs = new LinkedHashSet<Path>();
    network.path("plugin_dirs").forEach(entry -> add(binDirs, entry));
    add(binDirs, network.path("plugin_dir"));
    if (binDirs.isEmpty()) {
      binDirs.add(CniSettings.DEFAULT_BIN_DIR);
    }
    String confDir = network.path("network_dir").asText("");
    return new CniSettings(
        confDir.isEmpty() ? CniSettings.DEFAULT_CONF_DIR : Path.of(confDir).normalize(),
        List.copyOf(binDirs),
        network.path("cni_default_network").asText(""),
        List.of(),
        List.of());
  }

  private static void add(LinkedHashSet<Path> paths, JsonNode entry) {
    if (!entry.asText("").isEmpty()) {
      paths.add(Path.of(entry.asText()).normalize());
    }
  }
}

package io.sluice.cni.install;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The configuration of containerd, with what it imports (containerd-config.toml(5)). Versions 1 to
 * 3 differ in the name of the section only.
 */
final class ContainerdConfig {
  /** From the newest format to the oldest. */
  private static final List<String> SECTIONS =
      List.of("io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri", "cri");

  private static final int MOST_FILES = 256;
  private static final int NEWEST_THAT_REPLACES_SECTIONS = 2;

  private final HostTree tree;
  private final TomlFiles files;
  private final Map<String, String> variables;

  /**
   * @param variables texts in paths that stand for others, such as <code>${SNAP_DATA}</code> in the
   *     template of MicroK8s
   */
  ContainerdConfig(HostTree tree, Map<String, String> variables) {
    this.tree = tree;
    this.files = new TomlFiles(tree);
    this.variables = variables;
  }

  /**
   * What it says about CNI; nothing when containerd serves no Kubernetes here: its CRI plugin is
   * disabled, as Docker's packages have it.
   *
   * @throws IOException naming file and reason, when it cannot be read
   */
  Optional<CniSettings> read(Path config) throws IOException {
    ObjectNode merged = JsonNodeFactory.instance.objectNode();
    ObjectNode replaced = JsonNodeFactory.instance.objectNode();
    Set<String> disabled = new LinkedHashSet<>();
    int version = 0;
    Set<Path> loaded = new LinkedHashSet<>();
    Deque<Path> pending = new ArrayDeque<>(List.of(config));
    while (!pending.isEmpty()) {
      Path file = pending.removeFirst();
      if (!loaded.add(file)) {
        continue;
      }
      if (loaded.size() > MOST_FILES) {
        throw new IOException(config + " imports more than " + MOST_FILES + " files");
      }
      ObjectNode document = files.read(file);
      version = Math.max(version, document.path("version").asInt(1));
      document.path("disabled_plugins").forEach(plugin -> disabled.add(plugin.asText()));
      ObjectNode section = section(document);
      if (!section.isEmpty()) {
        TomlFiles.merge(merged, section);
        replaced = section;
      }
      pending.addAll(imports(file, document));
    }
    if (SECTIONS.stream().anyMatch(disabled::contains)) {
      return Optional.empty();
    }
    CniSettings settings = settings(merged, config);
    if (version > NEWEST_THAT_REPLACES_SECTIONS) {
      return Optional.of(settings);
    }
    return Optional.of(noteDifference(settings, settings(replaced, config)));
  }

  /** containerd 2 merges what is imported; containerd 1 lets the last file replace the section. */
  private static CniSettings noteDifference(CniSettings merged, CniSettings replaced) {
    if (merged.confDir().equals(replaced.confDir())
        && merged.binDirs().equals(replaced.binDirs())) {
      return merged;
    }
    var notes = new ArrayList<>(merged.notes());
    notes.add(
        "an imported file names the CRI plugin without its cni table: containerd 1.x then uses "
            + replaced.confDir()
            + " and "
            + replaced.binDirs()
            + "; repeat the table in the imported file or set the directories explicitly");
    return new CniSettings(
        merged.confDir(), merged.binDirs(), merged.network(), merged.obstacles(), notes);
  }

  private static ObjectNode section(ObjectNode document) {
    ObjectNode section = JsonNodeFactory.instance.objectNode();
    for (String name : SECTIONS.reversed()) {
      if (document.path("plugins").get(name) instanceof ObjectNode present) {
        TomlFiles.merge(section, present);
      }
    }
    return section;
  }

  private List<Path> imports(Path file, ObjectNode document) throws IOException {
    var paths = new ArrayList<Path>();
    for (JsonNode entry : document.path("imports")) {
      // An absolute entry replaces the directory, a relative one is below it.
      Path path = file.resolveSibling(expand(entry.asText())).normalize();
      if (path.toString().contains("*")) {
        paths.addAll(tree.glob(path));
      } else {
        paths.add(path);
      }
    }
    return paths;
  }

  private CniSettings settings(ObjectNode section, Path config) {
    JsonNode cni = section.path("cni");
    var binDirs = new LinkedHashSet<Path>();
    cni.path("bin_dirs").forEach(entry -> addPath(binDirs, entry));
    addPath(binDirs, cni.path("bin_dir"));
    if (binDirs.isEmpty()) {
      binDirs.add(CniSettings.DEFAULT_BIN_DIR);
    }
    String confDir = expand(cni.path("conf_dir").asText(""));
    var obstacles = new ArrayList<String>();
    int most = cni.path("max_conf_num").asInt(1);
    if (most != 1) {
      obstacles.add(
          config
              + " sets max_conf_num = "
              + most
              + ": each pod would be attached once by the primary configuration and once by ours; "
              + "set it to 1");
    }
    return new CniSettings(
        confDir.isEmpty() ? CniSettings.DEFAULT_CONF_DIR : Path.of(confDir),
        List.copyOf(binDirs),
        "",
        obstacles,
        handlersApart(section));
  }

  private List<String> handlersApart(ObjectNode section) {
    var notes = new ArrayList<String>();
    section
        .path("containerd")
        .path("runtimes")
        .properties()
        .forEach(handler -> {
          String directory = expand(handler.getValue().path("cni_conf_dir").asText(""));
          if (!directory.isEmpty()) {
            notes.add(
                "pods of the runtime handler "
                    + handler.getKey()
                    + " use the configurations in "
                    + directory
                    + ", which are not chained: such pods start outside the mesh");
          }
        });
    return notes;
  }

  private void addPath(Set<Path> paths, JsonNode entry) {
    String text = expand(entry.asText(""));
    if (!text.isEmpty()) {
      paths.add(Path.of(text).normalize());
    }
  }

  private String expand(String text) {
    String expanded = text;
    for (Map.Entry<String, String> variable : variables.entrySet()) {
      expanded = expanded.replace(variable.getKey(), variable.getValue());
    }
    return expanded;
  }

  /** The configuration of CRI-O: one file, and drop-ins of which the last by name wins. */
  static final class CrioConfig {
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

  /** Reads the configurations of container runtimes, and lays one over another. */
  static final class TomlFiles {
    /** Real ones have a few kilobytes. */
    private static final int LARGEST_BYTES = 1 << 20;

    private final TomlMapper mapper = new TomlMapper();
    private final HostTree tree;

    TomlFiles(HostTree tree) {
      this.tree = tree;
    }

    /**
     * The document.
     *
     * @throws IOException naming file and reason, when it cannot be read or is no TOML
     */
    ObjectNode read(Path hostPath) throws IOException {
      byte[] content = tree.read(hostPath, LARGEST_BYTES);
      try {
        return (ObjectNode) mapper.readTree(content);
      } catch (JacksonException e) {
        var at = e.getLocation();
        throw new IOException(
            hostPath
                + (at == null ? "" : ", line " + at.getLineNr())
                + " is no TOML: "
                + e.getOriginalMessage(),
            e);
      }
    }

    /** Lays {@code over} on {@code base}: tables are merged, all else is replaced. */
    static void merge(ObjectNode base, ObjectNode over) {
      over.properties()
          .forEach(member -> {
            JsonNode present = base.get(member.getKey());
            if (present instanceof ObjectNode table
                && member.getValue() instanceof ObjectNode other) {
              merge(table, other);
            } else {
              base.set(member.getKey(), member.getValue().deepCopy());
            }
          });
    }
  }

  /**
   * What one runtime's configuration says about CNI.
   *
   * @param confDir the directory of network configurations
   * @param binDirs the directories of plugins
   * @param network the network it is told to use, or empty
   * @param obstacles why nothing may be chained
   * @param notes what an operator should know
   */
  record CniSettings(
      Path confDir,
      List<Path> binDirs,
      String network,
      List<String> obstacles,
      List<String> notes) {
    /** What containerd and CRI-O use when their configuration does not say. */
    static final Path DEFAULT_CONF_DIR = Path.of("/etc/cni/net.d");

    static final Path DEFAULT_BIN_DIR = Path.of("/opt/cni/bin");

    CniSettings {
      binDirs = List.copyOf(binDirs);
      obstacles = List.copyOf(obstacles);
      notes = List.copyOf(notes);
    }
  }
}

package io.sluice.cni.install;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import java.io.IOException;
import java.nio.file.Path;

/** Reads the configurations of container runtimes, and lays one over another. */
final class TomlFiles {
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

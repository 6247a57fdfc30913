package io.sluice.control.folder;

import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlDocuments;
import io.sluice.mesh.FileFault;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Manifests that are read once: of folders, by the rules of the registry and within its limits, and
 * of single files, whatever their names. Confined to one thread.
 */
public final class ManifestSet {
  private final Map<String, byte[]> contents = new TreeMap<>();
  private final List<Problem> problems = new ArrayList<>();
  private long bytes;

  /** Holds nothing yet. */
  public ManifestSet() {}

  /** Adds a file, or the manifests of a folder. What cannot be read becomes a problem. */
  public void add(Path path) {
    if (!Files.isDirectory(path)) {
      addFile(path, path.toString());
      return;
    }
    FolderScan scan = FolderScan.of(path);
    problems.addAll(scan.problems());
    if (scan.found().isEmpty() && scan.refused().isEmpty() && scan.problems().isEmpty()) {
      problems.add(
          new Problem(
              path.toString(),
              0,
              "",
              "the folder holds no manifest",
              "name one with *.yaml, *.yml or *.json in it; hidden files and folders below do not"
                  + " count"));
    }
    scan.refused()
        .values()
        .forEach(problem ->
            problems.add(
                new Problem(
                    path.resolve(problem.file()).toString(),
                    problem.line(),
                    problem.field(),
                    problem.reason(),
                    problem.mend())));
    scan.found()
        .keySet()
        .forEach(name -> {
          Path file = path.resolve(name);
          addFile(file, file.toString());
        });
  }

  private void addFile(Path file, String name) {
    try (InputStream in = Files.newInputStream(file)) {
      add(in, name);
    } catch (IOException e) {
      problems.add(
          new Problem(
              name,
              0,
              "",
              "the file cannot be read: " + FileFault.reason(e),
              "name a file that can be read"));
    }
  }

  /** Adds what {@code in} gives until its end, under the name {@code name}. */
  public void add(InputStream in, String name) throws IOException {
    byte[] content = in.readNBytes(YamlDocuments.MAX_BYTES + 1);
    bytes += content.length;
    if (bytes > FolderScan.MAX_TOTAL_BYTES || contents.size() >= FolderScan.MAX_FILES) {
      throw new IOException("the manifests are too many, or too large together");
    }
    contents.put(name, content);
  }

  /** Content by name. */
  public Map<String, byte[]> contents() {
    return Collections.unmodifiableMap(contents);
  }

  /** What could not be read, in the order in which it was added. */
  public List<Problem> problems() {
    return List.copyOf(problems);
  }
}

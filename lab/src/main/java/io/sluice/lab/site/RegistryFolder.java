package io.sluice.lab.site;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The folder of YAML that a daemon watches. Files appear whole, by renaming. For one thread. */
public final class RegistryFolder {
  private final Path directory;
  private int changes;

  /** Of a folder, which is made at the first change where it is missing. */
  public RegistryFolder(Path directory) {
    this.directory = directory;
  }

  /** An empty one, {@code registry} inside {@code parent}. */
  static RegistryFolder make(Path parent) {
    return new RegistryFolder(SiteFolder.make(parent, "registry"));
  }

  /** Where it is. */
  public Path directory() {
    return directory;
  }

  /** Changes made so far: writing what is there already is none. */
  public int changes() {
    return changes;
  }

  /** Writes or replaces {@code <name>.yaml}. */
  public void write(String name, String yaml) {
    Path file = directory.resolve(name + ".yaml");
    try {
      if (Files.exists(file) && Files.readString(file).equals(yaml)) {
        return;
      }
      Files.createDirectories(directory);
      Path draft = directory.resolveSibling(name + ".draft");
      Files.writeString(draft, yaml);
      Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      changes++;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + name, e);
    }
  }

  /** It has these, by name, and no others. */
  public void hold(Map<String, String> files) {
    Stream.of(toHold(files)).forEach(Runnable::run);
  }

  /** What makes it so, each of one file. */
  public Runnable[] toHold(Map<String, String> files) {
    try (Stream<Path> present = Files.list(directory)) {
      List<String> others =
          present
              .map(file -> file.getFileName().toString().replaceFirst("\\.yaml$", ""))
              .filter(name -> !files.containsKey(name))
              .toList();
      return Stream.concat(
              others.stream().<Runnable>map(name -> () -> remove(name)),
              files.entrySet().stream()
                  .<Runnable>map(file -> () -> write(file.getKey(), file.getValue())))
          .toArray(Runnable[]::new);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + directory, e);
    }
  }

  /** Writes a pod, in the file that has its name. */
  public void write(SitePod pod) {
    write("pod-" + pod.name(), Manifests.pod(pod));
  }

  /** Removes {@code <name>.yaml}, where it is there. */
  public void remove(String name) {
    try {
      if (Files.deleteIfExists(directory.resolve(name + ".yaml"))) {
        changes++;
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + name, e);
    }
  }

  /** Removes a pod's file. */
  public void remove(SitePod pod) {
    remove("pod-" + pod.name());
  }
}

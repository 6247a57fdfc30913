package io.sluice.cni.install;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The runtime's directory of network configurations, read as libcni reads it. */
final class ConfDirectory {
  private static final List<String> SUFFIXES = List.of(".conf", ".conflist", ".json");

  private final HostTree tree;
  private final Path directory;
  private final String network;

  /**
   * @param network the network that the runtime is told to use; empty for the first file
   */
  ConfDirectory(HostTree tree, Path directory, String network) {
    this.tree = tree;
    this.directory = directory;
    this.network = network;
  }

  /** The configuration that the runtime would use if ours were not there. */
  record Primary(String file, byte[] content) {}

  boolean exists() {
    try {
      return Files.isDirectory(tree.resolve(directory));
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * The primary configuration; nothing when there is none.
   *
   * @throws IOException naming the file, when it is there and cannot be read
   */
  Optional<Primary> primary() throws IOException {
    for (String file : files()) {
      byte[] content;
      try {
        content = tree.read(directory.resolve(file), ChainedConflist.LARGEST_BYTES);
      } catch (NoSuchFileException e) {
        if (!Files.isSymbolicLink(tree.resolve(directory).resolve(file))) {
          continue; // removed since the directory was listed
        }
        throw e;
      }
      if (network.isEmpty() || ChainedConflist.networkOf(content).equals(Optional.of(network))) {
        return Optional.of(new Primary(file, content));
      }
    }
    return Optional.empty();
  }

  /** The files that are used before ours. */
  List<String> beforeOurs() throws IOException {
    var before = new ArrayList<String>();
    for (String file : files()) {
      if (HostTree.compareNames(file, ChainedConflist.FILE) < 0 && mayBeUsed(file)) {
        before.add(file);
      }
    }
    return before;
  }

  private boolean mayBeUsed(String file) throws IOException {
    return network.isEmpty()
        || ChainedConflist.networkOf(
                tree.read(directory.resolve(file), ChainedConflist.LARGEST_BYTES))
            .equals(Optional.of(network));
  }

  /** The directory of plugins that newer runtimes run after those of the list, if it has any. */
  Optional<Path> pluginsApart(byte[] list) throws IOException {
    Optional<String> name = ChainedConflist.networkOf(list);
    if (name.isEmpty() || name.get().contains("/") || ChainedConflist.isClosed(list)) {
      return Optional.empty();
    }
    Path apart = directory.resolve(name.get());
    if (!Files.isDirectory(tree.resolve(apart))) {
      return Optional.empty();
    }
    boolean any = tree.list(apart).stream().anyMatch(file -> file.toString().endsWith(".conf"));
    return any ? Optional.of(apart) : Optional.empty();
  }

  /** All but ours, as the runtime sorts them. */
  private List<String> files() throws IOException {
    var files = new ArrayList<String>();
    Path local = tree.resolve(directory);
    for (Path entry : tree.list(directory)) {
      String name = entry.toString();
      if (SUFFIXES.stream().anyMatch(name::endsWith)
          && !name.equals(ChainedConflist.FILE)
          && !Files.isDirectory(local.resolve(entry), LinkOption.NOFOLLOW_LINKS)) {
        files.add(name);
      }
    }
    return files;
  }
}

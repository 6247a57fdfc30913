package io.sluice.node;

import io.sluice.interception.maps.PinDirectory;
import io.sluice.node.NodePlace.StateLock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A node that a daemon of this machine has run and nobody has cleaned up. For people, who want to
 * be asked no name where only one can be meant.
 *
 * @param name as its directories are called
 * @param isRunning whether its daemon runs
 */
public record LocalNode(String name, boolean isRunning) {
  /** All of them, by name; throws {@link UncheckedIOException} where they are not to be seen. */
  public static List<LocalNode> all() {
    TreeSet<String> names = new TreeSet<>(PinDirectory.nodeNames());
    if (Files.isDirectory(NodeSettings.RUNTIME_ROOT)) {
      try (Stream<Path> entries = Files.list(NodeSettings.RUNTIME_ROOT)) {
        entries.map(entry -> entry.getFileName().toString()).forEach(names::add);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot list " + NodeSettings.RUNTIME_ROOT, e);
      }
    }
    return names.stream().filter(LocalNode::isName).map(LocalNode::of).toList();
  }

  /** Where the daemon of that node keeps its state, as it noted when it started. */
  public static Optional<Path> stateOf(String nodeName) {
    return noted(NodeSettings.stateNote(nodeName));
  }

  /** The folder of which this one has the pods that name no node. */
  Optional<Path> folder() {
    return noted(NodeSettings.folderNote(name));
  }

  private static Optional<Path> noted(Path note) {
    try {
      return Optional.of(Files.readSymbolicLink(note));
    } catch (IOException | UnsupportedOperationException e) {
      return Optional.empty(); // it never ran since the machine's start
    }
  }

  /** Whether a daemon keeps its state in that directory, or has. */
  public static boolean keepsState(Path directory) {
    return Files.exists(StateLock.stateFile(directory));
  }

  private static boolean isName(String entry) {
    try {
      PinDirectory.requireNodeName(entry);
      return true;
    } catch (IllegalArgumentException e) {
      return false; // somebody else's
    }
  }

  private static LocalNode of(String name) {
    Path directory = NodeSettings.runtimeDirectory(name);
    if (Files.exists(directory) && !Files.isExecutable(directory)) {
      throw new UncheckedIOException(
          "cannot see the nodes of this machine", new AccessDeniedException(directory.toString()));
    }
    return new LocalNode(name, StateLock.isNodeHeld(name));
  }

  /** As it is listed to people. */
  @Override
  public String toString() {
    return name + (isRunning ? " running" : " dead");
  }
}

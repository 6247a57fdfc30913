package io.sluice.node;

import io.sluice.interception.ClosedPods;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.node.NodePlace.StateLock;
import io.sluice.node.enrolment.Verification.OtherNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
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
    return names().map(LocalNode::of).toList();
  }

  private static Stream<String> names() {
    TreeSet<String> names = new TreeSet<>(PinDirectory.nodeNames());
    if (Files.isDirectory(NodeSettings.RUNTIME_ROOT)) {
      try (Stream<Path> entries = Files.list(NodeSettings.RUNTIME_ROOT)) {
        entries.map(entry -> entry.getFileName().toString()).forEach(names::add);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot list " + NodeSettings.RUNTIME_ROOT, e);
      }
    }
    return names.stream().filter(LocalNode::isName);
  }

  /** Which node but {@code nodeName} has that pod in force; one whose daemon runs comes first. */
  static Optional<OtherNode> holderBeside(String nodeName, long netnsCookie) {
    return names()
        .filter(name -> !name.equals(PinDirectory.directoryName(nodeName)))
        .filter(name -> holds(name, netnsCookie))
        .map(name -> new OtherNode(name, StateLock.isNodeHeld(name)))
        .max(Comparator.comparing(OtherNode::isRunning));
  }

  /** How many pods that this one has in force the node with that name has in force too. */
  public long podsSharedWith(String nodeName) {
    String own = PinDirectory.directoryName(nodeName);
    return Stream.of(
            PinDirectory.ofNode(own).allSchemas().flatMap(schema -> schema.podCookies().stream()),
            ClosedPods.notedIn(NodeSettings.iptablesRecords(own)).stream(),
            ClosedPods.notedIn(NodeSettings.closedPods(own)).stream())
        .flatMap(cookies -> cookies)
        .distinct()
        .filter(cookie -> holds(name, cookie))
        .count();
  }

  /** Whether it has pins of that pod, or notes its rules or its barrier. */
  private static boolean holds(String name, long netnsCookie) {
    return Stream.concat(
            PinDirectory.ofNode(name).allSchemas().map(schema -> schema.pod(netnsCookie)),
            Stream.of(NodeSettings.iptablesRecords(name), NodeSettings.closedPods(name))
                .map(records -> records.resolve(Long.toUnsignedString(netnsCookie))))
        .anyMatch(Files::exists);
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

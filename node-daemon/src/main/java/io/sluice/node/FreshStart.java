package io.sluice.node;

import io.sluice.interception.maps.PinDirectory;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.node.NodePlace.StateLock;
import io.sluice.process.ProcessLock;
import io.sluice.process.SiteClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the start of a daemon finds, so that one that fails takes away again what it has made and
 * nobody has used. What was there before stays; so does what keeps pods closed. For one thread.
 */
public final class FreshStart implements AutoCloseable {
  private final String nodeName;
  private final Path state;
  private final Path proc;
  private final boolean knowsNode;
  private final Optional<Path> noted;
  private final boolean hasState;
  private final Set<Path> inState;
  private @Nullable Path folder; // whose pods that name no node are this daemon's
  private boolean succeeded;

  /** Looks, and makes nothing; {@code proc} is the node's proc file system. */
  public FreshStart(String nodeName, Path state, Path proc) {
    this.nodeName = nodeName;
    this.state = state;
    this.proc = proc;
    this.knowsNode = isKnown() || OwnCgroup.left(nodeName).isPresent();
    this.noted = LocalNode.stateOf(nodeName);
    this.hasState = Files.exists(state);
    this.inState = entries(state);
  }

  /**
   * For who takes the pods of {@code registry} that name no node, and makes something before it
   * asks for the place of the node's daemon.
   *
   * @throws IllegalStateException when another daemon holds the node's name or the state directory,
   *     or has those pods
   */
  public void requirePlace(Path registry) {
    StateLock.requireFree(state, nodeName);
    folder = registry;
    for (LocalNode other : LocalNode.all()) {
      if (other.isRunning()
          && other.folder().filter(noted -> isSame(noted, registry)).isPresent()) {
        throw new IllegalStateException(
            "the daemon of node '%1$s' has the pods of %2$s that name no node; end it and `sluice node cleanup --node-name %1$s`, or give this one a folder with other pods: a pod is for one daemon"
                .formatted(other.name(), registry));
      }
    }
  }

  private static boolean isSame(Path noted, Path registry) {
    try {
      return Files.isSameFile(noted, registry);
    } catch (IOException e) {
      return false; // one of them is gone
    }
  }

  /** The daemon runs: all that it made is in use. */
  public void succeeded() {
    succeeded = true;
    Path note = NodeSettings.folderNote(nodeName);
    Path taken = folder;
    try {
      if (taken == null) {
        Files.deleteIfExists(note);
      } else {
        NodePlace.note(note, taken);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + note, e);
    }
  }

  /** Takes away what a start made that has not succeeded; all that it opened is closed by now. */
  @Override
  public void close() {
    if (succeeded) {
      return;
    }
    if (knowsNode) {
      restoreNote();
    } else if (isKnown() && NodePlace.isVacant(nodeName) && !holdsPods()) {
      if (OwnCgroup.left(nodeName).isPresent()) {
        Cgroups.moveSelfTo(Cgroups.rootV2()); // none that has processes can be removed
      }
      NodeCleanup.removeAll(nodeName, proc);
    }
    if (Files.isDirectory(state)) {
      emptyState();
    }
  }

  private boolean isKnown() {
    return Files.exists(NodeSettings.runtimeDirectory(nodeName), LinkOption.NOFOLLOW_LINKS)
        || PinDirectory.ofNode(nodeName).existsInAnySchema();
  }

  /** Those stay refused, and what is needed to open them stays known. */
  private boolean holdsPods() {
    return !PinDirectory.ofNode(nodeName).podCookies().isEmpty()
        || !entries(NodeSettings.iptablesRecords(nodeName)).isEmpty()
        || !entries(NodeSettings.closedPods(nodeName)).isEmpty();
  }

  private void restoreNote() {
    if (noted.isEmpty() || LocalNode.stateOf(nodeName).equals(noted)) {
      return;
    }
    try (ProcessLock _ = StateLock.ofNode(nodeName)) {
      NodePlace.note(NodeSettings.stateNote(nodeName), noted.get());
    } catch (IllegalStateException e) {
      // Another daemon has the node's name by now, and has noted its own.
    }
  }

  private void emptyState() {
    try (ProcessLock _ = StateLock.ofState(state)) {
      Set<Path> made = entries(state);
      made.removeAll(inState);
      made.retainAll(own());
      Path lock = StateLock.stateFile(state);
      boolean madeLock = made.remove(lock);
      made.forEach(NodeCleanup::removeTree);
      if (madeLock) {
        Files.delete(lock); // last: from here on another daemon may have the directory
      }
      if (!hasState && entries(state).isEmpty()) {
        Files.delete(state);
      }
    } catch (DirectoryNotEmptyException | IllegalStateException e) {
      // Another daemon keeps its state there by now.
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + state, e);
    }
  }

  /** What a daemon writes into its state directory, where others may write too. */
  private Set<Path> own() {
    return Set.of(
        NodeSettings.identity(state),
        NodeSettings.snapshots(state),
        NodeSettings.flows(state),
        NodeSettings.cniMembership(state).resolveSibling(""),
        StateLock.stateFile(state),
        SiteClock.file(state),
        NodeSettings.embeddedController(state));
  }

  private static Set<Path> entries(Path directory) {
    if (!Files.isDirectory(directory)) {
      return Set.of();
    }
    try (Stream<Path> all = Files.list(directory)) {
      return new HashSet<>(all.toList());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + directory, e);
    }
  }
}

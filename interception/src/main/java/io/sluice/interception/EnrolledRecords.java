package io.sluice.interception;

import io.sluice.iptables.RulesProof;
import io.sluice.mesh.NamespacedName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Which namespaces hold our rules, as files that outlive the daemon but not the boot: rules have no
 * pins that could be listed. One file per pod, named by the cookie: pod name, then path, then what
 * proves that its rules are whole.
 */
record EnrolledRecords(Path directory) {
  private static final String NEW = "new";
  private static final String LEFT = ".left";

  /** Stands where a proof would. */
  private static final List<String> BEGUN = List.of("begun");

  /**
   * One namespace with rules; the proof is there when they were found whole.
   *
   * @param inForce whether all of them were, and the pod has not left since; else some may be there
   */
  record Enrolled(NamespacedName pod, Path path, boolean inForce, Optional<RulesProof> proof) {}

  /** Of rules that are to be written where none were in force. */
  void begin(NamespacedName pod, Path path, long cookie) {
    write(pod, path, cookie, BEGUN);
  }

  /** Of rules that nobody has found whole yet. */
  void write(NamespacedName pod, Path path, long cookie) {
    write(pod, path, cookie, Optional.empty());
  }

  void write(NamespacedName pod, Path path, long cookie, Optional<RulesProof> proof) {
    write(pod, path, cookie, proof.map(RulesProof::lines).orElse(List.of()));
  }

  private void write(NamespacedName pod, Path path, long cookie, List<String> state) {
    List<String> lines = new ArrayList<>(List.of(pod.toString(), path.toString()));
    lines.addAll(state);
    try {
      Files.createDirectories(directory);
      // In one step: a torn record would make a pod that is in force look like one that never was.
      Path written = Files.write(file(cookie).resolveSibling(NEW), lines);
      Files.move(written, file(cookie), StandardCopyOption.ATOMIC_MOVE);
      Files.deleteIfExists(left(cookie));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot note pod " + pod + " in " + directory, e);
    }
  }

  /** Notes that nothing new is redirected there: only what earlier connections need is left. */
  void leave(long cookie) {
    try {
      if (Files.exists(file(cookie))) {
        Files.move(file(cookie), left(cookie), StandardCopyOption.ATOMIC_MOVE);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot note that " + file(cookie) + " is left", e);
    }
  }

  /** Whether all rules were in force there, and the pod has not left since. */
  boolean wasInForce(long cookie) {
    return read(cookie).filter(Enrolled::inForce).isPresent();
  }

  Optional<Enrolled> read(long cookie) {
    try {
      boolean isLeft = !Files.exists(file(cookie));
      List<String> lines = Files.readAllLines(isLeft ? left(cookie) : file(cookie));
      if (lines.size() < 2) {
        return Optional.empty();
      }
      List<String> state = lines.subList(2, lines.size());
      return Optional.of(
          new Enrolled(
              NamespacedName.parse(lines.get(0)),
              Path.of(lines.get(1)),
              !isLeft && !state.equals(BEGUN),
              RulesProof.parse(state)));
    } catch (IOException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /**
   * Whether another node of this machine has noted the same, in its directory of the same name: of
   * what is there only one exists in a namespace, and it stays until the last of them goes.
   */
  boolean isHeldByAnother(long cookie) {
    Path node = directory.resolveSibling("");
    try (Stream<Path> nodes = Files.list(node.resolveSibling(""))) {
      return nodes
          .filter(other -> !other.equals(node))
          .anyMatch(
              other -> Files.exists(other.resolve(directory.getFileName()).resolve(name(cookie))));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + node.resolveSibling(""), e);
    }
  }

  void remove(long cookie) {
    try {
      Files.deleteIfExists(file(cookie));
      Files.deleteIfExists(left(cookie));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + file(cookie), e);
    }
  }

  /** Of all that are noted, those that were left included. */
  List<Long> cookies() {
    return cookies("[0-9]{1,20}(" + LEFT + ")?");
  }

  /** Of those that were left. */
  List<Long> left() {
    return cookies("[0-9]{1,20}" + LEFT);
  }

  /**
   * Removes the directory, where there is one, with what a daemon that was killed had begun to
   * write.
   *
   * @throws DirectoryNotEmptyException while something is noted in it
   */
  void removeDirectory() throws IOException {
    Files.deleteIfExists(directory.resolve(NEW));
    Files.deleteIfExists(directory);
  }

  private List<Long> cookies(String names) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.matches(names))
          .map(name -> Long.parseUnsignedLong(name.replace(LEFT, "")))
          .distinct()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + directory, e);
    }
  }

  private Path left(long cookie) {
    return directory.resolve(name(cookie) + LEFT);
  }

  private Path file(long cookie) {
    return directory.resolve(name(cookie));
  }

  private static String name(long cookie) {
    return Long.toUnsignedString(cookie);
  }
}

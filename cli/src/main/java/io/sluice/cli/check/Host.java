package io.sluice.cli.check;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The node's files, as checks read them.
 *
 * @param root below which they are; {@code /}, but for tests
 */
record Host(Path root) {
  /** The text of a file, without white space around it; nothing where it cannot be read. */
  Optional<String> text(String path) {
    // A buffer before the first byte: most files of /proc/sys answer the first read alone.
    try (FileInputStream file = new FileInputStream(root.resolve(path).toFile())) {
      return Optional.of(new String(file.readAllBytes(), StandardCharsets.UTF_8).strip());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** The first number of a file. */
  Optional<Long> number(String path) {
    return text(path).flatMap(text -> number(text, 0));
  }

  /** The number that is the word of that index. */
  static Optional<Long> number(String text, int index) {
    String[] words = text.split("\\s+", -1);
    try {
      return index < words.length ? Optional.of(Long.parseLong(words[index])) : Optional.empty();
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** Lines of a file; none where it cannot be read. */
  List<String> lines(String path) {
    return text(path).map(text -> text.lines().toList()).orElse(List.of());
  }

  /** The name servers of resolv.conf(5). */
  List<String> nameServers() {
    return lines("etc/resolv.conf").stream()
        .map(line -> line.strip().split("\\s+"))
        .filter(words -> words.length > 1 && words[0].equals("nameserver"))
        .map(words -> words[1])
        .toList();
  }

  boolean exists(String path) {
    return Files.exists(root.resolve(path));
  }

  /** Names in a directory, in order; none where it cannot be read. */
  List<String> names(String directory) {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(root.resolve(directory))) {
      entries.forEach(entry -> names.add(entry.getFileName().toString()));
    } catch (IOException | DirectoryIteratorException e) {
      return List.of();
    }
    names.sort(null);
    return names;
  }

  /** The mounts that this process sees, by type of file system; not those below a later one. */
  List<Mount> mounts(String type) {
    List<Mount> all =
        lines("proc/self/mountinfo").stream().map(Mount::parse).flatMap(Optional::stream).toList();
    return all.stream()
        .filter(mount -> mount.type().equals(type))
        .filter(
            mount -> all.stream().filter(mount::isAt).reduce((_, later) -> later).get() == mount)
        .toList();
  }

  /**
   * A mounted file system (proc(5), mountinfo).
   *
   * @param options of the mount and the file system, with commas
   */
  record Mount(String place, String type, String options) {
    static Optional<Mount> parse(String line) {
      String[] halves = line.split(" - ", 2);
      String[] mount = halves[0].split(" ");
      if (halves.length < 2 || mount.length < 6) {
        return Optional.empty();
      }
      String[] system = halves[1].split(" ");
      return Optional.of(
          new Mount(mount[4], system[0], mount[5] + (system.length > 2 ? "," + system[2] : "")));
    }

    /** Whether what is mounted at the other place, or above it, covers this place. */
    boolean isAt(Mount other) {
      return place.equals(other.place)
          || place.startsWith(other.place.equals("/") ? "/" : other.place + "/");
    }

    boolean has(String option) {
      return List.of(options.split(",")).contains(option);
    }
  }
}

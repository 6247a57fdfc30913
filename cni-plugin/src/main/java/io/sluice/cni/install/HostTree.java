package io.sluice.cni.install;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * The node's files below a directory of this process: {@code /} when it runs on the node, {@code
 * /host} when the node's root is mounted there. Links of the node are followed inside of it: an
 * absolute one, such as {@code data/current} of k3s, would else lead into this process's own root.
 */
final class HostTree {
  /** As the kernel's own limit, path_resolution(7). */
  private static final int MOST_LINKS = 40;

  private final Path root;

  HostTree(Path root) {
    this.root = root.toAbsolutePath().normalize();
  }

  /**
   * Where an absolute path of the node is, with every link on the way resolved at this moment; a
   * last part that does not exist is kept.
   *
   * @throws IOException for a path that is not absolute, or whose links form a circle
   */
  Path resolve(Path hostPath) throws IOException {
    if (!hostPath.isAbsolute()) {
      throw new FileSystemException(hostPath.toString(), null, "the path is not absolute");
    }
    Deque<Path> ahead = new ArrayDeque<>();
    hostPath.forEach(ahead::addLast);
    Deque<Path> walked = new ArrayDeque<>();
    int links = 0;
    while (!ahead.isEmpty()) {
      Path name = ahead.removeFirst();
      if (name.toString().isEmpty() || name.toString().equals(".")) {
        continue;
      }
      if (name.toString().equals("..")) {
        walked.pollLast();
        continue;
      }
      Path here = under(walked).resolve(name);
      if (!Files.isSymbolicLink(here)) {
        walked.addLast(name);
        continue;
      }
      if (++links > MOST_LINKS) {
        throw new FileSystemLoopException(hostPath.toString());
      }
      Path destination = Files.readSymbolicLink(here);
      if (destination.isAbsolute()) {
        walked.clear();
      }
      for (int i = destination.getNameCount() - 1; i >= 0; i--) {
        ahead.addFirst(destination.getName(i));
      }
    }
    return under(walked);
  }

  /** Whether a part of the path is a link. */
  boolean passesLinks(Path hostPath) throws IOException {
    return !resolve(hostPath).equals(under(hostPath.normalize()));
  }

  private Path under(Iterable<Path> names) {
    Path path = root;
    for (Path name : names) {
      path = path.resolve(name);
    }
    return path;
  }

  /** Whether something is at the path; a link that leads nowhere is nothing. */
  boolean exists(Path hostPath) {
    try {
      return Files.exists(resolve(hostPath));
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * The content of a regular file.
   *
   * @throws IOException also when it is no regular file (reading a pipe would wait for ever) or is
   *     larger than {@code mostBytes}
   */
  byte[] read(Path hostPath, int mostBytes) throws IOException {
    Path file = resolve(hostPath);
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new FileSystemException(hostPath.toString(), null, "it is no regular file");
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] content = in.readNBytes(mostBytes + 1);
      if (content.length > mostBytes) {
        throw new FileSystemException(
            hostPath.toString(), null, "it has more than " + mostBytes + " bytes");
      }
      return content;
    }
  }

  /** The names in a directory, in the order of their bytes, which is how runtimes sort them. */
  List<Path> list(Path hostDirectory) throws IOException {
    var names = new ArrayList<Path>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(resolve(hostDirectory))) {
      for (Path entry : entries) {
        names.add(entry.getFileName());
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    names.sort((a, b) -> compareNames(a.toString(), b.toString()));
    return names;
  }

  static int compareNames(String a, String b) {
    return Arrays.compareUnsigned(
        a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
  }

  /** The paths that a pattern with {@code *} and {@code ?} in any of its parts stands for. */
  List<Path> glob(Path hostPattern) throws IOException {
    List<Path> found = List.of(Path.of("/"));
    for (Path part : hostPattern) {
      var next = new ArrayList<Path>();
      for (Path parent : found) {
        if (!isPattern(part)) {
          next.add(parent.resolve(part));
        } else if (Files.isDirectory(resolve(parent))) {
          String braces = part.toString().replaceAll("[{}]", "\\\\$0"); // no groups in Go's globs
          var matcher = parent.getFileSystem().getPathMatcher("glob:" + braces);
          list(parent).stream().filter(matcher::matches).map(parent::resolve).forEach(next::add);
        }
      }
      found = next;
    }
    return found;
  }

  private static boolean isPattern(Path part) {
    return part.toString().contains("*") || part.toString().contains("?");
  }
}

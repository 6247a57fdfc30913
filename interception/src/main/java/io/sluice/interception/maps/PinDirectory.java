package io.sluice.interception.maps;

import io.sluice.mesh.Sha256;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where one node's maps and links are pinned: {@code <bpffs>/sluice/<node>/v<schema>}. Maps and
 * links of another schema live beside it and are never mixed: a daemon puts its own in force, then
 * takes those of {@link #otherSchemas} away.
 *
 * @param path directory of the present schema
 */
public record PinDirectory(Path path) {
  /** Layout version of the maps; {@code SLUICE_SCHEMA_VERSION}. */
  public static final int SCHEMA_VERSION = 6;

  /** Where the host mounts its BPF file system. */
  public static final Path BPF_FILE_SYSTEM = Path.of("/sys/fs/bpf");

  private static final Path ROOT = BPF_FILE_SYSTEM.resolve("sluice");

  /** A directory of another name was made by somebody else. */
  private static final Pattern COOKIE = Pattern.compile("[0-9]{1,19}");

  private static final Pattern SCHEMA = Pattern.compile("v[0-9]{1,9}");

  private static final Pattern NODE_NAME = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?");

  /** A path of a UNIX socket has room for 107 bytes, the name of a cgroup for 255. */
  private static final int LONGEST_DIRECTORY_NAME = 63;

  private static final int HASH_BYTES = 8;

  /**
   * Pins of the node with this name; throws {@link IllegalArgumentException} for a name that is
   * none.
   */
  public static PinDirectory ofNode(String nodeName) {
    return new PinDirectory(ROOT.resolve(directoryName(nodeName)).resolve("v" + SCHEMA_VERSION));
  }

  /**
   * {@code name}, if it may name a node. It becomes a directory below several roots, which are
   * removed as a whole at clean-up: no name may lead out of its own.
   */
  public static String requireNodeName(String name) {
    if (!NODE_NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "node name '"
              + name
              + "' must have 1 to 253 of a-z, 0-9, '.' and '-', with a letter or digit at both ends");
    }
    return name;
  }

  /**
   * What the node's directories are called: its name, the end of a long one replaced by a hash. The
   * directory's name itself is called the same.
   *
   * @throws IllegalArgumentException for a name that is none
   */
  public static String directoryName(String nodeName) {
    if (requireNodeName(nodeName).length() <= LONGEST_DIRECTORY_NAME) {
      return nodeName;
    }
    byte[] digest = Sha256.of(nodeName.getBytes(StandardCharsets.US_ASCII));
    String hash = HexFormat.of().formatHex(digest, 0, HASH_BYTES);
    return nodeName.substring(0, LONGEST_DIRECTORY_NAME - hash.length() - 1) + "-" + hash;
  }

  /** Directory names of nodes that have pins on this machine, sorted. */
  public static List<String> nodeNames() {
    return Files.isDirectory(ROOT) ? names(ROOT) : List.of();
  }

  /** Pin of a shared map. */
  public Path map(String name) {
    return path.resolve("maps").resolve(name);
  }

  /** Pin of a link at the root of cgroup2. */
  public Path link(String program) {
    return path.resolve("links").resolve(program);
  }

  /** Pins of one pod. */
  public Path pod(long netnsCookie) {
    return path.resolve("pods").resolve(Long.toUnsignedString(netnsCookie));
  }

  /** Cookies of all pods that have pins. */
  public List<Long> podCookies() {
    Path pods = path.resolve("pods");
    return Files.isDirectory(pods)
        ? names(pods).stream()
            .filter(name -> COOKIE.matcher(name).matches())
            .map(Long::parseUnsignedLong)
            .toList()
        : List.of();
  }

  /**
   * Whether another node of this machine has pins of that pod, of any schema: what both need there
   * stays until the last of them goes.
   */
  public boolean isHeldByAnother(long netnsCookie) {
    Path nodes = node().resolveSibling("");
    return names(nodes).stream()
        .map(name -> new PinDirectory(nodes.resolve(name).resolve(path.getFileName())))
        .filter(other -> !other.equals(this))
        .flatMap(PinDirectory::allSchemas)
        .anyMatch(other -> Files.isDirectory(other.pod(netnsCookie)));
  }

  /** This one, and the node's pins of all other schemas. */
  public Stream<PinDirectory> allSchemas() {
    return Stream.concat(Stream.of(this), otherSchemas().stream());
  }

  /** Whether a daemon has left anything here. */
  public boolean exists() {
    return Files.isDirectory(path);
  }

  /** Pins of the same node that daemons of other releases left, which nobody adopts. */
  public List<PinDirectory> otherSchemas() {
    Path node = node();
    return Files.isDirectory(node)
        ? names(node).stream()
            .filter(name -> SCHEMA.matcher(name).matches())
            .map(node::resolve)
            .filter(other -> !other.equals(path))
            .map(PinDirectory::new)
            .toList()
        : List.of();
  }

  /** Whether a daemon of any release has left anything of this node. */
  public boolean existsInAnySchema() {
    return Files.isDirectory(node());
  }

  private Path node() {
    Path node = path.getParent();
    if (node == null) {
      throw new IllegalStateException(path + " does not lie in the directory of a node");
    }
    return node;
  }

  /** Makes the directories; the BPF file system must be mounted. */
  public void create() {
    try {
      for (String part : List.of("maps", "links", "pods")) {
        make(path.resolve(part));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make pin directories below " + path, e);
    }
  }

  private static void make(Path directory) throws IOException {
    try {
      Files.createDirectories(directory);
    } catch (NoSuchFileException e) {
      // Another node of this machine was the last one, and has taken the empty root away meanwhile.
      Files.createDirectories(directory);
    }
  }

  /** Removes the directory of all nodes where none has pins any more. */
  public static void removeIfLast() {
    removeIfEmpty(ROOT);
  }

  static void removeIfEmpty(Path root) {
    if (!Files.isWritable(root)) {
      return; // there is none, or nobody can make any in it
    }
    try {
      Files.deleteIfExists(root);
    } catch (DirectoryNotEmptyException e) {
      // Of another node.
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + root, e);
    }
  }

  /** Removes every pin of this node, of all schemas: programs detach, maps are freed. */
  public void removeAll() {
    removeTree(node());
  }

  /** Removes the pins of this schema alone. */
  public void removeSchema() {
    removeTree(path);
  }

  /** Makes the directory of one pod's pins; it alone already names the pod to a later daemon. */
  public void createPod(long netnsCookie) {
    try {
      Files.createDirectories(pod(netnsCookie));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make pin directory " + pod(netnsCookie), e);
    }
  }

  /** Removes one pod's pins. */
  public void removePod(long netnsCookie) {
    removeTree(pod(netnsCookie));
  }

  private static void removeTree(Path tree) {
    if (!Files.isDirectory(tree)) {
      return;
    }
    try (Stream<Path> walk = Files.walk(tree)) {
      for (Path entry : walk.sorted((a, b) -> b.getNameCount() - a.getNameCount()).toList()) {
        Files.deleteIfExists(entry);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove pins below " + tree, e);
    }
  }

  private static List<String> names(Path directory) {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + directory, e);
    }
  }
}

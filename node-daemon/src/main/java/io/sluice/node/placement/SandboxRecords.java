package io.sluice.node.placement;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamespacedName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The sandboxes that are attached, as files that outlive the daemon but not the boot: one per
 * sandbox, named by its container ID. Any thread.
 */
public final class SandboxRecords {
  private static final System.Logger LOG = System.getLogger(SandboxRecords.class.getName());
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String UNFINISHED = ".part";

  /** More than any node runs; a directory of more was not written by a daemon. */
  private static final int MAX_RECORDS = 10_000;

  /**
   * Processes of a pod may outlive its sandbox's end for a moment; they must not be taken for a pod
   * that was never attached. Longer than a runtime takes to end them.
   */
  private static final Duration FAREWELL = Duration.ofMinutes(1);

  private final Path directory;
  private final Map<String, Sandbox> sandboxes = new HashMap<>();
  private final Map<Long, Long> leftNanosByInode = new HashMap<>();

  private SandboxRecords(Path directory) {
    this.directory = directory;
  }

  /** Reads what an earlier daemon wrote; what cannot be read is left out and told. */
  public static SandboxRecords open(Path directory) {
    SandboxRecords records = new SandboxRecords(directory);
    try {
      Files.createDirectories(directory);
      try (Stream<Path> files = Files.list(directory)) {
        files.limit(MAX_RECORDS).forEach(records::load);
      }
      return records;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the records of sandboxes in " + directory, e);
    }
  }

  /** Removes the directory and what is in it; does nothing when there is none. */
  public static void removeAll(Path directory) {
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        Files.delete(file);
      }
      Files.delete(directory);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + directory, e);
    }
  }

  private void load(Path file) {
    try {
      if (file.toString().endsWith(UNFINISHED)) {
        Files.delete(file); // its writer died: the runtime repeats the call
        return;
      }
      Sandbox sandbox = decode(JSON.readTree(file.toFile()));
      if (file.getFileName().toString().equals(sandbox.containerId())) {
        sandboxes.put(sandbox.containerId(), sandbox);
      }
    } catch (IOException | RuntimeException e) {
      LOG.log(System.Logger.Level.WARNING, "sandbox_record_unreadable file=" + file, e);
    }
  }

  /** The sandbox with this ID. */
  public synchronized Optional<Sandbox> find(String containerId) {
    return Optional.ofNullable(sandboxes.get(containerId));
  }

  /** The sandbox of a pod; the newest one's namespace has the highest cookie. */
  public synchronized Optional<Sandbox> of(NamespacedName pod) {
    return sandboxes.values().stream()
        .filter(sandbox -> sandbox.pod().equals(pod))
        .max((a, b) -> Long.compareUnsigned(a.cookie(), b.cookie()));
  }

  /** All of them, as they are now. */
  public synchronized Collection<Sandbox> all() {
    return List.copyOf(sandboxes.values());
  }

  /** Adds a sandbox; when this returns a later daemon finds it. */
  public synchronized void write(Sandbox sandbox) {
    Path file = directory.resolve(sandbox.containerId());
    Path part = directory.resolve(sandbox.containerId() + UNFINISHED);
    try {
      Files.writeString(part, encode(sandbox).toString());
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot note sandbox " + file, e);
    }
    sandboxes.put(sandbox.containerId(), sandbox);
    leftNanosByInode.remove(sandbox.inode());
  }

  /** Whether a sandbox with this namespace was removed a moment ago. */
  public synchronized boolean hasJustLeft(long inode) {
    long now = System.nanoTime();
    leftNanosByInode.values().removeIf(left -> now - left > FAREWELL.toNanos());
    return leftNanosByInode.containsKey(inode);
  }

  /** Forgets a sandbox; does nothing when it is not known. */
  public synchronized void remove(String containerId) {
    Sandbox removed = sandboxes.remove(containerId);
    if (removed != null) {
      leftNanosByInode.put(removed.inode(), System.nanoTime());
      try {
        Files.deleteIfExists(directory.resolve(containerId));
      } catch (IOException e) {
        throw new UncheckedIOException("cannot forget sandbox " + containerId, e);
      }
    }
  }

  private static ObjectNode encode(Sandbox sandbox) {
    ObjectNode tree =
        JSON.createObjectNode()
            .put("containerId", sandbox.containerId())
            .put("ifname", sandbox.ifname())
            .put("pod", sandbox.pod().toString())
            .put("netns", sandbox.netns().toString())
            .put("netnsCookie", sandbox.cookie())
            .put("netnsInode", sandbox.inode());
    sandbox
        .addresses()
        .forEach(address -> tree.withArray("addresses").add(IpAddresses.text(address)));
    return tree;
  }

  private static Sandbox decode(JsonNode tree) {
    List<InetAddress> addresses = new ArrayList<>();
    tree.path("addresses").forEach(text -> addresses.add(IpAddresses.parse(text.asText())));
    return new Sandbox(
        tree.path("containerId").asText(),
        tree.path("ifname").asText(),
        NamespacedName.parse(tree.path("pod").asText()),
        Path.of(tree.path("netns").asText()),
        tree.path("netnsCookie").asLong(),
        tree.path("netnsInode").asLong(),
        addresses);
  }
}

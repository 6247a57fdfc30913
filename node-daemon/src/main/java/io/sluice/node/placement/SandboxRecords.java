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
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * The sandboxes that are attached, as files that outlive the daemon but not the boot: one per
 * sandbox, named by its container ID. One that leaves stays noted until nothing of it is left, so
 * that a daemon that dies in between can go on where the former one stopped. Any thread.
 */
public final class SandboxRecords {
  private static final System.Logger LOG = System.getLogger(SandboxRecords.class.getName());
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Begins the names of files that are being written; no container ID begins so. */
  private static final String UNFINISHED = ".";

  /** More than any node runs; a directory of more was not written by a daemon. */
  private static final int MAX_RECORDS = 10_000;

  /**
   * Processes of a pod may outlive its sandbox's end for a moment; they must not be taken for a pod
   * that was never attached. Longer than a runtime takes to end them.
   */
  private static final Duration FAREWELL = Duration.ofMinutes(1);

  private final Path directory;
  private final Map<String, Noted> sandboxes = new HashMap<>();
  private final Map<Long, Long> leftNanosByCookie = new HashMap<>();

  private long lastNumber;

  /**
   * One record.
   *
   * @param number in the order in which the runtime told of the sandboxes; the cookies of their
   *     namespaces are in no order, since each CPU hands out its own
   * @param leaves whether the runtime has ended it
   */
  private record Noted(Sandbox sandbox, long number, boolean leaves) {}

  /** Records in this directory; none is known before {@link #read}. */
  public SandboxRecords(Path directory) {
    this.directory = directory;
  }

  /** As {@link #read}. */
  public static SandboxRecords open(Path directory) {
    SandboxRecords records = new SandboxRecords(directory);
    records.read();
    return records;
  }

  /**
   * Reads what an earlier daemon wrote, which has ended or writes no more; what cannot be read is
   * left out and told.
   */
  public synchronized void read() {
    try {
      Files.createDirectories(directory);
      try (Stream<Path> files = Files.list(directory)) {
        files.limit(MAX_RECORDS).forEach(this::load);
      }
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
      if (file.getFileName().toString().startsWith(UNFINISHED)) {
        Files.delete(file); // its writer died: the runtime repeats the call
        return;
      }
      Noted noted = decode(JSON.readTree(file.toFile()));
      if (file.getFileName().toString().equals(noted.sandbox.containerId())) {
        sandboxes.put(noted.sandbox.containerId(), noted);
        lastNumber = Math.max(lastNumber, noted.number);
      }
    } catch (IOException | RuntimeException e) {
      LOG.log(System.Logger.Level.WARNING, "sandbox_record_unreadable file=" + file, e);
    }
  }

  /** The sandbox with this ID, if it is attached. */
  public synchronized Optional<Sandbox> find(String containerId) {
    return known(containerId).filter(sandbox -> !isLeaving(containerId));
  }

  /** The sandbox with this ID, attached or leaving. */
  public synchronized Optional<Sandbox> known(String containerId) {
    return Optional.ofNullable(sandboxes.get(containerId)).map(Noted::sandbox);
  }

  private boolean isLeaving(String containerId) {
    Noted noted = sandboxes.get(containerId);
    return noted != null && noted.leaves;
  }

  /** The sandbox of a pod that counts: of those attached, the one that was told of last. */
  public synchronized Optional<Sandbox> of(NamespacedName pod) {
    return sandboxes.values().stream()
        .filter(noted -> !noted.leaves && noted.sandbox.pod().equals(pod))
        .max(Comparator.comparingLong(Noted::number))
        .map(Noted::sandbox);
  }

  /** Those attached, as they are now. */
  public synchronized List<Sandbox> all() {
    return where(false);
  }

  /** Those that leave and are not let go yet, as they are now. */
  public synchronized List<Sandbox> leaving() {
    return where(true);
  }

  private List<Sandbox> where(boolean leaves) {
    return sandboxes.values().stream()
        .filter(noted -> noted.leaves == leaves)
        .map(Noted::sandbox)
        .toList();
  }

  /** Whether a sandbox with this namespace is attached. */
  public synchronized boolean holds(long cookie) {
    return podOf(cookie).isPresent();
  }

  /** Whose attached sandbox has this namespace. */
  public synchronized Optional<NamespacedName> podOf(long cookie) {
    return sandboxes.values().stream()
        .filter(noted -> !noted.leaves && noted.sandbox.cookie() == cookie)
        .map(noted -> noted.sandbox.pod())
        .findFirst();
  }

  /**
   * Attaches a sandbox; when this returns a later daemon finds it.
   *
   * @return whether it was not attached before
   */
  public synchronized boolean write(Sandbox sandbox) {
    Noted before = sandboxes.get(sandbox.containerId());
    Noted noted = new Noted(sandbox, before == null ? ++lastNumber : before.number, false);
    store(noted);
    sandboxes.put(sandbox.containerId(), noted);
    leftNanosByCookie.remove(sandbox.cookie());
    return before == null || before.leaves;
  }

  /** Notes that the runtime has ended a sandbox; does nothing when it is not known. */
  public synchronized void leave(String containerId) {
    Noted before = sandboxes.get(containerId);
    if (before != null && !before.leaves) {
      Noted noted = new Noted(before.sandbox, before.number, true);
      sandboxes.put(containerId, noted); // in this daemon it holds without a disk
      leftNanosByCookie.put(before.sandbox.cookie(), System.nanoTime());
      store(noted);
    }
  }

  private void store(Noted noted) {
    String name = noted.sandbox.containerId();
    Path part = directory.resolve(UNFINISHED + name);
    try {
      Files.writeString(part, encode(noted).toString());
      Files.move(part, directory.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot note sandbox " + directory.resolve(name), e);
    }
  }

  /**
   * Whether the runtime has ended a sandbox with this namespace a moment ago.
   *
   * @param cookie is asked where one has ended at all, for it has to be looked up
   */
  public synchronized boolean hasJustLeft(LongSupplier cookie) {
    long now = System.nanoTime();
    leftNanosByCookie.values().removeIf(left -> now - left > FAREWELL.toNanos());
    return !leftNanosByCookie.isEmpty() && leftNanosByCookie.containsKey(cookie.getAsLong());
  }

  /** Forgets a sandbox; does nothing when it is not known. */
  public synchronized void remove(String containerId) {
    Noted removed = sandboxes.remove(containerId);
    if (removed != null) {
      try {
        Files.deleteIfExists(directory.resolve(containerId));
      } catch (IOException e) {
        throw new UncheckedIOException("cannot forget sandbox " + containerId, e);
      }
    }
  }

  private static ObjectNode encode(Noted noted) {
    Sandbox sandbox = noted.sandbox;
    ObjectNode tree =
        JSON.createObjectNode()
            .put("containerId", sandbox.containerId())
            .put("ifname", sandbox.ifname())
            .put("pod", sandbox.pod().toString())
            .put("netns", sandbox.netns().toString())
            .put("netnsCookie", sandbox.cookie())
            .put("netnsInode", sandbox.inode())
            .put("number", noted.number)
            .put("leaves", noted.leaves);
    sandbox
        .addresses()
        .forEach(address -> tree.withArray("addresses").add(IpAddresses.text(address)));
    return tree;
  }

  private static Noted decode(JsonNode tree) {
    List<InetAddress> addresses = new ArrayList<>();
    tree.path("addresses").forEach(text -> addresses.add(IpAddresses.parse(text.asText())));
    Sandbox sandbox =
        new Sandbox(
            tree.path("containerId").asText(),
            tree.path("ifname").asText(),
            NamespacedName.parse(tree.path("pod").asText()),
            Path.of(tree.path("netns").asText()),
            tree.path("netnsCookie").asLong(),
            tree.path("netnsInode").asLong(),
            addresses);
    return new Noted(sandbox, tree.path("number").asLong(), tree.path("leaves").asBoolean());
  }
}

package io.sluice.cni.install;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Finds the container runtime of this node and reads from its own configuration where it looks for
 * CNI. Looks anew at each call, since an upgrade of the runtime may move the directories. Safe for
 * use by several threads; blocks on files only.
 */
public final class RuntimeDetection {
  /**
   * A runtime that answered this recently counts as running: it restarts in an upgrade, and just
   * then rewrites its files.
   */
  private static final Duration RESTART = Duration.ofMinutes(10);

  private final HostTree tree;
  private final Map<KnownRuntime, Long> answeredNanos = new ConcurrentHashMap<>();

  /** Looks at the node whose files are below {@code root}. */
  public RuntimeDetection(Path root) {
    this.tree = new HostTree(root);
  }

  private record Found(
      KnownRuntime runtime, CniSettings settings, String from, boolean running, FileTime changed) {}

  /**
   * The runtime that is used: one that answers before one that does not, then one that is bundled
   * with Kubernetes (a second containerd on such a node is Docker's), then the one that was
   * configured last. Its directory of configurations is taken; the plugins' directories of all.
   */
  public RuntimePaths detect() {
    var found = new ArrayList<Found>();
    for (KnownRuntime runtime : KnownRuntime.values()) {
      look(runtime).ifPresent(found::add);
    }
    found.sort(
        Comparator.comparing(Found::running)
            .thenComparing((Found f) -> f.runtime().isBundled())
            .thenComparing(Found::changed)
            .reversed());
    if (found.isEmpty()) {
      return new RuntimePaths(
          "unknown",
          CniSettings.DEFAULT_CONF_DIR,
          List.of(CniSettings.DEFAULT_BIN_DIR),
          List.of(),
          List.of(),
          "",
          "no container runtime was found, so these are the defaults of most; set them explicitly "
              + "when yours are others",
          List.of(),
          List.of());
    }
    return paths(found.getFirst(), found.subList(1, found.size()));
  }

  private static RuntimePaths paths(Found chosen, List<Found> others) {
    Set<Path> otherBinDirs = new LinkedHashSet<>();
    others.forEach(other -> otherBinDirs.addAll(other.settings().binDirs()));
    chosen.settings().binDirs().forEach(otherBinDirs::remove);
    Set<Path> otherConfDirs = new LinkedHashSet<>();
    others.forEach(other -> otherConfDirs.add(other.settings().confDir()));
    otherConfDirs.remove(chosen.settings().confDir());
    var reason = new StringBuilder(chosen.runtime().title()).append(": ").append(chosen.from());
    if (!others.isEmpty()) {
      String names = String.join(", ", others.stream().map(o -> o.runtime().title()).toList());
      reason
          .append("; preferred to ")
          .append(names)
          .append(chosen.running() ? " because it answers" : ", none answers")
          .append(", is bundled with Kubernetes, or was configured last, in this order");
    }
    CniSettings settings = chosen.settings();
    return new RuntimePaths(
        chosen.runtime().title(),
        settings.confDir(),
        settings.binDirs(),
        List.copyOf(otherBinDirs),
        List.copyOf(otherConfDirs),
        settings.network(),
        reason.toString(),
        settings.obstacles(),
        settings.notes());
  }

  private Optional<Found> look(KnownRuntime runtime) {
    List<Path> configs = configsOf(runtime);
    boolean running = runs(runtime);
    if (configs.isEmpty()) {
      // Both are k3s by their socket; only a configuration tells that it is RKE2.
      return running && runtime != KnownRuntime.RKE2
          ? Optional.of(withoutConfig(runtime, "it answers at " + runtime.socket(), List.of()))
          : Optional.empty();
    }
    try {
      Optional<CniSettings> settings =
          runtime.kind() == KnownRuntime.Kind.CRIO
              ? Optional.of(new CrioConfig(tree).read(configs))
              : new ContainerdConfig(tree, runtime.variables()).read(configs.getFirst());
      FileTime changed = lastChange(configs);
      return settings.map(present ->
          new Found(runtime, present, "as " + join(configs) + " says", running, changed));
    } catch (IOException | InvalidPathException e) {
      Found fallback =
          withoutConfig(
              runtime,
              "its configuration cannot be read, so these are its usual directories",
              List.of(describe(e) + "; repair it or set the directories explicitly"));
      return Optional.of(
          new Found(runtime, fallback.settings(), fallback.from(), running, lastChange(configs)));
    }
  }

  private Found withoutConfig(KnownRuntime runtime, String from, List<String> notes) {
    List<Path> present = runtime.binDirs().stream().filter(tree::exists).toList();
    return new Found(
        runtime,
        new CniSettings(
            runtime.confDir(),
            present.isEmpty() ? List.of(runtime.binDirs().getFirst()) : present,
            "",
            List.of(),
            notes),
        from,
        true,
        FileTime.fromMillis(0));
  }

  private List<Path> configsOf(KnownRuntime runtime) {
    var present = new ArrayList<Path>();
    for (Path config : runtime.configs()) {
      try {
        tree.glob(config).stream().filter(tree::exists).forEach(present::add);
      } catch (IOException e) {
        continue; // a directory that cannot be listed holds no configuration that anyone reads
      }
    }
    return present;
  }

  private static String join(List<Path> paths) {
    return String.join(", ", paths.stream().map(Path::toString).toList());
  }

  private FileTime lastChange(List<Path> configs) {
    FileTime last = FileTime.fromMillis(0);
    for (Path config : configs) {
      try {
        FileTime changed = Files.getLastModifiedTime(tree.resolve(config));
        last = changed.compareTo(last) > 0 ? changed : last;
      } catch (IOException e) {
        continue; // gone since: it no longer counts
      }
    }
    return last;
  }

  private boolean runs(KnownRuntime runtime) {
    long now = System.nanoTime();
    if (answers(runtime.socket())) {
      answeredNanos.put(runtime, now);
      return true;
    }
    Long last = answeredNanos.get(runtime);
    return last != null && now - last < RESTART.toNanos();
  }

  /** A socket file outlives its process, so only a connection tells. */
  private boolean answers(Path socket) {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return channel.connect(UnixDomainSocketAddress.of(tree.resolve(socket)));
    } catch (IOException e) {
      return false;
    }
  }

  private static String describe(Exception e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}

package io.sluice.cni.install;

import io.sluice.cni.install.ContainerdConfig.CniSettings;
import io.sluice.cni.install.ContainerdConfig.CrioConfig;
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
    var reason = new StringBuilder(chosen.runtime().title).append(": ").append(chosen.from());
    if (!others.isEmpty()) {
      String names = String.join(", ", others.stream().map(o -> o.runtime().title).toList());
      reason
          .append("; preferred to ")
          .append(names)
          .append(chosen.running() ? " because it answers" : ", none answers")
          .append(", is bundled with Kubernetes, or was configured last, in this order");
    }
    CniSettings settings = chosen.settings();
    return new RuntimePaths(
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
          ? Optional.of(
              new Found(
                  runtime,
                  usual(runtime, List.of()),
                  "it answers at " + runtime.socket,
                  true,
                  FileTime.fromMillis(0)))
          : Optional.empty();
    }
    try {
      Optional<CniSettings> settings =
          runtime.kind == KnownRuntime.Kind.CRIO
              ? Optional.of(new CrioConfig(tree).read(configs))
              : new ContainerdConfig(tree, runtime.variables()).read(configs.getFirst());
      FileTime changed = lastChange(configs);
      return settings.map(present ->
          new Found(runtime, present, "as " + join(configs) + " says", running, changed));
    } catch (IOException | InvalidPathException e) {
      return Optional.of(
          new Found(
              runtime,
              usual(
                  runtime, List.of(describe(e) + "; repair it or set the directories explicitly")),
              "its configuration cannot be read, so these are its usual directories",
              running,
              lastChange(configs)));
    }
  }

  private CniSettings usual(KnownRuntime runtime, List<String> notes) {
    List<Path> present = runtime.binDirs.stream().filter(tree::exists).toList();
    return new CniSettings(
        runtime.confDir,
        present.isEmpty() ? List.of(runtime.binDirs.getFirst()) : present,
        "",
        List.of(),
        notes);
  }

  private List<Path> configsOf(KnownRuntime runtime) {
    var present = new ArrayList<Path>();
    for (Path config : runtime.configs) {
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
    if (answers(runtime.socket)) {
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

  /**
   * A runtime that Sluice knows, and where its configuration is. The directories here are only for
   * a runtime whose configuration is missing or cannot be read.
   */
  enum KnownRuntime {
    K3S(
        "k3s",
        Kind.CONTAINERD,
        List.of("/var/lib/rancher/k3s/agent/etc/containerd/config.toml"),
        "/run/k3s/containerd/containerd.sock",
        "/var/lib/rancher/k3s/agent/etc/cni/net.d",
        // The first since the releases of October 2024, the second before.
        List.of("/var/lib/rancher/k3s/data/cni", "/var/lib/rancher/k3s/data/current/bin")),
    RKE2(
        "RKE2",
        Kind.CONTAINERD,
        List.of("/var/lib/rancher/rke2/agent/etc/containerd/config.toml"),
        "/run/k3s/containerd/containerd.sock",
        "/etc/cni/net.d",
        List.of("/opt/cni/bin")),
    K0S(
        "k0s",
        Kind.CONTAINERD,
        List.of("/etc/k0s/containerd.toml"),
        "/run/k0s/containerd.sock",
        "/etc/cni/net.d",
        List.of("/opt/cni/bin")),
    MICROK8S(
        "MicroK8s",
        Kind.CONTAINERD,
        List.of(
            "/var/snap/microk8s/current/args/containerd.toml",
            "/var/snap/microk8s/current/args/containerd-template.toml"),
        "/var/snap/microk8s/common/run/containerd.sock",
        "/var/snap/microk8s/current/args/cni-network",
        List.of("/var/snap/microk8s/current/opt/cni/bin")),
    CONTAINERD(
        "containerd",
        Kind.CONTAINERD,
        // Without the file, containerd 2.2 and later read the directory.
        List.of("/etc/containerd/config.toml", "/etc/containerd/conf.d/*.toml"),
        "/run/containerd/containerd.sock",
        "/etc/cni/net.d",
        List.of("/opt/cni/bin")),
    CRIO(
        "CRI-O",
        Kind.CRIO,
        List.of("/etc/crio/crio.conf", "/etc/crio/crio.conf.d/*.conf"),
        "/run/crio/crio.sock",
        "/etc/cni/net.d",
        List.of("/opt/cni/bin"));

    /** How the configuration reads. */
    enum Kind {
      /** A file with imports; of several alternatives the first that exists counts. */
      CONTAINERD,
      /** All files together. */
      CRIO
    }

    private static final Map<String, String> SNAP =
        Map.of(
            "${SNAP_DATA}", "/var/snap/microk8s/current",
            "$SNAP_DATA", "/var/snap/microk8s/current",
            "${SNAP_COMMON}", "/var/snap/microk8s/common");

    private final String title;
    private final Kind kind;
    private final List<Path> configs; // files, or patterns for files
    private final Path socket; // where it answers while it runs
    private final Path confDir;
    private final List<Path> binDirs;

    KnownRuntime(
        String title,
        Kind kind,
        List<String> configs,
        String socket,
        String confDir,
        List<String> binDirs) {
      this.title = title;
      this.kind = kind;
      this.configs = configs.stream().map(Path::of).toList();
      this.socket = Path.of(socket);
      this.confDir = Path.of(confDir);
      this.binDirs = binDirs.stream().map(Path::of).toList();
    }

    /** Texts in its configuration that stand for others. */
    Map<String, String> variables() {
      return this == MICROK8S ? SNAP : Map.of();
    }

    /** Whether it comes as a part of a Kubernetes distribution, so that it serves nothing else. */
    boolean isBundled() {
      return this != CONTAINERD && this != CRIO;
    }
  }
}

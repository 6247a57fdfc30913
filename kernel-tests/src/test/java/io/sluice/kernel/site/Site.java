package io.sluice.kernel.site;

import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.node.NodeCleanup;
import io.sluice.node.NodeSettings;
import io.sluice.node.maps.PinDirectory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A small site: a node with a bridge, pods on it, a registry folder and a daemon. All of it lives
 * in namespaces whose names begin with {@link #prefix}; the node's network is one of them, so the
 * machine's own network is never touched. For one thread.
 */
public final class Site implements AutoCloseable {
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final Path NAMESPACES = Path.of("/run/netns");

  private final String prefix;
  private final Path directory;
  private final RegistryFolder registry;
  private final PodProcesses processes;
  private final List<SitePod> pods = new ArrayList<>();
  private final Thread emergencyExit = new Thread(this::removeEverything, "site-removal");
  private int created;
  private final SitePod node;
  private @Nullable DaemonProcess daemon;

  /** A node and these pods, none of them in the registry yet. */
  public Site(String... podNames) {
    this.prefix =
        "slk" + Long.toString(ProcessHandle.current().pid(), 36) + "n" + COUNT.incrementAndGet();
    this.processes = new PodProcesses(prefix);
    Runtime.getRuntime().addShutdownHook(emergencyExit);
    try {
      this.directory = Files.createTempDirectory(prefix);
      this.registry = new RegistryFolder(Files.createDirectory(directory.resolve("registry")));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make the folder of a site", e);
    }
    this.node = next("node");
    try {
      Commands.ip("", List.of("netns add " + node.netns()));
      Commands.ip(
          node.netns(),
          List.of(
              "link set lo up",
              "link add br0 type bridge",
              "link set br0 up",
              "addr add 10.77.0.1/16 dev br0",
              "addr add fd77::1/64 dev br0 nodad"));
      addPods(podNames);
    } catch (RuntimeException | Error e) {
      removeEverything();
      throw e;
    }
  }

  private SitePod next(String name) {
    return new SitePod(name, prefix + "-" + name, created++);
  }

  /** Makes more pods. */
  public List<SitePod> addPods(String... names) {
    List<SitePod> added = Arrays.stream(names).map(this::next).toList();
    Commands.ip("", added.stream().map(pod -> "netns add " + pod.netns()).toList());
    List<String> cables = new ArrayList<>();
    for (SitePod pod : added) {
      cables.add(
          "link add v%d type veth peer name eth0 netns %s".formatted(pod.index(), pod.netns()));
      cables.add("link set v%d master br0 up".formatted(pod.index()));
    }
    Commands.ip(node.netns(), cables);
    added.forEach(Site::configure);
    pods.addAll(added);
    return added;
  }

  private static void configure(SitePod pod) {
    Commands.ip(
        pod.netns(),
        List.of(
            "link set lo up",
            "link set eth0 up",
            "addr add %s/16 dev eth0".formatted(pod.address(Family.IPV4).getHostAddress()),
            "addr add %s/64 dev eth0 nodad".formatted(pod.address(Family.IPV6).getHostAddress()),
            "route add default dev eth0",
            "route add ::/0 dev eth0"));
  }

  /** Joins two pods by a second interface, {@code net1}, without addresses. */
  public void joinBySecondInterface(SitePod one, SitePod other) {
    Commands.ip(
        one.netns(),
        List.of(
            "link add net1 type veth peer name net1 netns " + other.netns(), "link set net1 up"));
    Commands.ip(other.netns(), List.of("link set net1 up"));
  }

  /** Deletes a pod's namespace; it goes when nothing holds it any more. */
  public void deleteNamespace(SitePod pod) {
    Commands.ip("", List.of("netns delete " + pod.netns()));
  }

  /** Makes the namespace of a deleted pod anew: same name and addresses, another sandbox. */
  public void remakeNamespace(SitePod pod) {
    Commands.ip("", List.of("netns add " + pod.netns()));
    Commands.ip(
        node.netns(),
        List.of(
            "link add w%d type veth peer name eth0 netns %s".formatted(pod.index(), pod.netns()),
            "link set w%d master br0 up".formatted(pod.index())));
    configure(pod);
  }

  /** Lets the pods ask anew who has an address; they would send to an old sandbox for a while. */
  public void forgetNeighbours() {
    for (SitePod pod : pods) {
      if (Files.exists(pod.path())) {
        Commands.ip(pod.netns(), List.of("neigh flush dev eth0"));
      }
    }
  }

  /** Gives a namespace that only a process keeps its name back. */
  public void nameNamespace(SitePod pod, Process inside) {
    Commands.ip("", List.of("netns attach " + pod.netns() + " " + inside.pid()));
  }

  /** Whether the node's end of the pod's first cable still exists: then its namespace does too. */
  public boolean cableExists(SitePod pod) {
    return node.procNet("dev")
        .lines()
        .anyMatch(line -> line.strip().startsWith("v" + pod.index() + ":"));
  }

  /** Begins every name of this site. */
  public String prefix() {
    return prefix;
  }

  /** The namespace that plays the node's own network. */
  public SitePod node() {
    return node;
  }

  /** A pod by its name. */
  public SitePod pod(String name) {
    return pods.stream().filter(pod -> pod.name().equals(name)).findFirst().orElseThrow();
  }

  /** The folder the daemon watches. */
  public RegistryFolder registry() {
    return registry;
  }

  /** Processes in cgroups of pods; ended with the site. */
  public PodProcesses processes() {
    return processes;
  }

  /** A folder for what a test writes; removed with the site. */
  public Path directory() {
    return directory;
  }

  /** Makes the daemon, with further arguments of {@code node run}, and starts it. */
  public DaemonProcess startDaemon(String... arguments) {
    return startDaemon(Confinement.NONE, arguments);
  }

  /** The same for a daemon that may not do everything. */
  public DaemonProcess startDaemon(Confinement confinement, String... arguments) {
    return startDaemonBehind(confinement.prefix(), arguments);
  }

  /** The same with words that go before those of the command; the process id must stay. */
  public DaemonProcess startDaemonBehind(List<String> launcher, String... arguments) {
    DaemonProcess made =
        new DaemonProcess(
            node,
            prefix,
            registry.directory(),
            directory.resolve("state"),
            launcher,
            List.of(arguments));
    daemon = made;
    made.start();
    return made;
  }

  /** The daemon that was started. */
  public DaemonProcess daemon() {
    DaemonProcess present = daemon;
    if (present == null) {
      throw new IllegalStateException("this site has no daemon yet");
    }
    return present;
  }

  /** Ends and removes everything, then fails if something is left. */
  @Override
  public void close() {
    removeEverything();
    Runtime.getRuntime().removeShutdownHook(emergencyExit);
    List<String> left = leftovers();
    if (!left.isEmpty()) {
      throw new AssertionError("the site left behind " + left);
    }
  }

  /** What exists of this site outside its folder. */
  public List<String> leftovers() {
    List<Path> places =
        List.of(
            PinDirectory.ofNode(prefix).path().getParent(),
            Cgroups.rootV2().resolve("sluice-" + prefix),
            processes.root(),
            NodeSettings.adminSocket(prefix).getParent(),
            directory);
    List<String> left =
        new ArrayList<>(places.stream().filter(Files::exists).map(Path::toString).toList());
    left.addAll(namespaces());
    return left;
  }

  private List<String> namespaces() {
    try (Stream<Path> entries = Files.list(NAMESPACES)) {
      return entries
          .map(entry -> entry.getFileName().toString())
          .filter(name -> name.startsWith(prefix + "-"))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list namespaces", e);
    }
  }

  /** Every step is tried, whatever became of the one before; then the first failure is thrown. */
  private void removeEverything() {
    RuntimeException failure = null;
    for (Runnable step :
        List.<Runnable>of(
            this::endDaemon,
            processes::close,
            () -> NodeCleanup.removeAll(prefix),
            this::deleteNamespaces,
            this::deleteDirectory)) {
      try {
        step.run();
      } catch (RuntimeException e) {
        failure = failure == null ? e : failure;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void endDaemon() {
    DaemonProcess present = daemon;
    if (present != null && present.isAlive()) {
      present.kill();
    }
  }

  private void deleteNamespaces() {
    List<String> names = namespaces();
    if (!names.isEmpty()) {
      Commands.ip("", names.stream().map(name -> "netns delete " + name).toList());
    }
  }

  private void deleteDirectory() {
    try (Stream<Path> walk = Files.walk(directory)) {
      for (Path entry : walk.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(entry);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + directory, e);
    }
  }
}

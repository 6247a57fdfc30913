package io.sluice.lab.site;

import io.sluice.interception.maps.PinDirectory;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.node.NodeCleanup;
import io.sluice.node.NodeSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * A small site: a node with a bridge, pods on it, a registry folder and a daemon. All of it lives
 * in namespaces whose names begin with {@link #prefix}; the node's network is one of them, so the
 * machine's own network is never touched. For one thread.
 */
public final class Site implements AutoCloseable {
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final Path NAMESPACES = Path.of("/run/netns");

  /** Where nobody listens (RFC 863). */
  private static final int DISCARD_PORT = 9;

  private final String prefix;
  private final SitePlace place;
  private final Path directory;
  private final RegistryFolder registry;
  private final PodProcesses processes;
  private final List<SitePod> pods = new ArrayList<>();
  private final Thread emergencyExit = new Thread(this::removeEverything, "site-removal");
  private int created;
  private final SitePod node;
  private final List<DaemonProcess> daemons = new ArrayList<>(); // the latest last

  /** A node and these pods, none of them in the registry yet. */
  public Site(String... podNames) {
    this(freshPrefix(), podNames);
  }

  private Site(String prefix, String... podNames) {
    this(prefix, SiteFolder.make(prefix), podNames);
  }

  /** The same with names that begin so, and a folder that is there; it is removed with the site. */
  public Site(String prefix, Path directory, String... podNames) {
    this(prefix, SitePlace.ALONE, directory, RegistryFolder.make(directory), podNames);
  }

  /** One node of several that share a registry; its folder is removed with it. */
  Site(
      String prefix, SitePlace place, Path directory, RegistryFolder registry, String... podNames) {
    this.prefix = prefix;
    this.place = place;
    this.directory = directory;
    this.registry = registry;
    this.processes = new PodProcesses(prefix);
    Runtime.getRuntime().addShutdownHook(emergencyExit);
    this.node = next("node");
    try {
      Commands.ip("", List.of("netns add " + node.netns()));
      makeBridge(node);
      addPods(podNames);
    } catch (RuntimeException | Error e) {
      removeEverything();
      throw e;
    }
  }

  /** Begins names that nothing else on this machine has. */
  static String freshPrefix() {
    return "slk" + Long.toString(ProcessHandle.current().pid(), 36) + "n" + COUNT.incrementAndGet();
  }

  /** Makes {@code br0} in a namespace, by which others are joined. */
  static void makeBridge(SitePod machine) {
    Commands.ip(
        machine.netns(),
        List.of(
            "link set lo up",
            // An address of its own: else it changes with the pods, and neighbours send to the
            // former.
            "link add br0 address 02:00:00:00:51:ce type bridge",
            "link set br0 up",
            address(machine, Family.IPV4, "br0"),
            address(machine, Family.IPV6, "br0")));
  }

  private SitePod next(String name) {
    return new SitePod(name, prefix + "-" + name, created++, place);
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
    added.forEach(this::configure);
    pods.addAll(added);
    return added;
  }

  private void configure(SitePod pod) {
    List<String> lines = new ArrayList<>(List.of("link set lo up", "link set eth0 up"));
    for (Family family : Family.values()) {
      lines.add(address(pod, family, "eth0"));
      String router = place.isRouted() ? "via " + IpAddresses.text(node.address(family)) + " " : "";
      lines.add("route add %s %sdev eth0".formatted(everywhere(family), router));
    }
    Commands.ip(pod.netns(), lines);
  }

  /** Without duplicate address detection, which would hold an IPv6 address back for a second. */
  static String address(SitePod pod, Family family, String device) {
    return "addr add %s/%d dev %s%s"
        .formatted(
            IpAddresses.text(pod.address(family)),
            SitePlace.prefixLength(family),
            device,
            family == Family.IPV6 ? " nodad" : "");
  }

  private static String everywhere(Family family) {
    return family == Family.IPV4 ? "default" : "::/0";
  }

  /** Joins two pods by a second interface, {@code net1}, without addresses. */
  public void joinBySecondInterface(SitePod one, SitePod other) {
    Commands.ip(
        one.netns(),
        List.of(
            "link add net1 type veth peer name net1 netns " + other.netns(), "link set net1 up"));
    Commands.ip(other.netns(), List.of("link set net1 up"));
  }

  /** Takes pods away with all their processes; their names are free again. */
  public void removePods(List<SitePod> gone) {
    processes.close();
    List<String> present = namespaces(prefix);
    Commands.deleteNamespaces(gone.stream().map(SitePod::netns).filter(present::contains).toList());
    pods.removeAll(gone);
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

  /** Which node it is among those of a test. */
  SitePlace place() {
    return place;
  }

  /** Its pods. */
  public List<SitePod> pods() {
    return List.copyOf(pods);
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
    return started(
        daemon(launcher, nodeRun("--registry", registry.directory().toString()), arguments));
  }

  /** The same, but returns at once: such a daemon may never be ready. */
  public DaemonProcess beginDaemonBehind(List<String> launcher, String... arguments) {
    DaemonProcess made =
        daemon(launcher, nodeRun("--registry", registry.directory().toString()), arguments);
    made.begin();
    return made;
  }

  /** Makes a daemon that reads no folder but follows a controller, and starts it. */
  DaemonProcess startFollower(
      List<String> launcher, String control, Path joinToken, String... arguments) {
    return started(
        daemon(
            launcher,
            nodeRun("--control", control, "--join-token", joinToken.toString()),
            arguments));
  }

  /**
   * Makes a daemon that follows a controller out of reach, and so goes by the snapshot in {@link
   * #state}; it is not started yet.
   */
  public DaemonProcess storedDaemon(String... arguments) {
    return daemon(
        List.of(),
        nodeRun(
            "--control",
            "127.0.0.1:" + DISCARD_PORT,
            "--join-token",
            directory.resolve("token-that-was-used").toString()),
        arguments);
  }

  private static List<String> nodeRun(String... source) {
    List<String> launch = new ArrayList<>(JavaCommand.sluice("node", "run"));
    launch.addAll(List.of(source));
    return launch;
  }

  private static DaemonProcess started(DaemonProcess made) {
    made.start();
    return made;
  }

  private DaemonProcess daemon(List<String> launcher, List<String> launch, String... arguments) {
    DaemonProcess made =
        new DaemonProcess(node, prefix, launch, state(), launcher, List.of(arguments));
    daemons.add(made);
    return made;
  }

  /**
   * Another daemon beside the present one, whose place it takes when it is started; from now on it
   * is this site's {@link #daemon}.
   */
  public DaemonProcess succeedDaemon() {
    DaemonProcess made = daemon().successor();
    daemons.add(made);
    return made;
  }

  /** The same with other arguments of {@code node run} than the present one has. */
  public DaemonProcess succeedDaemonWith(String... arguments) {
    DaemonProcess made = daemon().successor(List.of(arguments));
    daemons.add(made);
    return made;
  }

  /** Another daemon beside the present one that does not ask for its place. */
  public DaemonProcess rivalDaemon() {
    DaemonProcess made = daemon().rival();
    daemons.addFirst(made);
    return made;
  }

  /** The daemon's state folder; made by the daemon. */
  public Path state() {
    return directory.resolve("state");
  }

  /** Whether a daemon was made. */
  public boolean hasDaemon() {
    return !daemons.isEmpty();
  }

  /** The daemon that was made last. */
  public DaemonProcess daemon() {
    if (!hasDaemon()) {
      throw new IllegalStateException("this site has no daemon yet");
    }
    return daemons.getLast();
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
    left.addAll(namespaces(prefix));
    return left;
  }

  /** Named namespaces that begin with {@code prefix-}. */
  public static List<String> namespaces(String prefix) {
    if (!Files.isDirectory(NAMESPACES)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(NAMESPACES)) {
      return entries
          .map(entry -> entry.getFileName().toString())
          .filter(name -> name.startsWith(prefix + "-"))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list namespaces", e);
    }
  }

  private void removeEverything() {
    Steps.runAll(
        List.of(
            this::killDaemons,
            processes::close,
            () -> NodeCleanup.removeAll(prefix),
            () -> deleteNamespaces(prefix),
            () -> SiteFolder.remove(directory)));
  }

  /** Kills every daemon that runs. */
  public void killDaemons() {
    daemons.stream().filter(DaemonProcess::isAlive).forEach(DaemonProcess::kill);
  }

  /** Deletes those that begin with {@code prefix-}. */
  public static void deleteNamespaces(String prefix) {
    Commands.deleteNamespaces(namespaces(prefix));
  }
}

package io.sluice.lab.site;

import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Several nodes on one link, each a {@link Site} with networks, pods and a daemon of its own, and
 * one registry folder for all. Nodes are routers for their pods; the link is a switch in a
 * namespace of its own, where all that goes between nodes can be heard. On it are also the machine
 * of the controller and a stranger. All names begin with {@link #prefix}. For one thread.
 */
public final class Cluster implements AutoCloseable {
  private static final int LINK_NUMBER = 9;
  private static final int LINK_MACHINES = 100;

  private final String prefix;
  private final SitePlace linkPlace = new SitePlace("", LINK_NUMBER);
  private final SitePod link;
  private final SitePod controlMachine;
  private final SitePod stranger;
  private final Thread emergencyExit = new Thread(this::removeEverything, "cluster-removal");
  private final List<Site> sites = new ArrayList<>();
  private final Path directory;
  private final RegistryFolder registry;
  private @Nullable ControlProcess control;

  /** Nodes called {@code a}, {@code b}, ..., as many as there are lists of names of pods. */
  @SafeVarargs
  public Cluster(List<String>... podNames) {
    this(Site.freshPrefix(), podNames);
  }

  @SafeVarargs
  private Cluster(String prefix, List<String>... podNames) {
    this(prefix, SiteFolder.make(prefix), podNames);
  }

  /** The same with names that begin so, and a folder that is there; it is removed at the end. */
  @SafeVarargs
  public Cluster(String prefix, Path directory, List<String>... podNames) {
    this.prefix = prefix;
    this.link = machine("link", 0);
    this.controlMachine = machine("control", LINK_MACHINES);
    this.stranger = machine("stranger", LINK_MACHINES + 1);
    this.directory = directory;
    this.registry = RegistryFolder.make(directory);
    Runtime.getRuntime().addShutdownHook(emergencyExit);
    try {
      makeLink();
      for (List<String> names : podNames) {
        addNode(names);
      }
      joinNetworks();
    } catch (RuntimeException | Error e) {
      removeEverything();
      throw e;
    }
  }

  private SitePod machine(String name, int index) {
    return new SitePod(name, prefix + "-" + name, index, linkPlace);
  }

  private void makeLink() {
    List<SitePod> machines = List.of(link, controlMachine, stranger);
    Commands.ip("", machines.stream().map(machine -> "netns add " + machine.netns()).toList());
    Site.makeBridge(link);
    plug(controlMachine);
    plug(stranger);
  }

  /** Connects a machine to the link by an interface {@code uplink}. */
  private void plug(SitePod machine) {
    Commands.ip(
        link.netns(),
        List.of(
            "link add p%d type veth peer name uplink netns %s"
                .formatted(machine.index(), machine.netns()),
            "link set p%d master br0 up".formatted(machine.index())));
    Commands.ip(
        machine.netns(),
        List.of(
            "link set lo up",
            "link set uplink up",
            Site.address(machine, Family.IPV4, "uplink"),
            Site.address(machine, Family.IPV6, "uplink")));
  }

  private void addNode(List<String> podNames) {
    int number = sites.size() + 1;
    String name = prefix + (char) ('a' + number - 1);
    Site site =
        new Site(
            name,
            new SitePlace(name, number),
            SiteFolder.make(directory, name),
            registry,
            podNames.toArray(String[]::new));
    sites.add(site);
    plug(uplink(site));
    site.node().sysctl("net/ipv4/ip_forward", "1");
    site.node().sysctl("net/ipv6/conf/all/forwarding", "1");
  }

  /** The node's own end of the link. */
  private SitePod uplink(Site site) {
    return new SitePod("uplink", site.node().netns(), site.place().number(), linkPlace);
  }

  /** Everybody on the link learns the way to the pods of each node. */
  private void joinNetworks() {
    for (Site site : sites) {
      List<String> routes = new ArrayList<>();
      for (Family family : Family.values()) {
        routes.add(
            "route add %s/%d via %s"
                .formatted(
                    IpAddresses.text(networkOf(site, family)),
                    SitePlace.prefixLength(family),
                    IpAddresses.text(uplink(site).address(family))));
      }
      Stream.concat(
              Stream.of(link, controlMachine, stranger),
              sites.stream().filter(other -> other != site).map(Site::node))
          .forEach(machine -> Commands.ip(machine.netns(), routes));
    }
  }

  private static InetAddress networkOf(Site site, Family family) {
    return IpAddresses.parse(
        site.place().network(family) + (family == Family.IPV4 ? ".0.0" : "::"));
  }

  /** Starts the controller by a clock of its own, with further arguments of {@code control run}. */
  public ControlProcess startControl(MovedClock clock, String... arguments) {
    return startControl(
        clock.launcher(), ControlProcess.folder(registry.directory()), List.of(arguments));
  }

  /** Starts the controller, with further arguments of {@code control run}. */
  public ControlProcess startControl(String... arguments) {
    return startControlOn(ControlProcess.folder(registry.directory()), arguments);
  }

  /** The same with arguments that say what it reads in place of the folder. */
  public ControlProcess startControlOn(List<String> source, String... arguments) {
    return startControl(List.of(), source, List.of(arguments));
  }

  private ControlProcess startControl(
      List<String> launcher, List<String> source, List<String> arguments) {
    ControlProcess made =
        new ControlProcess(
            controlMachine,
            controlMachine.address(Family.IPV6),
            source,
            directory.resolve("control"),
            arguments);
    made.behind(launcher);
    control = made;
    made.start();
    return made;
  }

  /** The controller that was started. */
  public ControlProcess control() {
    ControlProcess present = control;
    if (present == null) {
      throw new IllegalStateException("this cluster has no controller yet");
    }
    return present;
  }

  /** Starts the daemon of a node that joins the controller by a token, and follows it. */
  public DaemonProcess startDaemon(Site site, String... arguments) {
    return startDaemonBehind(List.of(), site, arguments);
  }

  /** The same by a clock of its own. */
  public DaemonProcess startDaemon(Site site, MovedClock clock, String... arguments) {
    return startDaemonBehind(clock.launcher(), site, arguments);
  }

  /** The same with words that go before those of the command; the process id must stay. */
  public DaemonProcess startDaemonBehind(List<String> launcher, Site site, String... arguments) {
    return site.startFollower(
        launcher, control().address(), control().joinToken(site.prefix()), arguments);
  }

  /** Returns when the daemon of each pod's node has a certificate for its account. */
  public void awaitCertificates(List<SitePod> pods) {
    for (SitePod pod : pods) {
      Site site = sites.stream().filter(one -> one.pods().contains(pod)).findFirst().orElseThrow();
      String identity = "spiffe://cluster.local/ns/" + Manifests.NAMESPACE + "/sa/" + pod.name();
      Await.until(
          pod.name() + " has a certificate",
          Await.patience(30),
          () -> site.daemon().view().hasCertificate(identity));
    }
  }

  /**
   * Makes a change to the registry and returns when all nodes decide by it. The controller stands
   * still meanwhile: however slowly several files are written, it reads them together.
   */
  public void change(Runnable change) {
    long before = control().view().revision();
    int changes = registry.changes();
    control().pause();
    try {
      change.run();
    } finally {
      control().resume();
    }
    if (registry.changes() != changes) {
      Await.until("the nodes follow the change", () -> control().view().isFollowedSince(before));
      for (Site site : sites) {
        Await.until("every pod is brought to the change", () -> site.daemon().view().isEnforced());
      }
    }
  }

  /** The nodes, in the order of their pods' lists. */
  public List<Site> sites() {
    return List.copyOf(sites);
  }

  /** A node by its letter. */
  public Site site(String letter) {
    return sites.stream()
        .filter(site -> site.prefix().equals(prefix + letter.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow();
  }

  /** A pod by its name, on whichever node. */
  public SitePod pod(String name) {
    return sites.stream()
        .flatMap(site -> site.pods().stream())
        .filter(pod -> pod.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  /** The switch between the nodes. */
  public SitePod link() {
    return link;
  }

  /** The machine of the controller. */
  public SitePod controlMachine() {
    return controlMachine;
  }

  /** A machine on the link that knows every network and is not in the mesh. */
  public SitePod stranger() {
    return stranger;
  }

  /** The folder that all daemons and the controller watch. */
  public RegistryFolder registry() {
    return registry;
  }

  /** Begins every name. */
  public String prefix() {
    return prefix;
  }

  /** A folder for what a test writes; removed with the cluster. */
  public Path directory() {
    return directory;
  }

  /** Ends and removes everything, then fails if something is left. */
  @Override
  public void close() {
    removeEverything();
    Runtime.getRuntime().removeShutdownHook(emergencyExit);
    List<String> left = new ArrayList<>(Site.namespaces(prefix));
    sites.forEach(site -> left.addAll(site.leftovers()));
    if (Files.exists(directory)) {
      left.add(directory.toString());
    }
    if (!left.isEmpty()) {
      throw new AssertionError("the cluster left behind " + left);
    }
  }

  /** Every step is tried, whatever became of the one before; then the first failure is thrown. */
  private void removeEverything() {
    List<Runnable> steps = new ArrayList<>(List.of(this::endControl));
    sites.forEach(site -> steps.add(site::close));
    steps.add(() -> Site.deleteNamespaces(prefix));
    steps.add(() -> SiteFolder.remove(directory));
    Steps.runAll(steps);
  }

  private void endControl() {
    ControlProcess present = control;
    if (present != null && present.isAlive()) {
      present.kill();
    }
  }
}

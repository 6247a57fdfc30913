package io.sluice.interception;

import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether connections really take the way they should, whatever programs and rules say: from
 * inside the pod to an address that nobody has, and from the node to a port of the pod that nobody
 * serves, in both families. Both must arrive at our listeners with the right original destination.
 * The proxy closes them at once and takes them for no traffic.
 *
 * <p>A connection from inside cannot leave the pod even where interception is broken: its source is
 * loopback, and where the mechanism allows it the socket is bound to the device lo as well. The
 * kernel sends an IPv4 packet with such a source nowhere else; for IPv6 under iptables, where a
 * socket bound to lo finds no route, a rule of our own drops it, and no other IPv6 node accepts
 * that source (RFC 4291 §2.5.3).
 *
 * <p>One thread begins, polls and forgets; {@link #arrived} is for event loops.
 */
public final class PathChecks implements AutoCloseable {
  /**
   * What a look at the paths into and out of a pod has shown.
   *
   * @param problem what did not arrive as it should, if anything
   * @param notChecked what could not be looked at, and why
   */
  public record Verdict(Optional<String> problem, List<String> notChecked) {
    public Verdict {
      notChecked = List.copyOf(notChecked);
    }
  }

  private static final byte[] LOOPBACK_DEVICE = {'l', 'o', 0};

  /** How a connection fails that has no way to go. */
  private static final Set<Errno> NO_WAY =
      Set.of(Errno.ENETUNREACH, Errno.EHOSTUNREACH, Errno.EADDRNOTAVAIL, Errno.EAFNOSUPPORT);

  private final SocketFacts facts;
  private final Predicate<Family> redirects;
  private final NetnsThread namespaces;
  private final WaysFromNode ways;
  private final long patienceNanos;
  private final Map<NamespacedName, Look> looks = new ConcurrentHashMap<>();
  private final Set<Reached> reached = new HashSet<>();

  /** An address family by which the node has reached a pod: it must from then on. */
  private record Reached(long cookie, Family family) {}

  /** One look at one pod. */
  private record Look(
      PodPlacement pod, List<PathProbe> probes, List<String> notChecked, Waiting waiting) {
    void close() {
      probes.forEach(PathProbe::close);
    }
  }

  /**
   * Over what the mechanism knows.
   *
   * @param redirects whether the mechanism redirects that family rather than refuse it
   * @param namespaces thread that enters pods
   * @param ways from there to pods
   * @param patience how long the connections of a look may take to arrive; ten times as long while
   *     others do
   */
  public PathChecks(
      SocketFacts facts,
      Predicate<Family> redirects,
      NetnsThread namespaces,
      WaysFromNode ways,
      Duration patience) {
    this.facts = facts;
    this.redirects = redirects;
    this.namespaces = namespaces;
    this.ways = ways;
    this.patienceNanos = patience.toNanos();
  }

  /** Opens the connections; one look at a time, an earlier one is dropped. */
  public void begin(PodPlacement pod) {
    forget(pod.name());
    List<PathProbe> probes = new ArrayList<>();
    List<String> notChecked = new ArrayList<>();
    List<Family> redirected = new ArrayList<>();
    for (Family family : Family.values()) {
      if (family == Family.IPV4 || pod.network().ipv6()) {
        if (redirects.test(family)) {
          redirected.add(family);
        } else {
          notChecked.add(family + " is refused here and not redirected");
        }
      }
    }
    List<Made> inside = madeInside(pod, redirected);
    for (int i = 0; i < redirected.size(); i++) {
      Family family = redirected.get(i);
      Made own = inside.get(i);
      add(probes, notChecked, Direction.OUTBOUND, family, () -> fromInside(own.fd(), pod, family));
      if (primary(pod, family).isPresent()) {
        add(probes, notChecked, Direction.INBOUND, family, () -> fromNode(pod, family));
      }
    }
    // Known before the first SYN leaves: it may be accepted before connect() returns.
    looks.put(
        pod.name(),
        new Look(pod, probes, notChecked, new Waiting(patienceNanos, System.nanoTime())));
    probes.forEach(PathProbe::start);
  }

  private void add(
      List<PathProbe> probes,
      List<String> notChecked,
      Direction direction,
      Family family,
      Supplier<PathProbe> made) {
    try {
      probes.add(made.get());
    } catch (LinuxException | CompletionException e) {
      Throwable cause = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
      notChecked.add(direction.label() + " " + family + ": " + cause.getMessage());
    }
  }

  /** A socket each, made at once: to enter a pod costs more than what is done inside. */
  private List<Made> madeInside(PodPlacement pod, List<Family> families) {
    try {
      return namespaces.submit(pod.netns(), () -> families.stream().map(Made::of).toList()).join();
    } catch (CompletionException e) {
      return families.stream().map(_ -> new Made(-1, e)).toList();
    }
  }

  /** A socket, or why there is none. */
  private record Made(int fdOrNone, @Nullable RuntimeException refusal) {
    static Made of(Family family) {
      try {
        return new Made(Sockets.tcpSocket(family), null);
      } catch (LinuxException e) {
        return new Made(-1, e);
      }
    }

    int fd() {
      if (refusal != null) {
        throw refusal;
      }
      return fdOrNone;
    }
  }

  private PathProbe fromInside(int fd, PodPlacement pod, Family family) {
    InetSocketAddress destination =
        new InetSocketAddress(
            IpAddresses.parse(family == Family.IPV4 ? "192.0.2.1" : "2001:db8::1"),
            MeshPorts.PATH_CHECK);
    InetAddress loopback = InetAddress.ofLiteral(family == Family.IPV4 ? "127.0.0.1" : "::1");
    return ready(
        fd,
        pod,
        Direction.OUTBOUND,
        new InetSocketAddress(loopback, 0),
        destination,
        facts.stayOnLoopback(family));
  }

  private PathProbe fromNode(PodPlacement pod, Family family) {
    InetAddress address = primary(pod, family).orElseThrow();
    InetSocketAddress source = new InetSocketAddress(ways.towards(address), MeshPorts.PATH_CHECK);
    int fd = Sockets.tcpSocket(family);
    return ready(
        fd,
        pod,
        Direction.INBOUND,
        source,
        new InetSocketAddress(address, MeshPorts.PATH_CHECK),
        false);
  }

  private PathProbe ready(
      int fd,
      PodPlacement pod,
      Direction direction,
      InetSocketAddress source,
      InetSocketAddress destination,
      boolean loopbackOnly) {
    try {
      // Several looks share one port of the node: their pods' addresses differ.
      Sockets.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1);
      if (loopbackOnly) {
        Sockets.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_BINDTODEVICE, LOOPBACK_DEVICE);
      }
      Sockets.bind(fd, source);
      facts.preparePathCheck(fd, pod, direction);
      return new PathProbe(direction, Sockets.localAddress(fd), destination, fd);
    } catch (RuntimeException e) {
      Sockets.close(fd);
      throw e;
    }
  }

  private static Optional<InetAddress> primary(PodPlacement pod, Family family) {
    return Optional.ofNullable(
        family == Family.IPV4 ? pod.network().primary4() : pod.network().primary6());
  }

  /** The node's address on the way to each of a pod's addresses that it has a way to. */
  public Map<InetAddress, InetAddress> waysFromNode(List<InetAddress> addresses) {
    return ways.towards(addresses);
  }

  /** Whether a look at that pod has begun and was not polled to its end. */
  public boolean isUnderWay(NamespacedName pod) {
    return looks.containsKey(pod);
  }

  /** The outcome, once, when there is one. */
  public Optional<Verdict> poll(NamespacedName name) {
    Look look = looks.get(name);
    if (look == null) {
      return Optional.empty();
    }
    boolean givenUp = look.waiting().isOver(System.nanoTime());
    if (!givenUp && !look.probes().stream().allMatch(PathProbe::isSettled)) {
      return Optional.empty();
    }
    List<String> notChecked = new ArrayList<>(look.notChecked());
    Optional<String> problem = Optional.empty();
    for (PathProbe probe : look.probes()) {
      Optional<String> wrong = wrong(look.pod(), probe, notChecked);
      problem = problem.or(() -> wrong);
    }
    forget(name);
    return Optional.of(new Verdict(problem, notChecked));
  }

  /**
   * A way from the node that never led to the pod may lead elsewhere, or be closed by a network
   * policy: that is no fault of the pod's interception.
   */
  private Optional<String> wrong(PodPlacement pod, PathProbe probe, List<String> notChecked) {
    boolean arrived = probe.hasArrived();
    Optional<String> problem = probe.problem();
    if (probe.direction() == Direction.INBOUND) {
      Reached known = new Reached(pod.cookie(), probe.family());
      if (arrived) {
        reached.add(known);
      } else if (!reached.contains(known)) {
        problem.ifPresent(notChecked::add);
        return Optional.empty();
      }
    } else if (probe.refusal().filter(NO_WAY::contains).isPresent()
        && !facts.stayOnLoopback(probe.family())) {
      problem.ifPresent(notChecked::add); // no route for that family: nothing can leave by it
      return Optional.empty();
    }
    return problem;
  }

  /**
   * Whether an accepted connection is one of ours; notes its arrival. Any thread, never blocks.
   *
   * @param peer the other end as the listener's side sees it
   */
  boolean arrived(PodPlacement pod, Direction direction, int fd, InetSocketAddress peer) {
    Look look = looks.get(pod.name());
    if (look == null) {
      return false;
    }
    boolean isBefore = false;
    for (PathProbe probe : look.probes()) {
      isBefore |= probe.mayStandBehind(direction, peer);
      if (probe.isFrom(direction, peer)) {
        var accepted = facts.accepted(pod, direction, fd);
        probe.arrivedAs(accepted.rightNamespace() ? accepted.originalDestinationOrNull() : null);
        return true;
      }
    }
    if (isBefore) {
      look.waiting().acceptedAnother();
    }
    return false;
  }

  /** Drops a look that is under way. */
  public void forget(NamespacedName pod) {
    Look look = looks.remove(pod);
    if (look != null) {
      look.close();
    }
  }

  /** Drops what is known of a pod that has gone. */
  public void forgetAll(PodPlacement pod) {
    forget(pod.name());
    reached.removeIf(known -> known.cookie() == pod.cookie());
  }

  @Override
  public void close() {
    Set.copyOf(looks.keySet()).forEach(this::forget);
  }

  /**
   * How long a look waits for its connections. While this process stood still that is not counted,
   * and while others are accepted they may be next: a pod that is busy is not taken for a broken
   * one, which would cost it all that waits. Of one thread, but for {@link #acceptedAnother}.
   */
  static final class Waiting {
    /** Longer than it is between two looks of a process that runs. */
    private static final long LONGEST_STEP = TimeUnit.SECONDS.toNanos(2);

    /** So many times the patience it waits while others are accepted. */
    private static final int LONGEST = 10;

    private final long patience;
    private long last;
    private long all;
    private long alone; // since another one was accepted
    private volatile boolean accepts;

    /** From {@code now} on, of {@link System#nanoTime}. */
    Waiting(long patience, long now) {
      this.patience = patience;
      this.last = now;
    }

    /** A connection that is none of this look's was accepted; any thread. */
    void acceptedAnother() {
      accepts = true;
    }

    boolean isOver(long now) {
      long step = Math.min(now - last, LONGEST_STEP);
      last = now;
      all += step;
      alone = accepts ? 0 : alone + step;
      accepts = false;
      return alone >= patience || all >= LONGEST * patience;
    }
  }

  /**
   * One connection that must arrive at our listener. Its addresses are fixed before it is opened,
   * so that the accepting side knows it by them. Made, started and asked by one thread; {@link
   * #arrivedAs} comes from an event loop.
   */
  static final class PathProbe implements AutoCloseable {
    private static final int SO_LINGER = 13;
    private static final byte[] RESET_AT_CLOSE = {1, 0, 0, 0, 0, 0, 0, 0}; // in either byte order

    private final Direction direction;
    private final InetSocketAddress client;
    private final InetSocketAddress destination;
    private final int fd;
    private @Nullable Errno refusal;
    private volatile boolean arrived;
    private volatile @Nullable InetSocketAddress seenDestination;

    /** Owns {@code fd}, a socket bound to {@code client}. */
    PathProbe(
        Direction direction, InetSocketAddress client, InetSocketAddress destination, int fd) {
      this.direction = direction;
      this.client = client;
      this.destination = destination;
      this.fd = fd;
      Sockets.setsockopt(fd, Sockets.SOL_SOCKET, SO_LINGER, RESET_AT_CLOSE); // leaves no TIME_WAIT
    }

    Direction direction() {
      return direction;
    }

    Family family() {
      return Family.of(destination.getAddress());
    }

    boolean isFrom(Direction way, InetSocketAddress peer) {
      return direction == way && client.equals(peer);
    }

    /** Whether it may wait in the queue in which one from {@code peer} was before it. */
    boolean mayStandBehind(Direction way, InetSocketAddress peer) {
      return direction == way && !arrived && family() == Family.of(peer.getAddress());
    }

    void start() {
      try {
        Sockets.connect(fd, destination);
      } catch (LinuxException e) {
        refusal = e.errno();
      }
    }

    void arrivedAs(@Nullable InetSocketAddress originalDestination) {
      seenDestination = originalDestination;
      arrived = true;
    }

    boolean hasArrived() {
      return arrived;
    }

    /** Whether waiting longer can change anything. */
    boolean isSettled() {
      if (!arrived && refusal == null) {
        int error = Sockets.error(fd);
        if (error != 0 && !arrived) {
          refusal = Errno.of(error);
        }
      }
      return arrived || refusal != null;
    }

    /** Why the kernel refused it, when it did. */
    Optional<Errno> refusal() {
      return Optional.ofNullable(refusal);
    }

    /** What is wrong, as a sentence; to be asked when it is settled or was given up. */
    Optional<String> problem() {
      if (arrived) {
        InetSocketAddress seen = seenDestination;
        return destination.equals(seen)
            ? Optional.empty()
            : Optional.of(
                name()
                    + " was taken for one to "
                    + (seen == null ? "nowhere" : IpAddresses.text(seen)));
      }
      String listener = direction == Direction.OUTBOUND ? "outbound" : "inbound";
      String how =
          refusal != null ? refusal.name() : isConnected() ? "somebody else took it" : "no answer";
      return Optional.of(name() + " did not reach the " + listener + " listener: " + how);
    }

    private String name() {
      return "a connection "
          + (direction == Direction.OUTBOUND ? "from inside" : "from the node")
          + " to "
          + IpAddresses.text(destination);
    }

    private boolean isConnected() {
      try {
        Sockets.peerAddress(fd);
        return true;
      } catch (LinuxException e) {
        return false;
      }
    }

    @Override
    public void close() {
      Sockets.close(fd);
    }
  }
}

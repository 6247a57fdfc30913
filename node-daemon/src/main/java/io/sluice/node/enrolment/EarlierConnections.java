package io.sluice.node.enrolment;

import io.sluice.interception.PodPlacement;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.diag.InetSocket;
import io.sluice.linux.diag.InetSockets;
import io.sluice.linux.diag.TcpState;
import io.sluice.linux.diag.Transport;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.enrolment.EarlierConnection.EarlierAction;
import io.sluice.node.enrolment.EarlierConnection.EarlierConnectionsListener;
import io.sluice.node.enrolment.EarlierConnection.EarlierConnectionsRule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Connections that a pod had before it was enrolled, connected datagram sockets among them. Hooks
 * act when a connection is opened, so these would stay unprotected for as long as they live: they
 * are found, reported, and ended as the operator chose. A pod that comes into force for the first
 * time is looked at, and one that comes back: a pod that an earlier daemon has in force has none
 * but those that were excluded or had time still, and these live on. For the enrolment thread.
 */
public final class EarlierConnections {
  /** How long they live on in a permissive mesh. */
  static final Duration GRACE = Duration.ofMinutes(5);

  /** After this, handshakes that were under way at the first look are over. */
  static final Duration SECOND_LOOK = Duration.ofSeconds(1);

  /** Between two looks at which of them are still open. */
  static final Duration LOOK_INTERVAL = Duration.ofSeconds(30);

  private static final System.Logger LOG = System.getLogger(EarlierConnections.class.getName());
  private static final int LOOKS_FOR_NEW = 2;

  /** Looks that may fail in a row. */
  private static final int ATTEMPTS = 3;

  /** Names a connection from its handshake on; the cookie of an accepted one is another then. */
  private record Ends(Transport transport, InetSocketAddress local, InetSocketAddress peer) {
    static Ends of(InetSocket socket) {
      return new Ends(socket.transport(), socket.local(), socket.peer());
    }
  }

  /** One pod since its enrolment. */
  private static final class Watch {
    final Set<Ends> before = new HashSet<>(); // what there was, handshakes included
    boolean knowsBefore;
    final Set<Long> open = new HashSet<>(); // cookies
    final Set<Long> givenUp = new HashSet<>(); // cookies of those that cannot be destroyed
    final long since;
    long lastLook;
    int looks;
    int failedLooks; // in a row
    boolean hasTooMany; // by the last of those

    Watch(long since) {
      this.since = since;
      this.lastLook = since;
    }
  }

  private final EarlierConnectionsRule rule;
  private final boolean redirectionShows;
  private final long ownCgroupId;
  private final SocketTable.Opener tables;
  private final EarlierConnectionsListener listener;
  private final LongSupplier nanoTime;
  private final Map<NamespacedName, Watch> watches = new HashMap<>();

  /**
   * @param rule what becomes of them
   * @param redirectionShows whether a redirected connection has loopback as its peer, as with hooks
   *     that rewrite addresses; false where the kernel translates them on the way (iptables): then
   *     a connection counts only if it was seen before interception came into force
   * @param ownCgroupId cgroup2 directory of this process
   * @param namespaces thread that enters pods
   * @param listener told of every action
   */
  public EarlierConnections(
      EarlierConnectionsRule rule,
      boolean redirectionShows,
      long ownCgroupId,
      NetnsThread namespaces,
      EarlierConnectionsListener listener) {
    this(
        rule,
        redirectionShows,
        ownCgroupId,
        SocketTable.ofKernel(namespaces),
        listener,
        System::nanoTime);
  }

  EarlierConnections(
      EarlierConnectionsRule rule,
      boolean redirectionShows,
      long ownCgroupId,
      SocketTable.Opener tables,
      EarlierConnectionsListener listener,
      LongSupplier nanoTime) {
    this.rule = rule;
    this.redirectionShows = redirectionShows;
    this.ownCgroupId = ownCgroupId;
    this.tables = tables;
    this.listener = listener;
    this.nanoTime = nanoTime;
  }

  /** Right before interception comes into force. Never fails: enrolment is worth more. */
  void beforeActivation(PodPlacement pod) {
    Watch watch = new Watch(nanoTime.getAsLong());
    watches.put(pod.name(), watch);
    if (redirectionShows) {
      return;
    }
    try (SocketTable table = tables.open(pod.netns())) {
      table.list(asked(pod)::needs).forEach(socket -> watch.before.add(Ends.of(socket)));
      watch.knowsBefore = true;
    } catch (LinuxException | CompletionException e) {
      LOG.log(System.Logger.Level.WARNING, "earlier_connections_unknown pod=" + pod.name(), e);
    }
  }

  /** Right after it came into force: finds them, and ends them when that is due at once. */
  void activated(PodPlacement pod) {
    Watch watch = watches.get(pod.name());
    if (watch != null) {
      look(pod, watch);
    }
  }

  /** At every sweep, as long as the pod is enrolled. */
  void follow(PodPlacement pod) {
    Watch watch = watches.get(pod.name());
    if (watch == null) {
      return;
    }
    long sinceLook = nanoTime.getAsLong() - watch.lastLook;
    // Too many can be the pod's own doing, and must not leave them to it for good.
    if (watch.failedLooks >= ATTEMPTS
        && !(watch.hasTooMany && sinceLook >= LOOK_INTERVAL.toNanos())) {
      return;
    }
    boolean secondLook = watch.looks < LOOKS_FOR_NEW && sinceLook >= SECOND_LOOK.toNanos();
    boolean refresh = sinceLook >= LOOK_INTERVAL.toNanos() || isDue(pod, watch);
    if (secondLook || !watch.open.isEmpty() && refresh) {
      look(pod, watch);
    }
  }

  /** The pod is not enrolled any more. */
  void forget(NamespacedName pod) {
    watches.remove(pod);
  }

  /** Those of the pod that live on, as of the last look; 0 for a pod that was adopted. */
  int open(NamespacedName pod) {
    Watch watch = watches.get(pod);
    return watch == null ? 0 : watch.open.size();
  }

  private boolean isDue(PodPlacement pod, Watch watch) {
    // Tried once each: what the kernel refuses to end now it will refuse later.
    return !watch.givenUp.containsAll(watch.open)
        && switch (rule.action(pod.permissive())) {
          case DESTROYED -> true;
          case GRACED -> nanoTime.getAsLong() - watch.since >= GRACE.toNanos();
          case KEPT, FAILED -> false;
        };
  }

  private void look(PodPlacement pod, Watch watch) {
    watch.lastLook = nanoTime.getAsLong();
    try (SocketTable table = tables.open(pod.netns())) {
      List<EarlierConnection> found = new ArrayList<>();
      List<EarlierConnection> added = new ArrayList<>();
      UnprotectedConnections asked = asked(pod);
      List<InetSocket> sockets = table.list(asked::needs);
      // Where it cannot be told any more, an application connects anew rather than stays unseen.
      if (watch.looks == 0 && !watch.knowsBefore) {
        sockets.forEach(socket -> watch.before.add(Ends.of(socket)));
      }
      for (EarlierConnection connection : unprotected(asked, sockets)) {
        if (watch.open.contains(connection.socket().cookie())) {
          found.add(connection);
        } else if (watch.looks < LOOKS_FOR_NEW
            && watch.before.contains(Ends.of(connection.socket()))) {
          found.add(connection);
          added.add(connection);
        }
      }
      watch.open.clear();
      watch.open.addAll(cookies(found));
      if (++watch.looks == LOOKS_FOR_NEW) {
        watch.before.clear();
      }
      if (isDue(pod, watch)) {
        destroy(pod, watch, table, found);
      } else {
        report(rule.action(pod.permissive()), pod, added);
      }
      watch.failedLooks = 0;
    } catch (LinuxException | CompletionException | UncheckedIOException e) {
      watch.failedLooks++;
      watch.hasTooMany = e instanceof LinuxException failed && failed.errno() == Errno.E2BIG;
      LOG.log(System.Logger.Level.WARNING, "earlier_connections_unknown pod=" + pod.name(), e);
    }
  }

  private static UnprotectedConnections asked(PodPlacement pod) {
    return new UnprotectedConnections(pod.network(), pod.settings(), pod.permissive());
  }

  private List<EarlierConnection> unprotected(
      UnprotectedConnections asked, List<InetSocket> sockets) {
    return asked.among(sockets, new OwnSockets(ownCgroupId)).stream()
        .filter(connection -> redirectionShows || !isDecidedByPacket(connection))
        .toList();
  }

  /** Rules see each packet of a protocol that they refuse, so that its older sockets are closed. */
  private static boolean isDecidedByPacket(EarlierConnection connection) {
    return connection.socket().transport() == Transport.UDP_LITE;
  }

  private void destroy(
      PodPlacement pod, Watch watch, SocketTable table, List<EarlierConnection> due) {
    List<EarlierConnection> destroyed = new ArrayList<>();
    List<EarlierConnection> failed = new ArrayList<>();
    for (EarlierConnection connection : due) {
      if (watch.givenUp.contains(connection.socket().cookie())) {
        continue;
      }
      try {
        if (table.destroy(connection.socket())) {
          destroyed.add(connection);
        }
        watch.open.remove(connection.socket().cookie());
      } catch (LinuxException e) {
        if (failed.isEmpty()) {
          LOG.log(
              System.Logger.Level.WARNING,
              "earlier_connections_not_destroyed pod={0} problem={1}",
              pod.name(),
              e.getMessage());
        }
        watch.givenUp.add(connection.socket().cookie());
        failed.add(connection);
      }
    }
    report(EarlierAction.DESTROYED, pod, destroyed);
    report(EarlierAction.FAILED, pod, failed);
  }

  private void report(EarlierAction action, PodPlacement pod, List<EarlierConnection> connections) {
    if (!connections.isEmpty()) {
      LOG.log(
          System.Logger.Level.INFO,
          "earlier_connections pod={0} action={1} count={2}",
          pod.name(),
          action.label(),
          Integer.toString(connections.size()));
      listener.taken(action, pod.name(), connections);
    }
  }

  private static Set<Long> cookies(List<EarlierConnection> connections) {
    return connections.stream()
        .map(connection -> connection.socket().cookie())
        .collect(Collectors.toSet());
  }

  /**
   * Tells this process' sockets from those of a pod: by cgroup, as the hooks do, and by descriptor
   * where the kernel does not tell a socket's cgroup. Good for one look, since descriptors change.
   */
  static final class OwnSockets implements Predicate<InetSocket> {
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
    private static final String SOCKET = "socket:[";

    private final long cgroupId;
    private @Nullable Set<Long> inodes;

    /** {@code cgroupId} is this process' cgroup2 directory. */
    OwnSockets(long cgroupId) {
      this.cgroupId = cgroupId;
    }

    @Override
    public boolean test(InetSocket socket) {
      if (socket.cgroupId() == cgroupId) {
        return true;
      }
      if (socket.inode() == 0) {
        // Waits to be accepted. A kernel that does not say by whom leaves only the safe answer.
        return socket.cgroupId() == 0;
      }
      if (inodes == null) {
        inodes = inodes();
      }
      return inodes.contains(socket.inode());
    }

    private static Set<Long> inodes() {
      Set<Long> found = new HashSet<>();
      try (Stream<Path> descriptors = Files.list(DESCRIPTORS)) {
        for (Path descriptor : (Iterable<Path>) descriptors::iterator) {
          String target = target(descriptor);
          if (target.startsWith(SOCKET)) {
            found.add(Long.parseLong(target.substring(SOCKET.length(), target.length() - 1)));
          }
        }
        return found;
      } catch (IOException e) {
        throw new UncheckedIOException("cannot list " + DESCRIPTORS, e);
      }
    }

    private static String target(Path descriptor) {
      try {
        return Files.readSymbolicLink(descriptor).toString();
      } catch (IOException e) {
        return ""; // closed meanwhile
      }
    }
  }

  /** The TCP, UDP and UDP-Lite sockets of one pod: the kernel's, or a test's. */
  interface SocketTable extends AutoCloseable {
    /** Opens the table of a namespace. */
    @FunctionalInterface
    interface Opener {
      SocketTable open(NetnsHandle netns);
    }

    /**
     * TCP sockets in the states of {@link UnprotectedConnections#LISTED} and connected others that
     * {@code which} holds for.
     *
     * @throws LinuxException as {@link InetSockets#list}
     */
    List<InetSocket> list(Predicate<InetSocket> which);

    /** Ends a connection; false when it has ended already. */
    boolean destroy(InetSocket connection);

    @Override
    void close();

    /** The kernel's tables, opened by the thread that enters pods and read by the caller. */
    static Opener ofKernel(NetnsThread namespaces) {
      return netns -> new OfKernel(namespaces.submit(netns, InetSockets::open).join());
    }

    /** By sock_diag(7). */
    record OfKernel(InetSockets sockets) implements SocketTable {
      private static final System.Logger LOG = System.getLogger(SocketTable.class.getName());

      @Override
      public List<InetSocket> list(Predicate<InetSocket> which) {
        List<InetSocket> all =
            new ArrayList<>(sockets.list(Transport.TCP, UnprotectedConnections.LISTED, which));
        all.addAll(connected(Transport.UDP, which));
        all.addAll(connected(Transport.UDP_LITE, which));
        return all;
      }

      /** What the kernel cannot list must not keep the others from being ended. */
      private List<InetSocket> connected(Transport transport, Predicate<InetSocket> which) {
        try {
          return sockets.list(transport, Set.of(TcpState.ESTABLISHED), which);
        } catch (LinuxException e) {
          if (transport == Transport.UDP) { // kernels without UDP-Lite are the rule
            LOG.log(
                System.Logger.Level.WARNING,
                "earlier_datagram_sockets_unknown problem={0}",
                e.getMessage());
          }
          return List.of();
        }
      }

      @Override
      public boolean destroy(InetSocket connection) {
        return sockets.destroy(connection);
      }

      @Override
      public void close() {
        sockets.close();
      }
    }
  }
}

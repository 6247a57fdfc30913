package io.sluice.interception;

import io.sluice.bpf.InterceptionProgram;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.linux.LinuxException;
import io.sluice.linux.cgroup.Cgroups;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.process.Children;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.FileFault;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ListenerFd;
import io.sluice.proxy.PodListeners;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Tries the real programs on a pod that is not one: a namespace of its own, pins under a name of
 * its own, a connection to an address that leads nowhere. It must arrive at the listener and name
 * its original destination. When that fails it is tried once more without the steering program,
 * which only the inbound direction needs. Nothing of it is left; hooks at the root of cgroup2 touch
 * that namespace only.
 */
public final class EbpfTrial {
  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final List<InetAddress> OWN =
      List.of(IpAddresses.parse("198.51.100.1"), IpAddresses.parse("2001:db8:1::1"));
  private static final List<InetSocketAddress> ELSEWHERE =
      List.of(
          new InetSocketAddress(IpAddresses.parse("192.0.2.1"), 9),
          new InetSocketAddress(IpAddresses.parse("2001:db8::1"), 9));

  private final NetworkNamespaces namespaces;
  private final NetnsHandle host;
  private final NetnsThread thread;
  private final Set<InterceptionProgram> without;
  private final Refusals refusals;

  /**
   * What came of it.
   *
   * @param outboundRefusal why eBPF does not even work outbound; empty when it does
   * @param inboundRefusal why it does not work inbound; empty when it does
   */
  public record Result(Optional<String> outboundRefusal, Optional<String> inboundRefusal) {
    /** Both work. */
    public static final Result SUCCESS = new Result(Optional.empty(), Optional.empty());
  }

  /**
   * Tries nothing yet.
   *
   * @param without programs to be treated as refused
   * @param refusals puts failures into words
   */
  public EbpfTrial(
      NetworkNamespaces namespaces,
      NetnsHandle host,
      NetnsThread thread,
      Set<InterceptionProgram> without,
      Refusals refusals) {
    this.namespaces = namespaces;
    this.host = host;
    this.thread = thread;
    this.without = without;
    this.refusals = refusals;
  }

  /** Takes a few 100 ms; on a platform thread. */
  public Result run() {
    Optional<String> whole = refusal(EbpfShape.full(without, false));
    if (whole.isEmpty()) {
      return Result.SUCCESS;
    }
    return new Result(refusal(EbpfShape.outboundOnly(without)), whole);
  }

  private Optional<String> refusal(EbpfShape shape) {
    String name = "trial-" + ProcessHandle.current().pid();
    String netns = "sluice-" + name;
    Path cgroup = null;
    try {
      ip("netns", "add", netns);
      ip("-n", netns, "link", "set", "lo", "up");
      cgroup = Cgroups.rootV2().resolve(netns);
      Cgroups.create(cgroup);
      try (NetnsHandle scratch = namespaces.open(Path.of("/run/netns", netns));
          EbpfInterception interception =
              new EbpfInterception(
                  LoadedPrograms.load(name, shape),
                  cgroup,
                  host,
                  thread,
                  new InheritedListeners(),
                  new ForwardingPods(namespaces, NamespaceSearch.NOWHERE),
                  new SpreadPods(namespaces, NamespaceSearch.NOWHERE, _ -> false))) {
        interception.begin();
        return tryOut(interception, scratch);
      }
    } catch (LinuxException
        | InterceptionException
        | ProgramRefusedException
        | UncheckedIOException e) {
      return Optional.of(refusals.clause(e));
    } catch (CompletionException e) {
      return Optional.of(String.valueOf(e.getCause()));
    } finally {
      PinDirectory.ofNode(name).removeAll();
      if (cgroup != null) {
        Cgroups.remove(cgroup);
      }
      ip("netns", "del", netns);
    }
  }

  private Optional<String> tryOut(EbpfInterception interception, NetnsHandle scratch) {
    PodPlacement pod =
        new PodPlacement(
            new NamespacedName("sluice", "trial"),
            Path.of("/proc/self/ns/net"),
            scratch,
            scratch.cookie(),
            new PodNetwork(
                OWN,
                Set.copyOf(OWN),
                Set.of(),
                Set.of(),
                Set.of(),
                Set.of(),
                Set.of(),
                0,
                true,
                0,
                Set.of()),
            InterceptionSettings.EVERYTHING,
            false,
            Set.of(),
            DatagramGrants.NONE);
    PodListeners listeners = interception.prepare(pod);
    try {
      interception.activate(pod);
      for (InetSocketAddress destination : ELSEWHERE) {
        Optional<String> problem = connect(interception, pod, listeners, destination);
        if (problem.isPresent()) {
          return problem;
        }
      }
      return Optional.empty();
    } finally {
      listeners.listeners().forEach(listener -> Sockets.close(listener.fd()));
    }
  }

  private Optional<String> connect(
      EbpfInterception interception,
      PodPlacement pod,
      PodListeners listeners,
      InetSocketAddress destination) {
    Family family = Family.of(destination.getAddress());
    int client = thread.submit(pod.netns(), () -> Sockets.tcpSocket(family)).join();
    try {
      Sockets.connect(client, destination);
      OptionalInt accepted = accept(listeners, family);
      if (accepted.isEmpty()) {
        return Optional.of("a connection to " + destination + " did not reach the listener");
      }
      try {
        Optional<InetSocketAddress> original =
            interception
                .sockets()
                .accepted(pod, Direction.OUTBOUND, accepted.getAsInt())
                .originalDestination();
        return original.filter(destination::equals).isPresent()
            ? Optional.empty()
            : Optional.of("a connection to " + destination + " was taken for one to " + original);
      } finally {
        Sockets.close(accepted.getAsInt());
      }
    } finally {
      Sockets.close(client);
    }
  }

  private static OptionalInt accept(PodListeners listeners, Family family) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    do {
      for (ListenerFd listener : listeners.listeners()) {
        if (listener.direction() == Direction.OUTBOUND
            && Family.of(Sockets.localAddress(listener.fd()).getAddress()) == family) {
          OptionalInt accepted = Sockets.accept(listener.fd());
          if (accepted.isPresent()) {
            return accepted;
          }
        }
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
    } while (System.nanoTime() < deadline);
    return OptionalInt.empty();
  }

  private static void ip(String... arguments) {
    String[] command = new String[arguments.length + 1];
    command[0] = "ip";
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    try {
      int _ =
          Children.start(
                  new ProcessBuilder(command)
                      .redirectErrorStream(true)
                      .redirectOutput(ProcessBuilder.Redirect.DISCARD))
              .waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run ip (package iproute2)", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Puts refusals into words. What the verifier said goes whole into a file, which the words name:
   * its last lines, which are in the message, often do not tell why.
   */
  public static final class Refusals {
    private final @Nullable Path logs;

    private Refusals(@Nullable Path logs) {
      this.logs = logs;
    }

    /**
     * Keeps verifier logs in {@code directory}, one file per program of at most 256 KiB, and
     * removes those of an earlier daemon there.
     */
    public static Refusals keepingLogsIn(Path directory) {
      for (InterceptionProgram program : InterceptionProgram.values()) {
        try {
          Files.deleteIfExists(logOf(program, directory));
        } catch (IOException e) {
          throw new UncheckedIOException("cannot remove an old verifier log in " + directory, e);
        }
      }
      return new Refusals(directory);
    }

    /** Leaves nothing behind. */
    public static Refusals keepingNothing() {
      return new Refusals(null);
    }

    /** What refused, as a clause. */
    public String clause(RuntimeException refusal) {
      String message = String.valueOf(refusal.getMessage());
      if (refusal instanceof UncheckedIOException && refusal.getCause() != null) {
        return message + " (" + refusal.getCause().getMessage() + ")";
      }
      return refusal instanceof ProgramRefusedException refused
          ? message + keptLog(refused).map(log -> "; the whole verifier log: " + log).orElse("")
          : message;
    }

    private Optional<String> keptLog(ProgramRefusedException refused) {
      if (logs == null || refused.verifierLog().isEmpty()) {
        return Optional.empty();
      }
      Path file = logOf(refused.program(), logs).toAbsolutePath();
      try {
        Files.writeString(file, refused.verifierLog());
        return Optional.of(file.toString());
      } catch (IOException e) {
        return Optional.of(
            "not kept, since " + file + " cannot be written (" + FileFault.reason(e) + ")");
      }
    }

    private static Path logOf(InterceptionProgram program, Path directory) {
      return directory.resolve("verifier-" + program.objectName() + ".log");
    }
  }
}

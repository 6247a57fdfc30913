package io.sluice.iptables;

import io.sluice.iptables.ProbeAnswer.Ability;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.process.Children;
import io.sluice.linux.process.ShortProgram;
import io.sluice.linux.socket.FamilyPorts;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Reason;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Puts the real rules into a scratch namespace and connects through them: being able to list or to
 * write a table proves nothing. Needs a platform thread.
 *
 * <p>{@code ownCgroup} is that of this process and nobody else, from the root of cgroup2, or empty.
 */
record FunctionalProbe(NetworkNamespaces namespaces, String ownCgroup) {
  private static final List<Dialect> DIALECTS =
      List.of(
          Dialect.FULL,
          new Dialect(true, true, false, ""),
          new Dialect(false, true, true, ""),
          new Dialect(false, true, false, ""),
          Dialect.MINIMAL);

  /** A secondary interface makes the rule set contain every kind of rule. */
  private static final String OTHER_INTERFACE = "sluice-probe1";

  private static final int ELSEWHERE_PORT = 9;
  private static final int LISTENER_PORT = 50_001; // of a namespace where nothing else is
  private static final long ACCEPT_NANOS = 500_000_000;

  ProbeAnswer ask(Tool tool) {
    List<String> reasons = new ArrayList<>();
    for (Dialect dialect : DIALECTS) {
      Optional<String> failure = tryRedirecting(tool, dialect);
      if (failure.isEmpty()) {
        return answer(tool, Ability.REDIRECTS, dialect, reasons);
      }
      reasons.add(failure.get());
    }
    if (tool.family() == Family.IPV6) {
      for (Dialect dialect : List.of(Dialect.FULL, Dialect.MINIMAL)) {
        Optional<String> failure = tryRefusing(tool, dialect);
        if (failure.isEmpty()) {
          return answer(tool, Ability.REFUSES, dialect, reasons);
        }
        reasons.add(failure.get());
      }
    }
    return answer(tool, Ability.NOTHING, Dialect.MINIMAL, reasons);
  }

  private ProbeAnswer answer(Tool tool, Ability ability, Dialect dialect, List<String> reasons) {
    Dialect best = dialect;
    if (ability != Ability.NOTHING && !ownCgroup.isEmpty()) {
      Dialect byCgroup = dialect.tellingProxyBy(ownCgroup);
      Optional<String> failure = tryTellingProxy(tool, ability, byCgroup);
      if (failure.isEmpty()) {
        best = byCgroup;
      } else {
        reasons.add("the proxy is told by a mark: " + failure.get());
      }
    }
    return new ProbeAnswer(
        tool.family(),
        tool.variant(),
        ability,
        best,
        String.join("; ", reasons.stream().distinct().toList()));
  }

  /**
   * Whether the rules know a socket of this process. Before Linux 5.15 a node that uses net_cls or
   * net_prio of cgroup v1 takes rules and knows nobody by them.
   */
  private Optional<String> tryTellingProxy(Tool tool, Ability ability, Dialect dialect) {
    return inScratch(scratch -> {
      RuleSet rules =
          ability == Ability.REDIRECTS
              ? RuleSet.of(traffic(), tool.family(), dialect)
              : RuleSet.ipv6Refused(traffic(), dialect);
      tool.restore(scratch.namespace(), rules.render());
      namespaces.callIn(
          scratch.namespace(),
          () -> {
            int own = Sockets.tcpSocket(tool.family());
            try {
              return Sockets.connect(own, elsewhere(tool.family()));
            } finally {
              Sockets.close(own);
            }
          });
      return rules.counts(tool.save(scratch.namespace()).packets()).keySet().stream()
              .anyMatch(meaning -> meaning.reason() == Reason.PROXY_SOCKET)
          ? Optional.empty()
          : Optional.of("the rules were taken but do not know a socket's cgroup");
    });
  }

  /** Why it did not work; empty when it did. */
  private Optional<String> tryRedirecting(Tool tool, Dialect dialect) {
    return inScratch(scratch -> {
      tool.restore(scratch.namespace(), RuleSet.of(traffic(), tool.family(), dialect).render());
      return namespaces.callIn(scratch.namespace(), () -> connect(tool.family()));
    });
  }

  private Optional<String> tryRefusing(Tool tool, Dialect dialect) {
    return inScratch(scratch -> {
      tool.restore(scratch.namespace(), RuleSet.ipv6Refused(traffic(), dialect).render());
      return namespaces.callIn(scratch.namespace(), FunctionalProbe::send);
    });
  }

  private Optional<String> inScratch(Function<ScratchNamespace, Optional<String>> attempt) {
    try (var scratch = ScratchNamespace.create(namespaces)) {
      return attempt.apply(scratch);
    } catch (RedirectionException | LinuxException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private static PodTraffic traffic() {
    Set<InetAddress> own =
        Set.of(
            IpAddresses.parse(ScratchNamespace.OWN_IPV4),
            IpAddresses.parse(ScratchNamespace.OWN_IPV6));
    FamilyPorts ports = new FamilyPorts(LISTENER_PORT, LISTENER_PORT);
    return new PodTraffic(
        InterceptionSettings.EVERYTHING,
        PodTraffic.Probes.NONE,
        List.copyOf(own),
        own,
        Set.of(),
        Set.of(),
        Set.of(),
        Set.of(OTHER_INTERFACE),
        false,
        true,
        ports,
        ports,
        EnumSet.allOf(Direction.class),
        Set.of());
  }

  /** A datagram fails with EPERM when the filter table works; a connection would only time out. */
  private static Optional<String> send() {
    int fd = Sockets.socket(Family.IPV6.domain(), Sockets.SOCK_DGRAM, 0);
    try {
      Sockets.sendTo(fd, ByteBuffer.allocate(1), 0, elsewhere(Family.IPV6));
      return Optional.of("the rules were taken but refuse nothing");
    } catch (LinuxException e) {
      if (e.errno() == Errno.EPERM) {
        return Optional.empty();
      }
      throw e;
    } finally {
      Sockets.close(fd);
    }
  }

  private static InetSocketAddress elsewhere(Family family) {
    return new InetSocketAddress(
        IpAddresses.parse(
            family == Family.IPV4
                ? ScratchNamespace.ELSEWHERE_IPV4
                : ScratchNamespace.ELSEWHERE_IPV6),
        ELSEWHERE_PORT);
  }

  private static Optional<String> connect(Family family) {
    InetAddress any = IpAddresses.parse(family == Family.IPV4 ? "0.0.0.0" : "::");
    InetSocketAddress elsewhere = elsewhere(family);
    List<Integer> open = new ArrayList<>();
    try {
      int listener = Sockets.listenTcp(any, LISTENER_PORT, 1);
      open.add(listener);
      int client = Sockets.tcpSocket(family);
      open.add(client);
      Sockets.connect(client, elsewhere);
      OptionalInt accepted = awaitConnection(listener);
      if (accepted.isEmpty()) {
        return Optional.of("the rules were taken but redirect nothing");
      }
      open.add(accepted.getAsInt());
      Optional<InetSocketAddress> original =
          Sockets.originalDestination(accepted.getAsInt(), family);
      return original.equals(Optional.of(elsewhere))
          ? Optional.empty()
          : Optional.of("the original destination is lost: " + original);
    } finally {
      open.forEach(Sockets::close);
    }
  }

  private static OptionalInt awaitConnection(int listener) {
    long end = System.nanoTime() + ACCEPT_NANOS;
    OptionalInt accepted = Sockets.accept(listener);
    while (accepted.isEmpty() && System.nanoTime() < end) {
      Thread.onSpinWait();
      accepted = Sockets.accept(listener);
    }
    return accepted;
  }

  /**
   * A nameless network namespace that ends with this object, or with this process. Loopback is up,
   * has a documentation address per family (RFC 5737, RFC 3849) and routes to two others.
   */
  static final class ScratchNamespace implements AutoCloseable {
    static final String OWN_IPV4 = "198.51.100.1";
    static final String OWN_IPV6 = "2001:db8:1::1";
    static final String ELSEWHERE_IPV4 = "192.0.2.1";
    static final String ELSEWHERE_IPV6 = "2001:db8::1";

    private static final Duration DEADLINE = Duration.ofSeconds(5);

    /** What {@code ip} says of one of the first three lines that it was given. */
    private static final Pattern MUST = Pattern.compile("(?m)^Command failed -:[123]$");

    /** Of the others. */
    private static final Pattern MAY = Pattern.compile("(?m)^Command failed -:[45]$");

    private final Process holder;
    private final NetnsHandle namespace;

    private ScratchNamespace(Process holder, NetnsHandle namespace) {
      this.holder = holder;
      this.namespace = namespace;
    }

    static ScratchNamespace create(NetworkNamespaces namespaces) {
      try {
        // cat ends when its input does, so nothing outlives this process.
        Process holder = Children.start(new ProcessBuilder("unshare", "--net", "cat"));
        ScratchNamespace scratch;
        try {
          awaitEcho(holder);
          scratch =
              new ScratchNamespace(
                  holder, namespaces.open(Path.of("/proc/" + holder.pid() + "/ns/net")));
        } catch (IOException | RuntimeException e) {
          holder.destroyForcibly();
          throw e;
        }
        try {
          scratch.setUp();
          return scratch;
        } catch (RuntimeException e) {
          scratch.close();
          throw e;
        }
      } catch (IOException e) {
        throw new RedirectionException(
            "scratch namespace",
            "",
            String.valueOf(e.getMessage()),
            "needs unshare (util-linux) and CAP_SYS_ADMIN");
      }
    }

    /** An echo proves that the program has left the node's namespace. */
    private static void awaitEcho(Process holder) throws IOException {
      var input = holder.outputWriter();
      input.write("ready\n");
      input.flush();
      if (holder.inputReader().readLine() == null) {
        throw new IOException("unshare ended: " + holder.errorReader().readLine());
      }
    }

    private void setUp() {
      ShortProgram.End done =
          NamespaceCommand.ip(
              namespace,
              List.of(),
              "link set lo up",
              "address add " + OWN_IPV4 + "/32 dev lo",
              "route add " + ELSEWHERE_IPV4 + "/32 dev lo",
              // Fail where the node has no IPv6; nothing is probed there then.
              "address add " + OWN_IPV6 + "/128 dev lo nodad",
              "route add " + ELSEWHERE_IPV6 + "/128 dev lo");
      if (!done.isSuccess()
          && (MUST.matcher(done.errors()).find() || !MAY.matcher(done.errors()).find())) {
        throw new RedirectionException("ip", "", done.errors(), "needs ip (iproute2)");
      }
    }

    NetnsHandle namespace() {
      return namespace;
    }

    @Override
    public void close() {
      namespace.close();
      holder.destroy();
      try {
        if (!holder.waitFor(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)) {
          holder.destroyForcibly();
        }
      } catch (InterruptedException e) {
        holder.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }
}

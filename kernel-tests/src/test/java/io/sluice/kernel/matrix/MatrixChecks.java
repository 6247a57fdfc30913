package io.sluice.kernel.matrix;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.interception.maps.SocketStateValue;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.Datagrams;
import io.sluice.lab.site.RawTcp;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.Talk;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.BpfKernel;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Direction;
import io.sluice.node.NodeCleanup;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/** The core of the contract, in the order in which it is checked; the last ones end the daemon. */
final class MatrixChecks {
  private static final int DNS = 53;

  private final MatrixSite site;
  private final Map<String, Runnable> checks = new LinkedHashMap<>();
  private boolean takesFastPath;

  MatrixChecks(MatrixSite site) {
    this.site = site;
    forBoth("a connection is redirected and both ends see true addresses", this::trueAddresses);
    forBoth("a Service address leads to its endpoint", this::serviceAddress);
    forBoth("what policy forbids is refused by reset", this::refusedByReset);
    forBoth("SO_ORIGINAL_DST tells the first destination", this::originalDestination);
    forBoth("one source port serves two destinations", this::twoDestinations);
    forBoth("an excluded port is left alone", this::excludedPort);
    forBoth("datagrams are refused, DNS passes", this::datagrams);
    forBoth("a stranger is refused inbound, let in when permissive", this::inboundFromOutside);
    forBoth("the node may call a probe's port and no other", this::nodeProbe);
    forBoth("a pod outside the mesh is left alone", this::outsideUntouched);
    forBoth("a killed daemon refuses both ways", this::killedDaemonRefuses);
    checks.put("a restarted daemon adopts what was pinned", this::restartAdopts);
    forBoth(
        "by the fast path a granted call passes the proxy by, and ends when refused", this::led);
    forBoth("with a killed daemon it goes on, and no other", this::ledWithoutDaemon);
    checks.put("cleanup leaves nothing in force", this::cleanup);
  }

  /** By name. */
  Map<String, Runnable> all() {
    return checks;
  }

  private void forBoth(String name, Consumer<Family> check) {
    for (Family family : Family.values()) {
      checks.put(name + (family == Family.IPV4 ? ", IPv4" : ", IPv6"), () -> check.accept(family));
    }
  }

  /** The true client; where rules intercept, with another port. */
  private void sameClient(TcpServer server, InetSocketAddress client) {
    InetSocketAddress peer = server.accepted().getFirst().peer();
    if (site.view().status().path("outboundMode").asText().equals("iptables")) {
      same("accept at the server", peer.getAddress(), client.getAddress());
    } else {
      same("accept at the server", peer, client);
    }
  }

  private void trueAddresses(Family family) {
    InetSocketAddress address = site.store.at(family, site.freshPort());
    try (TcpServer server = TcpServer.open(site.store, address, TcpServer::echoAll);
        RawTcp client = RawTcp.connect(site.buyer, address)) {
      same("the answer", client.exchange("one book"), "one book");
      same("getpeername of the client", client.peer(), address);
      same("getsockname of the client", client.local().getAddress(), site.buyer.address(family));
      same("accepted connections", server.accepted().size(), 1);
      sameClient(server, client.local());
      same("getsockname of the server", server.accepted().getFirst().local(), address);
    }
  }

  private void serviceAddress(Family family) {
    try (TcpServer server = TcpServer.echo(site.store, family, MatrixSite.STORE_PORT)) {
      Attempt attempt = Attempt.from(site.buyer, site.service(family), "one book");
      same(attempt.toString(), attempt.answer(), "one book");
      same("accepted connections", server.accepted().size(), 1);
      JsonNode record = site.view().record("outbound", attempt);
      same(
          "original destination in the record",
          record.path("original_destination").asText(),
          IpAddresses.text(site.service(family)));
    }
  }

  private void refusedByReset(Family family) {
    try (TcpServer server = TcpServer.echo(site.store, family, site.freshPort())) {
      Attempt attempt = Attempt.from(site.thief, site.store.at(family, server.port()), "loot");
      holds("refused: " + attempt, attempt.wasTurnedAway());
      same("accepted connections", server.accepted().size(), 0);
      same(
          "reason",
          site.view().record("outbound", attempt).path("reason").asText(),
          "no_traffic_target");
    }
  }

  /** By rule the record proves it; by program a socket with the proxy's storage does. */
  private void originalDestination(Family family) {
    if (!isByPrograms()) {
      serviceAddress(family);
      return;
    }
    InetSocketAddress first = site.service(family);
    int socket = site.buyer.call(() -> Sockets.tcpSocket(family));
    try (SluiceMaps maps = SluiceMaps.openOrCreate(BpfKernel.LINUX, site.view().pins())) {
      maps.sockets()
          .put(
              socket,
              new SocketStateValue(
                  1, first, SocketStateValue.ROLE_OUTBOUND_ACCEPTED, 0, Direction.OUTBOUND));
      same("SO_ORIGINAL_DST", Sockets.originalDestination(socket, family), Optional.of(first));
    } finally {
      Sockets.close(socket);
    }
  }

  private void twoDestinations(Family family) {
    InetSocketAddress source = site.buyer.at(family, site.freshPort());
    try (TcpServer one = TcpServer.echo(site.store, family, site.freshPort());
        TcpServer two = TcpServer.echo(site.store, family, site.freshPort());
        RawTcp first = fromSource(source, one, family);
        RawTcp second = fromSource(source, two, family)) {
      same("the first answer", first.exchange("one"), "one");
      same("the second answer", second.exchange("two"), "two");
    }
  }

  private RawTcp fromSource(InetSocketAddress source, TcpServer server, Family family) {
    return RawTcp.connect(
        site.buyer,
        family,
        site.store.at(family, server.port()),
        fd -> {
          Sockets.setsockopt(fd, Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1);
          Sockets.bind(fd, source);
        });
  }

  private void excludedPort(Family family) {
    try (TcpServer server = TcpServer.echo(site.stranger, family, site.freshPort());
        TcpServer other = TcpServer.echo(site.stranger, family, site.freshPort())) {
      InetSocketAddress destination = site.stranger.at(family, server.port());
      holds("refused before", Attempt.from(site.thief, destination, "hi").wasTurnedAway());
      site.configure(false, Map.of("outboundPortExclusionList", "[" + server.port() + "]"));
      Await.until(
          "the excluded port is reached",
          () -> Attempt.from(site.thief, destination, "hi").answered());
      InetSocketAddress beside = site.stranger.at(family, other.port());
      holds("another port is refused", Attempt.from(site.thief, beside, "hi").wasTurnedAway());
    } finally {
      site.configure(false, Map.of());
    }
  }

  private void datagrams(Family family) {
    String resolver = IpAddresses.text(site.stranger.address(family));
    site.configure(false, Map.of("dnsResolvers", "[\"" + resolver + "\"]"));
    try (Datagrams server = Datagrams.echo(site.stranger, family, site.freshPort());
        Datagrams dns = Datagrams.echo(site.stranger, family, DNS);
        Datagrams none = Datagrams.echo(site.store, family, DNS)) {
      refused(() -> Datagrams.askConnected(site.thief, family, server.address(), "udp"));
      refused(() -> Datagrams.askUnconnected(site.thief, family, server.address(), "udp"));
      same("datagrams that came", server.received().size(), 0);
      Await.until("DNS passes", () -> answers(family, dns.address()));
      refused(() -> Datagrams.askUnconnected(site.thief, family, none.address(), "who?"));
    } finally {
      site.configure(false, Map.of());
    }
  }

  /** The kernel is told of a resolver after the daemon has read of it. */
  private boolean answers(Family family, InetSocketAddress resolver) {
    try {
      return Datagrams.askUnconnected(site.thief, family, resolver, "who?").equals("who?");
    } catch (LinuxException e) {
      return false;
    }
  }

  private static void refused(Runnable call) {
    try {
      call.run();
    } catch (LinuxException e) {
      same("error of the call", e.errno(), Errno.EPERM);
      return;
    }
    throw new AssertionError("a datagram was let through");
  }

  private void inboundFromOutside(Family family) {
    try (TcpServer server = TcpServer.echo(site.store, family, site.freshPort())) {
      InetSocketAddress destination = site.store.at(family, server.port());
      Attempt refused = Attempt.from(site.stranger, destination, "hello");
      holds("refused: " + refused, refused.wasTurnedAway());
      same("accepted connections", server.accepted().size(), 0);
      same(
          "reason",
          site.view().record("inbound", refused).path("reason").asText(),
          "source_not_in_mesh");
      site.configure(true, Map.of());
      Attempt allowed = Attempt.from(site.stranger, destination, "hello");
      same("answer: " + allowed, allowed.answer(), "hello");
      sameClient(server, allowed.local());
    } finally {
      site.configure(false, Map.of());
    }
  }

  private void nodeProbe(Family family) {
    try (TcpServer probed = TcpServer.echo(site.store, family, MatrixSite.PROBE_PORT);
        TcpServer other = TcpServer.echo(site.store, family, site.freshPort())) {
      SitePod node = site.site.node();
      Attempt probe = Attempt.from(node, site.store.at(family, MatrixSite.PROBE_PORT), "well?");
      Attempt curious = Attempt.from(node, site.store.at(family, other.port()), "well?");
      same("answer: " + probe, probe.answer(), "well?");
      same("accepted probes", probed.accepted().size(), 1);
      holds("another port is refused: " + curious, curious.wasTurnedAway());
    }
  }

  private void outsideUntouched(Family family) {
    SitePod node = site.site.node();
    long before = site.view().status().path("connectionsAccepted").asLong();
    try (TcpServer server = TcpServer.echo(node, family, site.freshPort())) {
      Attempt attempt = Attempt.from(site.stranger, node.at(family, server.port()), "hello");
      same("answer: " + attempt, attempt.answer(), "hello");
      long after = site.view().status().path("connectionsAccepted").asLong();
      same("connections through the proxy", after, before);
    }
  }

  private void killedDaemonRefuses(Family family) {
    if (site.site.daemon().isAlive()) {
      site.site.daemon().kill();
    }
    try (TcpServer server = TcpServer.echo(site.store, family, MatrixSite.STORE_PORT)) {
      Attempt outbound = Attempt.from(site.buyer, site.service(family), "hi");
      Attempt inbound = Attempt.from(site.stranger, site.store.at(family, server.port()), "hi");
      holds("outbound refused: " + outbound, outbound.wasTurnedAway());
      holds("inbound refused: " + inbound, inbound.wasTurnedAway());
      same("accepted connections", server.accepted().size(), 0);
    }
  }

  private void restartAdopts() {
    Map<String, Integer> before = site.view().mapIds();
    site.site.daemon().start();
    same("maps", site.view().mapIds(), before);
    for (Family family : Family.values()) {
      try (TcpServer server = TcpServer.echo(site.store, family, MatrixSite.STORE_PORT)) {
        Attempt attempt = Attempt.from(site.buyer, site.service(family), "hi");
        same("answer: " + attempt, attempt.answer(), "hi");
        Attempt thief = Attempt.from(site.thief, site.store.at(family, server.port()), "hi");
        holds("still refused: " + thief, thief.wasTurnedAway());
        same("accepted connections", server.accepted().size(), 1);
      }
    }
  }

  private void led(Family family) {
    if (!isByPrograms()) {
      return;
    }
    if (!takesFastPath) {
      takesFastPath = true;
      DaemonProcess before = site.site.daemon();
      site.site.succeedDaemonWith("--mode", "ebpf").start();
      before.terminate();
      before.awaitEnd();
    }
    try (TcpServer server = TcpServer.echo(site.store, family, MatrixSite.STORE_PORT)) {
      awaitGrant(family);
      long before = site.view().status().path("connectionsAccepted").asLong();
      try (Talk talk = Talk.begin(site.buyer, site.service(family))) {
        same("the answer", talk.exchange("one book"), "one book");
        same("accepted connections", server.accepted().size(), 1);
        long after = site.view().status().path("connectionsAccepted").asLong();
        same("connections through the proxy", after, before);
        site.site.registry().remove(MatrixSite.TARGET);
        same("end of what is refused now", talk.end(), Attempt.End.RESET);
      }
    } finally {
      site.grant();
    }
  }

  private void ledWithoutDaemon(Family family) {
    if (!isByPrograms()) {
      return;
    }
    if (site.site.daemon().isAlive()) {
      try (TcpServer _ = TcpServer.echo(site.store, Family.IPV4, MatrixSite.STORE_PORT);
          TcpServer _ = TcpServer.echo(site.store, Family.IPV6, MatrixSite.STORE_PORT)) {
        awaitGrant(Family.IPV4);
        awaitGrant(Family.IPV6);
        site.site.daemon().kill();
      }
    }
    try (TcpServer server = TcpServer.echo(site.store, family, MatrixSite.STORE_PORT)) {
      Attempt led = Attempt.from(site.buyer, site.service(family), "one book");
      same("answer: " + led, led.answer(), "one book");
      Attempt thief = Attempt.from(site.thief, site.service(family), "loot");
      holds("refused: " + thief, thief.wasTurnedAway());
      same("accepted connections", server.accepted().size(), 1);
    }
  }

  private boolean isByPrograms() {
    return Files.exists(site.view().pins().path());
  }

  /** Somebody has to listen there. */
  private void awaitGrant(Family family) {
    String called = IpAddresses.text(site.service(family));
    Await.until(
        "calls to " + called + " are granted",
        () ->
            site.view().dump("fast_path").stream()
                .anyMatch(row ->
                    site.buyer.meshName().equals(row.get("pod"))
                        && called.equals(row.get("destination"))));
  }

  private void cleanup() {
    if (!site.site.daemon().isAlive()) {
      site.site.daemon().start();
    }
    site.site.daemon().terminate();
    site.site.daemon().awaitEnd();
    NodeCleanup.removeAll(site.site.prefix());
    for (Family family : Family.values()) {
      try (TcpServer server = TcpServer.echo(site.stranger, family, site.freshPort())) {
        InetSocketAddress destination = site.stranger.at(family, server.port());
        Attempt attempt = Attempt.from(site.thief, destination, "free");
        same("answer: " + attempt, attempt.answer(), "free");
      }
    }
    List<String> left =
        site.site.leftovers().stream()
            .filter(item -> !item.startsWith(site.site.prefix()))
            .filter(item -> !item.equals(site.site.directory().toString()))
            .toList();
    same("leftovers", left, List.of());
  }

  private static void same(String what, Object actual, Object expected) {
    if (!Objects.equals(actual, expected)) {
      throw new AssertionError(what + ": " + actual + " instead of " + expected);
    }
  }

  private static void holds(String what, boolean claim) {
    if (!claim) {
      throw new AssertionError("not so: " + what);
    }
  }
}

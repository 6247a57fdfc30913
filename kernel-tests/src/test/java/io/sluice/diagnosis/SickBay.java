package io.sluice.diagnosis;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Cluster;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.DaemonProcess;
import io.sluice.lab.site.Datagrams;
import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import io.sluice.process.SiteClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * A mesh with nothing wrong: a controller, and a node with its daemon, two pods that call each
 * other, a name server and a pod network. In it faults are made, and questions are asked. For one
 * thread.
 */
final class SickBay implements AutoCloseable {
  private static final int DNS = 53;

  /** The pod network's own configuration. */
  static final String NETWORK =
      "{\"cniVersion\": \"1.0.0\", \"name\": \"n\", \"plugins\": [{\"type\": \"bridge\"}]}";

  final Cluster cluster = new Cluster(List.of("buyer", "store"), List.of("far"));
  final Site site = cluster.site("a");
  final Site other = cluster.site("b");
  final Path home = cluster.directory();
  final Path control = home.resolve("control");
  final Path cni = home.resolve("root");
  final Machine machine;
  final Clock clock;
  private Datagrams names = nameServer();

  /** Returns when nothing is wrong. */
  SickBay() throws IOException {
    try {
      String resolver = IpAddresses.text(cluster.stranger().address(Family.IPV4));
      Files.writeString(home.resolve("resolv.conf"), "nameserver " + resolver + "\n");
      clock = Clock.make(home);
      Commands.ip(
          site.node().netns(),
          List.of(
              "route add default via " + IpAddresses.text(cluster.link().address(Family.IPV4)),
              "link add cni0 type bridge"));
      Files.createDirectories(cni.resolve("etc/cni/net.d"));
      Files.writeString(cni.resolve("etc/cni/net.d/10-net.conflist"), NETWORK);
      Healthy.objects(cluster).forEach(cluster.registry()::write);
      machine = new Machine(site.node(), home, clock.environment());
    } catch (IOException | RuntimeException | Error e) {
      cluster.close();
      throw e;
    }
    try {
      cluster.startControl();
      List<String> launcher = new ArrayList<>(machine.mounts());
      launcher.addAll(List.of("env", clock.environment()));
      cluster.startDaemonBehind(launcher, site);
      cluster.startDaemon(other);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private Datagrams nameServer() {
    return Datagrams.echo(cluster.stranger(), Family.IPV4, DNS);
  }

  /** Ends the only name server, or begins it anew. */
  void nameServer(boolean runs) {
    names.close();
    names = runs ? nameServer() : names;
  }

  /** Of whoever looks, on the node. */
  Path pins(Path pin) {
    return machine.file(pin.toString());
  }

  DaemonProcess daemon() {
    return site.daemon();
  }

  SitePod pod(String name) {
    return cluster.pod(name);
  }

  /** Rewrites a manifest of the healthy mesh. */
  void change(String file, String from, String to) {
    String before = healthy(file);
    if (!before.contains(from)) {
      throw new IllegalArgumentException(file + " does not hold " + from);
    }
    cluster.registry().write(file, before.replace(from, to));
  }

  /** Puts a manifest back as it was, or takes away one that was none of them. */
  void restore(String file) {
    String before = healthy(file);
    if (before.isEmpty()) {
      cluster.registry().remove(file);
    } else {
      cluster.registry().write(file, before);
    }
  }

  String healthy(String file) {
    return Healthy.objects(cluster).getOrDefault(file, "");
  }

  /** What {@code sluice check} finds now on the machine, a line each. */
  List<String> check(String... more) throws IOException {
    return lines(machine.ask(words(more)));
  }

  /** The same of a process with words of the shell before its own. */
  List<String> checkBehind(String launcher, String... more) {
    return lines(machine.askBehind(launcher, words(more)));
  }

  private List<String> words(String... more) {
    List<String> words =
        new ArrayList<>(
            List.of("check", "--without-cluster", "-o", "json", "--node-name", site.prefix()));
    words.addAll(List.of("--registry", cluster.registry().directory().toString()));
    words.addAll(List.of("--control-state", control.toString(), "--cni-root", cni.toString()));
    words.addAll(List.of(more));
    if (!words.contains("--state")) {
      words.addAll(List.of("--state", site.state().toString()));
    }
    return words;
  }

  private static List<String> lines(JsonNode run) {
    TreeSet<String> lines = new TreeSet<>();
    for (JsonNode one : run.path("findings")) {
      lines.add(
          one.path("code").asText()
              + " "
              + one.path("subject").asText()
              + ": "
              + one.path("seen").asText());
    }
    run.path("failed").forEach(one -> lines.add("failed itself: " + one));
    return List.copyOf(lines);
  }

  /** What {@code sluice why} answers on the machine: the reason, and each cause, a line each. */
  List<String> why(String... call) throws IOException {
    List<String> words = new ArrayList<>(List.of("why"));
    words.addAll(List.of(call));
    words.addAll(
        List.of("-o", "json", "--node-name", site.prefix(), "--state", site.state().toString()));
    JsonNode answer = machine.ask(words);
    List<String> lines = new ArrayList<>();
    String reason = answer.path("reason").asText();
    for (JsonNode cause : answer.path("because")) {
      lines.add(
          "%s %s %s %s: %s"
              .formatted(
                  reason,
                  cause.path("kind").asText(),
                  cause.path("name").asText(),
                  cause.path("field").asText(),
                  cause.path("text").asText()));
    }
    for (JsonNode step : answer.path("steps")) {
      if (step.path("mark").asText().equals("turn")) {
        lines.add(reason + " on the way: " + step.path("text").asText());
      }
    }
    return lines;
  }

  /** Kills the daemon and starts it anew. */
  void restart() {
    if (daemon().isAlive()) {
      daemon().kill();
    }
    daemon().start();
  }

  /**
   * Sets the clock right, and has the daemon forget that it has believed a later one: while it runs
   * it would write that anew.
   */
  void setClockRight() throws IOException {
    if (daemon().isAlive()) {
      daemon().kill();
    }
    clock.set(Duration.ZERO);
    Files.deleteIfExists(SiteClock.file(site.state()));
    daemon().start();
  }

  /** Returns when nothing is found any more. */
  void awaitHealth() {
    List<String> last = new ArrayList<>();
    try {
      Await.until(
          "nothing is wrong",
          Await.patience(40),
          () -> {
            last.clear();
            last.addAll(check());
            return last.isEmpty();
          });
    } catch (AssertionError e) {
      throw new AssertionError(
          e.getMessage() + ": " + last + "\n" + cluster.control().logTail(), e);
    }
  }

  @Override
  public void close() {
    names.close();
    cluster.close();
    machine.close();
  }
}

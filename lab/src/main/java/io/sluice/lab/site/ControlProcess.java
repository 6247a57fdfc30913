package io.sluice.lab.site;

import io.sluice.control.StateDirectory;
import io.sluice.control.admission.JoinTokens;
import io.sluice.linux.process.KernelClock;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshPorts;
import io.sluice.process.SiteClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** {@code sluice control run} as a child process on a machine of its own. For one thread. */
public final class ControlProcess {
  private static final Duration START_PATIENCE = Await.patience(120);

  /** A listener on 127.0.0.1 as a line of proc_net_tcp(5) for sockets of both families. */
  private static final Pattern LOOPBACK_LISTENER =
      Pattern.compile("0{16}FFFF00000100007F:(\\p{XDigit}{4}) 0{32}:0000 0A ");

  private final SitePod machine;
  private final InetAddress address;
  private final List<String> source;
  private final Path state;
  private final List<String> arguments;
  private final ChildProgram program;
  private List<String> prefix = List.of();
  private Instant started = Instant.MAX;

  /**
   * Not started yet. Its log lies beside its state.
   *
   * @param address by which nodes reach the machine
   * @param source arguments of {@code control run} that say what it reads
   * @param arguments further ones
   */
  public ControlProcess(
      SitePod machine,
      InetAddress address,
      List<String> source,
      Path state,
      List<String> arguments) {
    this.machine = machine;
    this.address = address;
    this.source = List.copyOf(source);
    this.state = state;
    this.arguments = List.copyOf(arguments);
    this.program = new ChildProgram("the controller", machine, state.resolveSibling("control.log"));
  }

  /** From the next start on it lives on when the terminal of this process closes. */
  public void inOwnSession() {
    program.inOwnSession();
  }

  /** From the next start on these words go before those of the command. */
  void behind(List<String> launcher) {
    prefix = List.copyOf(launcher);
  }

  /** Starts it and returns when nodes can call; fails with its log when they cannot. */
  public void start() {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(JavaCommand.sluice("control", "run"));
    command.addAll(source);
    command.addAll(List.of("--state", state.toString(), "--metrics-address", "127.0.0.1:0"));
    command.addAll(arguments);
    started = Instant.now();
    program.start(command);
    String listener = String.format(Locale.ROOT, ":%04X ", MeshPorts.CONTROL);
    program.awaitReady(
        START_PATIENCE,
        () -> machine.procNet("tcp6").lines().anyMatch(line -> line.contains(listener)));
  }

  /**
   * A new token for a node as {@code control token} makes it, in a file that only root can read.
   */
  public Path joinToken(String node) {
    Path file = state.resolveSibling("join-" + node);
    StateDirectory directory = StateDirectory.at(state);
    try (SiteClock clock = directory.clock(KernelClock::isKept)) {
      Files.deleteIfExists(file);
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      String token =
          Await.value(
              "the controller has made its root known, and a token",
              START_PATIENCE,
              () -> Optional.of(directory.newJoinToken(node, JoinTokens.DEFAULT_LIFETIME, clock)));
      Files.writeString(file, token + "\n");
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /** What {@code sluice control WORDS --state DIR} prints. */
  public String run(String... words) {
    List<String> all = new ArrayList<>(List.of("control"));
    all.addAll(List.of(words));
    all.addAll(List.of("--state", state.toString()));
    return JavaCommand.here(all.toArray(String[]::new));
  }

  /** The argument of {@code control run} for a folder. */
  public static List<String> folder(Path registry) {
    return List.of("--registry", registry.toString());
  }

  /** What it tells. */
  public ControlView view() {
    return new ControlView(state);
  }

  /** Where nodes reach it: the value of {@code --control}. */
  public String address() {
    return IpAddresses.text(new InetSocketAddress(address, MeshPorts.CONTROL));
  }

  /** A port of this machine that leads to where it serves its metrics now. */
  public Relay relayToMetrics() {
    int port =
        LOOPBACK_LISTENER
            .matcher(machine.procNet("tcp6"))
            .results()
            .map(found -> Integer.parseInt(found.group(1), 16))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("the controller serves no metrics"));
    return Relay.open(machine, new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
  }

  /** Whether its debug server takes a connection now. */
  public boolean debugs() {
    InetSocketAddress debug =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), MeshPorts.DEBUG);
    return machine.call(() -> {
      try (SocketChannel connection = SocketChannel.open(debug)) {
        return connection.isConnected();
      } catch (ConnectException e) {
        return false;
      }
    });
  }

  /** Just before it was started last. */
  public Instant started() {
    return started;
  }

  /** Whether it runs. */
  public boolean isAlive() {
    return program.isAlive();
  }

  /** SIGKILL, and waits for the end. */
  public void kill() {
    program.kill();
  }

  /** SIGKILL where it runs. */
  public void end() {
    program.close();
  }

  /** Loses all of its state, the authority's keys with it; it must not run. */
  public void loseState() {
    Commands.run("rm", "-r", state.toString());
  }

  /** SIGSTOP: its port still takes connections, and nothing is answered. */
  public void pause() {
    signal("STOP");
  }

  /** SIGCONT. */
  public void resume() {
    signal("CONT");
  }

  private void signal(String name) {
    Commands.run("kill", "-" + name, Long.toString(program.running().pid()));
  }

  /** The end of what it has printed. */
  public String logTail() {
    return program.logTail();
  }

  /** Everything it has printed. */
  public String log() {
    return program.log();
  }
}

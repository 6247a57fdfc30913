package io.sluice.lab.site;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.node.fault.FaultPoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * {@code sluice node run} as a child process, since the sockets of the test must not be in the
 * daemon's cgroup. Its network namespace is the node of the site.
 */
public final class DaemonProcess implements AutoCloseable {
  private static final Duration START_PATIENCE = Await.patience(120);
  private static final String TAKE_OVER = "--take-over";
  private static final String HALT_AT = "-Dsluice.halt-at=";

  private final SitePod node;
  private final String nodeName;
  private final List<String> launch;
  private final Path state;
  private final List<String> prefix;
  private final List<String> arguments;
  private final DaemonView view;
  private final ChildProgram program;
  private Duration lastStart = Duration.ZERO;

  /**
   * Not started yet. Its log lies beside its state.
   *
   * @param prefix words that go before those of the command
   * @param launch the command up to its options that every daemon has, of a JVM or of the launcher
   */
  public DaemonProcess(
      SitePod node,
      String nodeName,
      List<String> launch,
      Path state,
      List<String> prefix,
      List<String> arguments) {
    this.node = node;
    this.nodeName = nodeName;
    this.launch = List.copyOf(launch);
    this.state = state;
    this.prefix = List.copyOf(prefix);
    this.arguments = List.copyOf(arguments);
    this.view = new DaemonView(node, nodeName, state);
    this.program = new ChildProgram("the daemon", node, state.resolveSibling("daemon.log"));
  }

  /** Another daemon of this node, which takes the place of this one when it is started. */
  DaemonProcess successor() {
    return successor(arguments);
  }

  /** The same with other arguments of {@code node run}. */
  DaemonProcess successor(List<String> others) {
    List<String> taking = new ArrayList<>(others);
    taking.remove(TAKE_OVER);
    taking.add(TAKE_OVER);
    return new DaemonProcess(node, nodeName, launch, state, prefix, taking);
  }

  /** Another daemon of this node that does not ask for its place. */
  DaemonProcess rival() {
    List<String> modest = new ArrayList<>(arguments);
    modest.remove(TAKE_OVER);
    return new DaemonProcess(node, nodeName, launch, state, prefix, modest);
  }

  /** From the next start on it lives on when the terminal of this process closes. */
  public void inOwnSession() {
    program.inOwnSession();
  }

  /** What the daemon tells about itself. */
  public DaemonView view() {
    return view;
  }

  /** From now on it will die by itself when it comes to {@code point}. */
  public void letDieAt(FaultPoint point) {
    try { // in one step: it may look at any time
      Path next = state.resolveSibling("next-halt-at");
      Files.writeString(next, name(point));
      Files.move(next, mortality(), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path mortality() {
    return state.resolveSibling("halt-at").toAbsolutePath();
  }

  /** Starts it and returns at once: it may never be ready. */
  public void begin() {
    begin(mortality().toString());
  }

  /** The same for one that will die by itself when it first comes to {@code point}. */
  public void beginToDieAt(FaultPoint point) {
    begin(name(point));
  }

  private Process begin(String haltAt) {
    try {
      Files.deleteIfExists(mortality());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return program.start(command(HALT_AT + haltAt));
  }

  private static String name(FaultPoint point) {
    return point.name().toLowerCase(Locale.ROOT);
  }

  /** Starts it and returns when it is ready; fails with its log when it is not. */
  public void start() {
    long begin = System.nanoTime();
    ProcessHandle process = begin(mortality().toString()).toHandle();
    long pid = process.pid();
    program.awaitReady(
        START_PATIENCE,
        () -> {
          JsonNode status = view.status();
          return status.path("pid").asLong() == pid && status.path("ready").asBoolean();
        });
    Duration wall = Duration.ofNanos(System.nanoTime() - begin);
    Duration busy = process.info().totalCpuDuration().orElse(wall);
    lastStart = busy.compareTo(wall) < 0 ? busy : wall;
  }

  private List<String> command(String option) {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(launch);
    if (Path.of(launch.getFirst()).endsWith("java")) { // the launcher takes none of the JVM's
      command.add(prefix.size() + 1, option); // which go before its main class
    }
    command.addAll(
        List.of(
            "--node-name",
            nodeName,
            "--state",
            state.toString(),
            "--metrics-address",
            "127.0.0.1:0"));
    command.addAll(arguments);
    return command;
  }

  /**
   * Time from the last fork to its readiness, as an observer sees it: on the clock, or in processor
   * time where that is less, because others had the processors meanwhile.
   */
  public Duration lastStart() {
    return lastStart;
  }

  /** Its process id. */
  public long pid() {
    return program.running().pid();
  }

  /** Whether it runs. */
  public boolean isAlive() {
    return program.isAlive();
  }

  /** SIGKILL, and waits for the end. */
  public void kill() {
    program.kill();
  }

  /** SIGTERM, and returns at once. */
  public void terminate() {
    program.running().destroy();
  }

  /** Waits for the end. */
  public void awaitEnd() {
    program.awaitEnd();
  }

  /** What it ended with; waits for the end. */
  public int exitCode() {
    program.awaitEnd();
    return program.running().exitValue();
  }

  /**
   * Open descriptors of the process, without the archives of classes: those are opened when a class
   * of theirs is first asked for, at times that say nothing of what the daemon holds.
   */
  public int descriptors() {
    try (var entries = Files.list(Path.of("/proc", Long.toString(pid()), "fd"))) {
      return (int) entries.filter(entry -> !isArchive(entry)).count();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot count the daemon's descriptors", e);
    }
  }

  private static boolean isArchive(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString().endsWith(".jar");
    } catch (IOException e) {
      // Closed since the folder was read; it counts as open, the caller looks again.
      return false;
    }
  }

  /** Everything it has printed. */
  public String log() {
    return program.log();
  }

  /** The end of it. */
  public String logTail() {
    return program.logTail();
  }

  /** SIGKILL where it runs. */
  @Override
  public void close() {
    program.close();
  }

  /** The last line of it with {@code event}; empty where there is none. */
  public String lastLogLine(String event) {
    return log().lines().filter(line -> line.contains(event)).reduce("", (_, later) -> later);
  }

  /** The last line of it. */
  public String lastWords() {
    return log().lines().toList().getLast();
  }
}

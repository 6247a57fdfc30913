package io.sluice.lab.demo;

import io.sluice.interception.maps.PinDirectory;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.ChildProgram;
import io.sluice.lab.site.JavaCommand;
import io.sluice.lab.site.SiteFolder;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.LinuxException;
import io.sluice.node.NodeCleanup;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The demo's place on this machine: one demo of a name at a time, and nothing left afterwards. What
 * a demo has put there is known by its names; processes count as its own when they were started on
 * its folder.
 */
final class DemoStage {
  private static final Duration DEADLINE = Duration.ofSeconds(15);

  private final DemoPlan plan;
  private @Nullable FileLock lock;

  DemoStage(DemoPlan plan) {
    this.plan = plan;
  }

  DemoPlan plan() {
    return plan;
  }

  /**
   * Takes the place, removes what a crashed demo has left and returns what that was, for people.
   * Throws {@link DemoException} when a demo runs, or was kept, or when the name is somebody
   * else's.
   */
  List<String> enter() throws InterruptedException {
    refuseStrangers();
    takeLock();
    if (Files.exists(plan.keptMark()) && !processes().isEmpty()) {
      throw new DemoException(
          "a demo was kept and still runs; end it with `./sluice demo --stop" + option() + "`");
    }
    List<String> left = present();
    remove();
    takeLock();
    return left;
  }

  private void takeLock() {
    releaseLock();
    try {
      Files.createDirectories(plan.directory());
      FileChannel file =
          FileChannel.open(plan.lock(), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      lock = file.tryLock();
      if (lock == null) {
        file.close();
        throw new DemoException(
            "another demo of node '" + plan.node() + "' is running; wait for its end");
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot lock " + plan.lock(), e);
    }
  }

  private void releaseLock() {
    FileLock held = lock;
    lock = null;
    if (held != null) {
      try {
        held.acquiredBy().close();
      } catch (IOException e) {
        // The descriptor is gone, and with it the lock.
      }
    }
  }

  private void refuseStrangers() {
    List<Long> strangers = strangers();
    if (!strangers.isEmpty()) {
      throw new DemoException(
          "process "
              + strangers.getFirst()
              + " is the daemon of a node '"
              + plan.node()
              + "' that is no demo; choose another name with --node-name");
    }
  }

  /** Removes everything; returns whether there was anything. */
  boolean clear() throws InterruptedException {
    refuseStrangers();
    boolean any = !present().isEmpty();
    remove();
    releaseLock();
    return any;
  }

  /**
   * Leaves daemon and namespaces, and starts servers, customers and a page that outlive this
   * process; returns the page's address.
   */
  String keep() {
    try {
      Files.writeString(plan.keptMark(), "");
      List<String> command = new ArrayList<>(JavaCommand.program(DemoCommand.class.getName()));
      command.addAll(List.of("demo", DemoCommand.SERVE, "--node-name", plan.node()));
      command.addAll(List.of("--nodes", Integer.toString(plan.nodes())));
      ChildProgram servers =
          new ChildProgram(
              "servers", SitePod.thisMachine(), plan.directory().resolve("servers.log"));
      servers.inOwnSession();
      servers.start(command);
      servers.awaitReady(DEADLINE, () -> Files.exists(plan.page()));
      releaseLock();
      return Files.readString(plan.page());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start servers that stay", e);
    }
  }

  /** What has to be added to commands when the node has not the usual name. */
  String option() {
    return plan.node().equals("demo") ? "" : " --node-name " + plan.node();
  }

  /** Everything that is there now, for people; empty when nothing is. */
  List<String> present() {
    List<String> found = new ArrayList<>();
    processes().forEach(process -> found.add("process " + process.pid()));
    plan.presentNamespaces().forEach(name -> found.add("namespace " + name));
    Stream<Path> pins =
        plan.nodeNames().stream().map(name -> PinDirectory.ofNode(name).path().getParent());
    Stream.of(plan.cgroups().stream(), pins, plan.runtimes().stream())
        .flatMap(paths -> paths)
        .filter(Files::exists)
        .forEach(path -> found.add(path.toString()));
    if (Files.exists(plan.registry()) || Files.exists(plan.only().state())) {
      found.add(plan.directory().toString());
    }
    return found;
  }

  /** Daemons and servers that a demo of this node has started and that still run. */
  private List<ProcessHandle> processes() {
    return ProcessHandle.allProcesses()
        .filter(process -> process.pid() != ProcessHandle.current().pid())
        .filter(process -> isOurs(ChildProgram.commandLine(process.pid())))
        .toList();
  }

  /** Whether a command line, as /proc shows it, is a daemon's, controller's or server's of it. */
  private boolean isOurs(String commandLine) {
    return commandLine.contains("\0run\0")
            && commandLine.contains("\0--state\0" + plan.directory() + "/")
        || commandLine.contains("\0" + DemoCommand.SERVE + "\0--node-name\0" + plan.node() + "\0");
  }

  /** Processes in the nodes' cgroups that no demo has started. */
  private List<Long> strangers() {
    return plan.cgroups().stream().flatMap(cgroup -> strangersIn(cgroup).stream()).toList();
  }

  private List<Long> strangersIn(Path cgroup) {
    try {
      return Files.readAllLines(cgroup.resolve("cgroup.procs")).stream()
          .map(Long::parseLong)
          .filter(pid -> !isOurs(ChildProgram.commandLine(pid)))
          .toList();
    } catch (IOException e) {
      return List.of(); // no such cgroup
    }
  }

  /**
   * Takes the node out of the mesh but leaves the namespaces, and tells which of them still have
   * rules: a pod outlives its membership.
   */
  List<String> rulesAfterCleanup() throws InterruptedException {
    endProcesses();
    Await.until(DEADLINE, this::cleanNode);
    List<String> found = new ArrayList<>();
    for (String netns : plan.presentNamespaces()) {
      for (IpFamily family : IpFamily.values()) {
        if (!DemoRules.in(netns, family).isEmpty()) {
          found.add(family.title() + " rules in namespace " + netns);
        }
      }
    }
    return found;
  }

  private void endProcesses() throws InterruptedException {
    List<ProcessHandle> running = processes();
    running.forEach(ProcessHandle::destroyForcibly);
    Await.until(DEADLINE, () -> running.stream().noneMatch(ProcessHandle::isAlive));
  }

  /** Removes all of it; tries everything, then throws for what could not be removed. */
  private void remove() throws InterruptedException {
    endProcesses();
    // The kernel frees a cgroup a moment after its last process has ended.
    boolean clean = Await.until(DEADLINE, this::cleanNode);
    new DemoNetwork(plan).remove();
    if (!clean) {
      plan.nodeNames().forEach(NodeCleanup::removeAll);
    }
    SiteFolder.remove(plan.directory()); // last: it tells which nodes there were
  }

  private boolean cleanNode() {
    try {
      plan.nodeNames().forEach(NodeCleanup::removeAll);
      return true;
    } catch (LinuxException | IllegalStateException | UncheckedIOException e) {
      return false;
    }
  }
}

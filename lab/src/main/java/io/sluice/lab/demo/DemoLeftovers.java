package io.sluice.lab.demo;

import io.sluice.interception.maps.PinDirectory;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.SiteFolder;
import io.sluice.linux.LinuxException;
import io.sluice.node.NodeCleanup;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a demo has put on this machine, by its names: processes, pins, cgroup, namespaces, files.
 * Processes count as a demo's when they were started on its folder.
 */
final class DemoLeftovers {
  private static final Duration DEADLINE = Duration.ofSeconds(15);

  private final DemoPlan plan;

  DemoLeftovers(DemoPlan plan) {
    this.plan = plan;
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
  List<ProcessHandle> processes() {
    return ProcessHandle.allProcesses()
        .filter(process -> process.pid() != ProcessHandle.current().pid())
        .filter(process -> isOurs(commandLine(process.pid())))
        .toList();
  }

  /** Whether a command line, as /proc shows it, is a daemon's or a server's of this demo. */
  boolean isOurs(String commandLine) {
    return commandLine.contains("\0--registry\0" + plan.registry() + "\0")
        || commandLine.contains("\0" + DemoCommand.SERVE + "\0--node-name\0" + plan.node() + "\0");
  }

  /** Processes in the nodes' cgroups that no demo has started. */
  List<Long> strangers() {
    return plan.cgroups().stream().flatMap(cgroup -> strangersIn(cgroup).stream()).toList();
  }

  private List<Long> strangersIn(Path cgroup) {
    try {
      return Files.readAllLines(cgroup.resolve("cgroup.procs")).stream()
          .map(Long::parseLong)
          .filter(pid -> !isOurs(commandLine(pid)))
          .toList();
    } catch (IOException e) {
      return List.of(); // no such cgroup
    }
  }

  private static String commandLine(long pid) {
    try {
      return Files.readString(
          Path.of("/proc", Long.toString(pid), "cmdline"), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return ""; // it has ended meanwhile
    }
  }

  /** Ends processes, cleans the node up, and tells which namespaces have rules all the same. */
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
  void remove() throws InterruptedException {
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

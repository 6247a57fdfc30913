package io.sluice.lab.site;

import io.sluice.linux.cgroup.Cgroups;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Processes that play those of pods, in cgroups of their own below one of the site, as a kubelet
 * with a root of its own would make them. For one thread.
 */
public final class PodProcesses implements AutoCloseable {
  private final Path root;
  private final List<Process> running = new ArrayList<>();

  PodProcesses(String prefix) {
    this.root = Cgroups.rootV2().resolve(prefix + "-kubelet");
  }

  /** Starts a process that does nothing, with the network of {@code pod}, in a cgroup. */
  public Process start(SitePod pod, String cgroup) {
    return moved(startOutside(pod), cgroup);
  }

  /** The same as another user than root. */
  public Process startAs(int user, SitePod pod, String cgroup) {
    return startProgram(
        pod, cgroup, "setpriv", "--reuid=" + user, "--clear-groups", "sleep", "infinity");
  }

  /** Starts a program with the network of {@code pod}; it begins before it is in the cgroup. */
  public Process startProgram(SitePod pod, String cgroup, String... words) {
    Process process = pod.start(words);
    running.add(process);
    return moved(process, cgroup);
  }

  private Process moved(Process process, String cgroup) {
    Path directory = root;
    Cgroups.create(directory);
    for (String name : cgroup.split("/", -1)) {
      directory = directory.resolve(name);
      Cgroups.create(directory);
    }
    Cgroups.move(process.pid(), directory);
    return process;
  }

  /** The same in no pod's cgroup. */
  public Process startOutside(SitePod pod) {
    Process process = pod.start("sleep", "infinity");
    running.add(process);
    return process;
  }

  /** Ends one and waits for its end. */
  public void end(Process process) {
    process.destroyForcibly();
    Await.until("process " + process.pid() + " has ended", () -> !process.isAlive());
    running.remove(process);
  }

  /** The cgroup that all are in; there only when one was ever started. */
  Path root() {
    return root;
  }

  @Override
  public void close() {
    List.copyOf(running).forEach(this::end);
    if (Files.exists(root)) {
      Await.until("the cgroups have gone", this::removeCgroups);
    }
  }

  private boolean removeCgroups() {
    try (Stream<Path> walk = Files.walk(root)) {
      walk.filter(Files::isDirectory).sorted(Comparator.reverseOrder()).forEach(Cgroups::remove);
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + root, e);
    }
  }
}

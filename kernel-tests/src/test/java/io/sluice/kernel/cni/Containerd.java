package io.sluice.kernel.cni;

import io.grpc.StatusRuntimeException;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.SitePod;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Debian's containerd, with runc and the plugins of {@code containernetworking-plugins}, on a node
 * whose file system is a directory: in a mount namespace of its own it has that in the place of the
 * machine's {@code /etc}, {@code /opt}, {@code /var/lib} and {@code /usr/lib/cni}. What is below
 * {@code /run/netns} is the machine's, as its tests need it. For one thread.
 */
final class Containerd implements AutoCloseable {
  private static final List<String> PLUGINS =
      List.of("bridge", "host-local", "loopback", "portmap");

  /** Of the machine's settings, what programs on a node cannot do without. */
  private static final List<String> SETTINGS =
      List.of("passwd", "group", "hosts", "nsswitch.conf", "ld.so.cache", "alternatives");

  /** Only mounts below /run/netns are shared with the machine. */
  private static final String MOUNTS =
      """
      set -e
      while read -r _ _ _ _ point _; do
        case $point in /run/netns*) ;; *) mount --make-private "$point" ;; esac
      done </proc/self/mountinfo
      for place in etc opt var/lib usr/lib/cni; do mount --bind "$1/$place" "/$place"; done
      : >"$1/mounted"
      exec sleep infinity
      """;

  private final SitePod node;
  private final Path root;
  private final String cgroup;
  private final Process place;
  private RuntimeLayout layout = RuntimeLayout.UPSTREAM;
  private @Nullable Process process;
  private @Nullable CriClient client;

  /**
   * Nothing runs yet.
   *
   * @param node whose network it calls the host's
   * @param root of the node's file system; made
   */
  Containerd(SitePod node, Path root) {
    this.node = node;
    this.root = root;
    this.cgroup = "/" + node.netns() + "-pods";
    try {
      for (String directory : List.of("etc", "opt", "var/lib", "usr/lib/cni", "run")) {
        Files.createDirectories(root.resolve(directory));
      }
      Files.createFile(root.resolve("etc/resolv.conf")); // sandboxes get a copy
      for (String setting : SETTINGS) {
        if (Files.exists(Path.of("/etc", setting))) {
          Commands.run("cp", "-a", "/etc/" + setting, root.resolve("etc").toString());
        }
      }
      place =
          new ProcessBuilder(
                  "unshare",
                  "--mount",
                  "--propagation=unchanged",
                  "sh",
                  "-c",
                  MOUNTS,
                  "sh",
                  root.toString())
              .inheritIO()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Await.until(
        "the node's file system is mounted",
        () -> {
          if (!place.isAlive()) {
            throw new AssertionError("the node's file system cannot be mounted");
          }
          return Files.exists(root.resolve("mounted"));
        });
  }

  /** Lays the node out, with a network and its plugins, and starts it there. */
  void start(RuntimeLayout next, Path ipam) throws IOException {
    Files.deleteIfExists(onNode(layout.config()));
    layout = next;
    Files.createDirectories(onNode(layout.config()).getParent());
    Files.writeString(onNode(layout.config()), layout.text());
    Path plugins = Files.createDirectories(onNode(layout.unpacked()));
    for (String plugin : PLUGINS) {
      Commands.run("cp", BridgeNetwork.PLUGINS.resolve(plugin).toString(), plugins.toString());
    }
    Path link = onNode(Path.of("/var/lib/rancher/k3s/data/current"));
    if (layout.hasLink() && !Files.isSymbolicLink(link)) {
      Files.createSymbolicLink(link, layout.unpacked().getParent());
    }
    BridgeNetwork.write(Files.createDirectories(onNode(layout.configurations())), ipam);
    start();
  }

  /** Starts it again, with what it had. */
  void start() {
    Path socket = onNode(layout.socket());
    try {
      Files.createDirectories(socket.getParent());
      process =
          new ProcessBuilder(
                  "nsenter",
                  "--mount=/proc/" + place.pid() + "/ns/mnt",
                  "--net=" + node.path(),
                  "--",
                  "containerd",
                  "--config=" + layout.config(),
                  "--root=" + root.resolve("var/lib/containerd"),
                  "--state=" + state(),
                  "--address=" + socket)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log()))
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start containerd (Debian's package)", e);
    }
    CriClient opened = new CriClient(socket);
    client = opened;
    Await.until(
        "containerd answers",
        Await.patience(30),
        () -> {
          if (!running().isAlive()) {
            throw new AssertionError(Files.readString(log().toPath()));
          }
          try {
            return !opened.version().isEmpty();
          } catch (StatusRuntimeException e) {
            return false;
          }
        });
  }

  private File log() {
    return root.resolveSibling("containerd.log").toFile();
  }

  private Path state() {
    return root.resolve("run/containerd");
  }

  /** Takes an image. */
  void load(LocalImage image) {
    Commands.run(
        "ctr",
        "--address=" + onNode(layout.socket()),
        "--namespace=k8s.io",
        "images",
        "import",
        image.archive().toString());
  }

  /** A path of the node as this process sees it. */
  Path onNode(Path path) {
    return root.resolve(Path.of("/").relativize(path));
  }

  Path root() {
    return root;
  }

  CriClient client() {
    CriClient present = client;
    if (present == null) {
      throw new IllegalStateException("containerd does not run");
    }
    return present;
  }

  private Process running() {
    Process present = process;
    if (present == null) {
      throw new IllegalStateException("containerd does not run");
    }
    return present;
  }

  /** A pod of this runtime, with its first sandbox. */
  CriClient.Pod pod(String namespace, String name, String uid) {
    return new CriClient.Pod(namespace, name, uid, 0, cgroup + "/pod" + uid);
  }

  /** Ends it by SIGTERM; the pods stay. */
  void stop() {
    client().close();
    client = null;
    Process ending = running();
    ending.destroy();
    try {
      if (!ending.waitFor(Await.patience(15).toSeconds(), TimeUnit.SECONDS)) {
        ending.destroyForcibly();
        throw new AssertionError("containerd did not end by SIGTERM");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    process = null;
  }

  /** Pulls the plug: every process ends, and what is in memory goes. */
  void crash() {
    List<ProcessHandle> processes = new ArrayList<>();
    List<Path> namespaces = new ArrayList<>();
    for (String id : client().sandboxes()) {
      CriClient.Sandbox sandbox = client().status(id);
      ProcessHandle.of(sandbox.pid()).filter(_ -> sandbox.pid() > 0).ifPresent(processes::add);
      if (!sandbox.netns().isEmpty()) {
        namespaces.add(Path.of("/run/netns", nameOf(sandbox)));
      }
    }
    client().close();
    client = null;
    running().destroyForcibly();
    process = null;
    shims().forEach(ProcessHandle::destroyForcibly);
    processes.forEach(ProcessHandle::destroyForcibly);
    for (ProcessHandle ending : processes) {
      Await.until("process " + ending.pid() + " has ended", () -> !ending.isAlive());
    }
    Await.until("the shims have ended", () -> shims().isEmpty());
    for (Path namespace : namespaces) {
      Commands.run("umount", namespace.toString());
      Commands.run("rm", namespace.toString());
    }
    inPlace("sh", "-c", "grep -o ' " + state() + "/[^ ]*' /proc/self/mountinfo | xargs -r umount");
    Commands.run("rm", "-rf", "--one-file-system", state().toString());
  }

  /** Its processes that outlive it. */
  private List<ProcessHandle> shims() {
    return ProcessHandle.allProcesses()
        .filter(each ->
            each.info()
                .commandLine()
                .filter(line -> line.contains("containerd-shim") && line.contains(root.toString()))
                .isPresent())
        .toList();
  }

  private void inPlace(String... command) {
    List<String> words =
        new ArrayList<>(List.of("nsenter", "--mount=/proc/" + place.pid() + "/ns/mnt", "--"));
    words.addAll(List.of(command));
    Commands.run(words.toArray(String[]::new));
  }

  /** Name below {@code /run/netns} of a sandbox's namespace. */
  static String nameOf(CriClient.Sandbox sandbox) {
    return Path.of(sandbox.netns()).getFileName().toString();
  }

  /** As a kubelet ends its pods; by force where one cannot be ended so, because a test failed. */
  private void endAll() {
    try {
      client().sandboxes().forEach(client()::end);
      stop();
    } catch (StatusRuntimeException e) {
      crash();
    }
  }

  /** Ends pods and runtime, and removes what is not below the root. */
  @Override
  public void close() {
    try {
      if (process != null) {
        endAll();
      }
    } finally {
      place.destroyForcibly().onExit().join(); // its mounts go with it
      Commands.run(
          "sh",
          "-c",
          "for all in /sys/fs/cgroup%1$s /sys/fs/cgroup/*%1$s; do".formatted(cgroup)
              + " [ ! -d $all ] || find $all -depth -type d -exec rmdir {} +; done");
    }
  }
}

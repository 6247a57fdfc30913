package io.sluice.containers;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.command.LoadImageCallback;
import com.github.dockerjava.api.model.Container;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.SitePod;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.testcontainers.dockerclient.DockerClientProviderStrategy;
import org.testcontainers.dockerclient.TransportConfig;

/**
 * Docker's engine, with everything of it in one directory but its images, which those of this JVM
 * that come one after the other have in common: to unpack them takes longest. In the network
 * namespace that plays a node, what it calls the host's network is the node's. An engine that
 * happens to run on this machine would start containers in the machine's own network, and is left
 * alone. For one thread.
 */
final class ContainerEngine implements AutoCloseable {
  private static final Duration START_PATIENCE = Await.patience(120);
  private static final Duration STOP_PATIENCE = Await.patience(30);
  private static final Path CGROUPS = Path.of("/sys/fs/cgroup");

  private static final Path DATA = Path.of("/tmp", "slengine-" + ProcessHandle.current().pid());
  private static @Nullable FileTime loaded;

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(DATA), "engine-data"));
  }

  private final Path home;
  private final String cgroup;
  private final Process process;
  private final DockerClient client;

  /**
   * Starts it and returns when it answers.
   *
   * @param node whose network it calls the host's
   * @param home made; short enough for a socket's path (107 bytes)
   */
  ContainerEngine(SitePod node, Path home) {
    this(home, node.netns(), List.of("nsenter", "--net=" + node.path(), "--"), List.of());
  }

  private ContainerEngine(Path home, String name, List<String> place, List<String> options) {
    this.home = home;
    this.cgroup = "/" + name + "-containers";
    Path socket = home.resolve("docker.sock");
    this.process = start(place, socket, options);
    this.client =
        DockerClientProviderStrategy.getClientForConfig(
            TransportConfig.builder().dockerHost(URI.create("unix://" + socket)).build());
    try {
      Await.until(
          "the container engine answers; its log: " + home.resolve("engine.log"),
          START_PATIENCE,
          () -> {
            if (!process.isAlive()) {
              throw new AssertionError(Files.readString(home.resolve("engine.log")));
            }
            if (!Files.exists(socket)) {
              return false;
            }
            client.pingCmd().exec();
            return true;
          });
    } catch (AssertionError e) {
      close();
      throw e;
    }
  }

  /**
   * Starts one that can fetch: what it calls the host's network is the machine's, which it does not
   * change.
   *
   * @param home made; short enough for a socket's path (107 bytes)
   */
  static ContainerEngine inTheMachinesNetwork(Path home) {
    String name = String.valueOf(home.getFileName());
    return new ContainerEngine(home, name, List.of(), List.of("--ip-forward=false"));
  }

  private Process start(List<String> place, Path socket, List<String> options) {
    // As on a node that runs systemd: every mount is shared. What the engine mounts goes with it.
    List<String> sharing = List.of("unshare", "--mount", "--propagation=shared");
    List<String> engine =
        List.of(
            "dockerd",
            "--host=unix://" + socket,
            "--data-root=" + DATA,
            "--exec-root=" + home.resolve("exec"),
            "--pidfile=" + home.resolve("engine.pid"),
            "--storage-driver=overlay2",
            "--cgroup-parent=" + cgroup,
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--userland-proxy=false");
    try {
      Files.createDirectories(home);
      File log = home.resolve("engine.log").toFile();
      return new ProcessBuilder(
              Stream.of(place, sharing, engine, options).flatMap(List::stream).toList())
          .redirectErrorStream(true)
          .redirectOutput(log)
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start dockerd (Debian's package docker.io)", e);
    }
  }

  /** Testcontainers' client of it. */
  DockerClient client() {
    return client;
  }

  /** Takes the images of an archive, unless they are there. */
  void load(Path archive) {
    try (InputStream images = Files.newInputStream(archive)) {
      FileTime made = Files.getLastModifiedTime(archive);
      if (!made.equals(loaded)) {
        client.loadImageAsyncCmd(images).exec(new LoadImageCallback()).awaitMessage();
        loaded = made;
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + archive, e);
    }
  }

  private static void remove(Path directory) {
    Commands.run("rm", "-rf", "--one-file-system", directory.toString());
  }

  /** Ends containers and engine, and removes everything of them but the images. */
  @Override
  public void close() {
    if (process.isAlive()) {
      for (Container container : client.listContainersCmd().withShowAll(true).exec()) {
        client.removeContainerCmd(container.getId()).withForce(true).exec();
      }
      client.listNetworksCmd().exec().stream()
          .filter(network -> "bridge".equals(network.getDriver()))
          .forEach(network -> client.removeNetworkCmd(network.getId()).exec());
    }
    process.destroy();
    try {
      client.close();
      if (!process.waitFor(STOP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("the container engine did not end by SIGTERM");
      }
      removeCgroups();
      remove(home);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Those of its containers, of each hierarchy; the engine leaves their parent behind. */
  private void removeCgroups() throws IOException {
    try (Stream<Path> hierarchies = Files.list(CGROUPS)) {
      for (Path hierarchy : Stream.concat(Stream.of(CGROUPS), hierarchies).toList()) {
        Path parent = hierarchy.resolve(cgroup.substring(1));
        if (Files.isDirectory(parent)) {
          removeCgroup(parent);
        }
      }
    }
  }

  private static void removeCgroup(Path cgroup) throws IOException {
    try (Stream<Path> children = Files.list(cgroup)) {
      for (Path child : children.filter(Files::isDirectory).toList()) {
        removeCgroup(child);
      }
    }
    Await.until(cgroup + " is empty", () -> Files.deleteIfExists(cgroup));
  }
}

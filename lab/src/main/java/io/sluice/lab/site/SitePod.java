package io.sluice.lab.site;

import io.sluice.lab.capture.FrameCapture;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * A network namespace that plays a pod, or a machine outside the mesh. Holds no descriptor, so the
 * namespace goes when it is deleted.
 *
 * @param name as a Pod, in the namespace {@link Manifests#NAMESPACE}
 * @param netns name below {@code /run/netns}, or a path
 * @param index number on the bridge, from 0; 0 is the node itself
 * @param place the node whose bridge that is
 */
public record SitePod(String name, String netns, int index, SitePlace place) {
  private static final int HOSTS_PER_BLOCK = 250;
  private static final Path NAMED = Path.of("/run/netns");
  private static final LinuxNetworkNamespaces NAMESPACES = new LinuxNetworkNamespaces();

  /** On the only node of a site. */
  public SitePod(String name, String netns, int index) {
    this(name, netns, index, SitePlace.ALONE);
  }

  /** The network of this process, whatever its addresses are. */
  public static SitePod thisMachine() {
    return new SitePod("machine", "/proc/self/ns/net", 0);
  }

  /** Its address on the bridge. */
  public InetAddress address(Family family) {
    return IpAddresses.parse(
        place.network(family)
            + switch (family) {
              case IPV4 -> "." + index / HOSTS_PER_BLOCK + "." + (index % HOSTS_PER_BLOCK + 1);
              case IPV6 -> "::" + Integer.toHexString(index + 1);
            });
  }

  /** A port of that address. */
  public InetSocketAddress at(Family family, int port) {
    return new InetSocketAddress(address(family), port);
  }

  /** Where the namespace is bound. */
  public Path path() {
    return NAMED.resolve(netns);
  }

  /** {@code namespace/name}, as reports print it. */
  public String meshName() {
    return Manifests.NAMESPACE + "/" + name;
  }

  /** Opens the namespace; the caller closes it. */
  public NetnsHandle open() {
    return NAMESPACES.open(path());
  }

  /** Cookie of its namespace. */
  public long cookie() {
    try (NetnsHandle handle = open()) {
      return handle.cookie();
    }
  }

  /** Runs {@code body} with this platform thread inside; sockets made there stay there. */
  public <T> T call(Callable<T> body) {
    try (NetnsHandle handle = open()) {
      return NAMESPACES.callIn(handle, body::call);
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("in pod " + name + ": " + e, e);
    }
  }

  /**
   * Starts a program inside. Not by {@link #call}: a thread of the JVM that waits for the program's
   * end would be born inside too, and keep the namespace for a minute longer.
   */
  public Process start(String... command) {
    List<String> words = new ArrayList<>(List.of("nsenter", "--net=" + path(), "--"));
    words.addAll(List.of(command));
    try {
      Process process =
          new ProcessBuilder(words)
              .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      Path namespace = Path.of("/proc", Long.toString(process.pid()), "ns/net");
      try (NetnsHandle inside = open()) {
        String link = "net:[" + inside.inode() + "]";
        Await.until(
            command[0] + " is inside", () -> !process.isAlive() || link.equals(linkOf(namespace)));
      }
      return process;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + words, e);
    }
  }

  private static String linkOf(Path namespace) {
    try {
      return Files.readSymbolicLink(namespace).toString();
    } catch (IOException e) {
      return ""; // it has ended
    }
  }

  /**
   * Sets a sysctl of the namespace, such as {@code net/ipv4/ip_local_port_range}.
   *
   * @return what it was
   */
  public String sysctl(String name, String value) {
    Path file = Path.of("/proc/sys", name);
    return call(() -> {
      String before = Files.readString(file).strip();
      Files.writeString(file, value);
      return before;
    });
  }

  /** Short connections by the thousand leave as many sockets in TIME_WAIT. */
  public void allowManyConnections() {
    sysctl("net/ipv4/ip_local_port_range", "10000 65000");
    sysctl("net/ipv4/tcp_tw_reuse", "1");
  }

  /** Begins to listen to every interface inside; the caller ends it. */
  public FrameCapture capture() {
    try (NetnsHandle handle = open()) {
      return FrameCapture.in(handle);
    }
  }

  /** Reads a file below {@code /proc/net} as the namespace has it. */
  public String procNet(String file) {
    return call(() -> {
      try {
        return Files.readString(Path.of("/proc/thread-self/net", file));
      } catch (IOException e) {
        return "";
      }
    });
  }
}

package io.sluice.iptables;

import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.process.Children;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A nameless network namespace that ends with this object, or with this process. Loopback is up,
 * has a documentation address per family (RFC 5737, RFC 3849) and routes to two others.
 */
final class ScratchNamespace implements AutoCloseable {
  static final String OWN_IPV4 = "198.51.100.1";
  static final String OWN_IPV6 = "2001:db8:1::1";
  static final String ELSEWHERE_IPV4 = "192.0.2.1";
  static final String ELSEWHERE_IPV6 = "2001:db8::1";

  private static final Duration DEADLINE = Duration.ofSeconds(5);

  private final Process holder;
  private final NetnsHandle namespace;

  private ScratchNamespace(Process holder, NetnsHandle namespace) {
    this.holder = holder;
    this.namespace = namespace;
  }

  static ScratchNamespace create(NetworkNamespaces namespaces) {
    try {
      // cat ends when its input does, so nothing outlives this process.
      Process holder = Children.start(new ProcessBuilder("unshare", "--net", "cat"));
      ScratchNamespace scratch;
      try {
        awaitEcho(holder);
        scratch =
            new ScratchNamespace(
                holder, namespaces.open(Path.of("/proc/" + holder.pid() + "/ns/net")));
      } catch (IOException | RuntimeException e) {
        holder.destroyForcibly();
        throw e;
      }
      try {
        scratch.setUp();
        return scratch;
      } catch (RuntimeException e) {
        scratch.close();
        throw e;
      }
    } catch (IOException e) {
      throw new RedirectionException(
          "scratch namespace",
          "",
          String.valueOf(e.getMessage()),
          "needs unshare (util-linux) and CAP_SYS_ADMIN");
    }
  }

  /** An echo proves that the program has left the node's namespace. */
  private static void awaitEcho(Process holder) throws IOException {
    var input = holder.outputWriter();
    input.write("ready\n");
    input.flush();
    if (holder.inputReader().readLine() == null) {
      throw new IOException("unshare ended: " + holder.errorReader().readLine());
    }
  }

  private void setUp() {
    require("ip", "link", "set", "lo", "up");
    require("ip", "address", "add", OWN_IPV4 + "/32", "dev", "lo");
    require("ip", "route", "add", ELSEWHERE_IPV4 + "/32", "dev", "lo");
    // Fail where the node has no IPv6; nothing is probed there then.
    attempt("ip", "-6", "address", "add", OWN_IPV6 + "/128", "dev", "lo", "nodad");
    attempt("ip", "-6", "route", "add", ELSEWHERE_IPV6 + "/128", "dev", "lo");
  }

  private void require(String... command) {
    var result = attempt(command);
    if (!result.isSuccess()) {
      throw new RedirectionException(
          String.join(" ", command), "", result.errors(), "needs ip (iproute2)");
    }
  }

  private NamespaceCommand.Result attempt(String... command) {
    return NamespaceCommand.run(namespace, List.of(command), "");
  }

  NetnsHandle namespace() {
    return namespace;
  }

  @Override
  public void close() {
    namespace.close();
    holder.destroy();
    try {
      if (!holder.waitFor(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)) {
        holder.destroyForcibly();
      }
    } catch (InterruptedException e) {
      holder.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}

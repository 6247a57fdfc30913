package io.sluice.linux;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;

/** A network namespace with {@code lo} up, deleted on close. */
public final class ScratchNetns implements AutoCloseable {
  private static final String PREFIX = "slxlin-";

  private final String name;

  private ScratchNetns(String name) {
    this.name = name;
  }

  public static ScratchNetns create() throws IOException, InterruptedException {
    return create(PREFIX);
  }

  public static ScratchNetns create(String prefix) throws IOException, InterruptedException {
    var ns = new ScratchNetns(prefix + Long.toHexString(ThreadLocalRandom.current().nextLong()));
    Commands.run("ip", "netns", "add", ns.name);
    Commands.run("ip", "-n", ns.name, "link", "set", "lo", "up");
    return ns;
  }

  public Path path() {
    return Path.of("/run/netns", name);
  }

  public NetnsHandle open() {
    return new LinuxNetworkNamespaces().open(path());
  }

  /** What the command prints, run inside. */
  public String inside(String... command) throws IOException, InterruptedException {
    String[] entered = new String[command.length + 2];
    entered[0] = "nsenter";
    entered[1] = "--net=" + path();
    System.arraycopy(command, 0, entered, 2, command.length);
    return Commands.run(entered);
  }

  @Override
  public void close() throws IOException, InterruptedException {
    Commands.run("ip", "netns", "delete", name);
  }
}

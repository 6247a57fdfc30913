package io.sluice.node.placement;

import io.sluice.linux.netns.NetnsHandle;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;

/**
 * A pod's open network namespace; whoever receives it closes it.
 *
 * @param path where it was opened; may lead elsewhere later
 * @param netns the namespace
 * @param addresses what its network was given, where that is known; the registry learns it later
 */
public record FoundNamespace(Path path, NetnsHandle netns, List<InetAddress> addresses) {
  public FoundNamespace {
    addresses = List.copyOf(addresses);
  }
}

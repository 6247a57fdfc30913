package io.sluice.node.placement;

import io.sluice.mesh.NamespacedName;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * One sandbox that a runtime gave to a pod. A pod whose sandbox is made anew has another one.
 *
 * @param containerId the runtime's name of it
 * @param ifname interface with which it was attached first; others of the same sandbox are
 *     additions
 * @param pod whose it is
 * @param netns where the runtime keeps its network namespace
 * @param cookie of that namespace, unique within one boot
 * @param inode of that namespace, as {@code net:[…]} shows it; used again when it has gone
 * @param addresses what the plugins before ours gave it, in their order
 */
public record Sandbox(
    String containerId,
    String ifname,
    NamespacedName pod,
    Path netns,
    long cookie,
    long inode,
    List<InetAddress> addresses) {

  public Sandbox {
    addresses = List.copyOf(addresses);
  }

  /** The same sandbox with those of another network added to its addresses. */
  public Sandbox with(List<InetAddress> more) {
    return new Sandbox(
        containerId,
        ifname,
        pod,
        netns,
        cookie,
        inode,
        Stream.concat(addresses.stream(), more.stream()).distinct().toList());
  }
}

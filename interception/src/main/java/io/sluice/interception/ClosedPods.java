package io.sluice.interception;

import io.sluice.iptables.PodBarrier;
import io.sluice.iptables.RedirectionException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.NamespacedName;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Pods that are refused as a whole because they cannot be intercepted as they should. Noted in
 * files that outlive the daemon, like the barriers themselves: only {@link #open} ends one. For one
 * thread at a time; what changes something starts a process.
 */
public final class ClosedPods {
  private final NamespaceSearch everywhere;
  private final EnrolledRecords records;

  /** By cookie: what the kernel holds; empty when that is not known to stand. */
  private final Map<Long, String> raised = new HashMap<>();

  /**
   * Takes over what an earlier daemon noted.
   *
   * @param everywhere where namespaces of earlier barriers are searched
   * @param records directory that outlives the daemon but not the boot
   */
  public ClosedPods(NamespaceSearch everywhere, Path records) {
    this.everywhere = everywhere;
    this.records = new EnrolledRecords(records);
    this.records.cookies().forEach(cookie -> raised.put(cookie, ""));
  }

  /**
   * Refuses everything of the pod, or makes sure that it is refused still.
   *
   * @param waysFromNode by address of the pod, the node's address on the way there
   * @return whether it was not refused before, or not by this daemon
   * @throws RedirectionException when it cannot be refused
   */
  public boolean close(
      NamespacedName pod,
      Path path,
      NetnsHandle netns,
      long cookie,
      Supplier<Map<InetAddress, InetAddress>> waysFromNode) {
    String before = raised.getOrDefault(cookie, "");
    if (!before.isEmpty() && PodBarrier.stands(netns, before)) {
      return false;
    }
    records.write(pod, path, cookie); // first, so that nobody has to find it without
    raised.put(cookie, "");
    List<PodBarrier.Exemption> exemptions = new ArrayList<>();
    waysFromNode
        .get()
        .forEach((address, node) -> {
          if (Family.of(node) == Family.of(address)) {
            exemptions.add(new PodBarrier.Exemption(node, address));
          }
        });
    raised.put(cookie, PodBarrier.raise(netns, exemptions));
    return before.isEmpty();
  }

  /** Whether this daemon has put that pod behind a barrier. */
  public boolean isClosed(long cookie) {
    return !raised.getOrDefault(cookie, "").isEmpty();
  }

  /** Whether that pod is or may be behind one, by this daemon or an earlier one. */
  public boolean isNoted(long cookie) {
    return raised.containsKey(cookie);
  }

  /** Cookies of all pods that are or may be behind a barrier, as they are now. */
  public Set<Long> cookies() {
    return Set.copyOf(raised.keySet());
  }

  /** Name of the pod with this cookie. */
  public Optional<NamespacedName> nameOf(long cookie) {
    return records.read(cookie).map(EnrolledRecords.Enrolled::pod);
  }

  /**
   * Takes the barrier away; does nothing when there is none.
   *
   * @throws RedirectionException when the kernel refuses; the pod stays closed
   */
  public void open(long cookie, NetnsHandle netns) {
    if (raised.containsKey(cookie)) {
      PodBarrier.lower(netns);
      forget(cookie);
    }
  }

  /** Cookies of the pods that are noted in a directory, of those that are refused or have rules. */
  public static List<Long> notedIn(Path records) {
    return new EnrolledRecords(records).cookies();
  }

  /**
   * Removes such a directory, where there is one.
   *
   * @throws DirectoryNotEmptyException while a pod is noted in it
   */
  public static void removeDirectory(Path records) throws IOException {
    new EnrolledRecords(records).removeDirectory();
  }

  /**
   * As {@link #open}, of a pod that nobody holds, whether or not its namespace still exists. Where
   * another node refuses it too, the barrier stays.
   *
   * @throws RedirectionException when the kernel refuses; the pod stays closed
   */
  public void openLeftover(long cookie) {
    Optional<NetnsHandle> found =
        records.isHeldByAnother(cookie)
            ? Optional.empty()
            : records.read(cookie).flatMap(record -> everywhere.find(record.path(), cookie));
    if (found.isPresent()) { // else the barrier has gone with its namespace
      try (NetnsHandle netns = found.get()) {
        PodBarrier.lower(netns);
      }
    }
    forget(cookie);
  }

  private void forget(long cookie) {
    records.remove(cookie);
    raised.remove(cookie);
  }
}

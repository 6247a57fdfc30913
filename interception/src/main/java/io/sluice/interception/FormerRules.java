package io.sluice.interception;

import io.sluice.iptables.ClientAddresses;
import io.sluice.iptables.IptablesBackend;
import io.sluice.iptables.PodRedirection;
import io.sluice.iptables.RedirectionException;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetnsThread;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.mesh.decision.Direction;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Rules that a daemon in iptables mode left in pods, by its records. For one thread at a time. */
public final class FormerRules {
  private static final System.Logger LOG = System.getLogger(FormerRules.class.getName());

  private final Path directory;
  private final EnrolledRecords records;
  private final NetworkNamespaces namespaces;
  private final NetnsThread thread;
  private final NamespaceSearch everywhere;
  private final Duration translated;
  private final Map<Long, Lifted> lifted = new ConcurrentHashMap<>();
  private @Nullable IptablesBackend backend;

  /** Rules that have gone from a pod, and until when connections from before are translated. */
  private record Lifted(PodRedirection redirection, NetnsHandle netns, long endNanos) {}

  /**
   * Changes nothing yet.
   *
   * @param records the directory where iptables mode notes its pods
   * @param everywhere where namespaces of those pods are searched
   * @param translated how long the kernel goes on translating connections from before
   */
  public FormerRules(
      Path records,
      NetworkNamespaces namespaces,
      NetnsThread thread,
      NamespaceSearch everywhere,
      Duration translated) {
    this.directory = records;
    this.records = new EnrolledRecords(records);
    this.namespaces = namespaces;
    this.thread = thread;
    this.everywhere = everywhere;
    this.translated = translated;
  }

  /** Whether anything of them is left in any pod. */
  boolean exist() {
    return !records.cookies().isEmpty();
  }

  /** Whether they take the pod's traffic. */
  boolean hold(long cookie) {
    return records.read(cookie).isPresent() && !lifted.containsKey(cookie);
  }

  /** Whether all of them took it, and the pod has not left since. */
  boolean wereInForce(long cookie) {
    return records.wasInForce(cookie);
  }

  /** Finds the programs that may have written them. */
  IptablesBackend probe() {
    IptablesBackend probed = backend;
    if (probed == null) {
      probed = IptablesBackend.probe(namespaces);
      backend = probed;
    }
    return probed;
  }

  /** Ends the rules of one pod; what they have translated goes on for a while. */
  void lift(PodPlacement pod) {
    PodRedirection redirection = new PodRedirection(pod.netns(), probe());
    redirection.detach();
    lifted.put(
        pod.cookie(),
        new Lifted(redirection, pod.netns(), System.nanoTime() + translated.toNanos()));
  }

  void forget(long cookie) {
    lifted.remove(cookie);
  }

  /** Ends translations that are due; of them nothing is left then. */
  void endTranslations() {
    List<Long> due =
        lifted.entrySet().stream()
            .filter(entry -> System.nanoTime() - entry.getValue().endNanos >= 0)
            .map(Map.Entry::getKey)
            .toList();
    for (long cookie : due) {
      Lifted one = lifted.remove(cookie);
      if (one != null) {
        try {
          one.redirection.remove();
          ClientAddresses.lower(namespaces, one.netns);
          records.remove(cookie);
        } catch (LinuxException | RedirectionException | UncheckedIOException e) {
          // What is left redirects nothing, and goes with the rules of other pods.
          LOG.log(System.Logger.Level.DEBUG, "translations_left netns_cookie=" + cookie, e);
        }
      }
    }
  }

  /** Removes the rules of every other pod that iptables mode noted. */
  public void removeAll() {
    List<Long> others =
        records.cookies().stream().filter(cookie -> !lifted.containsKey(cookie)).toList();
    if (others.isEmpty()) {
      return;
    }
    try (IptablesInterception former =
        new IptablesInterception(
            namespaces,
            thread,
            new InheritedListeners(),
            probe(),
            directory,
            everywhere,
            EnumSet.allOf(Direction.class))) {
      RuntimeException failed = null;
      for (long cookie : others) {
        try {
          former.release(cookie);
        } catch (RuntimeException e) {
          failed = e; // one pod may spoil its own rules: the others' go all the same
        }
      }
      if (failed != null) {
        throw failed;
      }
    }
  }
}

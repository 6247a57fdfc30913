package io.sluice.interception;

import io.sluice.interception.maps.CounterKey;
import io.sluice.iptables.PodForwarding;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps the pods of eBPF mode from forwarding, which no hook at a cgroup sees. A kernel without
 * nf_tables cannot: that is told in the log, once for each pod, and changes nothing else.
 *
 * <p>{@link #verdicts} and {@link #problem} may be called from any thread, the rest by one at a
 * time; all of them on platform threads.
 */
public final class ForwardingPods implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(ForwardingPods.class.getName());

  private final NetworkNamespaces namespaces;
  private final NamespaceSearch everywhere;
  private final Map<Long, Pod> pods = new ConcurrentHashMap<>();

  /** One pod's tables, and the families that have one; guarded by itself. */
  private record Pod(PodForwarding tables, Set<Family> refused) {}

  /**
   * Changes nothing yet.
   *
   * @param everywhere where namespaces of earlier daemons' pods are searched
   */
  public ForwardingPods(NetworkNamespaces namespaces, NamespaceSearch everywhere) {
    this.namespaces = namespaces;
    this.everywhere = everywhere;
  }

  /** Refuses from now on what the pod forwards. */
  void refuse(PodPlacement placement) {
    Pod pod;
    try {
      pod =
          pods.computeIfAbsent(
              placement.cookie(),
              _ -> new Pod(PodForwarding.open(namespaces, placement.netns()), new HashSet<>()));
    } catch (LinuxException e) {
      warn(placement, "both", e); // without netfilter's netlink there is not even a socket
      return;
    }
    synchronized (pod) {
      for (Family family : Family.values()) {
        try {
          pod.tables.raise(family);
          pod.refused.add(family);
        } catch (LinuxException e) {
          warn(placement, family.toString(), e);
        }
      }
    }
  }

  private static void warn(PodPlacement placement, String family, LinuxException problem) {
    LOG.log(
        System.Logger.Level.WARNING,
        "forwarding_not_refused pod={0} family={1} problem={2}",
        placement.name(),
        family,
        problem.getMessage());
  }

  /** What is wrong, as a sentence. */
  Optional<String> problem(PodPlacement placement) {
    Pod pod = pods.get(placement.cookie());
    if (pod == null) {
      return Optional.empty();
    }
    synchronized (pod) {
      return pod.tables.stand(pod.refused)
          ? Optional.empty()
          : Optional.of("its table " + PodForwarding.TABLE + " was taken away or changed");
    }
  }

  /** Packets of the pods that are refused now. */
  List<VerdictCount> verdicts() {
    List<VerdictCount> counts = new ArrayList<>();
    pods.forEach((cookie, pod) -> {
      synchronized (pod) {
        for (Family family : pod.refused) {
          long packets = pod.tables.refused(family);
          if (packets > 0) {
            counts.add(
                new VerdictCount(
                    new CounterKey(
                        cookie,
                        Direction.OUTBOUND,
                        family == Family.IPV4 ? 4 : 6,
                        Outcome.REFUSED,
                        Reason.FORWARDED),
                    packets));
          }
        }
      }
    });
    return counts;
  }

  /** Lets a pod forward again, of this daemon or an earlier one, if its namespace still exists. */
  void allow(long cookie) {
    Pod pod = pods.remove(cookie);
    if (pod != null) {
      synchronized (pod) {
        lower(pod.tables);
        pod.tables.close();
        pod.refused.clear();
      }
      return;
    }
    Optional<NetnsHandle> found = everywhere.withCookie(cookie);
    if (found.isPresent()) {
      try (NetnsHandle netns = found.get();
          PodForwarding left = PodForwarding.open(namespaces, netns)) {
        lower(left);
      } catch (LinuxException e) {
        LOG.log(System.Logger.Level.DEBUG, "forwarding_not_allowed", e); // there is none
      }
    }
  }

  /** The same of a pod that is at hand. */
  void allow(PodPlacement placement) {
    try (PodForwarding left = PodForwarding.open(namespaces, placement.netns())) {
      lower(left);
    } catch (LinuxException e) {
      LOG.log(System.Logger.Level.DEBUG, "forwarding_not_allowed", e); // there is none
    }
  }

  private static void lower(PodForwarding tables) {
    for (Family family : Family.values()) {
      try {
        tables.lower(family);
      } catch (LinuxException e) {
        LOG.log(System.Logger.Level.DEBUG, "forwarding_not_allowed", e); // there is none
      }
    }
  }

  /** What is refused stays so. */
  @Override
  public void close() {
    pods.values()
        .forEach(pod -> {
          synchronized (pod) {
            pod.tables.close();
            pod.refused.clear();
          }
        });
    pods.clear();
  }
}

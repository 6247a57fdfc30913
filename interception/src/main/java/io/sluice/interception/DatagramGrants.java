package io.sluice.interception;

import io.sluice.interception.maps.DatagramPeerValue;
import io.sluice.mesh.DatagramPermission;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Datagrams that UDPRoutes grant one pod, in both directions.
 *
 * @param granted at most {@link #MAX_RULES}, none twice; where there is less room, those at the end
 *     are left out
 * @param leftOut how many more there are, which are refused
 */
public record DatagramGrants(List<Granted> granted, long leftOut) {
  /** Of one pod. */
  public static final int MAX_RULES = DatagramPermission.MAX_OF_POD;

  /** None. */
  public static final DatagramGrants NONE = new DatagramGrants(List.of(), 0);

  public DatagramGrants {
    granted = List.copyOf(granted);
  }

  /**
   * What there is room for: what the pod's own namespace grants, then of each other namespace in
   * turn, so that who may write in one takes no more than its share from what others grant.
   *
   * @param all in the order in which a namespace's own are taken
   * @param namespace of who may write what grants one
   * @param most how many there is room for
   */
  public static <T> List<T> share(
      Collection<T> all, Function<T, String> namespace, String own, int most) {
    Map<String, Deque<T>> waiting = new TreeMap<>();
    all.forEach(
        one -> waiting.computeIfAbsent(namespace.apply(one), _ -> new ArrayDeque<>()).add(one));
    List<T> taken = new ArrayList<>();
    Deque<T> first = waiting.getOrDefault(own, new ArrayDeque<>());
    while (taken.size() < most && !first.isEmpty()) {
      taken.add(first.poll());
    }
    waiting.remove(own);
    while (taken.size() < most && !waiting.isEmpty()) {
      waiting.values().stream().limit(most - taken.size()).forEach(each -> taken.add(each.poll()));
      waiting.values().removeIf(Deque::isEmpty);
    }
    return taken;
  }

  /**
   * Who is told apart from others: pods with one identity and one application, or a Service, which
   * leads to such pods.
   *
   * @param identity SPIFFE ID; empty for a Service
   * @param namespace of the pods or the Service
   * @param name application as metrics name it, or the Service
   */
  public record Peer(String identity, String namespace, String name) {
    /** Of a pod. */
    public static Peer of(Workload pod) {
      return new Peer(pod.identity().toString(), pod.name().namespace(), pod.app());
    }

    /** Of a Service. */
    public static Peer of(NamespacedName service) {
      return new Peer("", service.namespace(), service.name());
    }

    /** How the programs tell it from others. */
    public DatagramPeerValue value() {
      return DatagramPeerValue.of(identity + " " + namespace + " " + name);
    }
  }

  /**
   * One of them.
   *
   * @param direction outbound: the pod may send to the peer; inbound: the peer may send to the pod
   * @param port of whoever is sent to, 1..65535; 0 for every one
   * @param addresses of the peer's pods, or of the Service
   */
  public record Granted(Direction direction, Peer peer, int port, Set<InetAddress> addresses) {
    public Granted {
      addresses = Set.copyOf(addresses);
    }

    /** Namespace of the TrafficTarget: that of who is sent to. */
    public String namespace(String own) {
      return direction == Direction.INBOUND ? own : peer.namespace();
    }
  }
}

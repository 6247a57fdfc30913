package io.sluice.interception;

import io.sluice.interception.maps.DatagramPeerValue;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.util.Set;

/**
 * Datagrams that UDPRoutes grant one pod, in both directions.
 *
 * @param granted at most {@link #MAX_RULES}
 * @param leftOut how many more there are, which are refused
 */
public record DatagramGrants(Set<Granted> granted, int leftOut) {
  /** Of one pod; {@code SLUICE_MAX_DATAGRAM_RULES_OF_POD}. */
  public static final int MAX_RULES = 128;

  /** None. */
  public static final DatagramGrants NONE = new DatagramGrants(Set.of(), 0);

  public DatagramGrants {
    granted = Set.copyOf(granted);
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
  }
}

package io.sluice.node.enrolment;

import static java.util.Comparator.comparing;

import io.sluice.interception.DatagramGrants;
import io.sluice.interception.DatagramGrants.Granted;
import io.sluice.interception.DatagramGrants.Peer;
import io.sluice.interception.maps.DatagramPeerValue;
import io.sluice.mesh.DatagramPermission;
import io.sluice.mesh.DatagramService;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What UDPRoutes of one snapshot grant, as kernels decide it: whose the addresses of the mesh are,
 * and who may send to whom. Immutable. Nothing in a permissive mesh, which asks nobody.
 */
final class DatagramPolicy {
  /** Which of too many are left out must not change from one look to the next. */
  private static final Comparator<Granted> IN_ORDER =
      comparing(Granted::direction)
          .thenComparing(each -> each.peer().identity())
          .thenComparing(each -> each.peer().namespace())
          .thenComparing(each -> each.peer().name())
          .thenComparingInt(Granted::port);

  /** Whose an address is that several claim. */
  private static final Peer SEVERAL = new Peer("", "", "");

  private final MeshSnapshot snapshot;
  private final Map<InetAddress, Peer> owners = new HashMap<>();
  private final Map<InetAddress, DatagramPeerValue> peers = new HashMap<>();
  private final Map<NamespacedName, Map<Peer, Set<InetAddress>>> byAccount = new HashMap<>();

  DatagramPolicy(MeshSnapshot snapshot) {
    this.snapshot = snapshot;
    if (snapshot.settings().permissive()) {
      return;
    }
    for (Workload pod : snapshot.workloads()) {
      if (pod.enrolled()) {
        pod.addresses().forEach(address -> claim(address, Peer.of(pod)));
      }
    }
    for (DatagramService one : snapshot.all(Kind.DATAGRAM_SERVICE)) {
      if (leadsIntoMesh(one)) {
        Peer peer = Peer.of(one.service().name());
        one.service().virtualAddresses().forEach(address -> claim(address, peer));
      }
    }
    Map<Peer, DatagramPeerValue> values = new HashMap<>();
    owners.forEach((address, peer) ->
        peers.put(
            address,
            peer.equals(SEVERAL)
                ? DatagramPeerValue.NOBODY
                : values.computeIfAbsent(peer, Peer::value)));
    for (Workload pod : snapshot.workloads()) {
      Peer peer = Peer.of(pod);
      if (pod.enrolled() && !pod.identity().isNobody()) {
        Set<InetAddress> own =
            byAccount
                .computeIfAbsent(pod.identity().serviceAccountName(), _ -> new HashMap<>())
                .computeIfAbsent(peer, _ -> new HashSet<>());
        pod.addresses().stream()
            .filter(address -> peer.equals(owners.get(address)))
            .forEach(own::add);
      }
    }
  }

  /** What leads elsewhere alone, as that of the cluster's name servers, is not of the mesh. */
  private boolean leadsIntoMesh(DatagramService one) {
    return one.service().ports().stream()
        .flatMap(port -> port.endpoints().stream())
        .anyMatch(endpoint -> owners.containsKey(endpoint.address().getAddress()));
  }

  private void claim(InetAddress address, Peer peer) {
    owners.merge(address, peer, (one, other) -> one.equals(other) ? one : SEVERAL);
  }

  /** Of which snapshot it is. */
  MeshSnapshot snapshot() {
    return snapshot;
  }

  /** Whose the addresses of the mesh are; those that several claim are nobody's. */
  Map<InetAddress, DatagramPeerValue> peers() {
    return peers;
  }

  /** What is granted to a pod, and to others towards it. */
  DatagramGrants of(Workload pod) {
    if (byAccount.isEmpty()) {
      return DatagramGrants.NONE;
    }
    NamespacedName account = pod.identity().serviceAccountName();
    Set<Granted> granted = new HashSet<>();
    for (DatagramPermission permission : find(Kind.DATAGRAMS_BY_DESTINATION, account)) {
      permission.sources().forEach(one -> add(Direction.INBOUND, one, permission, granted));
    }
    for (DatagramPermission permission : find(Kind.DATAGRAMS_BY_SOURCE, account)) {
      add(Direction.OUTBOUND, permission.destination(), permission, granted);
    }
    addServices(granted);
    if (granted.size() <= DatagramGrants.MAX_RULES) {
      return new DatagramGrants(granted, 0);
    }
    List<Granted> kept = granted.stream().sorted(IN_ORDER).limit(DatagramGrants.MAX_RULES).toList();
    return new DatagramGrants(Set.copyOf(kept), granted.size() - kept.size());
  }

  /**
   * Ports of Services that lead to nothing but what is granted: somebody else chooses the endpoint,
   * behind every hook that knows who sends.
   */
  private void addServices(Set<Granted> granted) {
    Map<Peer, Set<Integer>> ports = new HashMap<>();
    for (Granted each : granted) {
      if (each.direction() == Direction.OUTBOUND) {
        ports.computeIfAbsent(each.peer(), _ -> new HashSet<>()).add(each.port());
      }
    }
    if (ports.isEmpty()) {
      return;
    }
    for (DatagramService one : snapshot.all(Kind.DATAGRAM_SERVICE)) {
      Peer peer = Peer.of(one.service().name());
      Set<InetAddress> addresses =
          one.service().virtualAddresses().stream()
              .filter(address -> peer.equals(owners.get(address)))
              .collect(Collectors.toSet());
      for (ServicePort port : one.service().ports()) {
        boolean leadsElsewhere =
            port.endpoints().stream().anyMatch(endpoint -> !isGranted(endpoint.address(), ports));
        if (!addresses.isEmpty() && !port.endpoints().isEmpty() && !leadsElsewhere) {
          granted.add(new Granted(Direction.OUTBOUND, peer, port.port(), addresses));
        }
      }
    }
  }

  private boolean isGranted(InetSocketAddress endpoint, Map<Peer, Set<Integer>> ports) {
    Peer owner = owners.get(endpoint.getAddress());
    Set<Integer> open = owner == null ? Set.of() : ports.getOrDefault(owner, Set.of());
    return open.contains(0) || open.contains(endpoint.getPort());
  }

  private List<DatagramPermission> find(
      Kind.Index<DatagramPermission, NamespacedName> index, NamespacedName account) {
    return snapshot.find(Kind.DATAGRAM_PERMISSION, index, account);
  }

  private void add(
      Direction direction, NamespacedName account, DatagramPermission by, Set<Granted> granted) {
    Set<Integer> ports = by.ports().every() ? Set.of(0) : by.ports().some();
    byAccount
        .getOrDefault(account, Map.of())
        .forEach((peer, addresses) ->
            ports.forEach(port -> granted.add(new Granted(direction, peer, port, addresses))));
  }
}

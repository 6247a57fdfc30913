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
import io.sluice.mesh.Ports;
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
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * What UDPRoutes of one snapshot grant, as kernels decide it: whose the addresses of the mesh are,
 * and who may send to whom. Nothing in a permissive mesh, which asks nobody.
 */
public final class DatagramPolicy {
  private static final Comparator<Peer> PEERS =
      comparing(Peer::identity).thenComparing(Peer::namespace).thenComparing(Peer::name);

  /** Which of too many are left out must not change from one look to the next. */
  private static final Comparator<Granted> IN_ORDER =
      comparing(Granted::direction)
          .thenComparing(Granted::peer, PEERS)
          .thenComparingInt(Granted::port);

  /** Whose an address is that several claim. */
  private static final Peer SEVERAL = new Peer("", "", "");

  private final MeshSnapshot snapshot;
  private final Map<InetAddress, Peer> owners = new HashMap<>();
  private final Map<InetAddress, DatagramPeerValue> peers = new HashMap<>();
  private final Map<NamespacedName, Map<Peer, Set<InetAddress>>> byAccount = new HashMap<>();
  private final Map<Peer, NamespacedName> accounts = new HashMap<>();
  private final Map<NamespacedName, List<Integer>> firstPorts =
      new ConcurrentHashMap<>(); // by permission

  /** Works out whose the addresses are; what is granted is, when it is asked for. */
  public DatagramPolicy(MeshSnapshot snapshot) {
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
        NamespacedName account = pod.identity().serviceAccountName();
        accounts.put(peer, account);
        Set<InetAddress> own =
            byAccount
                .computeIfAbsent(account, _ -> new TreeMap<>(PEERS))
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

  /** What is granted to a pod, and to others towards it. Any thread. */
  public DatagramGrants of(Workload pod) {
    if (byAccount.isEmpty()) {
      return DatagramGrants.NONE;
    }
    NamespacedName account = pod.identity().serviceAccountName();
    Set<Granted> granted = new TreeSet<>(IN_ORDER);
    long more = 0;
    for (DatagramPermission permission : find(Kind.DATAGRAMS_BY_DESTINATION, account)) {
      more += add(Direction.INBOUND, permission.sources(), permission, granted);
    }
    List<DatagramPermission> asks = find(Kind.DATAGRAMS_BY_SOURCE, account);
    for (DatagramPermission permission : asks) {
      more += add(Direction.OUTBOUND, Set.of(permission.destination()), permission, granted);
    }
    if (!asks.isEmpty()) {
      addServices(asks, granted);
    }
    String own = pod.name().namespace();
    List<Granted> kept =
        DatagramGrants.share(granted, each -> each.namespace(own), own, DatagramGrants.MAX_RULES);
    return new DatagramGrants(kept, more + granted.size() - kept.size());
  }

  /**
   * Ports of Services that lead to nothing but what is granted: somebody else chooses the endpoint,
   * behind every hook that knows who sends.
   */
  private void addServices(List<DatagramPermission> asks, Set<Granted> granted) {
    for (DatagramService one : snapshot.all(Kind.DATAGRAM_SERVICE)) {
      Peer peer = Peer.of(one.service().name());
      Set<InetAddress> addresses =
          one.service().virtualAddresses().stream()
              .filter(address -> peer.equals(owners.get(address)))
              .collect(Collectors.toSet());
      for (ServicePort port : one.service().ports()) {
        boolean leadsElsewhere =
            port.endpoints().stream().anyMatch(endpoint -> !isGranted(endpoint.address(), asks));
        if (!addresses.isEmpty() && !port.endpoints().isEmpty() && !leadsElsewhere) {
          granted.add(new Granted(Direction.OUTBOUND, peer, port.port(), addresses));
        }
      }
    }
  }

  private boolean isGranted(InetSocketAddress endpoint, List<DatagramPermission> asks) {
    Peer owner = owners.get(endpoint.getAddress());
    NamespacedName account = owner == null ? null : accounts.get(owner);
    return account != null
        && asks.stream()
            .anyMatch(
                by -> by.destination().equals(account) && by.ports().contain(endpoint.getPort()));
  }

  private List<DatagramPermission> find(
      Kind.Index<DatagramPermission, NamespacedName> index, NamespacedName account) {
    return snapshot.find(Kind.DATAGRAM_PERMISSION, index, account);
  }

  /**
   * Adds as many as there could be room for, however many peers and ports one object names.
   *
   * @return how many more it grants
   */
  private long add(
      Direction direction,
      Set<NamespacedName> others,
      DatagramPermission by,
      Set<Granted> granted) {
    List<Integer> ports = firstPorts.computeIfAbsent(by.name(), _ -> firstPorts(by.ports()));
    long all = 0;
    int taken = 0;
    for (NamespacedName account : others.stream().sorted().toList()) {
      for (var peer : byAccount.getOrDefault(account, Map.of()).entrySet()) {
        all += by.ports().every() ? 1 : by.ports().some().size();
        int room = Math.min(ports.size(), DatagramGrants.MAX_RULES - taken);
        for (int port : ports.subList(0, room)) {
          granted.add(new Granted(direction, peer.getKey(), port, peer.getValue()));
        }
        taken += room;
      }
    }
    return all - taken;
  }

  private static List<Integer> firstPorts(Ports ports) {
    return ports.every()
        ? List.of(0)
        : ports.some().stream().sorted().limit(DatagramGrants.MAX_RULES).toList();
  }
}

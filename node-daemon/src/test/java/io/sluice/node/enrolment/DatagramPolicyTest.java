package io.sluice.node.enrolment;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.interception.DatagramGrants;
import io.sluice.interception.DatagramGrants.Granted;
import io.sluice.interception.DatagramGrants.Peer;
import io.sluice.interception.maps.DatagramPeerValue;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.DatagramPermission;
import io.sluice.mesh.DatagramService;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DatagramPolicyTest {
  private static final NamespacedName DB = account("db");
  private static final NamespacedName WEB = account("web");
  private static final InetAddress CLUSTER_IP = IpAddresses.parse("10.96.0.9");

  private final Workload db = pod("db-0", "db", "10.0.0.1", "fd00::1");
  private final Workload web = pod("web-0", "web", "10.0.0.2");
  private final Workload other = pod("other-0", "other", "10.0.0.3");

  @Test
  void grantsEitherEndWhatTheRouteNames() {
    DatagramPolicy policy = policy(db, web, other, permission(Ports.of(514, 5140)));

    assertThat(policy.of(db).granted())
        .containsExactlyInAnyOrder(
            granted(Direction.INBOUND, web, 514), granted(Direction.INBOUND, web, 5140));
    assertThat(policy.of(web).granted())
        .containsExactlyInAnyOrder(
            granted(Direction.OUTBOUND, db, 514), granted(Direction.OUTBOUND, db, 5140));
    assertThat(policy.of(other)).isEqualTo(DatagramGrants.NONE);
    assertThat(policy(db, web, permission(Ports.EVERY)).of(db).granted())
        .containsExactly(granted(Direction.INBOUND, web, 0));
  }

  @Test
  void knowsWhoseAddressesAreWhereverTheyRun() {
    DatagramPolicy policy = policy(db, web);

    assertThat(policy.peers())
        .containsOnlyKeys(db.addresses().get(0), db.addresses().get(1), web.addresses().getFirst())
        .containsEntry(db.addresses().get(1), Peer.of(db).value())
        .doesNotContainValue(DatagramPeerValue.NOBODY);
    assertThat(Peer.of(db).value()).isNotEqualTo(Peer.of(web).value());
  }

  /** Whoever has it by the registry alone could make itself another by naming its address. */
  @Test
  void anAddressThatTwoClaimIsNobodys() {
    Workload thief = pod("thief-0", "thief", "10.0.0.2");
    DatagramPolicy policy = policy(db, web, thief, permission(Ports.EVERY));

    assertThat(policy.peers()).containsEntry(web.addresses().getFirst(), DatagramPeerValue.NOBODY);
    assertThat(policy.of(db).granted()).allMatch(each -> each.addresses().isEmpty());
  }

  @Test
  void aServiceIsGrantedThatLeadsToNothingElse() {
    MeshObject granted = permission(Ports.of(514));

    assertThat(services(policy(db, web, other, granted, service(db, 514)).of(web)))
        .containsExactly(514);
    assertThat(services(policy(db, web, other, granted, service(db, 515)).of(web))).isEmpty();
    assertThat(services(policy(db, web, other, granted, service(other, 514)).of(web))).isEmpty();
    assertThat(services(policy(db, web, other, granted, service(db, 514)).of(other))).isEmpty();
    assertThat(
            services(policy(db, web, granted, service(pod("away", "db", "10.9.9.9"), 514)).of(web)))
        .as("an endpoint that is no pod of the mesh")
        .isEmpty();
  }

  @Test
  void aServiceOutsideTheMeshIsNoPeer() {
    assertThat(policy(db, service(other, 53)).peers()).doesNotContainKey(CLUSTER_IP);
    assertThat(policy(db, other, service(other, 53)).peers()).containsKey(CLUSTER_IP);
  }

  @Test
  void whatIsTooMuchIsLeftOutAndCounted() {
    Set<Integer> ports =
        Set.copyOf(IntStream.rangeClosed(1, DatagramGrants.MAX_RULES + 3).boxed().toList());
    DatagramPolicy policy = policy(db, web, permission(Ports.of(ports)));

    assertThat(policy.of(db).granted()).hasSize(DatagramGrants.MAX_RULES);
    assertThat(policy.of(db).leftOut()).isEqualTo(3);
    assertThat(policy.of(db)).isEqualTo(policy(db, web, permission(Ports.of(ports))).of(db));
  }

  /** A pod is named as a source by whoever likes, and asks nobody for it. */
  @Test
  void whatOthersGrantAPodTakesNoRoomFromWhatItsOwnNamespaceGrants() {
    Workload evil = podIn("aaa", "evil-0", "evil", "10.6.6.6");
    Workload far = podIn("zzz", "far-0", "far", "10.7.7.7");
    Ports all = Ports.of(Set.copyOf(IntStream.rangeClosed(1, 65_535).boxed().toList()));
    MeshObject flood = grant(evil, web, all);
    MeshObject asksFar = grant(far, web, Ports.of(514));

    DatagramGrants grants =
        policy(db, web, evil, far, permission(Ports.of(514)), flood, asksFar).of(web);

    assertThat(grants.granted())
        .hasSize(DatagramGrants.MAX_RULES)
        .contains(granted(Direction.OUTBOUND, db, 514), granted(Direction.OUTBOUND, far, 514));
    assertThat(grants.leftOut()).isEqualTo(65_535 + 2 - DatagramGrants.MAX_RULES);
  }

  /** Each pod without a label for it is an application of its own. */
  @Test
  void whatOneObjectGrantsIsNotWorkedOutBeyondTheRoomThereIs() {
    Stream<MeshObject> crowd =
        IntStream.range(0, 200).mapToObj(i -> podIn("aaa", "evil-" + i, "evil", "10.6.6." + i));
    Workload evil = podIn("aaa", "evil-0", "evil", "10.6.6.0");
    Ports all = Ports.of(Set.copyOf(IntStream.rangeClosed(1, 65_535).boxed().toList()));
    DatagramPolicy policy =
        policy(
            Stream.concat(crowd, Stream.of(db, web, grant(evil, web, all)))
                .toArray(MeshObject[]::new));

    assertThat(policy.of(web).granted()).hasSize(DatagramGrants.MAX_RULES);
    assertThat(policy.of(web).leftOut()).isEqualTo(200L * 65_535 - DatagramGrants.MAX_RULES);
  }

  private static DatagramPermission grant(Workload to, Workload from, Ports ports) {
    NamespacedName destination = to.identity().serviceAccountName();
    return new DatagramPermission(
        new NamespacedName(destination.namespace(), "to-" + destination.name()),
        destination,
        Set.of(from.identity().serviceAccountName()),
        ports);
  }

  @Test
  void aPermissiveMeshAsksNobody() {
    MeshSettings permissive = new MeshSettings(true, false, TrustDomain.CLUSTER_LOCAL);
    DatagramPolicy policy = policy(permissive, db, web, permission(Ports.EVERY));

    assertThat(policy.peers()).isEmpty();
    assertThat(policy.of(db)).isEqualTo(DatagramGrants.NONE);
  }

  private static Granted granted(Direction direction, Workload peer, int port) {
    return new Granted(direction, Peer.of(peer), port, Set.copyOf(peer.addresses()));
  }

  private static List<Integer> services(DatagramGrants grants) {
    return grants.granted().stream()
        .filter(each -> each.addresses().contains(CLUSTER_IP))
        .map(Granted::port)
        .toList();
  }

  private static DatagramPolicy policy(MeshObject... objects) {
    SnapshotEditor editor = MeshSnapshot.EMPTY.edit();
    editor.put(MeshSettings.CLOSED);
    Stream.of(objects).forEach(editor::put);
    return new DatagramPolicy(editor.snapshot(1));
  }

  private static DatagramPermission permission(Ports ports) {
    return new DatagramPermission(account("grant"), DB, Set.of(WEB), ports);
  }

  private static DatagramService service(Workload behind, int port) {
    Endpoint endpoint =
        new Endpoint(new InetSocketAddress(behind.addresses().getFirst(), port), true);
    return new DatagramService(
        new Service(
            account("service"),
            List.of(CLUSTER_IP),
            List.of(new ServicePort("", 514, AppProtocol.UNDECLARED, List.of(endpoint)))));
  }

  private static NamespacedName account(String name) {
    return new NamespacedName("shop", name);
  }

  private static Workload pod(String name, String account, String... addresses) {
    return podIn("shop", name, account, addresses);
  }

  /** Elsewhere than in the shop without a label that names its application. */
  private static Workload podIn(
      String namespace, String name, String account, String... addresses) {
    return new Workload(
        new NamespacedName(namespace, name),
        new SpiffeId(TrustDomain.CLUSTER_LOCAL, namespace, account),
        Stream.of(addresses).map(IpAddresses::parse).toList(),
        namespace.equals("shop") ? Map.of("app", account) : Map.of(),
        true,
        null,
        null,
        null,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT);
  }
}

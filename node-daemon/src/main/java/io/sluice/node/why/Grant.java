package io.sluice.node.why;

import io.sluice.mesh.Access;
import io.sluice.mesh.DatagramPermission;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Regex;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Decisions;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.HttpRequest;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A TrafficTarget that grants one call and as little besides as its API can say: of accounts, at
 * one port, where requests are decided one method and path.
 *
 * @param udp whether it is of datagrams
 * @param requestOrNull null where whatever is sent is granted
 */
record Grant(
    NamespacedName source,
    NamespacedName destination,
    int port,
    boolean udp,
    @Nullable HttpRequest requestOrNull) {
  private static final int MAX_PAIRS = 1_000;

  /** A name that no target of the snapshot has. */
  private NamespacedName name(MeshSnapshot snapshot) {
    String wanted = source.name() + "-to-" + destination.name() + "-" + port;
    String plain =
        wanted.substring(Math.max(0, wanted.length() - NamespacedName.MAX_NAME_LENGTH + 4));
    NamespacedName name = new NamespacedName(destination.namespace(), plain);
    for (int number = 2;
        snapshot.permission(name).isPresent()
            || snapshot.get(Kind.DATAGRAM_PERMISSION, name).isPresent();
        number++) {
      name = new NamespacedName(destination.namespace(), plain + "-" + number);
    }
    return name;
  }

  private static String regex(HttpRequest request) {
    return Regex.literally(request.path()).text();
  }

  /** As nodes know it. */
  MeshObject permission(MeshSnapshot snapshot) {
    if (udp) {
      return new DatagramPermission(name(snapshot), destination, Set.of(source), Ports.of(port));
    }
    HttpRequest request = requestOrNull;
    Access access =
        request == null
            ? Access.BYTES
            : new Access.Requests(
                List.of(
                    new HttpMatch(
                        "asked", Regex.of(regex(request)), Set.of(request.method()), Map.of())));
    return new Permission(name(snapshot), destination, Set.of(source), Ports.of(port), access);
  }

  /** As a manifest. */
  String yaml(MeshSnapshot snapshot) {
    HttpRequest request = requestOrNull;
    return new TargetManifest(
            name(snapshot),
            source,
            destination,
            udp ? "UDPRoute" : "TCPRoute",
            List.of(port),
            request == null ? Map.of() : Map.of(regex(request), Set.of(request.method())))
        .yaml();
  }

  /** What it grants, in half a sentence. */
  String scope() {
    HttpRequest request = requestOrNull;
    return "every pod of ServiceAccount "
        + source
        + ", now and later, may then "
        + (request == null
            ? udp ? "send datagrams" : "send whatever it likes"
            : "send " + request.method() + " " + request.path() + ", with any query and headers,")
        + " to port "
        + port
        + " of every pod of ServiceAccount "
        + destination;
  }

  /** The pairs of pods of {@code now} that {@code then} lets talk so and {@code now} does not. */
  List<String> pairs(MeshSnapshot now, MeshSnapshot then) {
    List<Workload> callers = of(now, source);
    List<Workload> called = of(now, destination);
    List<String> pairs = new ArrayList<>();
    for (Workload from : callers) {
      for (Workload to : called) {
        if (pairs.size() < MAX_PAIRS && !isAllowed(now, from, to) && isAllowed(then, from, to)) {
          pairs.add(from.name() + " -> " + to.name() + ":" + port);
        }
      }
    }
    return pairs;
  }

  private static List<Workload> of(MeshSnapshot snapshot, NamespacedName account) {
    return snapshot.workloads().stream()
        .filter(pod -> pod.enrolled() && !pod.addresses().isEmpty())
        .filter(pod -> pod.identity().serviceAccountName().equals(account))
        .sorted(Comparator.comparing(Workload::name))
        .toList();
  }

  private boolean isAllowed(MeshSnapshot snapshot, Workload from, Workload to) {
    if (udp) {
      return snapshot.find(Kind.DATAGRAM_PERMISSION, Kind.DATAGRAMS_BY_SOURCE, source).stream()
          .anyMatch(by -> by.destination().equals(destination) && by.ports().contain(port));
    }
    InetAddress address = to.addresses().getFirst();
    Flow flow =
        new Flow(
            from.name(),
            new InetSocketAddress(from.addresses().getFirst(), 0),
            new InetSocketAddress(address, port));
    HttpRequest request = requestOrNull;
    return (request == null
            ? Decisions.decide(snapshot, flow)
            : Decisions.decide(snapshot, flow.byRequest(), request))
        .isAllowed();
  }

  @Override
  public String toString() {
    return source + " -> " + destination + ":" + port;
  }

  /** The text of an address without its port, for ranges of one. */
  static String range(InetAddress address) {
    return IpAddresses.text(address) + (address.getAddress().length == 4 ? "/32" : "/128");
  }
}

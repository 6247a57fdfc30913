package io.sluice.mesh;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/**
 * The name servers that a workload may ask: the cluster's DNS, those of its node, which the kubelet
 * writes into resolv.conf, and what its Pod and the MeshConfig name. Never what stands in a file
 * inside the pod, whose owner could name any host.
 */
public final class Resolvers {
  /** Services that are a cluster's DNS: of Kubernetes and k3s, of CoreDNS, RKE2 and OpenShift. */
  public static final List<NamespacedName> CLUSTER_DNS =
      List.of(
          new NamespacedName("kube-system", "kube-dns"),
          new NamespacedName("kube-system", "coredns"),
          new NamespacedName("kube-system", "rke2-coredns-rke2-coredns"),
          new NamespacedName("openshift-dns", "dns-default"));

  private Resolvers() {}

  /** Every name server of {@code workload}, each once. */
  public static List<Cidr> of(MeshSnapshot snapshot, Workload workload) {
    List<Cidr> resolvers = new ArrayList<>(workload.interception().openings().resolvers());
    resolvers.addAll(snapshot.settings().nodeResolvers());
    for (NamespacedName name : CLUSTER_DNS) {
      snapshot.service(name).ifPresent(dns -> addAddresses(dns, resolvers));
    }
    return resolvers.stream().distinct().toList();
  }

  /** Whom a node asks in the place of its pods: the cluster's DNS, else its own name servers. */
  public static List<InetSocketAddress> ofNode(MeshSnapshot snapshot) {
    List<InetSocketAddress> servers = new ArrayList<>();
    for (NamespacedName name : CLUSTER_DNS) {
      snapshot
          .service(name)
          .flatMap(dns -> dns.port(MeshPorts.DNS))
          .ifPresent(port ->
              port.endpoints().stream()
                  .filter(Endpoint::ready)
                  .forEach(each -> servers.add(each.address())));
    }
    for (Cidr server : snapshot.settings().nodeResolvers()) {
      servers.add(new InetSocketAddress(server.network(), MeshPorts.DNS));
    }
    return servers;
  }

  /** Its endpoints too: a network plugin may have put one in the cluster IP's place before us. */
  private static void addAddresses(Service dns, List<Cidr> to) {
    dns.virtualAddresses().forEach(address -> to.add(Cidr.of(address)));
    dns.port(MeshPorts.DNS)
        .ifPresent(
            port -> port.endpoints().forEach(each -> to.add(Cidr.of(each.address().getAddress()))));
  }
}

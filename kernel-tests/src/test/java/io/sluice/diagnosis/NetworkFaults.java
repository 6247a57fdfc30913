package io.sluice.diagnosis;

import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Faults of a node's network. */
final class NetworkFaults {
  private final List<Fault> all = new ArrayList<>();

  private NetworkFaults() {}

  static List<Fault> all() {
    NetworkFaults faults = new NetworkFaults();
    faults.links();
    faults.names();
    faults.others();
    faults.plugin();
    return faults.all;
  }

  private void commands(String what, String code, String object, String make, String mend) {
    all.add(
        Fault.seen(
            what,
            "`" + make + "`",
            code,
            object,
            bay -> bay.machine.run(make),
            bay ->
                bay.machine.run(
                    mend.replace(
                        "ROUTER", IpAddresses.text(bay.cluster.link().address(Family.IPV4))))));
  }

  private void links() {
    commands(
        "Pods' interfaces have a larger MTU than the way out",
        "SLU5015",
        "cni0",
        "ip link set cni0 mtu 9000",
        "ip link set cni0 mtu 1500");
    commands(
        "The node has no default route",
        "SLU5019",
        "routes",
        "ip route del default",
        "ip route add default via ROUTER");
    commands(
        "The node does not forward packets",
        "SLU5020",
        "ip_forward",
        "sysctl -qw net.ipv4.ip_forward=0",
        "sysctl -qw net.ipv4.ip_forward=1");
  }

  private void names() {
    all.add(
        Fault.seen(
            "The name server is dead",
            "its socket is closed",
            "SLU5018",
            "/etc/resolv.conf",
            bay -> bay.nameServer(false),
            bay -> bay.nameServer(true)));
  }

  private void others() {
    commands(
        "Another mesh has left rules",
        "SLU5009",
        "iptables-nft-save",
        "iptables-nft -t nat -N ISTIO_OUTPUT",
        "iptables-nft -t nat -X ISTIO_OUTPUT");
    List<TcpServer> listening = new ArrayList<>();
    all.add(
        Fault.seen(
            "Something listens on the mesh's port",
            "a socket on 15008",
            "SLU5013",
            "port 15008",
            bay -> listening.add(TcpServer.echo(bay.site.node(), Family.IPV4, 15_008)),
            bay -> listening.removeLast().close()));
  }

  private void plugin() {
    all.add(
        Fault.seen(
            "The configuration of the pod network is no JSON",
            "the file is overwritten",
            "SLU5002",
            "10-net.conflist",
            bay -> Files.writeString(network(bay), "{"),
            bay -> Files.writeString(network(bay), SickBay.NETWORK)));
  }

  private static Path network(SickBay bay) {
    return bay.cni.resolve("etc/cni/net.d/10-net.conflist");
  }
}

package io.sluice.lab.demo;

import io.sluice.cli.dashboard.LocalMesh;
import io.sluice.control.StateDirectory;
import io.sluice.lab.site.ControlProcess;
import io.sluice.lab.site.SitePod;
import io.sluice.mesh.IpAddresses;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * Who is where in a demo of two nodes. Each node has a network of its own; a third one joins the
 * nodes, and on it are the controller and the bank, which is outside the mesh.
 *
 * @param demo names and paths
 */
record NodesPlan(DemoPlan demo) {
  private static final int CONTROLLER_NUMBER = 200;
  private static final int FIRST_UPLINK_NUMBER = 10;

  /** The network of a node, or the one between them. */
  private enum Network {
    A(2),
    B(3),
    LINK(9);

    private final int number;

    Network(int number) {
      this.number = number;
    }

    InetAddress address(IpFamily family, int host) {
      return IpAddresses.parse(
          switch (family) {
            case IPV4 -> "10.83." + number + "." + host;
            case IPV6 -> "fd5d:5c1e:0:" + number + "::" + Integer.toHexString(host);
          });
    }
  }

  List<DemoNode> nodes() {
    return demo.several();
  }

  DemoNode a() {
    return nodes().getFirst();
  }

  DemoNode b() {
    return nodes().getLast();
  }

  /** The node that runs the pod: the buyer and the first store on one, what they call on both. */
  DemoNode nodeOf(DemoPod pod) {
    return switch (pod) {
      case BUYER, THIEF, STORE_V1 -> a();
      case STORE_V2, WAREHOUSE -> b();
      case BANK -> throw new IllegalArgumentException("the bank is on no node");
    };
  }

  List<DemoPod> podsOf(DemoNode node) {
    return DemoPod.enrolled().stream().filter(pod -> nodeOf(pod).equals(node)).toList();
  }

  InetAddress address(DemoPod pod, IpFamily family) {
    Network network = pod == DemoPod.BANK ? Network.LINK : networkOf(nodeOf(pod));
    return network.address(family, pod.number());
  }

  private Network networkOf(DemoNode node) {
    return node.equals(a()) ? Network.A : Network.B;
  }

  /** The node itself, as its pods reach it. */
  InetAddress gateway(DemoNode node, IpFamily family) {
    return networkOf(node).address(family, 1);
  }

  /** All its pods. */
  String networkText(DemoNode node, IpFamily family) {
    return IpAddresses.text(networkOf(node).address(family, 0)) + "/" + family.prefixLength();
  }

  /** The node itself, as others on the link reach it. */
  InetAddress uplink(DemoNode node, IpFamily family) {
    return Network.LINK.address(family, FIRST_UPLINK_NUMBER + networkOf(node).ordinal());
  }

  InetAddress controller(IpFamily family) {
    return Network.LINK.address(family, CONTROLLER_NUMBER);
  }

  /** The store on the other node than the buyer's, past the service. */
  InetSocketAddress remoteStore(IpFamily family) {
    return new InetSocketAddress(address(DemoPod.STORE_V2, family), DemoPlan.STORE_PORT);
  }

  private Path controlState() {
    return demo.directory().resolve("control").resolve("state");
  }

  /** What is said of the whole mesh by its controller, and by both nodes. */
  LocalMesh mesh() {
    return new LocalMesh(StateDirectory.at(controlState()), Set.of());
  }

  /** Leaves live a minute, the shortest time there is, so that the demo sees a renewal. */
  ControlProcess controlProcess() {
    return new ControlProcess(
        new SitePod("control", demo.controlNetwork(), 0),
        controller(IpFamily.IPV6),
        ControlProcess.folder(demo.registry()),
        controlState(),
        List.of("--leaf-lifetime", "60s"));
  }

  /** SPIFFE ID of a pod. */
  String identity(DemoPod pod) {
    return "spiffe://cluster.local/ns/" + DemoPlan.MESH_NAMESPACE + "/sa/" + pod.app();
  }
}

package io.sluice.node.enrolment;

import io.sluice.interception.PodNetwork;
import io.sluice.interception.PodNetworkReader;
import io.sluice.interception.PodPlacement;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Resolvers;
import io.sluice.mesh.Workload;
import io.sluice.node.placement.PodNamespaces;
import io.sluice.node.placement.PodNamespaces.FoundNamespace;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;

/** What a pod is to be enrolled with, looked at from inside it. For one thread at a time. */
final class Placements {
  private static final System.Logger LOG = System.getLogger(Placements.class.getName());

  private final PodNamespaces places;
  private final PodNetworkReader networks;
  private DatagramPolicy datagrams = new DatagramPolicy(MeshSnapshot.EMPTY);

  Placements(PodNamespaces places, PodNetworkReader networks) {
    this.places = places;
    this.networks = networks;
  }

  /** What UDPRoutes of the snapshot grant; worked out once for each. */
  DatagramPolicy datagrams(MeshSnapshot current) {
    if (datagrams.snapshot() != current) {
      datagrams = new DatagramPolicy(current);
    }
    return datagrams;
  }

  /**
   * Enters the namespace; {@code given} are the addresses that plugins gave the pod.
   *
   * @throws RuntimeException when the pod cannot be looked at, or may not be enrolled
   */
  PodPlacement of(
      Workload workload,
      Path path,
      NetnsHandle netns,
      long cookie,
      List<InetAddress> given,
      MeshSnapshot current) {
    return of(
        workload,
        path,
        netns,
        cookie,
        networks.read(
            netns, workload.addresses(), given, workload.interception().interfaceExclusions()),
        current);
  }

  /**
   * The same with the network as it was last seen.
   *
   * @throws RuntimeException when the pod may not be enrolled so
   */
  PodPlacement again(PodPlacement before, Workload workload, MeshSnapshot current) {
    return of(workload, before.path(), before.netns(), before.cookie(), before.network(), current);
  }

  private PodPlacement of(
      Workload workload,
      Path path,
      NetnsHandle netns,
      long cookie,
      PodNetwork network,
      MeshSnapshot current) {
    return new PodPlacement(
            workload.name(),
            path,
            netns,
            cookie,
            network,
            workload
                .interception()
                .withResolvers(Resolvers.of(current, workload))
                .isolating(current.settings().isolated()),
            current.settings().permissive(),
            workload.probePorts(),
            datagrams(current).of(workload))
        .requireShare();
  }

  /** Looks where the workload is and what it has, and keeps only what costs most to look for. */
  void lookAhead(Workload workload, MeshSnapshot expected) {
    try {
      FoundNamespace found = places.open(workload);
      try (NetnsHandle netns = found.netns()) {
        PodPlacement _ =
            of(workload, found.path(), netns, netns.cookie(), found.addresses(), expected);
      }
    } catch (RuntimeException e) {
      // Whatever is wrong with it is told when it is to be enrolled.
      LOG.log(System.Logger.Level.DEBUG, "pod_not_seen_ahead pod=" + workload.name(), e);
    }
  }
}

package io.sluice.kernel;

import io.sluice.kernel.FlowClient.Seen;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.SteeredPod;
import io.sluice.mesh.decision.Steering;
import io.sluice.mesh.decision.Transport;
import io.sluice.mesh.decision.Verdict;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;

/** What the model says about flows of one pod under one setting, in one mechanism. */
record FlowModel(Mechanism mechanism, SteeredPod pod) {
  private static final String LOOPBACK = "lo";

  /** The verdict that is to be counted; empty when none is. */
  Optional<Verdict> verdict(Flow flow) {
    if (flow.direction() == Direction.INBOUND) {
      return Steering.inbound(pod, flow.transport(), flow.source(), flow.destination());
    }
    if (!mechanism.decidesBeforeRouting() && !hasRoute(flow)) {
      return Optional.empty();
    }
    if (!mechanism.decidesBeforeRouting() && flow.transport() == Transport.UDP && strays(flow)) {
      return Optional.empty(); // one rule, and another verdict: see FlowSite
    }
    return Optional.of(
        Steering.outbound(pod, flow.transport(), interfaceOf(flow), destinationOf(flow)));
  }

  /** Whether it is for the pod itself, and would leave by the interface that it is bound to. */
  private boolean strays(Flow flow) {
    if (!flow.isBoundToDevice() || flow.device().equals(LOOPBACK)) {
      return false;
    }
    InetAddress destination = destinationOf(flow).getAddress();
    return isLoopback(destination)
        || pod.isOwn(destination)
            && pod.interfaces().stream()
                .filter(each -> each.name().equals(flow.device()))
                .noneMatch(each -> each.addresses().contains(destination));
  }

  /** IPv4 takes everything for a neighbour of the interface that a socket is bound to. */
  private static boolean hasRoute(Flow flow) {
    InetAddress destination = flow.destination().getAddress();
    return !flow.device().equals(LOOPBACK)
        || isLoopback(destination)
        || Family.of(destination) == Family.IPV4;
  }

  /** Routing takes 0.0.0.0 for the source address, and for loopback where there is none. */
  private InetSocketAddress destinationOf(Flow flow) {
    InetSocketAddress asked = flow.destination();
    if (mechanism.decidesBeforeRouting()
        || !asked.getAddress().isAnyLocalAddress()
        || Family.of(asked.getAddress()) == Family.IPV6) {
      return asked;
    }
    InetAddress source =
        pod.interfaces().stream()
            .filter(each -> each.name().equals(flow.device()))
            .flatMap(each -> each.addresses().stream())
            .filter(address -> Family.of(address) == Family.IPV4)
            .findFirst()
            .orElse(flow.source());
    return new InetSocketAddress(source, asked.getPort());
  }

  /** An unspecified destination is one, too. */
  private static boolean isLoopback(InetAddress destination) {
    return destination.isLoopbackAddress() || destination.isAnyLocalAddress();
  }

  /** What the client is to see; unwatched where no answer could reach it whatever the verdict. */
  Seen seen(Flow flow) {
    Optional<Verdict> verdict = verdict(flow);
    boolean tcp = flow.transport() == Transport.TCP;
    if (flow.direction() == Direction.INBOUND) {
      return tcp ? seenFromOutside(verdict.map(Verdict::outcome).orElseThrow()) : Seen.SENT;
    }
    if (!hasWayBack(flow)) {
      return Seen.UNWATCHED;
    }
    return switch (verdict.map(Verdict::outcome).orElseThrow()) {
      case REFUSED -> Seen.REFUSED;
      case REDIRECTED, ALLOWED ->
          pod.settings().isolates(flow.destination().getAddress())
              ? Seen.RESET
              : Seen.ANSWERED_THROUGH_PROXY;
      case PASSTHROUGH -> tcp ? Seen.ANSWERED : Seen.SENT;
    };
  }

  private Seen seenFromOutside(Outcome outcome) {
    if (outcome == Outcome.PASSTHROUGH) {
      return Seen.ANSWERED;
    } else if (!pod.permissive()) {
      return Seen.RESET; // the policy of the proxy: the source is not in the mesh
    }
    return mechanism.showsPortsOfClients() ? Seen.ANSWERED : Seen.ANSWERED_THROUGH_PROXY;
  }

  /** Whether an echo request there leaves the pod, and by the interface that its socket names. */
  boolean canBePinged(Flow flow) {
    InetAddress destination = flow.destination().getAddress();
    return Family.of(destination) == flow.socketFamily()
        && !isLoopback(destination)
        && !pod.isOwn(destination)
        && !flow.device().equals(LOOPBACK);
  }

  /** The verdict of an echo request to the flow's destination. */
  Verdict ping(Flow flow, int payloadBytes) {
    String way = flow.isBoundToDevice() ? flow.device() : interfaceTowards(flow);
    return Steering.ping(pod, way, flow.destination().getAddress(), payloadBytes);
  }

  /** The documented exception: rules see the interface that a packet leaves by, bound or not. */
  private String interfaceOf(Flow flow) {
    return flow.isBoundToDevice() || mechanism.decidesBeforeRouting()
        ? flow.device()
        : interfaceTowards(flow);
  }

  private String interfaceTowards(Flow flow) {
    InetAddress destination = flow.destination().getAddress();
    return pod.interfaces().stream()
        .filter(each -> each.onLink().stream().anyMatch(range -> range.contains(destination)))
        .map(SteeredPod.Interface::name)
        .findFirst()
        .orElse(FlowSite.PRIMARY);
  }

  /** Bound to an interface, a socket does not reach what lies behind another one. */
  private boolean hasWayBack(Flow flow) {
    if (!flow.isBoundToDevice()) {
      return true;
    }
    InetAddress destination = flow.destination().getAddress();
    return flow.device().equals(LOOPBACK)
        ? isLoopback(destination)
        : !isLoopback(destination) && !pod.isOwn(destination);
  }
}

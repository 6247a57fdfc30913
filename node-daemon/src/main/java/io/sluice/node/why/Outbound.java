package io.sluice.node.why;

import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.LoopbackRange;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Resolvers;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;

/**
 * What interception makes of a TCP connection that an enrolled pod opens, asked in the order of
 * docs/interception.md.
 *
 * @param outcome passthrough, or refused
 * @param reason why
 */
record Outbound(Outcome outcome, Reason reason) {
  /** Empty where it is redirected, as connections usually are. */
  static Optional<Outbound> left(MeshSnapshot snapshot, Workload own, InetSocketAddress called) {
    InetAddress address = called.getAddress();
    InterceptionSettings settings = own.interception();
    if (LoopbackRange.isLoopback(address) || address.isAnyLocalAddress()) {
      return passes(Reason.LOOPBACK);
    }
    if (own.addresses().contains(address)) {
      return passes(Reason.SELF);
    }
    boolean asksResolver =
        called.getPort() == MeshPorts.DNS
            && Resolvers.of(snapshot, own).stream().anyMatch(range -> range.contains(address));
    if (!asksResolver && settings.refusedMetadata().contains(address)) {
      return Optional.of(new Outbound(Outcome.REFUSED, Reason.METADATA_REFUSED));
    }
    if (address.isLinkLocalAddress()) {
      return passes(Reason.LINK_LOCAL);
    }
    if (settings.outboundPortExclusions().contains(called.getPort())) {
      return passes(Reason.EXCLUDED_PORT);
    }
    if (range(settings.outboundRangeExclusions(), address).isPresent()) {
      return passes(Reason.EXCLUDED_RANGE);
    }
    if (!settings.outboundRangeInclusions().isEmpty()
        && range(settings.outboundRangeInclusions(), address).isEmpty()) {
      return passes(Reason.NOT_INCLUDED);
    }
    return Optional.empty();
  }

  private static Optional<Outbound> passes(Reason reason) {
    return Optional.of(new Outbound(Outcome.PASSTHROUGH, reason));
  }

  /** The first of the ranges that holds the address, as it is written. */
  static Optional<String> range(List<Cidr> ranges, InetAddress address) {
    return ranges.stream()
        .filter(range -> range.contains(address))
        .map(range -> range.toString())
        .findFirst();
  }

  /** Whether it never leaves the pod. */
  boolean staysInside() {
    return reason == Reason.LOOPBACK || reason == Reason.SELF;
  }

  /** Half a sentence. */
  String text(InetSocketAddress called) {
    return IpAddresses.text(called) + " is not intercepted: " + reason.explanation();
  }
}

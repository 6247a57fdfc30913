package io.sluice.interception;

import io.sluice.iptables.CountedVerdict;
import io.sluice.iptables.PodRedirection;
import io.sluice.iptables.PodTraffic;
import io.sluice.iptables.RulesProof;
import io.sluice.iptables.RulesetGeneration;
import io.sluice.iptables.ShownClients;
import io.sluice.linux.socket.FamilyPorts;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ListenerFd;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The rules of a pod whose listeners are open. Whenever they are known to be whole, a proof of it
 * is left with the pod's record, by which the next daemon takes them as they are. Counts are read
 * on any thread, the rest is for one.
 *
 * <p>The proxy's own sockets are the outbound mechanism's, so rules that take what leaves also see
 * to it that the application is shown the true client.
 */
final class RulesInForce implements AutoCloseable {
  private final EnrolledRecords records;
  private final PresentedClients clients;
  private final PodRedirection redirection;
  private final RulesetGeneration generation;
  private final ShownClients shown;
  private final Set<Direction> directions;
  private final FamilyPorts outboundPorts;
  private final FamilyPorts inboundPorts;
  private PodPlacement pod;
  private String wanted = "";
  private OptionalInt intactAt = OptionalInt.empty();

  /** Writes nothing yet; owns {@code redirection}, {@code generation} and {@code shown}. */
  RulesInForce(
      EnrolledRecords records,
      PresentedClients clients,
      PodRedirection redirection,
      RulesetGeneration generation,
      ShownClients shown,
      Set<Direction> directions,
      List<ListenerFd> listeners,
      PodPlacement pod) {
    this.records = records;
    this.clients = clients;
    this.redirection = redirection;
    this.generation = generation;
    this.shown = shown;
    this.directions = directions;
    this.outboundPorts = PodListenerSockets.ports(listeners, Direction.OUTBOUND);
    this.inboundPorts = PodListenerSockets.ports(listeners, Direction.INBOUND);
    this.pod = pod;
  }

  /**
   * Makes the rules those that the pod is to have. Rules that an earlier daemon left for the same
   * traffic and that nobody has changed stay as they are: writing one pod's anew takes some
   * processes.
   */
  void begin() {
    PodTraffic traffic = traffic();
    Optional<RulesProof> proof =
        records.read(pod.cookie()).flatMap(EnrolledRecords.Enrolled::proof);
    if (proof.isPresent() && showsClients() && adopts(traffic, proof.get(), true)) {
      clients.found(pod.cookie());
      return;
    }
    if (showsClients()) {
      clients.raise(pod);
    }
    boolean possible = clients.isPossible(pod.cookie());
    if (proof.isEmpty() || possible || !adopts(traffic, proof.get(), false)) {
      records.write(pod.name(), pod.path(), pod.cookie());
      wanted = redirection.digest(traffic, possible);
      apply(traffic);
    }
  }

  /** Takes the rules as they are, if they are those of the proof and the ones wanted. */
  private boolean adopts(PodTraffic traffic, RulesProof proof, boolean clientsShown) {
    OptionalInt now = generation.current();
    if (now.isEmpty()
        || proof.generation() != now.getAsInt()
        || !proof.wanted().equals(redirection.digest(traffic, clientsShown))) {
      return false;
    }
    redirection.adopt(traffic, proof.present());
    wanted = proof.wanted();
    intactAt = now;
    records.write(pod.name(), pod.path(), pod.cookie(), Optional.of(proof));
    return true;
  }

  /** Makes the rules those of the same pod as it is now. */
  void update(PodPlacement present) {
    pod = present;
    if (showsClients()) {
      clients.raise(pod);
    }
    PodTraffic traffic = traffic();
    wanted = redirection.digest(traffic, clients.isPossible(pod.cookie()));
    apply(traffic);
  }

  private boolean showsClients() {
    return directions.contains(Direction.OUTBOUND);
  }

  private PodTraffic traffic() {
    PodNetwork network = pod.network();
    return new PodTraffic(
        pod.settings(),
        new PodTraffic.Probes(pod.probePorts(), network.nodeAddresses()),
        network.primary(),
        network.own(),
        network.excludedAddresses(),
        network.excludedRanges(),
        network.excludedInterfaces(),
        network.otherInterfaces(),
        pod.permissive(),
        true,
        network.ipv6(),
        outboundPorts,
        inboundPorts,
        directions);
  }

  /** Rules that were all written anew, and read back, need no second look. */
  private void apply(PodTraffic traffic) {
    intactAt = OptionalInt.empty();
    OptionalInt[] writtenAt = {OptionalInt.empty()};
    redirection.apply(traffic, () -> writtenAt[0] = generation.current());
    if (redirection.isNftables()) {
      foundIntact(writtenAt[0]);
    }
  }

  /** Asks the kernel for a number, and runs programs only when it has changed. */
  boolean isIntact() {
    OptionalInt now = redirection.isNftables() ? generation.current() : OptionalInt.empty();
    if (now.isPresent() && now.equals(intactAt)) {
      return true;
    }
    boolean intact = redirection.isIntact();
    foundIntact(intact ? now : OptionalInt.empty());
    return intact;
  }

  /** Whether what shows the true client stands where it was raised; asks without a program. */
  boolean showsClientsAsRaised() {
    return !clients.isPossible(pod.cookie()) || shown.stand(PresentedClients.families(pod));
  }

  private void foundIntact(OptionalInt at) {
    intactAt = at;
    Optional<String> present = at.isPresent() ? redirection.presentDigest() : Optional.empty();
    present.ifPresent(digest ->
        records.write(
            pod.name(),
            pod.path(),
            pod.cookie(),
            Optional.of(new RulesProof(at.getAsInt(), wanted, digest))));
  }

  List<CountedVerdict> verdicts() {
    return redirection.verdicts();
  }

  /** Takes nothing new; what is open is translated, and shown its client, until {@link #remove}. */
  void detach() {
    redirection.detach();
  }

  void remove() {
    redirection.remove();
    clients.lower(pod.cookie(), pod.netns());
  }

  /** Leaves the rules in place. */
  @Override
  public void close() {
    redirection.close();
    generation.close();
    shown.close();
  }
}

package io.sluice.interception;

import io.sluice.interception.DatagramGrants.Granted;
import io.sluice.interception.EnrolledRecords.Enrolled;
import io.sluice.iptables.ArrivingDatagrams;
import io.sluice.iptables.ClientAddresses;
import io.sluice.iptables.ClientAddresses.ShownClients;
import io.sluice.iptables.CountedVerdict;
import io.sluice.iptables.PodRedirection;
import io.sluice.iptables.PodTraffic;
import io.sluice.iptables.PodTraffic.Datagram;
import io.sluice.iptables.RedirectionException;
import io.sluice.iptables.RulesProof;
import io.sluice.iptables.RulesetGeneration;
import io.sluice.linux.LinuxException;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.netns.NetworkNamespaces;
import io.sluice.linux.socket.FamilyPorts;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.ListenerFd;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The rules of a pod whose listeners are open. Whenever they are known to be whole, a proof of it
 * is left with the pod's record, by which the next daemon takes them as they are. Counts are read
 * on any thread, the rest is for one.
 *
 * <p>The proxy's own sockets are the outbound mechanism's, so rules that take what leaves also see
 * to it that the application is shown the true client.
 */
final class RulesInForce implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(RulesInForce.class.getName());

  /** Between two tables for the sake of who is of the mesh: each takes a process. */
  private static final long PEERS_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final EnrolledRecords records;
  private final PresentedClients clients;
  private final PodRedirection redirection;
  private final RulesetGeneration generation;
  private final ShownClients shown;
  private final Supplier<MeshAddresses> peers;
  private final Set<Direction> directions;
  private final FamilyPorts outboundPorts;
  private final FamilyPorts inboundPorts;
  private PodPlacement pod;
  private Set<Datagram> datagrams; // that the pod is granted
  private String wanted = "";
  private @Nullable ArrivingDatagrams asked; // by the table that this daemon has raised
  private MeshAddresses followed = MeshAddresses.NONE; // of which it knows
  private long askedNanos;
  private final Map<Refusal, Long> former = new ConcurrentHashMap<>(); // of tables before that
  private volatile OptionalInt intactAt = OptionalInt.empty();

  private record Refusal(Family family, boolean forged) {}

  /**
   * Addresses of the mesh.
   *
   * @param complete whether they are all, as far as a registry says that was read to its end
   */
  record MeshAddresses(Set<InetAddress> all, boolean complete) {
    /** Before anything is known. */
    static final MeshAddresses NONE = new MeshAddresses(Set.of(), false);
  }

  /** Writes nothing yet; owns {@code redirection}, {@code generation} and {@code shown}. */
  RulesInForce(
      EnrolledRecords records,
      PresentedClients clients,
      PodRedirection redirection,
      RulesetGeneration generation,
      ShownClients shown,
      Supplier<MeshAddresses> peers,
      Set<Direction> directions,
      List<ListenerFd> listeners,
      PodPlacement pod) {
    this.records = records;
    this.clients = clients;
    this.redirection = redirection;
    this.generation = generation;
    this.shown = shown;
    this.peers = peers;
    this.directions = directions;
    this.outboundPorts = PodListenerSockets.ports(listeners, Direction.OUTBOUND);
    this.inboundPorts = PodListenerSockets.ports(listeners, Direction.INBOUND);
    this.pod = pod;
    this.datagrams = datagrams(pod);
  }

  /**
   * Makes the rules those that the pod is to have. Rules that an earlier daemon left for the same
   * traffic and that nobody has changed stay as they are: writing one pod's anew takes some
   * processes.
   */
  void begin() {
    PodTraffic traffic = traffic();
    Optional<Enrolled> left = records.read(pod.cookie());
    Optional<RulesProof> proof = left.flatMap(Enrolled::proof);
    if (proof.isPresent() && showsClients() && adopts(traffic, proof.get(), true)) {
      clients.found(pod.cookie(), true);
      return;
    }
    raise();
    boolean possible = clients.isPossible(pod.cookie());
    if (proof.isEmpty() || possible || !adopts(traffic, proof.get(), false)) {
      // Before the rules: none are to stand without a record.
      if (left.filter(Enrolled::inForce).isPresent()) {
        records.write(pod.name(), pod.path(), pod.cookie());
      } else {
        records.begin(pod.name(), pod.path(), pod.cookie());
      }
      wanted = redirection.digest(traffic, possible);
      apply(traffic);
      if (!records.wasInForce(pod.cookie())) { // no proof was written instead
        records.write(pod.name(), pod.path(), pod.cookie());
      }
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
    if (!present.path().equals(pod.path()) || !present.name().equals(pod.name())) {
      intactAt = OptionalInt.empty(); // so that the record, which has both, is written anew
    }
    pod = present;
    datagrams = datagrams(present);
    raise();
    PodTraffic traffic = traffic();
    String before = wanted;
    wanted = redirection.digest(traffic, clients.isPossible(pod.cookie()));
    if (!wanted.equals(before) || !isIntact()) {
      apply(traffic);
    }
  }

  private synchronized void raise() {
    if (!showsClients()) {
      return;
    }
    MeshAddresses known = peers.get();
    if (holdsBack(known) && shown.askDatagrams(!pod.permissive())) {
      clients.found(pod.cookie(), shown.stand(PresentedClients.families(pod)));
      return; // who is not known yet would be taken for a stranger
    }
    ArrivingDatagrams datagrams = arriving(known);
    if (clients.isPossible(pod.cookie())
        && shown.wereRaisedFor(datagrams)
        && shown.askDatagrams(!pod.permissive())
        && shown.stand(PresentedClients.families(pod))) {
      raised(datagrams, known);
      return;
    }
    Map<Refusal, Long> counts = counted();
    if (clients.raise(pod, datagrams)) {
      counts.forEach((refusal, count) -> former.merge(refusal, count, Long::sum));
      raised(datagrams, known);
    }
  }

  /** Whether an earlier daemon may have known more. */
  private boolean holdsBack(MeshAddresses known) {
    return asked == null && !known.complete();
  }

  private void raised(ArrivingDatagrams datagrams, MeshAddresses known) {
    asked = datagrams;
    followed = known;
    askedNanos = System.nanoTime();
  }

  /** Of the table that stands, whose counters begin anew in the one that replaces it. */
  private Map<Refusal, Long> counted() {
    Map<Refusal, Long> counts = new HashMap<>();
    for (Family family : Family.values()) {
      counts.put(new Refusal(family, false), shown.refused(family));
      counts.put(new Refusal(family, true), shown.forged(family));
    }
    return counts;
  }

  private ArrivingDatagrams arriving(MeshAddresses known) {
    if (pod.permissive()) {
      return ArrivingDatagrams.NOT_ASKED;
    }
    PodNetwork network = pod.network();
    InterceptionSettings settings = pod.settings();
    Set<InetAddress> own = new HashSet<>(network.own());
    own.addAll(network.excludedAddresses());
    Set<InetAddress> others = new HashSet<>(known.all());
    others.removeAll(own);
    Set<Datagram> granted = new HashSet<>(datagrams);
    Set<InetAddress> resolvers = new HashSet<>();
    for (InetAddress other : others) {
      if (isLeftAlone(other)) {
        granted.add(new Datagram(Direction.OUTBOUND, other, 0));
      }
      if (settings.isResolver(other)) {
        resolvers.add(other);
      }
    }
    Set<Integer> open = new HashSet<>(settings.inboundPortExclusions());
    if (network.own().stream().anyMatch(settings::isResolver)) {
      open.add(MeshPorts.DNS); // asked for names by pods of the mesh without a grant
    }
    return new ArrivingDatagrams(
        true,
        own,
        others,
        resolvers,
        granted,
        settings.outboundPortExclusions(),
        open,
        network.excludedAddresses(),
        network.excludedInterfaces());
  }

  private boolean isLeftAlone(InetAddress address) {
    List<Cidr> included = pod.settings().outboundRangeInclusions();
    return pod.settings().outboundRangeExclusions().stream().anyMatch(one -> one.contains(address))
        || pod.network().excludedRanges().stream().anyMatch(one -> one.contains(address))
        || (!included.isEmpty() && included.stream().noneMatch(one -> one.contains(address)));
  }

  /**
   * Lets the pod know who is of the mesh now, not too often: whoever is new is held to what it may
   * send by its own node, and whoever is gone is refused a while longer. Also where an earlier
   * daemon has left its rules.
   */
  synchronized void followPeers() {
    MeshAddresses known = peers.get();
    if (!clients.hasTable(pod.cookie())
        || known.equals(followed)
        || holdsBack(known)
        || (followed.complete() && System.nanoTime() - askedNanos < PEERS_NANOS)) {
      return;
    }
    ArrivingDatagrams wanted = arriving(known);
    if (wanted.equals(asked) || (asked == null && shown.wereRaisedFor(wanted))) {
      raised(wanted, known);
      return;
    }
    Map<Refusal, Long> counts = counted();
    try {
      ClientAddresses.raise(pod.netns(), wanted);
      counts.forEach((refusal, count) -> former.merge(refusal, count, Long::sum));
      raised(wanted, known);
    } catch (RedirectionException e) {
      // What was asked before still is; the look that follows tells what has gone.
      LOG.log(System.Logger.Level.DEBUG, "datagram_peers_not_followed pod=" + pod.name(), e);
      askedNanos = System.nanoTime();
    }
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
        network.ipv6(),
        outboundPorts,
        inboundPorts,
        directions,
        datagrams);
  }

  /** Each is a rule, so that many are left out: those are refused. */
  private static Set<Datagram> datagrams(PodPlacement pod) {
    String own = pod.name().namespace();
    Map<Datagram, String> all = new LinkedHashMap<>(); // with whose they are
    for (Granted granted : pod.datagrams().granted()) {
      granted.addresses().stream()
          .sorted(Comparator.comparing(InetAddress::getHostAddress))
          .map(address -> new Datagram(granted.direction(), address, granted.port()))
          .forEach(one -> all.putIfAbsent(one, granted.namespace(own)));
    }
    if (all.size() > PodTraffic.MAX_DATAGRAMS) {
      LOG.log(
          System.Logger.Level.WARNING,
          "datagram_rules_left_out pod={0} problem={1}",
          pod.name(),
          all.size() + " are granted, by address, and rules hold " + PodTraffic.MAX_DATAGRAMS);
    }
    return Set.copyOf(DatagramGrants.share(all.keySet(), all::get, own, PodTraffic.MAX_DATAGRAMS));
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
    return (!clients.hasTable(pod.cookie()) || shown.askDatagrams(!pod.permissive()))
        && (!clients.isPossible(pod.cookie()) || shown.stand(PresentedClients.families(pod)));
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

  /** Since the rules were found intact; any thread. */
  private boolean isUnchanged() {
    OptionalInt at = intactAt;
    return at.isPresent() && at.equals(generation.current());
  }

  List<CountedVerdict> verdicts() {
    List<CountedVerdict> verdicts = new ArrayList<>(redirection.verdicts(this::isUnchanged));
    addDatagrams(verdicts);
    return verdicts;
  }

  private synchronized void addDatagrams(List<CountedVerdict> verdicts) {
    for (Family family : Family.values()) {
      for (boolean forged : List.of(false, true)) {
        long now = forged ? shown.forged(family) : shown.refused(family);
        long count = former.getOrDefault(new Refusal(family, forged), 0L) + now;
        if (count > 0) {
          verdicts.add(
              new CountedVerdict(
                  forged ? Direction.OUTBOUND : Direction.INBOUND,
                  family,
                  Outcome.REFUSED,
                  forged ? Reason.FORWARDED : Reason.DATAGRAM_REFUSED,
                  count));
        }
      }
    }
  }

  /** Takes nothing new; what is open is translated, and shown its client, until {@link #remove}. */
  void detach() {
    redirection.detach();
    if (clients.hasTable(pod.cookie())) {
      ClientAddresses.raise(pod.netns(), ArrivingDatagrams.NOT_ASKED);
    }
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

  /**
   * The pods with rules whose applications see the true client. Where the kernel cannot, they see
   * the pod itself: that is told in the log, once for each pod. {@link #isPossible} may be asked by
   * any thread, the rest by one at a time, on platform threads.
   */
  static final class PresentedClients {
    private static final System.Logger LOG = System.getLogger(PresentedClients.class.getName());

    private final NetworkNamespaces namespaces;
    private final Set<Long> possible = ConcurrentHashMap.newKeySet();
    private final Set<Long> tables = new HashSet<>();
    private final Set<Long> refused = new HashSet<>();

    PresentedClients(NetworkNamespaces namespaces) {
      this.namespaces = namespaces;
    }

    /** Whether the proxy may connect to that pod's application from addresses of others. */
    boolean isPossible(long cookie) {
      return possible.contains(cookie);
    }

    /** Whether the pod has the table that asks about datagrams, by which it may be possible. */
    boolean hasTable(long cookie) {
      return tables.contains(cookie);
    }

    /** What an earlier daemon made stands, and whether by it this is possible. */
    void found(long cookie, boolean isPossible) {
      tables.add(cookie);
      if (isPossible) {
        possible.add(cookie);
      }
    }

    /**
     * Makes it possible for a pod that is about to be in force, or renews it, if it can. Returns
     * whether datagrams are asked about so.
     */
    boolean raise(PodPlacement pod, ArrivingDatagrams datagrams) {
      boolean isAsked = false;
      try {
        ClientAddresses.raise(pod.netns(), datagrams);
        tables.add(pod.cookie());
        isAsked = true;
        ClientAddresses.lead(namespaces, pod.netns(), families(pod));
        possible.add(pod.cookie());
      } catch (RedirectionException | LinuxException e) {
        possible.remove(pod.cookie());
        if (refused.add(pod.cookie())) {
          LOG.log(
              System.Logger.Level.WARNING,
              "true_client_not_shown pod={0} problem={1}",
              pod.name(),
              e.getMessage());
        }
      }
      return isAsked;
    }

    /** For which families {@link #raise} makes it possible. */
    static Set<Family> families(PodPlacement pod) {
      return pod.network().ipv6() ? Set.of(Family.values()) : Set.of(Family.IPV4);
    }

    /**
     * Takes it away from a pod whose connections are no longer translated, so that none rests on
     * it.
     */
    void lower(long cookie, NetnsHandle netns) {
      refused.remove(cookie);
      possible.remove(cookie);
      tables.remove(cookie);
      ClientAddresses.lower(namespaces, netns);
    }
  }
}

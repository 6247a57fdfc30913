package io.sluice.interception;

import io.sluice.interception.maps.AddressKey;
import io.sluice.interception.maps.CounterKey;
import io.sluice.interception.maps.InterfaceRuleKey;
import io.sluice.interception.maps.PodAddressKey;
import io.sluice.interception.maps.PodConnectionsValue;
import io.sluice.interception.maps.PodKey;
import io.sluice.interception.maps.PodNameValue;
import io.sluice.interception.maps.PortRuleKey;
import io.sluice.interception.maps.RangeRuleKey;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the shared maps hold of each pod. Changes are made without a gap: a flow never meets a state
 * in which neither the old nor the new rule exists. What is written costs the same on a node with
 * many pods; only what the programs have counted of one that leaves is searched for. For one
 * thread.
 */
final class PodEntries {
  private static final RandomGenerator ENROLMENTS = RandomGenerator.getDefault();

  /**
   * How long it is believed what was read. A daemon that has given up its place may end its last
   * step after that, and whoever may write here can.
   */
  private static final long BELIEVED_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final SluiceMaps maps;
  private final DatagramRules datagrams;
  private final LongSupplier nanoTime;
  private final KnownEntries<PodAddressKey, Integer> addresses;
  private final KnownEntries<RangeRuleKey, Integer> ranges;
  private final KnownEntries<PortRuleKey, Integer> ports;
  private final KnownEntries<PortRuleKey, Integer> probes;
  private final KnownEntries<InterfaceRuleKey, Integer> interfaces;
  private final List<KnownEntries<?, Integer>> all;

  /** Own addresses of each pod, in the order in which this daemon has met the pods. */
  private final Map<PodKey, Set<AddressKey>> claims = new LinkedHashMap<>();

  /** Which pod has an address; null until it was read. */
  private @Nullable Map<AddressKey, PodKey> owners;

  private long readNanos;

  PodEntries(SluiceMaps maps, DatagramRules datagrams, LongSupplier nanoTime) {
    this.maps = maps;
    this.datagrams = datagrams;
    this.nanoTime = nanoTime;
    this.readNanos = nanoTime.getAsLong();
    this.addresses = new KnownEntries<>(maps.podAddresses(), PodAddressKey::netnsCookie);
    this.ranges = new KnownEntries<>(maps.rangeRules(), RangeRuleKey::netnsCookie);
    this.ports = new KnownEntries<>(maps.portRules(), PortRuleKey::netnsCookie);
    this.probes = new KnownEntries<>(maps.probePorts(), PortRuleKey::netnsCookie);
    this.interfaces = new KnownEntries<>(maps.interfaceRules(), InterfaceRuleKey::netnsCookie);
    this.all = List.of(addresses, ranges, ports, probes, interfaces);
  }

  /**
   * Everything but what puts the pod in force.
   *
   * @throws InterceptionException when the node has as many pods as the maps take
   */
  void write(PodPlacement pod, PodRules rules) {
    PodKey key = new PodKey(pod.cookie());
    distrustInTime();
    name(pod, key);
    maps.podConnections().putIfAbsent(key, PodConnectionsValue.none(ENROLMENTS.nextInt()));
    addresses.converge(pod.cookie(), rules.addresses());
    ranges.converge(pod.cookie(), rules.ranges());
    ports.converge(pod.cookie(), rules.ports());
    probes.converge(pod.cookie(), rules.probes());
    interfaces.converge(pod.cookie(), rules.interfaces());
    datagrams.grant(pod.cookie(), pod.datagrams());
    claim(key, pod.network().own().stream().map(AddressKey::new).collect(Collectors.toSet()));
  }

  /** Takes all of that away, when nothing has the pod in force any more. */
  void remove(long cookie) {
    PodKey key = new PodKey(cookie);
    distrustInTime();
    all.forEach(entries -> entries.converge(cookie, Map.of()));
    datagrams.forget(cookie);
    claim(key, Set.of());
    claims.remove(key);
    maps.podConnections().remove(key); // what it was opening goes with its sockets
    maps.nodeConnections()
        .forEach((connection, _) -> {
          if (connection.netnsCookie() == cookie) {
            maps.nodeConnections().remove(connection);
          }
        });
    List<CounterKey> counted = new ArrayList<>();
    maps.verdictCounters()
        .forEachSum((k, sum) -> {
          if (k.netnsCookie() == cookie) {
            counted.add(k);
          }
        });
    counted.forEach(maps.verdictCounters()::remove);
    maps.podNames().remove(key);
  }

  /** Before anything else: this map has an entry for each pod, and is full first. */
  private void name(PodPlacement pod, PodKey key) {
    try {
      maps.podNames().put(key, new PodNameValue(pod.name().namespace(), pod.name().name()));
    } catch (LinuxException e) {
      if (e.errno() != Errno.E2BIG) {
        throw e;
      }
      throw new InterceptionException(
          "a node takes %d enrolled pods at most".formatted(maps.mostPods()),
          "let fewer run here, by the kubelet's maxPods",
          e);
    }
  }

  private void distrustInTime() {
    long now = nanoTime.getAsLong();
    if (now - readNanos > BELIEVED_NANOS) {
      distrust();
      readNanos = now;
    }
  }

  /** The next change reads the maps again: somebody else has changed what is this daemon's. */
  void distrust() {
    all.forEach(KnownEntries::distrust);
    datagrams.distrust();
    owners = null;
  }

  /**
   * What a pod claims from now on. Who has an address keeps it as long as it is enrolled and claims
   * it; another one that claims it too gets it after that.
   */
  private void claim(PodKey pod, Set<AddressKey> claimed) {
    Set<AddressKey> open = new HashSet<>(claimed);
    Map<AddressKey, PodKey> known = owners;
    owners = null; // until all of it is done: it may fail half way
    if (known == null) {
      known = readOwners();
      open.addAll(known.keySet());
      claims.values().forEach(open::addAll);
    }
    open.addAll(claims.getOrDefault(pod, Set.of()));
    claims.put(pod, claimed);
    for (AddressKey address : open) {
      PodKey owner = known.get(address);
      if (owner != null && claims.getOrDefault(owner, Set.of()).contains(address)) {
        continue;
      }
      Optional<PodKey> heir = firstClaimant(address);
      if (heir.isPresent()) {
        maps.podByAddress().put(address, heir.get());
        known.put(address, heir.get());
      } else {
        maps.podByAddress().remove(address);
        known.remove(address);
      }
    }
    owners = known;
  }

  /** Pods of an earlier daemon claim what they have, until this one has looked at them. */
  private Map<AddressKey, PodKey> readOwners() {
    Map<AddressKey, PodKey> read = new HashMap<>(maps.podByAddress().snapshot());
    Map<PodKey, Set<AddressKey>> earlier = new HashMap<>();
    read.forEach((address, pod) -> earlier.computeIfAbsent(pod, _ -> new HashSet<>()).add(address));
    earlier.keySet().retainAll(maps.pods().snapshot().keySet());
    earlier.forEach(claims::putIfAbsent);
    return read;
  }

  private Optional<PodKey> firstClaimant(AddressKey address) {
    return claims.entrySet().stream()
        .filter(claim -> claim.getValue().contains(address))
        .map(Map.Entry::getKey)
        .findFirst();
  }
}

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
import io.sluice.linux.bpf.BpfMap;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the shared maps hold of each pod. Changes are made without a gap: a flow never meets a state
 * in which neither the old nor the new rule exists. Each map is read once, for a walk takes longer
 * with every pod of the node; from then on it holds what was written. For one thread.
 */
final class PodEntries {
  private static final RandomGenerator ENROLMENTS = RandomGenerator.getDefault();

  private final SluiceMaps maps;
  private final DatagramRules datagrams;
  private final Entries<PodAddressKey> addresses;
  private final Entries<RangeRuleKey> ranges;
  private final Entries<PortRuleKey> ports;
  private final Entries<PortRuleKey> probes;
  private final Entries<InterfaceRuleKey> interfaces;

  /** Own addresses of the pods that this daemon has prepared, in the order in which it has. */
  private final Map<PodKey, Set<AddressKey>> claims = new LinkedHashMap<>();

  /** Which pod has an address; null until it was read. */
  private @Nullable Map<AddressKey, PodKey> owners;

  PodEntries(SluiceMaps maps, DatagramRules datagrams) {
    this.maps = maps;
    this.datagrams = datagrams;
    this.addresses = new Entries<>(maps.podAddresses(), PodAddressKey::netnsCookie);
    this.ranges = new Entries<>(maps.rangeRules(), RangeRuleKey::netnsCookie);
    this.ports = new Entries<>(maps.portRules(), PortRuleKey::netnsCookie);
    this.probes = new Entries<>(maps.probePorts(), PortRuleKey::netnsCookie);
    this.interfaces = new Entries<>(maps.interfaceRules(), InterfaceRuleKey::netnsCookie);
  }

  /**
   * Everything but what puts the pod in force.
   *
   * @throws InterceptionException when the node has as many pods as the maps take
   */
  void write(PodPlacement pod, PodRules rules) {
    PodKey key = new PodKey(pod.cookie());
    name(pod, key);
    maps.podConnections().putIfAbsent(key, PodConnectionsValue.none(ENROLMENTS.nextInt()));
    addresses.converge(pod.cookie(), rules.addresses());
    ranges.converge(pod.cookie(), rules.ranges());
    ports.converge(pod.cookie(), rules.ports());
    probes.converge(pod.cookie(), rules.probes());
    interfaces.converge(pod.cookie(), rules.interfaces());
    datagrams.grant(pod.cookie(), pod.datagrams());
    claims.put(key, pod.network().own().stream().map(AddressKey::new).collect(Collectors.toSet()));
    settleAddresses(key);
  }

  /** First of all: this map has the fewest entries, one for each pod. */
  private void name(PodPlacement pod, PodKey key) {
    try {
      maps.podNames().put(key, new PodNameValue(pod.name().namespace(), pod.name().name()));
    } catch (LinuxException e) {
      if (e.errno() != Errno.E2BIG) {
        throw e;
      }
      throw new InterceptionException(
          "the node has %d enrolled pods, the most that it takes".formatted(maps.mostPods()),
          "let fewer run here",
          e);
    }
  }

  /** The same, when nothing has the pod in force any more. */
  void remove(long cookie) {
    PodKey key = new PodKey(cookie);
    addresses.converge(cookie, Map.of());
    ranges.converge(cookie, Map.of());
    ports.converge(cookie, Map.of());
    probes.converge(cookie, Map.of());
    interfaces.converge(cookie, Map.of());
    datagrams.forget(cookie);
    claims.remove(key);
    settleAddresses(key);
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

  /** The next change reads the maps again: somebody else has changed what is this daemon's. */
  void distrust() {
    Stream.of(addresses, ranges, ports, probes, interfaces).forEach(Entries::distrust);
    datagrams.distrust();
    owners = null;
  }

  /**
   * Which pod has an address: who has one keeps it as long as it is enrolled and claims it; another
   * one that claims it too gets it after that.
   *
   * @param changed whose claims have changed since the last call
   */
  private void settleAddresses(PodKey changed) {
    Map<AddressKey, PodKey> known = owners;
    if (known == null) {
      owners = settledOwners();
      return;
    }
    Set<AddressKey> claimed = claims.getOrDefault(changed, Set.of());
    List<AddressKey> left =
        known.entrySet().stream()
            .filter(owned -> owned.getValue().equals(changed) && !claimed.contains(owned.getKey()))
            .map(Map.Entry::getKey)
            .toList();
    for (AddressKey address : left) {
      Optional<PodKey> heir =
          claims.entrySet().stream()
              .filter(claim -> claim.getValue().contains(address))
              .map(Map.Entry::getKey)
              .findFirst();
      if (heir.isPresent()) {
        maps.podByAddress().put(address, heir.get());
        known.put(address, heir.get());
      } else {
        maps.podByAddress().remove(address);
        known.remove(address);
      }
    }
    for (AddressKey address : claimed) {
      if (!known.containsKey(address)) {
        maps.podByAddress().put(address, changed);
        known.put(address, changed);
      }
    }
  }

  private Map<AddressKey, PodKey> settledOwners() {
    Set<PodKey> enrolled = maps.pods().snapshot().keySet();
    Map<AddressKey, PodKey> present = maps.podByAddress().snapshot();
    Map<AddressKey, PodKey> wanted = new HashMap<>();
    present.forEach((address, pod) -> {
      Set<AddressKey> claimed = claims.get(pod);
      if (claimed == null ? enrolled.contains(pod) : claimed.contains(address)) {
        wanted.put(address, pod); // one of an earlier daemon has not been looked at yet
      }
    });
    claims.forEach((pod, claimed) -> claimed.forEach(address -> wanted.putIfAbsent(address, pod)));
    change(maps.podByAddress(), present, wanted);
    return wanted;
  }

  /** Adds and changes first, then removes what is left over. */
  private static <K, V> void change(BpfMap<K, V> map, Map<K, V> present, Map<K, V> wanted) {
    wanted.forEach((key, value) -> {
      if (!value.equals(present.get(key))) {
        map.put(key, value);
      }
    });
    for (K key : present.keySet()) {
      if (!wanted.containsKey(key)) {
        map.remove(key);
      }
    }
  }

  /** The entries of one map, by pod. */
  private static final class Entries<K> {
    private final BpfMap<K, Integer> map;
    private final ToLongFunction<K> podOf;
    private @Nullable Map<Long, Map<K, Integer>> known;

    Entries(BpfMap<K, Integer> map, ToLongFunction<K> podOf) {
      this.map = map;
      this.podOf = podOf;
    }

    void converge(long cookie, Map<K, Integer> wanted) {
      Map<Long, Map<K, Integer>> all = known == null ? read() : known;
      known = null; // until all of it is done: it may fail half way
      change(map, all.getOrDefault(cookie, Map.of()), wanted);
      if (wanted.isEmpty()) {
        all.remove(cookie);
      } else {
        all.put(cookie, wanted);
      }
      known = all;
    }

    private Map<Long, Map<K, Integer>> read() {
      Map<Long, Map<K, Integer>> read = new HashMap<>();
      map.snapshot()
          .forEach((key, value) ->
              read.computeIfAbsent(podOf.applyAsLong(key), _ -> new HashMap<>()).put(key, value));
      return read;
    }

    void distrust() {
      known = null;
    }
  }
}

package io.sluice.interception;

import io.sluice.interception.maps.AddressKey;
import io.sluice.interception.maps.CounterKey;
import io.sluice.interception.maps.PodConnectionsValue;
import io.sluice.interception.maps.PodKey;
import io.sluice.interception.maps.PodNameValue;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.bpf.BpfMap;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;

/**
 * What the shared maps hold of each pod. Changes are made without a gap: a flow never meets a state
 * in which neither the old nor the new rule exists. For one thread.
 */
final class PodEntries {
  private static final RandomGenerator ENROLMENTS = RandomGenerator.getDefault();

  private final SluiceMaps maps;
  private final DatagramRules datagrams;

  /** Own addresses of the pods that this daemon has prepared, in the order in which it has. */
  private final Map<PodKey, Set<AddressKey>> claims = new LinkedHashMap<>();

  PodEntries(SluiceMaps maps, DatagramRules datagrams) {
    this.maps = maps;
    this.datagrams = datagrams;
  }

  /** Everything but what puts the pod in force. */
  void write(PodPlacement pod, PodRules rules) {
    long cookie = pod.cookie();
    PodKey key = new PodKey(cookie);
    maps.podNames().put(key, new PodNameValue(pod.name().namespace(), pod.name().name()));
    maps.podConnections().putIfAbsent(key, PodConnectionsValue.none(ENROLMENTS.nextInt()));
    converge(maps.podAddresses(), rules.addresses(), k -> k.netnsCookie() == cookie);
    converge(maps.rangeRules(), rules.ranges(), k -> k.netnsCookie() == cookie);
    converge(maps.portRules(), rules.ports(), k -> k.netnsCookie() == cookie);
    converge(maps.probePorts(), rules.probes(), k -> k.netnsCookie() == cookie);
    converge(maps.interfaceRules(), rules.interfaces(), k -> k.netnsCookie() == cookie);
    datagrams.grant(cookie, pod.datagrams());
    claims.put(key, pod.network().own().stream().map(AddressKey::new).collect(Collectors.toSet()));
    settleAddresses();
  }

  /** The same, when nothing has the pod in force any more. */
  void remove(long cookie) {
    PodKey key = new PodKey(cookie);
    converge(maps.podAddresses(), Map.of(), k -> k.netnsCookie() == cookie);
    converge(maps.rangeRules(), Map.of(), k -> k.netnsCookie() == cookie);
    converge(maps.portRules(), Map.of(), k -> k.netnsCookie() == cookie);
    converge(maps.probePorts(), Map.of(), k -> k.netnsCookie() == cookie);
    converge(maps.interfaceRules(), Map.of(), k -> k.netnsCookie() == cookie);
    datagrams.forget(cookie);
    claims.remove(key);
    settleAddresses();
    maps.podConnections().remove(key); // what it was opening goes with its sockets
    converge(maps.nodeConnections(), Map.of(), k -> k.netnsCookie() == cookie);
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

  /**
   * Which pod has an address: who has one keeps it as long as it is enrolled and claims it; another
   * one that claims it too gets it after that.
   */
  private void settleAddresses() {
    BpfMap<AddressKey, PodKey> podByAddress = maps.podByAddress();
    Set<PodKey> enrolled = maps.pods().snapshot().keySet();
    Map<AddressKey, PodKey> wanted = new HashMap<>();
    podByAddress
        .snapshot()
        .forEach((address, pod) -> {
          Set<AddressKey> claimed = claims.get(pod);
          if (claimed == null ? enrolled.contains(pod) : claimed.contains(address)) {
            wanted.put(address, pod); // one of an earlier daemon has not been looked at yet
          }
        });
    claims.forEach((pod, claimed) -> claimed.forEach(address -> wanted.putIfAbsent(address, pod)));
    converge(podByAddress, wanted, _ -> true);
  }

  /** Adds and changes first, then removes what is left over of what is {@code owned}. */
  private static <K, V> void converge(BpfMap<K, V> map, Map<K, V> wanted, Predicate<K> owned) {
    Map<K, V> present = map.snapshot();
    wanted.forEach((key, value) -> {
      if (!value.equals(present.get(key))) {
        map.put(key, value);
      }
    });
    for (K key : present.keySet()) {
      if (owned.test(key) && !wanted.containsKey(key)) {
        map.remove(key);
      }
    }
  }
}

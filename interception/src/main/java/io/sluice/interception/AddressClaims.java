package io.sluice.interception;

import io.sluice.interception.maps.AddressKey;
import io.sluice.interception.maps.PodKey;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.bpf.BpfMap;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which pod has an address: the map {@code pod_by_address}. Who has one keeps it as long as it is
 * enrolled and claims it; another one that claims it too gets it after that. For one thread.
 */
final class AddressClaims {
  private final SluiceMaps maps;

  /** Own addresses of the pods that this daemon has prepared, in the order in which it has. */
  private final Map<PodKey, Set<AddressKey>> claims = new LinkedHashMap<>();

  AddressClaims(SluiceMaps maps) {
    this.maps = maps;
  }

  /** Makes these the pod's claims. */
  void claim(PodKey pod, Set<InetAddress> addresses) {
    claims.put(pod, addresses.stream().map(AddressKey::new).collect(Collectors.toSet()));
    settle();
  }

  /** The pod claims nothing any more; it has left the map of enrolled pods. */
  void release(PodKey pod) {
    claims.remove(pod);
    settle();
  }

  private void settle() {
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
    MapUpdate.converge(podByAddress, wanted, _ -> true);
  }
}

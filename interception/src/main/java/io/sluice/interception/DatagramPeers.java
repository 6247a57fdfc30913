package io.sluice.interception;

import io.sluice.interception.maps.AddressKey;
import io.sluice.interception.maps.DatagramPeerValue;
import io.sluice.linux.bpf.BpfMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whose the addresses of the mesh are, as the programs know it. What an earlier daemon has written
 * stays where it is right. For one thread at a time.
 */
public final class DatagramPeers {
  /** {@code SLUICE_MAX_DATAGRAM_PEERS}. */
  public static final int MAX_ADDRESSES = 16_384;

  private final BpfMap<AddressKey, DatagramPeerValue> map;

  /** As this daemon has left it; null where that is not known: the map says it then. */
  private @Nullable Map<AddressKey, DatagramPeerValue> written;

  DatagramPeers(BpfMap<AddressKey, DatagramPeerValue> map) {
    this.map = map;
  }

  /**
   * Lets the programs know these and nobody else; what is new replaces what was there without a
   * moment in between.
   *
   * @param complete whether these are all: else who is known already may only be not read yet, and
   *     stays known, since a stranger's datagrams are taken
   * @return how many there is no room for: they are taken for nobody of the mesh
   */
  int know(Map<AddressKey, DatagramPeerValue> all, boolean complete) {
    Map<AddressKey, DatagramPeerValue> present =
        Optional.ofNullable(written).orElseGet(map::snapshot);
    written = null; // until all of it is done: it may fail half way
    Map<AddressKey, DatagramPeerValue> wanted = new HashMap<>(complete ? Map.of() : present);
    wanted.putAll(all);
    for (AddressKey former : present.keySet()) {
      if (!wanted.containsKey(former)) {
        map.remove(former);
      }
    }
    Map<AddressKey, DatagramPeerValue> known = new HashMap<>();
    wanted.forEach((address, peer) -> {
      if (present.containsKey(address)) {
        known.put(address, peer);
      }
    });
    wanted.forEach((address, peer) -> {
      if (known.size() < MAX_ADDRESSES) {
        known.put(address, peer);
      }
    });
    known.forEach((address, peer) -> {
      if (!peer.equals(present.get(address))) {
        map.put(address, peer);
      }
    });
    written = known;
    return wanted.size() - known.size();
  }
}

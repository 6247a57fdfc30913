package io.sluice.interception;

import io.sluice.interception.DatagramGrants.Granted;
import io.sluice.interception.DatagramGrants.Peer;
import io.sluice.interception.maps.DatagramCountsValue;
import io.sluice.interception.maps.DatagramPeerValue;
import io.sluice.interception.maps.DatagramRuleKey;
import io.sluice.linux.bpf.BpfMap;
import io.sluice.mesh.decision.Direction;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What UDPRoutes grant the pods, as the programs have it, with what they count by it. What an
 * earlier daemon has written and counted goes on. Any thread.
 */
final class DatagramRules {
  private final BpfMap<DatagramRuleKey, DatagramCountsValue> map;
  private final Map<DatagramPeerValue, Peer> peers = new HashMap<>(); // of rules that are there
  private final Map<Ends, DatagramCountsValue> former = new HashMap<>(); // of rules that were

  /** Those that are there, by pod; null until they were read. */
  private @Nullable Map<Long, Set<DatagramRuleKey>> rules;

  private record Ends(long netnsCookie, Direction direction, DatagramPeerValue peer) {
    static Ends of(DatagramRuleKey key) {
      return new Ends(key.netnsCookie(), key.direction(), key.peer());
    }
  }

  DatagramRules(BpfMap<DatagramRuleKey, DatagramCountsValue> map) {
    this.map = map;
  }

  /** Grants a pod this and nothing else; what is granted already goes on counting. */
  synchronized void grant(long cookie, DatagramGrants grants) {
    Set<DatagramRuleKey> wanted = new HashSet<>();
    for (Granted each : grants.granted()) {
      DatagramPeerValue peer = each.peer().value();
      peers.put(peer, each.peer());
      wanted.add(new DatagramRuleKey(cookie, peer, each.port(), each.direction()));
    }
    Map<Long, Set<DatagramRuleKey>> all = rules == null ? read() : rules;
    rules = null; // until all of it is done: it may fail half way
    Set<DatagramRuleKey> present = all.getOrDefault(cookie, Set.of());
    for (DatagramRuleKey key : present) {
      if (!wanted.contains(key)) {
        Optional<DatagramCountsValue> counts = map.lookup(key);
        if (map.remove(key)) {
          counts.ifPresent(last -> former.merge(Ends.of(key), last, DatagramCountsValue::plus));
        }
      }
    }
    wanted.stream()
        .filter(key -> !present.contains(key))
        .forEach(key -> map.putIfAbsent(key, DatagramCountsValue.NONE));
    if (wanted.isEmpty()) {
      all.remove(cookie);
    } else {
      all.put(cookie, wanted);
    }
    rules = all;
  }

  private Map<Long, Set<DatagramRuleKey>> read() {
    Map<Long, Set<DatagramRuleKey>> read = new HashMap<>();
    map.snapshot()
        .keySet()
        .forEach(key -> read.computeIfAbsent(key.netnsCookie(), _ -> new HashSet<>()).add(key));
    return read;
  }

  /** The next change reads the rules again: somebody else has changed what is this daemon's. */
  synchronized void distrust() {
    rules = null;
  }

  /** Grants a pod that leaves nothing, and forgets what was counted of it. */
  synchronized void forget(long cookie) {
    grant(cookie, DatagramGrants.NONE);
    former.keySet().removeIf(ends -> ends.netnsCookie() == cookie);
  }

  /** What has gone by them, and by those that were there before. */
  synchronized List<DatagramCount> counts() {
    Map<Ends, DatagramCountsValue> sums = new HashMap<>(former);
    map.snapshot()
        .forEach((key, counts) -> sums.merge(Ends.of(key), counts, DatagramCountsValue::plus));
    peers.keySet().retainAll(sums.keySet().stream().map(Ends::peer).toList());
    List<DatagramCount> all = new ArrayList<>();
    sums.forEach((ends, counts) -> {
      Peer peer = peers.get(ends.peer());
      if (peer != null) { // else of a pod that this daemon has not brought yet
        all.add(new DatagramCount(ends.netnsCookie(), ends.direction(), peer, counts));
      }
    });
    return all;
  }
}

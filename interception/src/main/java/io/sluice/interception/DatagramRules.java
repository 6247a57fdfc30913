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
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What UDPRoutes grant the pods, as the programs have it, with what they count by it. What an
 * earlier daemon has written and counted goes on. Any thread.
 */
final class DatagramRules {
  private final BpfMap<DatagramRuleKey, DatagramCountsValue> map;
  private final Map<DatagramPeerValue, Peer> peers = new HashMap<>(); // of rules that are there
  private final Map<Ends, DatagramCountsValue> former = new HashMap<>(); // of rules that were

  /** Which rules are there: what they have counted only the map knows. */
  private final KnownEntries<DatagramRuleKey, DatagramCountsValue> rules;

  private record Ends(long netnsCookie, Direction direction, DatagramPeerValue peer) {
    static Ends of(DatagramRuleKey key) {
      return new Ends(key.netnsCookie(), key.direction(), key.peer());
    }
  }

  DatagramRules(BpfMap<DatagramRuleKey, DatagramCountsValue> map) {
    this.map = map;
    this.rules =
        new KnownEntries<>(
            this::uncounted, DatagramRuleKey::netnsCookie, map::putIfAbsent, this::retire);
  }

  /** Grants a pod this and nothing else; what is granted already goes on counting. */
  synchronized void grant(long cookie, DatagramGrants grants) {
    Map<DatagramRuleKey, DatagramCountsValue> wanted = new HashMap<>();
    for (Granted each : grants.granted()) {
      DatagramPeerValue peer = each.peer().value();
      peers.put(peer, each.peer());
      wanted.put(
          new DatagramRuleKey(cookie, peer, each.port(), each.direction()),
          DatagramCountsValue.NONE);
    }
    rules.converge(cookie, wanted);
  }

  private Map<DatagramRuleKey, DatagramCountsValue> uncounted() {
    Map<DatagramRuleKey, DatagramCountsValue> present = new HashMap<>();
    map.forEach((key, _) -> present.put(key, DatagramCountsValue.NONE));
    return present;
  }

  /** What it has counted stays. */
  private void retire(DatagramRuleKey key) {
    Optional<DatagramCountsValue> counts = map.lookup(key);
    if (map.remove(key)) {
      counts.ifPresent(last -> former.merge(Ends.of(key), last, DatagramCountsValue::plus));
    }
  }

  /** The next change reads the rules again: somebody else has changed what is this daemon's. */
  synchronized void distrust() {
    rules.distrust();
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

package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.interception.DatagramGrants.Granted;
import io.sluice.interception.DatagramGrants.Peer;
import io.sluice.interception.maps.DatagramCountsValue;
import io.sluice.interception.maps.DatagramRuleKey;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.bpf.BpfMap;
import io.sluice.linux.bpf.FakeKernel;
import io.sluice.mesh.decision.Direction;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a map in memory. */
class DatagramRulesTest {
  private static final Peer DNS = new Peer("spiffe://cluster.local/ns/shop/sa/dns", "shop", "dns");
  private static final DatagramCountsValue SENT = new DatagramCountsValue(3, 90, 2, 80);
  private static final long POD = 1;

  @TempDir private Path directory;
  @AutoClose private SluiceMaps maps;
  private BpfMap<DatagramRuleKey, DatagramCountsValue> map;

  @BeforeEach
  void open() {
    maps = SluiceMaps.openOrCreate(new FakeKernel(), new PinDirectory(directory.resolve("v6")));
    map = maps.datagramRules();
  }

  @Test
  void whatIsGrantedStillGoesOnCounting() {
    DatagramRules rules = new DatagramRules(map);
    rules.grant(POD, grants(53));
    count(53);

    rules.grant(POD, grants(53, 54));

    assertThat(map.lookup(key(53))).contains(SENT);
    assertThat(map.lookup(key(54))).contains(DatagramCountsValue.NONE);
  }

  @Test
  void whatAnEarlierDaemonHasCountedGoesOn() {
    new DatagramRules(map).grant(POD, grants(53));
    count(53);

    DatagramRules next = new DatagramRules(map);
    next.grant(POD, grants(53));

    assertThat(next.counts()).containsExactly(counted(SENT));
  }

  @Test
  void whatWentByAGrantIsToldUntilThePodLeaves() {
    DatagramRules rules = new DatagramRules(map);
    rules.grant(POD, grants(53, 54));
    count(53);

    rules.grant(POD, grants(54));

    assertThat(map.snapshot()).containsOnlyKeys(key(54));
    assertThat(rules.counts()).containsExactly(counted(SENT));
    rules.forget(POD);
    assertThat(rules.counts()).isEmpty();
  }

  private void count(int port) {
    map.put(key(port), SENT);
  }

  private static DatagramCount counted(DatagramCountsValue counts) {
    return new DatagramCount(POD, Direction.OUTBOUND, DNS, counts);
  }

  private static DatagramRuleKey key(int port) {
    return new DatagramRuleKey(POD, DNS.value(), port, Direction.OUTBOUND);
  }

  private static DatagramGrants grants(Integer... ports) {
    return new DatagramGrants(
        List.of(ports).stream()
            .map(port -> new Granted(Direction.OUTBOUND, DNS, port, Set.of()))
            .toList(),
        0);
  }
}

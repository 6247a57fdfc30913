package io.sluice.interception;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.interception.DatagramGrants.Granted;
import io.sluice.interception.DatagramGrants.Peer;
import io.sluice.interception.maps.AddressKey;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.PodAddressKey;
import io.sluice.interception.maps.PodFlag;
import io.sluice.interception.maps.PodKey;
import io.sluice.interception.maps.PodValue;
import io.sluice.interception.maps.RangeRuleKey;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.bpf.FakeKernel;
import io.sluice.linux.netns.FakeNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.FamilyPorts;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On maps in memory. */
class PodEntriesTest {
  private static final InetAddress SHARED = InetAddress.ofLiteral("10.1.0.7");
  private static final InetAddress OWN = InetAddress.ofLiteral("10.1.0.8");
  private static final PodKey FIRST = new PodKey(1);
  private static final PodKey SECOND = new PodKey(2);
  private static final PodKey THIRD = new PodKey(3);

  private final FakeKernel kernel = new FakeKernel();
  @AutoClose private final NetnsHandle netns = new FakeNamespaces(true).current();
  @TempDir private Path directory;
  @AutoClose private SluiceMaps maps;
  private PodEntries entries;
  private long nanos;

  @BeforeEach
  void open() {
    maps = SluiceMaps.openOrCreate(kernel, new PinDirectory(directory.resolve("v4")));
    entries = next();
  }

  @Test
  void aPodMoreCostsNoMoreWhereManyAre() {
    write(FIRST, OWN);
    int walks = kernel.walks();

    for (int i = 2; i <= 20; i++) {
      write(new PodKey(i), InetAddress.ofLiteral("10.1.1." + i));
      write(FIRST, i % 2 == 0 ? SHARED : OWN);
    }

    assertThat(kernel.walks()).as("maps that were read whole").isEqualTo(walks);
    assertThat(maps.podByAddress().count()).isEqualTo(20);
    assertThat(maps.datagramRules().count()).isEqualTo(20);
  }

  @Test
  void onePodTooManyIsToldSoAndDisturbsNone() {
    for (int i = 1; i <= maps.mostPods(); i++) {
      write(new PodKey(i), OWN);
    }

    assertThatThrownBy(() -> write(new PodKey(100_000), SHARED))
        .isInstanceOf(InterceptionException.class)
        .hasMessage(
            "a node takes 512 enrolled pods at most; let fewer run here, by the kubelet's maxPods");
    assertThat(owner()).isEmpty();
    remove(FIRST);
    write(new PodKey(100_000), SHARED);
    assertThat(owner()).contains(new PodKey(100_000));
  }

  @Test
  void anAddressGoesToTheNextThatClaimsItOnceItsPodHasItNoMore() {
    write(FIRST, SHARED);
    entries = next();
    write(SECOND, SHARED);
    write(THIRD, SHARED);
    assertThat(owner()).as("whom the daemon before had").contains(FIRST);

    write(FIRST, OWN);
    assertThat(owner()).contains(SECOND);
    remove(SECOND);
    assertThat(owner()).contains(THIRD);
    remove(THIRD);
    assertThat(owner()).isEmpty();
    assertThat(maps.podByAddress().snapshot()).containsOnlyKeys(new AddressKey(OWN));
  }

  @Test
  void whatADaemonBeforeWroteOfAPodGoesWithIt() {
    write(FIRST, SHARED);
    write(SECOND, OWN);
    entries = next();

    remove(FIRST);

    assertThat(maps.podByAddress().snapshot()).containsOnlyKeys(new AddressKey(OWN));
    assertThat(maps.podAddresses().snapshot().keySet())
        .allMatch(key -> key.netnsCookie() == SECOND.netnsCookie());
    assertThat(maps.rangeRules().snapshot().keySet())
        .isNotEmpty()
        .allMatch(key -> key.netnsCookie() == SECOND.netnsCookie());
    assertThat(maps.datagramRules().count()).isEqualTo(1);
  }

  @Test
  void aPodThatComesBackHasAllThatItHad() {
    write(FIRST, OWN);
    Map<PodAddressKey, Integer> addresses = maps.podAddresses().snapshot();
    Map<RangeRuleKey, Integer> ranges = maps.rangeRules().snapshot();
    remove(FIRST);
    assertThat(maps.podAddresses().count() + maps.datagramRules().count()).isZero();

    write(FIRST, OWN);

    assertThat(maps.podAddresses().snapshot()).isEqualTo(addresses);
    assertThat(maps.rangeRules().snapshot()).isEqualTo(ranges);
    assertThat(maps.datagramRules().count()).isEqualTo(1);
  }

  @Test
  void whatADaemonBeforeWroteLateGoesWithALaterChange() {
    PodEntries before = entries;
    write(FIRST, OWN);
    entries = next();
    write(FIRST, OWN);
    PodEntries present = entries;
    entries = before;
    write(FIRST, SHARED);
    maps.datagramRules().snapshot().keySet().forEach(maps.datagramRules()::remove);
    entries = present;
    nanos += Duration.ofSeconds(61).toNanos();

    write(FIRST, OWN);

    assertThat(maps.podByAddress().snapshot()).containsOnlyKeys(new AddressKey(OWN));
    assertThat(maps.podAddresses().snapshot())
        .containsOnlyKeys(new PodAddressKey(FIRST.netnsCookie(), OWN));
    assertThat(maps.datagramRules().count()).isEqualTo(1);
  }

  @Test
  void whatOnePodClaimsTakesNothingFromThePodsThatADaemonBeforeHad() {
    write(FIRST, SHARED);
    entries = next();
    write(SECOND, OWN);

    write(SECOND, InetAddress.ofLiteral("10.1.0.9"));

    assertThat(owner()).contains(FIRST);
  }

  /** Of a daemon that starts: the pods are in force. */
  private PodEntries next() {
    List.of(FIRST, SECOND, THIRD)
        .forEach(pod ->
            maps.pods()
                .put(pod, new PodValue(null, null, PodFlag.bits(Set.of()), 0, FamilyPorts.NONE)));
    return new PodEntries(maps, new DatagramRules(maps.datagramRules()), () -> nanos);
  }

  private Optional<PodKey> owner() {
    return maps.podByAddress().lookup(new AddressKey(SHARED));
  }

  private void remove(PodKey pod) {
    maps.pods().remove(pod);
    entries.remove(pod.netnsCookie());
  }

  private void write(PodKey key, InetAddress address) {
    DatagramGrants datagrams =
        new DatagramGrants(
            List.of(
                new Granted(
                    Direction.OUTBOUND,
                    new Peer("spiffe://cluster.local/ns/shop/sa/dns", "shop", "dns"),
                    53,
                    Set.of(SHARED))),
            0);
    long cookie = key.netnsCookie();
    PodPlacement pod =
        TestPlacement.of(
            new NamespacedName("shop", "pod-" + cookie), netns, cookie, address, datagrams);
    entries.write(pod, PodRules.of(pod, false, false, FamilyPorts.NONE));
  }
}

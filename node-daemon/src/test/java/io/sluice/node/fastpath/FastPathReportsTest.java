package io.sluice.node.fastpath;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.interception.FastPathTable;
import io.sluice.interception.maps.ConnectionKey;
import io.sluice.interception.maps.FastCounterKey;
import io.sluice.interception.maps.FastCountsValue;
import io.sluice.interception.maps.FastRecordValue;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.FakeKernel;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On a kernel in memory. */
class FastPathReportsTest {
  private static final InetSocketAddress CALLER = new InetSocketAddress("10.1.0.6", 40_000);
  private static final InetSocketAddress CALLED = new InetSocketAddress("10.1.0.7", 8080);
  private static final ConnectionKey CONNECTION = new ConnectionKey(2, CALLER, CALLED);

  private static final FastCounterKey COUNTER = new FastCounterKey(1, 2, CALLED);
  private static final long NAMELESS = 9;

  private final FakeKernel kernel = new FakeKernel();
  private final List<AccessRecord> told = new ArrayList<>();
  private final List<Long> counting = new ArrayList<>();
  private final List<FastCountsValue> counted = new ArrayList<>();

  @TempDir private Path directory;

  /** It may be marked before anybody has answered. */
  @ParameterizedTest
  @ValueSource(longs = {0, 5})
  void whatWasRevokedIsToldSoOnce(long openedNanos) {
    FastPathReports reports = reports();
    reports.revoked(CONNECTION, openedNanos, Reason.HTTP_ONLY);

    reports.over(record(5));
    reports.over(record(6));

    assertThat(told)
        .extracting(AccessRecord::closeKind)
        .containsExactly(CloseKind.REVOKED, CloseKind.REVOKED, CloseKind.FIN, CloseKind.FIN);
    assertThat(told.subList(0, 2))
        .extracting(AccessRecord::closeReason)
        .containsOnly(Reason.HTTP_ONLY);
  }

  /** The ring had no room for the record of the one that was. */
  @Test
  void aLaterConnectionWithTheSameTupleIsNot() {
    FastPathReports reports = reports();
    reports.revoked(CONNECTION, 5, Reason.HTTP_ONLY);

    reports.over(record(6));

    assertThat(told).extracting(AccessRecord::closeKind).containsOnly(CloseKind.FIN);
  }

  @Test
  void eachIsTheLatestSnapshotsAndHasAClientAndANumberOfItsOwn() {
    FastPathReports reports = reports();
    InetSocketAddress other = new InetSocketAddress(CALLER.getAddress(), 40_001);
    reports.over(record(5));
    reports.over(new FastRecordValue(1, 2, 6, 9, 0, 0, other, CALLED, CALLED, 0));
    reports.publish(MeshSnapshot.EMPTY.edit().snapshot(7));
    reports.over(record(8));

    assertThat(told)
        .extracting(record -> record.info().client())
        .containsExactly(CALLER, CALLER, other, other, CALLER, CALLER);
    assertThat(told).extracting(record -> record.info().id()).doesNotHaveDuplicates();
    assertThat(told).extracting(record -> record.info().revision()).endsWith(7L, 7L);
    assertThat(told.getFirst().info().revision()).isNotEqualTo(7);
  }

  @Test
  void whatIsCountedOfTheSamePodsHasTheSameNumbers() {
    FastPathReports reports = reports();
    maps().fastCounters().put(COUNTER, opened(1));
    reports.tell(List.of());
    reports.over(record(5)); // else nothing is asked
    maps().fastCounters().put(COUNTER, opened(3));
    reports.tell(List.of());

    assertThat(counted).extracting(FastCountsValue::opened).containsExactly(1L, 1L, 2L, 2L);
    assertThat(counting.subList(2, 4)).isEqualTo(counting.subList(0, 2)).doesNotHaveDuplicates();
  }

  @Test
  void countersOfPodsThatWentWhileNoDaemonRanAreRemoved() {
    FastCounterKey gone = new FastCounterKey(1, NAMELESS, CALLED);
    maps().fastCounters().put(COUNTER, opened(1));
    maps().fastCounters().put(gone, opened(1));
    maps().fastTold().put(gone, opened(1));

    reports().tell(List.of());

    assertThat(maps().fastCounters().snapshot()).containsOnlyKeys(COUNTER);
    assertThat(maps().fastTold().snapshot()).containsOnlyKeys(COUNTER);
  }

  @Test
  void whatThereIsNoRoomForDoesNotKeepTheRestFromBeingTold() {
    kernel.limit("fast_told", 1);
    FastPathReports reports = reports();
    maps().fastCounters().put(COUNTER, opened(1));
    reports.tell(List.of());
    for (int port = 1; port <= 20; port++) {
      InetSocketAddress called = new InetSocketAddress(CALLED.getAddress(), port);
      maps().fastCounters().put(new FastCounterKey(1, 2, called), opened(7));
    }
    maps().fastCounters().put(COUNTER, opened(3));
    reports.over(record(5)); // else nothing is asked

    assertThatThrownBy(() -> reports.tell(List.of())).isInstanceOf(LinuxException.class);

    assertThat(counted).extracting(FastCountsValue::opened).containsExactly(1L, 1L, 2L, 2L);
    assertThat(maps().fastTold().snapshot()).containsExactly(Map.entry(COUNTER, opened(3)));
  }

  private static FastCountsValue opened(long connections) {
    return new FastCountsValue(connections, 0, 0, 0, 0, 0);
  }

  private SluiceMaps maps() {
    return SluiceMaps.openOrCreate(kernel, new PinDirectory(directory.resolve("node")));
  }

  private FastPathReports reports() {
    return new FastPathReports(
        new FastPathTable(maps()),
        cookie ->
            Optional.of(cookie)
                .filter(known -> known != NAMELESS)
                .map(known -> new NamespacedName("shop", "pod-" + known)),
        (info, more) -> {
          counting.add(info.id());
          counted.add(more);
        },
        told::add);
  }

  private static FastRecordValue record(long openedNanos) {
    return new FastRecordValue(1, 2, openedNanos, 9, 0, 0, CALLER, CALLED, CALLED, 0);
  }
}

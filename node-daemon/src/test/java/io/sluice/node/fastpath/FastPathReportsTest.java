package io.sluice.node.fastpath;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.interception.FastPathTable;
import io.sluice.interception.maps.ConnectionKey;
import io.sluice.interception.maps.FastRecordValue;
import io.sluice.interception.maps.PinDirectory;
import io.sluice.interception.maps.SluiceMaps;
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

  private final List<AccessRecord> told = new ArrayList<>();

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

  private FastPathReports reports() {
    PinDirectory pins = new PinDirectory(directory.resolve("node"));
    return new FastPathReports(
        new FastPathTable(SluiceMaps.openOrCreate(new FakeKernel(), pins)),
        cookie -> Optional.of(new NamespacedName("shop", "pod-" + cookie)),
        (_, _) -> {},
        told::add);
  }

  private static FastRecordValue record(long openedNanos) {
    return new FastRecordValue(1, 2, openedNanos, 9, 0, 0, CALLER, CALLED, CALLED, 0);
  }
}

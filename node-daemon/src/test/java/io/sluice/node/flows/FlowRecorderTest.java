package io.sluice.node.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.Samples;
import io.sluice.node.flows.RecordedFlow.Asked;
import io.sluice.node.flows.RecordedFlow.Entry;
import io.sluice.node.flows.RecordedFlow.Seen;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The record of flows: on real files, torn, full and old ones. */
class FlowRecorderTest {
  private static final MeshSnapshot SNAPSHOT = Samples.snapshot(3, Samples.CART, Samples.CATALOGUE);
  private static final Instant THEN = Instant.parse("2026-03-01T10:00:00Z");

  @TempDir private Path parent = Path.of("");

  private Path directory() {
    return parent.resolve("flows");
  }

  private FlowRecorder recorder() {
    return FlowRecorder.start(directory(), () -> SNAPSHOT);
  }

  private List<Entry> read() {
    return read(Instant.EPOCH);
  }

  private List<Entry> read(Instant since) {
    List<Entry> all = new ArrayList<>();
    try {
      FlowRecorder.read(directory(), since, all::add);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return all;
  }

  private List<Path> segments() throws IOException {
    try (Stream<Path> files = Files.list(directory())) {
      return files.sorted().toList();
    }
  }

  @Test
  void whatIsSeenAgainWithinAWindowRaisesACountAndIsWrittenOnce() throws InterruptedException {
    Instant begin = Instant.now().minusMillis(1);
    try (FlowRecorder recorder = recorder()) {
      for (int i = 0; i < 1_000; i++) {
        recorder.record(Samples.ended(Samples.outbound(i), CloseKind.FIN));
      }
      recorder.record(Samples.refused(Samples.outbound(1), Reason.NO_TRAFFIC_TARGET));
      recorder.record(Samples.refused(Samples.outbound(2), Reason.NO_READY_ENDPOINT));
      recorder.record(Samples.refused(Samples.outbound(3), Reason.NO_TRAFFIC_TARGET));
      recorder.record(Samples.ended(Samples.outbound(4), CloseKind.FIN));
      recorder.writeAll();

      assertThat(read()).hasSize(2); // policy did not decide the one without an endpoint
      assertThat(read()).extracting(each -> each.seen().count()).containsExactly(1_001L, 2L);
      assertThat(read().getFirst().seen().first()).isBetween(begin, Instant.now());
      RecordedFlow flow = read().getFirst().flow();
      assertThat(flow.sourceOrNull()).isEqualTo(Samples.CART);
      assertThat(flow.sourceIdentityOrNull()).isEqualTo(Samples.identity(Samples.CART));
      assertThat(flow.destinationOrNull()).isEqualTo(Samples.CATALOGUE);
      assertThat(flow.port()).isEqualTo(8_080);
      assertThat(flow.service()).isEqualTo("shop/catalogue");
      assertThat(flow.address()).isEmpty();
      assertThat(flow.askedOrNull()).isNull();
      assertThat(read().get(1).flow().verdict().reason()).isEqualTo(Reason.NO_TRAFFIC_TARGET);
    }
  }

  /** What is the same is known again, by what the snapshot in force calls both ends. */
  @Test
  void whatIsAlikeIsAFlowByWhatItAsksAndBySnapshot() throws InterruptedException {
    AtomicReference<MeshSnapshot> snapshot = new AtomicReference<>(SNAPSHOT);
    RequestRecord one = Samples.request(Samples.outbound(1), 200);
    Verdict other = Verdict.of(Outcome.ALLOWED, Reason.PERMISSIVE_MODE);
    AccessRecord whole = Samples.ended(Samples.outbound(2), CloseKind.FIN);
    try (FlowRecorder recorder = FlowRecorder.start(directory(), snapshot::get)) {
      for (int i = 0; i < 3; i++) {
        recorder.record(one);
        recorder.record(Samples.asking(one, one.verdict(), one.authority(), "/other", null, null));
        recorder.record(Samples.asking(one, one.verdict(), "other", one.path(), null, null));
        recorder.record(Samples.asking(one, other, one.authority(), one.path(), null, null));
        recorder.record(one);
      }
      recorder.record(whole);
      recorder.writeAll();
      assertThat(read())
          .extracting(each -> each.seen().count())
          .containsExactly(6L, 3L, 3L, 3L, 1L);
      assertThat(read().getFirst().flow().destinationOrNull()).isEqualTo(Samples.CATALOGUE);
      assertThat(read().get(1).flow().askedOrNull())
          .isNotNull()
          .extracting(Asked::path)
          .isEqualTo("/other");
      assertThat(read().get(3).flow().verdict()).isEqualTo(other);

      snapshot.set(Samples.snapshot(4, Samples.CART));
      recorder.record(one);
      recorder.record(whole);
      recorder.writeAll();
      assertThat(read()).hasSize(7);
      assertThat(read().subList(5, 7))
          .allSatisfy(each -> assertThat(each.flow().destinationOrNull()).isNull());
    }
  }

  @Test
  void aRestartGoesOnWhereTheRecordEnds() {
    for (int life = 1; life <= 3; life++) {
      try (FlowRecorder recorder = recorder()) {
        recorder.record(Samples.request(Samples.outbound(life), 200));
      }
      assertThat(read()).hasSize(life);
    }
    assertThat(read()).extracting(Entry::flow).containsOnly(read().getFirst().flow());
    assertThat(read(Instant.now().plusSeconds(60))).isEmpty();
  }

  @Test
  void theRecordIsTheDaemonsAlone() throws IOException {
    try (FlowRecorder recorder = recorder()) {
      recorder.record(Samples.request(Samples.outbound(1), 200));
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory())))
        .isEqualTo("rwx------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(segments().getFirst())))
        .isEqualTo("rw-------");
  }

  private static Entry entry(int number) {
    Asked asked = new Asked("GET", "cätalogue", "/" + number, false, Map.of("a", "1"), Set.of("b"));
    RecordedFlow flow =
        RecordedFlow.of(
                SNAPSHOT,
                Samples.outbound(1),
                Samples.ended(Samples.outbound(1), CloseKind.FIN).verdict(),
                asked)
            .orElseThrow();
    return new Entry(flow, new Seen(number + 1, THEN, THEN.plusSeconds(number)));
  }

  @Test
  void aFileThatWasCutOffAnywhereLosesItsLastRecordAtMost() throws IOException {
    FlowFiles files = new FlowFiles(directory(), 1 << 20);
    files.append(FlowFormat.bytes(entry(0)), THEN);
    files.append(FlowFormat.bytes(entry(1)), THEN);
    Path segment = segments().getFirst();
    byte[] whole = Files.readAllBytes(segment);
    int second = whole.length - FlowFormat.bytes(entry(1)).length;
    assertThat(read()).containsExactly(entry(0), entry(1));

    for (int length = second; length < whole.length; length++) {
      Files.write(segment, Arrays.copyOf(whole, length));
      assertThat(read()).as("cut after %s bytes", length).containsExactly(entry(0));
    }
    for (int bit = 0; bit < 8; bit++) {
      byte[] damaged = whole.clone();
      damaged[whole.length - 1 - bit] ^= (byte) (1 << bit);
      Files.write(segment, damaged);
      assertThat(read()).containsExactly(entry(0));
      assertThat(FlowFiles.read(directory(), Instant.EPOCH, entry -> {}))
          .singleElement()
          .asString()
          .contains(segment.toString(), "from byte " + second);
    }

    Files.write(segment, Arrays.copyOf(whole, whole.length - 1));
    new FlowFiles(directory(), 1 << 20).append(FlowFormat.bytes(entry(2)), THEN);
    assertThat(read()).containsExactly(entry(0), entry(2)); // nothing hides behind the torn one
  }

  @Test
  void theOldestSegmentsMakeRoomAndNothingIsKeptForMoreThanAWeek() throws IOException {
    int room = 16 * 1_024;
    FlowFiles files = new FlowFiles(directory(), room);
    Instant now = Instant.now();
    for (int i = 0; i < 300; i++) {
      files.append(FlowFormat.bytes(entry(i)), now);
      long size = 0;
      for (Path segment : segments()) {
        size += Files.size(segment);
      }
      assertThat(size).isLessThanOrEqualTo(room);
    }
    List<Entry> kept = read();
    assertThat(kept).hasSizeBetween(40, 200).endsWith(entry(298), entry(299));
    assertThat(kept.getFirst()).isEqualTo(entry(300 - kept.size()));

    for (Path segment : segments()) {
      Files.setLastModifiedTime(segment, FileTime.from(now.minus(Duration.ofDays(8))));
    }
    files.append(FlowFormat.bytes(entry(300)), now);
    assertThat(read().size()).isLessThan(20);
    assertThat(read()).endsWith(entry(300));
  }

  @Test
  void aDiskThatTakesNothingCostsRecordsAndNoCall() throws Exception {
    Files.writeString(directory(), "in the way");
    try (FlowRecorder recorder = recorder()) {
      recorder.record(asking("/a", Map.of()));
      recorder.record(asking("/b", Map.of()));
      recorder.writeAll();
      assertThat(recorder.leftOut()).isEqualTo(2);
      Files.delete(directory());
      recorder.record(Samples.request(Samples.outbound(2), 200));
      recorder.writeAll();
      assertThat(read()).hasSize(1);
    }
  }

  @Test
  void aWindowHoldsSoManyFlowsOfOneSourceAndCountsTheRest() throws InterruptedException {
    try (FlowRecorder recorder = recorder()) {
      int all = 2 * FlowRecorder.MOST_OF_SOURCE;
      for (int i = 0; i < all; i++) {
        recorder.record(asking("/" + i, Map.of()));
      }
      recorder.writeAll();
      assertThat(read().size() + recorder.leftOut()).isEqualTo(all);
      assertThat(read())
          .hasSizeLessThanOrEqualTo(FlowRecorder.MOST_OF_SOURCE)
          .hasSizeGreaterThan(500);
    }
  }

  private static ConnectionInfo leaving(String address) {
    InetSocketAddress called = new InetSocketAddress(IpAddresses.parse(address), 443);
    return Samples.outbound(1, Samples.CART, called, called, null);
  }

  @Test
  void oneThatCallsTheWholeInternetIsOneSource() throws InterruptedException {
    try (FlowRecorder recorder = recorder()) {
      int all = 2 * FlowRecorder.MOST_OF_SOURCE;
      for (int i = 0; i < all; i++) {
        recorder.record(
            Samples.refused(
                leaving("2001:db8::" + Integer.toHexString(i)), Reason.EGRESS_DISABLED));
      }
      recorder.writeAll();
      assertThat(read()).hasSize(FlowRecorder.MOST_OF_SOURCE);
      assertThat(recorder.leftOut()).isEqualTo(FlowRecorder.MOST_OF_SOURCE);
    }
  }

  @Test
  void aFloodOfOneSourceTakesNobodyElsesShareOfWhatMayBeWritten() throws InterruptedException {
    SpiffeId other = new SpiffeId(TrustDomain.CLUSTER_LOCAL, "shop", "till");
    String text = "\u20ac".repeat(RecordedFlow.LONGEST_TEXT - 20);
    try (FlowRecorder recorder =
        FlowRecorder.start(directory(), () -> SNAPSHOT, () -> THEN, () -> 0)) {
      int windows = 0;
      while (recorder.leftOut() == 0) { // until what may be written at once is used up
        for (int i = 0; i < FlowRecorder.MOST_OF_SOURCE; i++) {
          recorder.record(asking("/" + windows + "/" + i + text, Map.of()));
        }
        recorder.record(Samples.refused(Samples.certified(1, other), Reason.NO_TRAFFIC_TARGET));
        recorder.writeAll();
        windows++;
      }
      assertThat(read())
          .filteredOn(entry -> other.equals(entry.flow().sourceIdentityOrNull()))
          .hasSize(windows);
    }
  }

  /** By whomever: each window has its share of the day. */
  @Test
  void aFloodEarlyInADayLeavesLaterHoursTheirShareAndIsTold() throws Exception {
    Instant[] now = {THEN};
    long[] told = {0};
    for (int life = 0; life < 2; life++) { // what is told outlives the daemon
      try (FlowRecorder recorder =
          FlowRecorder.start(
              directory(), () -> SNAPSHOT, () -> now[0], () -> now[0].toEpochMilli() * 1_000_000)) {
        String text = "\u20ac".repeat(RecordedFlow.LONGEST_TEXT - 20);
        while (recorder.leftOut() == 0) {
          for (int i = 0; i < FlowRecorder.MOST_OF_SOURCE; i++) {
            recorder.record(asking("/" + i + "/" + life + now[0] + text, Map.of()));
          }
          recorder.writeAll();
          now[0] = now[0].plus(FlowRecorder.WINDOW);
        }
        told[0] += recorder.leftOut();
      }
    }
    assertThat(
            FlowRecorder.leftOut(directory(), THEN).values().stream().mapToLong(each -> each).sum())
        .isEqualTo(told[0]);
    Instant later = now[0].plus(Duration.ofHours(1));
    now[0] = later;
    try (FlowRecorder recorder =
        FlowRecorder.start(
            directory(), () -> SNAPSHOT, () -> now[0], () -> now[0].toEpochMilli() * 1_000_000)) {
      for (int window = 0; window < 5; window++) {
        for (int i = 0; i < 200; i++) {
          recorder.record(asking("/usual/" + i, Map.of()));
        }
        recorder.writeAll();
        now[0] = now[0].plus(FlowRecorder.WINDOW);
      }
      assertThat(recorder.leftOut()).isZero();
    }
    assertThat(read(later)).hasSize(1_000);
    assertThat(FlowRecorder.leftOut(directory(), later.plus(Duration.ofDays(8)))).isEmpty();
  }

  @Test
  void longTextsAreCutAndMarked() throws InterruptedException {
    try (FlowRecorder recorder = recorder()) {
      recorder.record(asking("/" + "x".repeat(5_000), Map.of()));
      recorder.writeAll();
      Asked asked = Objects.requireNonNull(read().getFirst().flow().askedOrNull());
      assertThat(asked.cut()).isTrue();
      assertThat(asked.path()).hasSize(RecordedFlow.LONGEST_TEXT);
    }
  }

  @Test
  void headersAreKeptWholeOrNotAtAllAndTheAbsentOnesAreKnown() {
    String longest = "x".repeat(RequestRecord.LONGEST_HEADER);
    Asked asked =
        Asked.of(asking("/", Map.of("a", longest, "b", longest + "x")), List.of("a", "b", "c"));
    assertThat(asked.headers()).isEqualTo(Map.of("a", longest));
    assertThat(asked.absent()).containsExactly("c");
  }

  private static RequestRecord asking(String path, Map<String, String> headers) {
    RequestRecord one = Samples.request(Samples.outbound(1), 200);
    return new RequestRecord(
        one.info(),
        one.verdict(),
        one.version(),
        false,
        false,
        one.method(),
        one.authority(),
        path,
        one.status(),
        null,
        one.end(),
        0,
        0,
        0,
        0,
        one.duration(),
        null,
        null,
        null,
        headers);
  }
}

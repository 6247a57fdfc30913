package io.sluice.node.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.Samples;
import io.sluice.node.store.StoredFirst.ConfirmedSource;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredFirstTest {
  private static final Instant START = Instant.parse("2026-03-01T12:00:00Z");
  private static final StoreTiming AT_ONCE =
      new StoreTiming(
          Duration.ZERO, Duration.ofSeconds(1), Duration.ofMinutes(15), Duration.ofSeconds(20));

  private final Path directory;
  private final List<MeshSnapshot> delivered = new CopyOnWriteArrayList<>();
  private final Remote remote = new Remote();
  private volatile Instant now = START;
  private volatile MeshMark mesh = new MeshMark("first", "", Set.of());
  private final InstantSource clock = () -> now;
  private final SnapshotStore store;
  private StoredFirst source;

  StoredFirstTest(@TempDir Path directory) {
    this.directory = directory.resolve("snapshot");
    this.store = SnapshotStore.open(this.directory, (fault, problem) -> {}, AT_ONCE);
    this.source = new StoredFirst(store, Optional.empty(), remote, () -> mesh, clock);
  }

  /** A controller that answers when it is told to. */
  private static final class Remote implements ConfirmedSource {
    private final CountDownLatch reached = new CountDownLatch(1);
    private volatile Consumer<MeshSnapshot> consumer = snapshot -> {};
    private volatile MeshSnapshot first = MeshSnapshot.EMPTY;
    private volatile boolean closed;
    private volatile Optional<Instant> confirmed = Optional.empty();

    void answer(MeshSnapshot snapshot, boolean isComplete, Instant at) {
      first = snapshot.withComplete(isComplete);
      confirmed = Optional.of(at);
      reached.countDown();
    }

    void change(MeshSnapshot snapshot, Instant at) {
      confirmed = Optional.of(at);
      consumer.accept(snapshot);
    }

    @Override
    public void start(Consumer<MeshSnapshot> next) {
      try {
        reached.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      if (!closed) {
        consumer = next;
        next.accept(first);
      }
    }

    @Override
    public Optional<Instant> confirmedAt() {
      return confirmed;
    }

    @Override
    public void close() {
      closed = true;
      reached.countDown();
    }
  }

  @AfterEach
  void close() {
    source.close();
    store.close();
  }

  private void startWith(MeshSnapshot stored, boolean complete, Instant savedAt) {
    source =
        new StoredFirst(
            store,
            Optional.of(new Stored(stored.withComplete(complete), savedAt, MeshMark.UNKNOWN)),
            remote,
            () -> mesh,
            clock);
    source.start(delivered::add);
  }

  /** Where it failed for ever, the daemon would never start again. */
  @Test
  void aStoredSnapshotThatCannotBePutInForceIsPassedOver() {
    remote.answer(Samples.snapshot(5), true, START);
    source =
        new StoredFirst(
            store,
            Optional.of(new Stored(Samples.snapshot(4), START, MeshMark.UNKNOWN)),
            remote,
            () -> mesh,
            clock);
    source.start(next -> {
      if (next.revision() == 4) {
        throw new IllegalStateException("not this one");
      }
      delivered.add(next);
    });

    awaitDelivered(1);
    assertThat(revisions()).containsExactly(5L);
  }

  @Test
  void aSnapshotThatWasRefusedIsNotSaved() throws Exception {
    remote.answer(Samples.snapshot(5), true, START);
    source =
        new StoredFirst(
            store,
            Optional.of(new Stored(Samples.snapshot(4), START, MeshMark.UNKNOWN)),
            remote,
            () -> mesh,
            clock);
    CountDownLatch refused = new CountDownLatch(1);
    source.start(next -> {
      if (next.revision() == 5) {
        refused.countDown();
        throw new IllegalStateException("not this one");
      }
    });
    refused.await();

    assertThat(source.atHand().map(MeshSnapshot::revision)).contains(4L);
  }

  private List<Long> revisions() {
    return delivered.stream().map(MeshSnapshot::revision).toList();
  }

  private void awaitDelivered(int count) {
    Await.until(() -> assertThat(delivered).hasSize(count));
  }

  @Test
  void deliversWhatIsStoredBeforeAnybodyAnswers() {
    MeshSnapshot stored = Samples.snapshot(40, Samples.CART);

    startWith(stored, true, START);

    assertThat(delivered)
        .singleElement()
        .satisfies(one -> assertThat(one.hasSameContentAs(stored)).isTrue());
    assertThat(source.isStored()).isTrue();
  }

  @Test
  void theStoredStateIsNeverCompleteForMoreMayHaveComeSince() {
    startWith(Samples.snapshot(40, Samples.CART), true, START);

    remote.answer(Samples.snapshot(41, Samples.CART), true, now);

    awaitDelivered(2);
    assertThat(delivered).extracting(MeshSnapshot::isComplete).containsExactly(false, true);
    Await.until(() -> assertThat(source.isStored()).isFalse());
  }

  /** The node may be in another mesh by now, whose controller has delivered nothing yet. */
  @Test
  void whatIsSavedIsOfTheMeshThatConfirmedIt() {
    MeshMark first = mesh;
    MeshMark second = new MeshMark("second", "", Set.of());
    startWith(Samples.snapshot(40, Samples.CART), true, START);
    remote.answer(Samples.snapshot(2, Samples.CATALOGUE), true, now);
    awaitDelivered(2);
    Await.until(() -> assertThat(source.isStored()).isFalse());
    now = START.plus(Duration.ofHours(1)); // out of touch since; it is worth saving again
    mesh = second;

    source.saveConfirmation();
    store.close();

    assertThat(savedMesh()).isEqualTo(first);
    try (SnapshotStore again = SnapshotStore.open(directory, (fault, problem) -> {}, AT_ONCE)) {
      StoredFirst next = new StoredFirst(again, again.load(), remote, () -> mesh, clock);
      next.start(delivered::add);
      Await.until(() -> assertThat(next.isStored()).isFalse());
      next.close();
    }
    assertThat(savedMesh()).isEqualTo(second);
  }

  private MeshMark savedMesh() {
    try (SnapshotStore reader = SnapshotStore.open(directory, (fault, problem) -> {}, AT_ONCE)) {
      return reader.load().orElseThrow().mesh();
    }
  }

  @Test
  void savesWhatTheOtherDelivers() {
    startWith(Samples.snapshot(40, Samples.CART), true, START);
    remote.answer(Samples.snapshot(2, Samples.CATALOGUE), false, now);

    awaitSaved(Samples.snapshot(1, Samples.CATALOGUE), false);
  }

  private void awaitSaved(MeshSnapshot content, boolean complete) {
    Await.until(() -> {
      SlotFiles.Found<Stored> found = new SlotFiles(directory).read(SnapshotFormat::stored);
      assertThat(found.newest()).isPresent();
      Stored stored = found.newest().orElseThrow();
      assertThat(stored.snapshot().hasSameContentAs(content)).isTrue();
      assertThat(stored.snapshot().isComplete()).isEqualTo(complete);
    });
  }

  @Test
  void withNothingStoredWaitsForTheOther() {
    Thread start = Thread.ofVirtual().start(() -> source.start(delivered::add));
    assertThat(source.age()).isEmpty();
    assertThat(source.isStored()).isFalse();

    remote.answer(Samples.snapshot(2, Samples.CART), true, now);

    awaitDelivered(1);
    Await.until(() -> assertThat(start.isAlive()).isFalse());
    assertThat(revisions()).containsExactly(2L);
    assertThat(delivered.getFirst().isComplete()).isTrue();
  }

  @Test
  void isAsOldAsTheLastConfirmation() {
    startWith(Samples.snapshot(40, Samples.CART), true, START.minus(Duration.ofDays(3)));
    assertThat(source.age().orElseThrow()).isEqualTo(Duration.ofDays(3));

    remote.answer(Samples.snapshot(41, Samples.CART), true, START);
    Await.until(() -> assertThat(source.age()).contains(Duration.ZERO));

    now = START.plus(Duration.ofMinutes(2)); // out of touch since
    assertThat(source.age()).contains(Duration.ofMinutes(2));
  }

  @Test
  void isNotYoungerThanItsLifeWhereTheClockWasSetBack() {
    startWith(Samples.snapshot(40, Samples.CART), true, START.plus(Duration.ofDays(9_000)));

    assertThat(source.age().orElseThrow()).isPositive().isLessThan(Duration.ofMinutes(10));
  }

  @Test
  void notesNowAndThenThatItWasStillCurrent() {
    startWith(Samples.snapshot(40, Samples.CART), true, START);
    source.saveConfirmation(); // says nothing of what nobody has confirmed
    remote.answer(Samples.snapshot(2, Samples.CATALOGUE), true, START);
    awaitSaved(Samples.snapshot(1, Samples.CATALOGUE), true);
    Instant later = START.plus(Duration.ofHours(5));
    remote.change(Samples.snapshot(2, Samples.CATALOGUE), later);

    now = later.plus(Duration.ofHours(1));
    source.saveConfirmation();

    Await.until(() -> assertThat(store.status().savedAt()).contains(later));
  }

  @Test
  void closesWhileItWaitsForAnAnswer() {
    startWith(Samples.snapshot(40, Samples.CART), true, START);

    source.close();

    assertThat(delivered).hasSize(1);
    assertThat(remote.closed).isTrue();
  }
}

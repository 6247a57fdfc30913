package io.sluice.control.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.await.Await;
import io.sluice.control.kubernetes.FakeCluster;
import io.sluice.control.kubernetes.FakeCluster.Write;
import io.sluice.control.kubernetes.KubernetesApi;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several controllers and one Lease. */
class WriterLeaseTest {
  private static final LeaseTimes QUICK =
      new LeaseTimes(
          Duration.ofMillis(3_000),
          Duration.ofMillis(1_500),
          Duration.ofMillis(600),
          Duration.ofMillis(100),
          Duration.ofMillis(1_000));

  @TempDir private Path home;

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private FakeCluster cluster;

  @BeforeEach
  void start() throws Exception {
    cluster = new FakeCluster();
    open.push(cluster);
  }

  @AfterEach
  void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  private WriterLease lease(String name) throws Exception {
    return lease(name, InstantSource.system());
  }

  private WriterLease lease(String name, InstantSource clock) throws Exception {
    KubernetesApi api =
        new KubernetesApi(cluster.access(home.resolve(name), name), QUICK.request());
    open.push(api);
    WriterLease lease = new WriterLease(api, name, QUICK, clock);
    open.push(lease);
    return lease;
  }

  @Test
  void passesToAnotherAtOnceWhenItsHolderEnds() throws Exception {
    WriterLease first = lease("a");
    Await.until("a holder", first::isHeld);
    WriterLease second = lease("b");
    Await.until("a look", () -> second.state().holder().startsWith("a_"));

    long ended = System.nanoTime();
    first.close();

    Await.until("another holder", second::isHeld);
    assertThat(Duration.ofNanos(System.nanoTime() - ended)).isLessThan(QUICK.duration());
    assertThat(first.isHeld()).isFalse();
  }

  /** In either direction, and by more than any lease lasts. */
  @ParameterizedTest
  @ValueSource(longs = {-7_200, 0, 7_200})
  void isNeverHeldByTwoHoweverTheirClocksAreSet(long offBySeconds) throws Exception {
    WriterLease first = lease("a");
    Await.until("a holder", first::isHeld);
    WriterLease second =
        lease("b", () -> InstantSource.system().instant().plusSeconds(offBySeconds));
    Await.until("a look", () -> second.state().holder().startsWith("a_"));
    var both = new AtomicBoolean();

    cluster.partition("a");

    Await.until(
        "another holder",
        () -> {
          both.compareAndSet(false, first.isHeld() && second.isHeld());
          return second.isHeld();
        });
    cluster.rejoin("a");
    Await.until("the first sees who holds it", () -> first.state().holder().startsWith("b_"));
    Await.until("and that it is alive", () -> first.state().rival().isPresent());
    assertThat(both).isFalse();
    assertThat(first.isHeld()).isFalse();
    assertThat(pauseBetweenHolders()).isGreaterThan(QUICK.renewFor().plus(QUICK.request()));
  }

  /** From the last renewal of the first that the server took to the first of the other. */
  private Duration pauseBetweenHolders() {
    List<Write> writes = new ArrayList<>(cluster.writes());
    int change = 0;
    while (!writes.get(change).caller().equals("b")) {
      change++;
    }
    return Duration.ofNanos(writes.get(change).nanos() - writes.get(change - 1).nanos());
  }

  @Test
  void isNotTakenFromAHolderThatRenewsIt() throws Exception {
    WriterLease first = lease("a");
    Await.until("a holder", first::isHeld);
    WriterLease second = lease("a"); // of the same name: still another one
    long began = System.nanoTime();

    Await.until(
        "twice the time of a lease",
        () -> {
          assertThat(second.isHeld()).isFalse();
          return System.nanoTime() - began > QUICK.duration().multipliedBy(2).toNanos();
        });

    assertThat(first.isHeld()).isTrue();
    Duration watched = Duration.ofNanos(System.nanoTime() - began);
    assertThat(cluster.writes())
        .as("renewals in " + watched)
        .hasSizeLessThanOrEqualTo((int) watched.dividedBy(QUICK.renew()) + 2);
    assertThat(second.state().rival()).contains(first.state().identity());
    assertThat(second.awaitRival()).contains(first.state().identity());
  }

  @Test
  void takesAPredecessorThatIsGoneForNoRival() throws Exception {
    WriterLease first = lease("a");
    Await.until("a holder", first::isHeld);
    cluster.partition("a"); // as if it had been killed: it gives nothing up

    WriterLease second = lease("b");

    assertThat(second.awaitRival()).isEmpty();
    Await.until("the lease passes", second::isHeld);
  }

  @Test
  void saysWhichRuleIsMissing() throws Exception {
    cluster.fail("writes", new FakeCluster.Failing.Status(403, ""));

    WriterLease lease = lease("a");

    Await.until("a problem", () -> lease.state().problem().isPresent());
    assertThat(lease.state().problem().orElse(""))
        .contains("answered 403")
        .contains("in namespace sluice-system")
        .contains("resources: [leases], verbs: [get, create, update]");
    assertThat(lease.isHeld()).isFalse();
    assertThat(lease.awaitRival()).isEmpty();
    cluster.heal("writes");
    Await.until("a holder", lease::isHeld);
    assertThat(lease.state().problem()).isEmpty();
  }

  @Test
  void refusesTimesThatLetAWriteOutliveTheLease() {
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            new LeaseTimes(
                Duration.ofSeconds(15),
                Duration.ofSeconds(10),
                Duration.ofSeconds(5),
                Duration.ofSeconds(2),
                Duration.ofSeconds(5)))
        .withMessageContaining("outlives a lease of PT15S");
  }
}

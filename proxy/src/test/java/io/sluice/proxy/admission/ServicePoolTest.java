package io.sluice.proxy.admission;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Pool;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Who waits for a place, and who leaves. */
class ServicePoolTest {
  private static final int NONE = UpstreamSetting.UNLIMITED;
  private static final int MANY = 100_000;
  private static final NamespacedName POD = new NamespacedName("shop", "buyer-1");
  private static final NamespacedName OTHER = new NamespacedName("shop", "clerk-1");

  private final ServicePool pool = new ServicePool(System::nanoTime);
  private final List<Integer> granted = new ArrayList<>();

  private List<ServicePool.Waiting> waiting(int number) {
    return IntStream.range(0, number)
        .mapToObj(i ->
            pool.await(
                POD,
                Runnable::run,
                place -> {
                  granted.add(i);
                  place.leave();
                }))
        .toList();
  }

  private ServicePool.Place fill() {
    limit(1);
    return Objects.requireNonNull(pool.take(POD));
  }

  private void limit(int connections) {
    pool.limit(new Pool(connections, Duration.ofSeconds(5), NONE, NONE, NONE, NONE), null);
  }

  @Test
  void placesAreGivenInTheOrderOfAskingToWhoStillWaits() {
    ServicePool.Place place = fill();
    waiting(5).get(2).giveUp();
    place.leave();
    assertThat(granted).containsExactly(0, 1, 3, 4);
  }

  /** As where a pod with many connections goes; an event loop does that while others wait. */
  @Test
  void whoLeavesIsNotSearchedForAmongAllThatWait() {
    ServicePool.Place place = fill();
    List<ServicePool.Waiting> all = waiting(MANY).reversed();
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long begin = threads.getCurrentThreadCpuTime();
    all.forEach(ServicePool.Waiting::giveUp);
    assertThat(Duration.ofNanos(threads.getCurrentThreadCpuTime() - begin))
        .isLessThan(Duration.ofSeconds(3));
    place.leave();
    assertThat(granted).isEmpty();
    assertThat(pool.take(POD)).isNotNull();
  }

  /** All that {@code pod} gets. */
  private List<ServicePool.Place> all(NamespacedName pod) {
    List<ServicePool.Place> places = new ArrayList<>();
    for (var place = pool.take(pod); place != null; place = pool.take(pod)) {
      places.add(place);
    }
    return places;
  }

  @Test
  void onePodAloneLeavesSomeForOthersHoweverManyOfItWait() {
    limit(80);
    List<ServicePool.Place> places = all(POD);
    assertThat(places).hasSize(70);
    waiting(100);
    assertThat(granted).isEmpty();

    assertThat(all(OTHER)).isNotEmpty();
    assertThat(pool.take(new NamespacedName("shop", "later"))).isNotNull();

    places.getFirst().leave();
    assertThat(granted).as("by turns in the place that its own pod has left").hasSize(100);
  }

  @Test
  void onePodAloneLeavesTriesForOthersAndOfFewThereAreNoParts() {
    for (int most : List.of(80, 7)) {
      pool.limit(new Pool(NONE, Duration.ofSeconds(5), NONE, NONE, NONE, most), null);
      List<Admission> greedy = new ArrayList<>();
      for (var one = new Admission(pool, POD); one.mayRepeat(); one = new Admission(pool, POD)) {
        greedy.add(one);
      }
      assertThat(greedy).hasSize(most == 80 ? 70 : most);
      Admission other = new Admission(pool, OTHER);
      assertThat(other.mayRepeat()).isEqualTo(most == 80);

      greedy.forEach(Admission::end);
      assertThat(other.mayRepeat()).isTrue();
      other.end();
    }
  }

  @Test
  void ofThoseThatWaitThePodWithFewestGoesFirst() {
    limit(4);
    List<ServicePool.Place> places = all(POD);
    assertThat(places).as("of so few there are no parts").hasSize(4);
    waiting(1);
    List<ServicePool.Place> others = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      pool.await(OTHER, Runnable::run, others::add);
    }

    places.get(0).leave();
    places.get(1).leave();
    assertThat(others).hasSize(2);
    assertThat(granted).isEmpty();
    places.get(2).leave();
    assertThat(granted).hasSize(1);
    assertThat(others).as("in the place that the other one has left at once").hasSize(3);
  }

  /** Whoever waits holds as many already, or more. */
  @Test
  void whatRestsIsAskedBackForWhoHasFewerAndNobodyElse() {
    limit(8);
    List<ServicePool.Place> places = all(POD);
    assertThat(places).hasSize(7);
    ServicePool.Place other = Objects.requireNonNull(pool.take(OTHER));
    List<String> asked = new ArrayList<>();
    other.stands(Runnable::run, () -> asked.add("other"));
    other.rest();
    pool.await(POD, Runnable::run, _ -> {});
    assertThat(asked).isEmpty();

    places.getFirst().stands(Runnable::run, () -> asked.add("own"));
    places.getFirst().rest();
    assertThat(asked).containsExactly("own");
  }
}

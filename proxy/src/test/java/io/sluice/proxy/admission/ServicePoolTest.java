package io.sluice.proxy.admission;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Pool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who waits for a place, and who leaves. */
class ServicePoolTest {
  private static final int NONE = UpstreamSetting.UNLIMITED;
  private static final int MANY = 100_000;

  private final ServicePool pool = new ServicePool(System::nanoTime);
  private final List<Integer> granted = new ArrayList<>();

  private List<ServicePool.Waiting> waiting(int number) {
    return IntStream.range(0, number)
        .mapToObj(i ->
            pool.await(
                Runnable::run,
                place -> {
                  granted.add(i);
                  place.leave();
                }))
        .toList();
  }

  private ServicePool.Place fill() {
    pool.limit(new Pool(1, Duration.ofSeconds(5), NONE, NONE, NONE, NONE), null);
    return Objects.requireNonNull(pool.take());
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
  @Timeout(value = 5, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void whoLeavesIsNotSearchedForAmongAllThatWait() {
    ServicePool.Place place = fill();
    waiting(MANY).reversed().forEach(ServicePool.Waiting::giveUp);
    place.leave();
    assertThat(granted).isEmpty();
    assertThat(pool.take()).isNotNull();
  }
}

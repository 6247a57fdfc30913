package io.sluice.node.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.node.Samples;
import io.sluice.proxy.ConnectionInfo;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class TrafficWindowsTest {
  private final MeshSnapshot snapshot = Samples.snapshot(1, Samples.CART, Samples.CATALOGUE);
  private final AtomicLong nanos = new AtomicLong(-TimeUnit.SECONDS.toNanos(5));
  private final TrafficWindows windows = new TrafficWindows(nanos::get);

  private void add(ConnectionInfo info, int good, int bad) {
    for (int i = 0; i < good + bad; i++) {
      windows.add(Samples.request(info, 200), i < bad, snapshot);
    }
  }

  private void pass(int seconds) {
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
  }

  private static long count(PodTraffic traffic) {
    return traffic.getDurationsMap().values().stream().mapToLong(each -> each).sum();
  }

  @Test
  void endsAreThePodsThemselves() {
    add(Samples.outbound(1), 90, 10);
    add(Samples.stranger(2), 5, 0);

    assertThat(windows.tell())
        .hasSize(2)
        .anySatisfy(sent -> {
          assertThat(sent.getAtClient()).isTrue();
          assertThat(sent.getSource()).isEqualTo(Samples.CART.toString());
          assertThat(sent.getDestination()).isEqualTo(Samples.CATALOGUE.toString());
          assertThat(sent.getService()).isEqualTo(Samples.SERVICE.toString());
          assertThat(sent.getSplit()).isEmpty();
          assertThat(count(sent)).isEqualTo(100);
          assertThat(sent.getFailed()).isEqualTo(10);
        })
        .anySatisfy(served -> {
          assertThat(served.getAtClient()).isFalse();
          assertThat(served.getSource()).isEmpty();
          assertThat(served.getDestination()).isEqualTo(Samples.CATALOGUE.toString());
          assertThat(count(served)).isEqualTo(5);
        });
  }

  @Test
  void whatIsToldIsOfThirtySecondsAndNoMoreThanForty() {
    add(Samples.outbound(1), 45, 5);
    pass(30);
    assertThat(windows.tell())
        .singleElement()
        .satisfies(told -> assertThat(count(told)).isEqualTo(50));

    add(Samples.outbound(1), 6, 1);
    assertThat(count(windows.tell().getFirst())).isEqualTo(57);

    pass(10);
    assertThat(windows.tell())
        .as("nothing came meanwhile, so that nothing was noted")
        .singleElement()
        .satisfies(told -> {
          assertThat(count(told)).isEqualTo(7);
          assertThat(told.getFailed()).isEqualTo(1);
        });

    pass(40);
    assertThat(windows.tell()).isEmpty();
  }

  @Test
  void podsThatThereIsNoRoomForCountForTheOwnOneAlone() {
    InetSocketAddress called = new InetSocketAddress("10.96.0.7", 80);
    for (int i = 0; i < 2 * TrafficWindows.MAX_ENDS; i++) {
      NamespacedName service = new NamespacedName("shop", "service-" + i);
      add(Samples.outbound(i, Samples.CART, called, null, service), 1, 0);
    }

    List<PodTraffic> told = windows.tell();

    assertThat(told).hasSize(TrafficWindows.MAX_ENDS + 1);
    assertThat(told.stream().mapToLong(TrafficWindowsTest::count).sum())
        .isEqualTo(2 * TrafficWindows.MAX_ENDS);
    pass(50);
    add(Samples.outbound(1), 1, 0);
    assertThat(windows.tell())
        .as("what is over leaves its room")
        .singleElement()
        .satisfies(each -> assertThat(each.getDestination()).isNotEmpty());
  }

  @Test
  void whatHasLeftTheNodeIsForgotten() {
    add(Samples.outbound(1), 1, 0);
    windows.keepOnly(Samples.snapshot(2, Samples.CATALOGUE));

    assertThat(windows.tell()).isEmpty();
  }
}

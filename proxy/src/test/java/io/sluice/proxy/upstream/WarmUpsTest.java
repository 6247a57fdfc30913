package io.sluice.proxy.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.WarmUp;
import io.sluice.proxy.Family;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Shares that new endpoints get, by clocks that stand where the test puts them. */
class WarmUpsTest {
  private static final Duration WINDOW = Duration.ofSeconds(100);
  private static final long EPOCH_SECOND = 1_700_000_000;
  private static final int PICKS = 60_000;

  private final EndpointLoads loads = new EndpointLoads();
  private long elapsedSeconds;
  private final WarmUps warmUps =
      new WarmUps(
          () -> Duration.ofSeconds(elapsedSeconds).toNanos(),
          () -> (EPOCH_SECOND + elapsedSeconds) * 1_000);

  @ParameterizedTest
  @CsvSource({"25, 1, 25", "50, 1, 50", "75, 1, 75", "5, 1, 10", "25, 2, 50", "50, 3, 79.4"})
  void shareOfANewEndpointFollowsTheCurve(int percentOfTime, double aggression, double share) {
    WarmUp said = new WarmUp(0, WINDOW, 10, 100, aggression);
    MeshSnapshot before = of(endpoint(1, said), endpoint(2, said));
    warmUps.publish(MeshSnapshot.EMPTY, before);
    assertThat(warmUps.areOver()).as("what was there before").isTrue();

    MeshSnapshot after = of(endpoint(1, said), endpoint(2, said), endpoint(3, said));
    warmUps.publish(before, after);
    elapsedSeconds += percentOfTime;

    assertThat(shareOfThird(after)).isCloseTo(share, within(5.0));
  }

  @Test
  void atTheEndOfItsTimeItIsAsAnyOther() {
    WarmUp said = new WarmUp(0, WINDOW, 10, 60, 1);
    MeshSnapshot before = of(endpoint(1, said), endpoint(2, said));
    MeshSnapshot after = of(endpoint(1, said), endpoint(2, said), endpoint(3, said));
    warmUps.publish(before, after);
    elapsedSeconds += 99;
    assertThat(shareOfThird(after)).isCloseTo(60, within(5.0));
    assertThat(warmUps.size()).isOne();

    elapsedSeconds += 1;
    assertThat(warmUps.size()).isZero();
    assertThat(shareOfThird(after)).isCloseTo(100, within(5.0));
    assertThat(warmUps.areOver()).isTrue();
  }

  @Test
  void daemonThatStartsAnewGoesOnWhereTheLastOneWas() {
    WarmUp old = new WarmUp(EPOCH_SECOND - 5_000, WINDOW, 10, 100, 1);
    WarmUp young = old.since(EPOCH_SECOND - 30);
    MeshSnapshot snapshot = of(endpoint(1, old), endpoint(2, old), endpoint(3, young));
    warmUps.publish(MeshSnapshot.EMPTY, snapshot);
    elapsedSeconds += 20;

    assertThat(shareOfThird(snapshot)).isCloseTo(50, within(5.0));
    assertThat(warmUps.size()).isOne();
  }

  @Test
  void endpointsThatAreAllNewAreCalledAlike() {
    WarmUp said = new WarmUp(EPOCH_SECOND, WINDOW, 10, 100, 1);
    MeshSnapshot snapshot = of(endpoint(1, said), endpoint(2, said), endpoint(3, said));
    warmUps.publish(MeshSnapshot.EMPTY, snapshot);
    elapsedSeconds += 25;

    assertThat(warmUps.size()).isEqualTo(3);
    assertThat(shareOfThird(snapshot)).isCloseTo(100, within(5.0));
  }

  @Test
  void whoWasCalledBeforeAnythingWasSaidOfWarmUpIsWarm() {
    WarmUp said = new WarmUp(0, WINDOW, 10, 100, 1);
    MeshSnapshot unsaid =
        of(
            new Endpoint(endpoint(1, said).address(), true),
            new Endpoint(endpoint(2, said).address(), true));
    MeshSnapshot after = of(endpoint(1, said), endpoint(2, said), endpoint(3, said));
    warmUps.publish(MeshSnapshot.EMPTY, unsaid);
    warmUps.publish(unsaid, after);

    assertThat(warmUps.size()).isOne();
    assertThat(shareOfThird(after)).isCloseTo(10, within(5.0));
  }

  @Test
  void endpointThatIsReadyAgainWarmsUpAnew() {
    WarmUp said = new WarmUp(0, WINDOW, 10, 100, 1);
    Endpoint third = endpoint(3, said);
    MeshSnapshot ready = of(endpoint(1, said), endpoint(2, said), third);
    MeshSnapshot unready =
        of(endpoint(1, said), endpoint(2, said), new Endpoint(third.address(), false, said));
    warmUps.publish(ready, unready);
    elapsedSeconds += 1_000;
    warmUps.publish(unready, ready);

    assertThat(shareOfThird(ready)).isCloseTo(10, within(5.0));
  }

  @Test
  void whoIsGoneIsNotWarmingUnlessAnotherServiceHasIt() {
    WarmUp said = new WarmUp(0, WINDOW, 10, 100, 1);
    MeshSnapshot before = of(endpoint(1, said));
    MeshSnapshot after = of(endpoint(1, said), endpoint(2, said), endpoint(3, said));
    warmUps.publish(before, after);
    assertThat(warmUps.size()).isEqualTo(2);

    SnapshotEditor editor = after.edit();
    editor.put(service("other", endpoint(3, said)));
    MeshSnapshot shared = editor.snapshot(2);
    warmUps.publish(after, shared);
    editor = shared.edit();
    editor.put(service("store", endpoint(1, said)));
    MeshSnapshot fewer = editor.snapshot(3);
    warmUps.publish(shared, fewer);
    assertThat(warmUps.size()).as("the one that the other service has").isOne();

    warmUps.publish(fewer, before);
    assertThat(warmUps.size()).isZero();
    assertThat(warmUps.areOver()).isTrue();
  }

  @Test
  void connectionsCountForMoreWhereTheShareIsLess() {
    WarmUp said = new WarmUp(0, WINDOW, 10, 100, 1);
    MeshSnapshot before = of(endpoint(1, said), endpoint(2, said));
    MeshSnapshot after = of(endpoint(1, said), endpoint(2, said), endpoint(3, said));
    warmUps.publish(before, after);
    elapsedSeconds += 50;
    List<Endpoint> endpoints = endpoints(after);
    List<InetSocketAddress> opened = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      InetSocketAddress picked =
          Objects.requireNonNull(loads.pick(endpoints, Family.IPV4, null, true, warmUps));
      loads.opened(picked);
      opened.add(picked);
    }

    long third = opened.stream().filter(endpoints.getLast().address()::equals).count();
    assertThat(third).isBetween(150L, 250L); // a fifth of those that stay open
  }

  /** Of one connection with many requests, as a percentage of what each of the others gets. */
  private double shareOfThird(MeshSnapshot snapshot) {
    List<Endpoint> endpoints = endpoints(snapshot);
    int third = 0;
    for (int i = 0; i < PICKS; i++) {
      InetSocketAddress picked = loads.pick(endpoints, Family.IPV4, null, false, warmUps);
      third += endpoints.getLast().address().equals(picked) ? 1 : 0;
    }
    return third * 200.0 / (PICKS - third);
  }

  private static List<Endpoint> endpoints(MeshSnapshot snapshot) {
    return snapshot.services().iterator().next().ports().getFirst().endpoints();
  }

  private static MeshSnapshot of(Endpoint... endpoints) {
    SnapshotEditor editor = MeshSnapshot.EMPTY.edit();
    editor.put(service("store", endpoints));
    return editor.snapshot(1);
  }

  private static Service service(String name, Endpoint... endpoints) {
    return new Service(
        new NamespacedName("shop", name),
        List.of(InetAddress.ofLiteral("10.96.0.1")),
        List.of(new ServicePort("", 80, AppProtocol.HTTP, List.of(endpoints))));
  }

  private static Endpoint endpoint(int number, WarmUp warmUp) {
    return new Endpoint(
        new InetSocketAddress(InetAddress.ofLiteral("10.0.0." + number), 80), true, warmUp);
  }
}

package io.sluice.node.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.await.Await;
import io.sluice.mesh.decision.Reason;
import io.sluice.node.Samples;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(30)
class TapsTest {
  private static final ConnectionInfo INFO = Samples.outbound(1);
  private static final RequestRecord SERVED = Samples.request(INFO, 200);
  private static final RequestRecord REFUSED =
      Samples.refusedRequest(INFO, Reason.NO_TRAFFIC_TARGET, false);
  private static final AccessRecord CONNECTION = Samples.ended(INFO, CloseKind.FIN);

  private final Taps taps = new Taps();
  private final List<Thread> watchers = new CopyOnWriteArrayList<>();

  @AfterEach
  void stop() throws InterruptedException {
    for (Thread one : watchers) {
      one.interrupt();
      one.join();
    }
    assertThat(taps.areOpen()).as("still").isFalse();
  }

  /** Returns once it watches; what it sees comes into the list, after {@code gate}. */
  private List<JsonNode> watch(TapFilter filter, CountDownLatch gate) {
    List<JsonNode> seen = new CopyOnWriteArrayList<>();
    CountDownLatch begun = new CountDownLatch(1);
    watchers.add(
        Thread.ofVirtual()
            .start(() -> {
              try {
                taps.watch(
                    filter,
                    record -> {
                      if (record.isEmpty()) {
                        begun.countDown();
                        await(gate);
                      } else {
                        seen.add(record);
                      }
                    });
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            }));
    await(begun);
    return seen;
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private List<JsonNode> watch(TapFilter filter) {
    return watch(filter, new CountDownLatch(0));
  }

  @Test
  void whatIsRefusedIsShownWithItsReasonAndNothingElseIsWhenSoMuchIsWanted() throws Exception {
    List<JsonNode> seen = watch(new TapFilter("cart-0", "/items", "403", "refused", 2, 0));

    for (int i = 0; i < 3; i++) {
      taps.tell(SERVED);
      taps.tell(CONNECTION);
      taps.tell(REFUSED);
    }
    watchers.getFirst().join();

    assertThat(seen)
        .hasSize(2)
        .allSatisfy(record -> {
          assertThat(record.path("pod").asText()).isEqualTo("shop/cart-0");
          assertThat(record.path("verdict").asText()).isEqualTo("refused");
          assertThat(record.path("reason").asText()).isEqualTo("no_traffic_target");
          assertThat(record.path("path").asText()).isEqualTo("/items/7");
          assertThat(record.path("responseCode").asInt()).isEqualTo(403);
          assertThat(record.path("durationMillis").asLong()).isEqualTo(30);
          assertThat(record.path("leftOut").asLong()).isZero();
        });
  }

  @ParameterizedTest
  @CsvSource({
    "'','','','',true,true,true",
    "shop/cart-0,'','','',true,true,true",
    "other/cart-0,'','','',false,false,false",
    "art-0,'','','',false,false,false",
    "'',/items/7,'','',true,true,false",
    "'',/items/8,'','',false,false,false",
    "'','',2xx,'',true,false,false",
    "'','',403,'',false,true,false",
    "'','',0,'',false,false,false",
    "'','','',allowed,true,false,true",
    "'','','',refused,false,true,false",
  })
  void eachPartOfAFilterIsAsked(
      String pod,
      String path,
      String status,
      String verdict,
      boolean served,
      boolean refused,
      boolean connection) {
    TapFilter filter = TapFilter.parse(new TapFilter(pod, path, status, verdict, 0, 0).toText());

    assertThat(filter.wants(SERVED)).isEqualTo(served);
    assertThat(filter.wants(REFUSED)).isEqualTo(refused);
    assertThat(filter.wants(CONNECTION)).isEqualTo(connection);
  }

  @Test
  void ofABusyPodSomeAreShownBesideThoseOfAQuietOne() {
    List<JsonNode> seen = watch(TapFilter.parse(TapFilter.some(3).toText()));
    ConnectionInfo quiet = Samples.outbound(2, Samples.CATALOGUE);

    for (int i = 0; i < 5; i++) {
      taps.tell(SERVED);
    }
    taps.tell(Samples.request(quiet, 200));

    Await.until("the quiet one's is shown", () -> seen.size() == 4);
    assertThat(seen.getLast().path("pod").asText()).isEqualTo(quiet.pod().toString());
    assertThat(seen.stream().mapToLong(record -> record.path("leftOut").asLong()).sum())
        .isEqualTo(2);
  }

  @Test
  void whatIsNotReadInTimeIsLeftOutAndCounted() {
    CountDownLatch gate = new CountDownLatch(1);
    List<JsonNode> seen = watch(TapFilter.some(0), gate);

    for (int i = 0; i < Taps.QUEUE + 7; i++) {
      taps.tell(SERVED);
    }
    gate.countDown();

    Await.until("what was kept is shown", () -> seen.size() == Taps.QUEUE);
    assertThat(seen.getFirst().path("leftOut").asLong()).isEqualTo(7);
    assertThat(seen.getLast().path("leftOut").asLong()).isZero();
  }

  @Test
  void nothingIsKeptWhileNobodyWatchesAndNoMoreThanSomeMay() {
    TapFilter all = TapFilter.some(0);
    assertThat(taps.areOpen()).isFalse();
    for (int i = 0; i < Taps.MOST; i++) {
      watch(all);
    }

    assertThat(taps.areOpen()).isTrue();
    assertThatThrownBy(() -> taps.watch(all, record -> {}))
        .hasMessage("4 'sluice tap' watch this daemon already; end one of them");
  }
}

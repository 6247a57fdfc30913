package io.sluice.node.export;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class RingTest {
  private static final List<String> SOURCES = List.of("cart.shop", "stock.shop", "till.shop");

  private record One(String octets, String source) {}

  /** Beside a list that does the same; it grows, goes round and is emptied on the way. */
  @Test
  void whatWasAddedComesOutInItsOrderAndByItsSource() {
    Random random = new Random(1);
    Ring ring = new Ring();
    List<One> model = new ArrayList<>();
    int most = 0;
    for (int turn = 0; turn < 5_000; turn++) {
      int added = random.nextInt(turn % 1_000 < 500 ? 8 : 4);
      for (int i = 0; i < added; i++) {
        String octets = Integer.toString(turn).repeat(random.nextInt(100));
        One one = new One(octets, SOURCES.get(random.nextInt(SOURCES.size())));
        byte[] more = (octets + "is not of it").getBytes(StandardCharsets.US_ASCII);
        ring.add(more, octets.length(), one.source());
        model.add(one);
      }
      most = Math.max(most, ring.octets());
      int wanted = 1 + random.nextInt(8);
      int octets = random.nextInt(1_000);
      Batch batch = ring.oldest(wanted, octets);
      requireAlike(batch, model.subList(0, batch.count()));
      int length = batch.octets();
      assertThat(batch.count()).isLessThanOrEqualTo(Math.min(wanted, model.size()));
      assertThat(length <= octets || batch.count() == 1).isTrue();
      if (batch.count() < Math.min(wanted, model.size())) {
        assertThat(length + model.get(batch.count()).octets().length()).isGreaterThan(octets);
      }
      int removed = turn % 1_000 == 999 ? model.size() : batch.count();
      ring.remove(removed);
      model.subList(0, removed).clear();
      assertThat(ring.count()).isEqualTo(model.size());
      assertThat(ring.octets())
          .isEqualTo(model.stream().mapToInt(one -> one.octets().length()).sum());
    }
    assertThat(most).as("more than it had room for at first").isGreaterThan(100_000);
  }

  @Test
  void whatOnceWasMuchTakesNoRoomForLongAlsoWhereSomeAlwaysWait() {
    Ring ring = new Ring();
    byte[] octets = new byte[1_024];
    for (int i = 0; i < 2_048; i++) {
      ring.add(octets, octets.length, "cart.shop");
    }
    ring.remove(2_040);
    for (int i = 0; i < 1_000; i++) {
      ring.add(octets, octets.length, "cart.shop");
      ring.remove(1);
    }

    assertThat(ring.capacity()).isLessThanOrEqualTo(512 * 1_024);
    assertThat(ring.oldest(9, 9_999).octets()).isEqualTo(8 * 1_024);
  }

  private static void requireAlike(Batch batch, List<One> model) {
    assertThat(new String(batch.jsonArray(), StandardCharsets.US_ASCII))
        .isEqualTo(model.stream().map(One::octets).collect(Collectors.joining(",", "[", "]")));
    List<String> sources = model.stream().map(One::source).distinct().toList();
    assertThat(batch.sources()).isEqualTo(sources);
    for (String source : sources) {
      byte[] all = new byte[batch.octetsOf(source)];
      batch.copyOf(source, all, 0);
      assertThat(new String(all, StandardCharsets.US_ASCII))
          .isEqualTo(
              model.stream()
                  .filter(one -> one.source().equals(source))
                  .map(One::octets)
                  .collect(Collectors.joining()));
    }
  }
}

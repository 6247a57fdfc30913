package io.sluice.lab.demo;

import com.fasterxml.jackson.databind.node.ArrayNode;
import io.sluice.lab.demo.BookClient.Reply;
import io.sluice.lab.demo.BookClient.Speech;
import io.sluice.lab.site.Await;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/** The buyer buys one book after the other by one connection, whatever changes meanwhile. */
final class Purchases implements AutoCloseable {
  /** Granted to the buyer. */
  static final String BUY = "/buy-a-book/new";

  private static final Duration DEADLINE = Duration.ofSeconds(20);
  private static final long PAUSE_MILLIS = 1;

  /** Decided before a change, perhaps, and answered behind it. */
  private static final int UNDER_WAY = 2;

  private final DemoShop shop;
  private final BookClient client;
  private final Thread thread;
  private final AtomicLong first = new AtomicLong();
  private final AtomicLong second = new AtomicLong();
  private volatile Reply failure = new Reply(0, "", "");
  private volatile boolean ended;

  /**
   * Answers by version.
   *
   * @param weight of the first version, of a hundred
   * @param v1 answers of the first version
   * @param v2 answers of the second
   */
  record Share(int weight, long v1, long v2) {
    private static final int BAR = 20;
    private static final int HUNDRED = 100;

    /** Five times what a hundred and fifty calls at random differ from their mean. */
    private static final int MOST_POINTS = 20;

    /** Whether answers were shared as the weights say; weight 0 gets none. */
    boolean isAsWeighed() {
      long all = v1 + v2;
      return all > 0
          && Math.abs(HUNDRED * v1 - weight * all) <= MOST_POINTS * all
          && v1 > 0 == weight > 0
          && v2 > 0 == weight < HUNDRED;
    }

    String weights() {
      return weight + "/" + (HUNDRED - weight);
    }

    /** For people. */
    String text() {
      return "v1 " + bar(v1) + ", v2 " + bar(v2);
    }

    private String bar(long part) {
      int length = Math.toIntExact(Math.round((double) BAR * part / Math.max(1, v1 + v2)));
      return String.format(
          Locale.ROOT, "%s%s %d", "#".repeat(length), ".".repeat(BAR - length), part);
    }

    static void put(List<Share> shares, ArrayNode array) {
      shares.forEach(share ->
          array
              .addObject()
              .put("weights", share.weights())
              .put("v1", share.v1)
              .put("v2", share.v2));
    }
  }

  private Purchases(DemoShop shop, InetSocketAddress store) {
    this.shop = shop;
    this.client = shop.open(DemoPod.BUYER, store, Speech.HTTP1);
    this.thread = Thread.ofPlatform().daemon().name("purchases").unstarted(this::buyUntilEnded);
  }

  static Purchases begin(DemoShop shop, InetSocketAddress store) {
    Purchases purchases = new Purchases(shop, store);
    purchases.thread.start();
    return purchases;
  }

  private void buyUntilEnded() {
    while (!ended) {
      Reply reply = client.get(BUY);
      if (!reply.isServed()) {
        failure = reply;
        return;
      }
      (reply.text().equals(DemoPod.STORE_V1.label()) ? first : second).incrementAndGet();
      try {
        Thread.sleep(PAUSE_MILLIS);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** Who answered the next {@code count} purchases. */
  Share next(int weight, int count) throws InterruptedException {
    awaitTotal(total() + UNDER_WAY);
    long v1 = first.get();
    long v2 = second.get();
    awaitTotal(v1 + v2 + count);
    return new Share(weight, first.get() - v1, second.get() - v2);
  }

  private void awaitTotal(long wanted) throws InterruptedException {
    Await.until(DEADLINE, () -> total() >= wanted || !thread.isAlive());
  }

  private long total() {
    return first.get() + second.get();
  }

  /** Ends it, and notes what was bought; returns how many purchases that were. */
  long end() throws InterruptedException {
    ended = true;
    thread.join();
    shop.ledger().noteRequests(total());
    if (isFlawless()) {
      return total();
    }
    shop.ledger().note(failure);
    return total();
  }

  /** Whether every purchase was answered. */
  boolean isFlawless() {
    return failure.text().isEmpty();
  }

  /** What the purchase that failed came to, for people. */
  String failure() {
    return failure.title();
  }

  @Override
  public void close() {
    ended = true;
    client.close();
  }
}

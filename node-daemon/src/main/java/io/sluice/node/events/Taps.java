package io.sluice.node.events;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.RequestRecord;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * Shows connections and requests as they end to who watches them: what the access log would have,
 * and no more. What a watcher does not read in time is left out and counted; traffic is not slowed.
 */
public final class Taps {
  /** Watchers at once. */
  static final int MOST = 4;

  /** Records that wait for one: half a MiB where clients choose the longest texts. */
  static final int QUEUE = 512;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern UNDERSCORE = Pattern.compile("_([a-z])");

  private volatile List<Tap> open = List.of();

  private record Tap(
      TapFilter filter, SomePerSecond some, BlockingQueue<Ended> queue, AtomicLong leftOut) {
    /** Whether {@code pod} may have one more shown now; else it is left out. */
    boolean takes(NamespacedName pod) {
      if (filter.perSecond() == 0 || some.take(pod, System.nanoTime())) {
        return true;
      }
      leftOut.incrementAndGet();
      return false;
    }

    void offer(Ended ended) {
      if (!queue.offer(ended)) {
        leftOut.incrementAndGet();
      }
    }
  }

  /** Whether somebody watches; costs one read. */
  public boolean areOpen() {
    return !open.isEmpty();
  }

  /** A connection has ended, or was refused; never blocks, any thread. */
  public void tell(AccessRecord record) {
    for (Tap tap : open) {
      if (tap.filter.wants(record) && tap.takes(record.info().pod())) {
        tap.offer(Ended.now(record));
      }
    }
  }

  /** The same of a request. */
  public void tell(RequestRecord record) {
    for (Tap tap : open) {
      if (tap.filter.wants(record) && tap.takes(record.info().pod())) {
        tap.offer(Ended.now(record));
      }
    }
  }

  /**
   * Hands over an empty object once it watches, then what {@code filter} wants, until that is
   * enough or the thread is interrupted; throws {@link IllegalArgumentException} where as many as
   * may watch do so already.
   */
  public void watch(TapFilter filter, Consumer<JsonNode> out) throws InterruptedException {
    Tap own =
        new Tap(
            filter,
            new SomePerSecond(filter.perSecond()),
            new ArrayBlockingQueue<>(QUEUE),
            new AtomicLong());
    add(own);
    try {
      out.accept(JSON.createObjectNode());
      AccessLines lines = new AccessLines();
      for (long told = 0; filter.max() == 0 || told < filter.max(); told++) {
        JsonLine line = lines.write(own.queue.take(), null);
        JsonNode read = JSON.readTree(line.octets(), 0, line.length());
        out.accept(named(read).put("leftOut", own.leftOut.getAndSet(0)));
      }
    } catch (IOException e) {
      throw new IllegalStateException("a line of the access log is no JSON", e);
    } finally {
      remove(own);
    }
  }

  /** As commands name fields; both kinds of lines have their duration in milliseconds. */
  private static ObjectNode named(JsonNode line) {
    ObjectNode named = JSON.createObjectNode();
    line.properties()
        .forEach(field ->
            named.set(
                field.getKey().startsWith("duration")
                    ? "durationMillis"
                    : UNDERSCORE
                        .matcher(field.getKey())
                        .replaceAll(letter -> letter.group(1).toUpperCase(Locale.ROOT)),
                field.getValue()));
    return named;
  }

  private synchronized void add(Tap tap) {
    if (open.size() >= MOST) {
      throw new IllegalArgumentException(
          MOST + " 'sluice tap' watch this daemon already; end one of them");
    }
    List<Tap> more = new ArrayList<>(open);
    more.add(tap);
    open = List.copyOf(more);
  }

  private synchronized void remove(Tap tap) {
    open = open.stream().filter(one -> one != tap).toList();
  }
}

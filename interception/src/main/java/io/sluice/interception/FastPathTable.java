package io.sluice.interception;

import io.sluice.interception.maps.ConnectionKey;
import io.sluice.interception.maps.FastConnectionValue;
import io.sluice.interception.maps.FastCounterKey;
import io.sluice.interception.maps.FastCountsValue;
import io.sluice.interception.maps.FastRecordValue;
import io.sluice.interception.maps.GrantKey;
import io.sluice.interception.maps.GrantValue;
import io.sluice.interception.maps.GrantValue.GrantEndpoint;
import io.sluice.interception.maps.SluiceMaps;
import io.sluice.linux.LinuxException;
import io.sluice.linux.bpf.RingBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongPredicate;

/**
 * What the kernel leads from pod to pod of the node without the proxy: what it may, what is open,
 * and what has come of it. All of that is pinned, and goes on while no daemon runs.
 */
public final class FastPathTable {
  /** Grants of all pods together; {@code SLUICE_MAX_GRANTS}. */
  public static final int MAX_GRANTS = 16_384;

  private final SluiceMaps maps;

  /** On these maps, which outlive it. */
  public FastPathTable(SluiceMaps maps) {
    this.maps = maps;
  }

  /**
   * Lets the kernel lead what {@code wanted} says and nothing else. What goes is gone when this
   * returns: whatever is opened by it later is refused, and whatever was opened before is {@link
   * #open}.
   *
   * @return whether anything has gone
   */
  public synchronized boolean grant(Map<GrantKey, GrantValue> wanted) {
    Map<GrantKey, GrantValue> present = maps.fastPath().snapshot();
    boolean gone = false;
    for (GrantKey key : present.keySet()) {
      if (!wanted.containsKey(key)) {
        gone |= maps.fastPath().remove(key);
      }
    }
    for (Map.Entry<GrantKey, GrantValue> each : wanted.entrySet()) {
      GrantValue before = present.get(each.getKey());
      if (!each.getValue().equals(before)) {
        maps.fastPath().put(each.getKey(), each.getValue());
        gone |= before != null;
      }
    }
    return gone;
  }

  /**
   * Takes away what {@code allowed} does not say, and gives nothing; alike.
   *
   * @return whether anything has gone
   */
  public synchronized boolean withdraw(Map<GrantKey, GrantValue> allowed) {
    Map<GrantKey, GrantValue> rest = new HashMap<>();
    grants()
        .forEach((key, value) -> {
          GrantValue most = allowed.get(key);
          List<GrantEndpoint> left = new ArrayList<>(value.endpoints());
          left.retainAll(most == null ? List.of() : most.endpoints());
          if (!left.isEmpty()) {
            rest.put(key, new GrantValue(left));
          }
        });
    return grant(rest);
  }

  /** Takes away what leads from or to the pod with this cookie. */
  synchronized void revoke(long cookie) {
    maps.fastPath()
        .forEach((key, value) -> {
          if (key.netnsCookie() == cookie
              || value.endpoints().stream().anyMatch(one -> one.netnsCookie() == cookie)) {
            maps.fastPath().remove(key);
          }
        });
  }

  /** What the kernel may lead now. */
  public Map<GrantKey, GrantValue> grants() {
    return maps.fastPath().snapshot();
  }

  /** Connections that it leads, by their tuple in the pod called. */
  public Map<ConnectionKey, FastConnectionValue> open() {
    return maps.fastConnections().snapshot();
  }

  /**
   * Tells what has come of them since it was told last, by whichever daemon of the node: those that
   * were opened and closed, and bytes, also of those that are open.
   *
   * @param hasLeft whether the pod with a cookie is not there any more, so that nothing is kept
   * @throws LinuxException when it could not be noted of some that they are told; all others are
   */
  public void tell(LongPredicate hasLeft, BiConsumer<FastCounterKey, FastCountsValue> news) {
    // In this order: what closes in between is told the next time, and nothing twice.
    Map<FastCounterKey, FastCountsValue> counted = new HashMap<>(maps.fastCounters().snapshot());
    Set<FastCounterKey> open = new HashSet<>();
    open()
        .forEach((tuple, value) -> {
          FastCounterKey key =
              new FastCounterKey(value.callerCookie(), tuple.netnsCookie(), value.called());
          open.add(key);
          counted.merge(
              key,
              new FastCountsValue(0, 0, 0, 0, value.sent(), value.received()),
              FastCountsValue::plus);
        });
    Map<FastCounterKey, FastCountsValue> told = maps.fastTold().snapshot();
    told.keySet().forEach(key -> counted.putIfAbsent(key, FastCountsValue.NONE));
    LinuxException failed = null;
    for (Map.Entry<FastCounterKey, FastCountsValue> each : counted.entrySet()) {
      FastCounterKey key = each.getKey();
      FastCountsValue before = told.getOrDefault(key, FastCountsValue.NONE);
      FastCountsValue more = each.getValue().since(before);
      try {
        if (!more.equals(FastCountsValue.NONE)) {
          maps.fastTold().put(key, before.plus(more));
          news.accept(key, more);
        }
        if (!open.contains(key)
            && (hasLeft.test(key.callerCookie()) || hasLeft.test(key.netnsCookie()))) {
          maps.fastCounters().remove(key);
          maps.fastTold().remove(key);
        }
      } catch (LinuxException e) {
        failed = e; // where there is no room it is not told either
      }
    }
    if (failed != null) {
      throw failed;
    }
  }

  /** Reads what is over until {@code ending} is told; one reader only. */
  public void readRecords(Consumer<FastRecordValue> consumer, RingBuffer.Ending ending) {
    RingBuffer.follow(
        maps.fastRecords(), bytes -> consumer.accept(FastRecordValue.CODEC.decode(bytes)), ending);
  }
}

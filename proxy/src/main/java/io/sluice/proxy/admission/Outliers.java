package io.sluice.proxy.admission;

import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.UpstreamSetting.Ejection;
import io.sluice.proxy.admission.Remembered.Ejected;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * Endpoints of one service that have failed several times in a row, which are left out of choice
 * for a while: each further time for as much longer, and for one time less with every such while
 * that they have been good. Holds nothing of what is no endpoint of the service. Any thread; takes
 * its lock where one is ejected alone. Times are of {@link System#nanoTime}.
 */
final class Outliers {
  private static final Logger LOG = System.getLogger(Outliers.class.getName());

  private final NamespacedName service;
  private final ConcurrentMap<InetSocketAddress, Row> rows = new ConcurrentHashMap<>();
  private final LongAdder ejections;
  private volatile Ejection rules;
  private volatile Set<InetSocketAddress> endpoints = Set.of();
  private volatile Map<InetSocketAddress, Long> out = Map.of(); // until when, if that is to come

  /** What has become of what an endpoint was asked for. */
  private static final class Row {
    final AtomicInteger failures = new AtomicInteger();
    int times; // that it was ejected; guarded by the owner
    long until; // likewise, when that ends or ended
  }

  /** Nobody is out; {@code ejections} counts those that will be. */
  Outliers(NamespacedName service, Ejection rules, LongAdder ejections) {
    this.service = service;
    this.rules = rules;
    this.ejections = ejections;
  }

  /** Goes by these from now on: who is out stays so long, if no longer than {@code now} has it. */
  synchronized void follow(Ejection now, Set<InetSocketAddress> ready, long nanos) {
    rules = now;
    endpoints = ready;
    rows.keySet().retainAll(ready);
    Map<InetSocketAddress, Long> left = new HashMap<>();
    out.forEach((endpoint, until) -> {
      if (ready.contains(endpoint) && until - nanos > 0) {
        left.put(endpoint, nanos + Math.min(until - nanos, now.most().toNanos()));
      }
    });
    out = Map.copyOf(left);
  }

  boolean isOut(InetSocketAddress endpoint, long now) {
    Map<InetSocketAddress, Long> present = out;
    if (present.isEmpty()) {
      return false;
    }
    Long until = present.get(endpoint);
    return until != null && until - now > 0;
  }

  /** How many are out. */
  int count(long now) {
    return (int) out.values().stream().filter(until -> until - now > 0).count();
  }

  void succeeded(InetSocketAddress endpoint) {
    Row row = rows.get(endpoint);
    if (row != null) {
      row.failures.set(0);
    }
  }

  void failed(InetSocketAddress endpoint, long now) {
    if (endpoints.contains(endpoint) && !isOut(endpoint, now)) {
      Row row = rows.computeIfAbsent(endpoint, _ -> new Row());
      if (row.failures.incrementAndGet() >= rules.failures()) {
        eject(endpoint, row, now);
      }
    }
  }

  private synchronized void eject(InetSocketAddress endpoint, Row row, long now) {
    Ejection present = rules;
    if (isOut(endpoint, now) || !endpoints.contains(endpoint) || !hasRoom(endpoint, now)) {
      return; // the next failure may find room
    }
    long base = present.base().toNanos();
    long good = row.times == 0 ? 0 : Math.max(0, now - row.until) / base;
    row.times = (int) Math.max(0, row.times - good) + 1;
    long most = present.most().toNanos();
    leaveOut(endpoint, row, row.times > most / base ? most : row.times * base, now);
    ejections.increment();
    LOG.log(
        Level.INFO,
        "endpoint_ejected endpoint={0} service={1} failures={2} millis={3}",
        IpAddresses.text(endpoint),
        service,
        Integer.toString(present.failures()),
        Long.toString(TimeUnit.NANOSECONDS.toMillis(row.until - now)));
  }

  private void leaveOut(InetSocketAddress endpoint, Row row, long nanos, long now) {
    row.failures.set(0);
    row.until = now + nanos;
    Map<InetSocketAddress, Long> next = new HashMap<>(out);
    next.values().removeIf(until -> until - now <= 0);
    next.put(endpoint, row.until);
    out = Map.copyOf(next);
  }

  /** One may always be out; of a port and family so many together. */
  private boolean hasRoom(InetSocketAddress wanted, long now) {
    long alike = endpoints.stream().filter(each -> isAlike(each, wanted)).count();
    long taken =
        out.keySet().stream().filter(each -> isAlike(each, wanted) && isOut(each, now)).count();
    return taken < Math.max(1, alike * rules.mostPercent() / 100);
  }

  private static boolean isAlike(InetSocketAddress one, InetSocketAddress other) {
    return one.getPort() == other.getPort()
        && IpAddresses.isSameFamily(one.getAddress(), other.getAddress());
  }

  /** Who is out, for the daemon that follows. */
  synchronized List<Ejected> ejected(long now) {
    return out.entrySet().stream()
        .filter(each -> each.getValue() - now > 0)
        .map(each -> {
          Row row = rows.get(each.getKey());
          return new Ejected(
              service,
              each.getKey(),
              row == null ? 1 : row.times,
              Duration.ofNanos(each.getValue() - now));
        })
        .toList();
  }

  /** It is out for so long yet, but no longer than the rules have it. */
  synchronized void recall(Ejected told, long now) {
    if (endpoints.contains(told.endpoint()) && hasRoom(told.endpoint(), now)) {
      Row row = rows.computeIfAbsent(told.endpoint(), _ -> new Row());
      row.times = Math.max(1, told.times());
      long most = rules.most().toNanos();
      leaveOut(told.endpoint(), row, Math.min(told.left().toNanos(), most), now);
    }
  }
}

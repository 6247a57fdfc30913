package io.sluice.proxy.upstream;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotDifference.Change;
import io.sluice.mesh.WarmUp;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Which endpoints warm up, and since when by this node's clock that no one sets. How long one has
 * been ready when it is first heard of is by the calendar, so a daemon that starts anew goes on
 * where the last one was. Any thread.
 */
public final class WarmUps {
  private static final Logger LOG = System.getLogger(WarmUps.class.getName());

  private final LongSupplier nanos;
  private final LongSupplier epochMillis;

  /** Those that were not warm when they were heard of; the value is when they became ready. */
  private final ConcurrentMap<Endpoint, Long> since = new ConcurrentHashMap<>();

  /**
   * Nothing warms up yet.
   *
   * @param nanos as {@link System#nanoTime}
   * @param epochMillis as {@link System#currentTimeMillis}
   */
  public WarmUps(LongSupplier nanos, LongSupplier epochMillis) {
    this.nanos = nanos;
    this.epochMillis = epochMillis;
  }

  /** Goes by {@code after} from here on; costs what differs from {@code before}. */
  public void publish(MeshSnapshot before, MeshSnapshot after) {
    long now = nanos.getAsLong();
    since.entrySet().removeIf(each -> isWarm(each.getKey(), now - each.getValue()));
    for (Change<Service> change : after.since(before).of(Kind.SERVICE)) {
      Service service = change.afterOrNull();
      Service former = change.beforeOrNull();
      if (former != null && !since.isEmpty()) {
        forgetGone(former, after);
      }
      if (service != null) {
        Set<InetSocketAddress> known = former == null ? Set.of() : ready(former);
        for (ServicePort port : service.ports()) {
          for (Endpoint endpoint : port.endpoints()) {
            if (endpoint.ready()) {
              begin(endpoint, former != null && !known.contains(endpoint.address()), now, service);
            }
          }
        }
      }
    }
  }

  /** Another service may have it yet. */
  private void forgetGone(Service former, MeshSnapshot after) {
    for (ServicePort port : former.ports()) {
      for (Endpoint endpoint : port.endpoints()) {
        if (since.containsKey(endpoint)
            && after.find(Kind.SERVICE, Kind.SERVICES_BY_ENDPOINT, endpoint.address()).stream()
                .flatMap(service -> service.ports().stream())
                .noneMatch(each -> each.endpoints().contains(endpoint))) {
          since.remove(endpoint);
        }
      }
    }
  }

  private static Set<InetSocketAddress> ready(Service service) {
    Set<InetSocketAddress> ready = new HashSet<>();
    for (ServicePort port : service.ports()) {
      for (Endpoint endpoint : port.endpoints()) {
        if (endpoint.ready()) {
          ready.add(endpoint.address());
        }
      }
    }
    return ready;
  }

  /** Of one of which nobody says since when it is ready it counts whether that was seen here. */
  private void begin(Endpoint endpoint, boolean seen, long now, Service service) {
    WarmUp warmUp = endpoint.warmUpOrNull();
    if (warmUp == null || warmUp.readySecond() == 0 && !seen) {
      return;
    }
    long age =
        warmUp.readySecond() == 0
            ? 0
            : Math.max(
                0, epochMillis.getAsLong() - TimeUnit.SECONDS.toMillis(warmUp.readySecond()));
    if (age < warmUp.duration().toMillis()
        && since.putIfAbsent(endpoint, now - TimeUnit.MILLISECONDS.toNanos(age)) == null) {
      LOG.log(
          Level.INFO,
          () ->
              "endpoint_warming endpoint="
                  + IpAddresses.text(endpoint.address())
                  + " service="
                  + service.name()
                  + " seconds="
                  + (warmUp.duration().toMillis() - age) / 1_000);
    }
  }

  private static boolean isWarm(Endpoint endpoint, long elapsed) {
    WarmUp warmUp = endpoint.warmUpOrNull();
    return warmUp == null || elapsed >= warmUp.duration().toNanos();
  }

  /** Whether every endpoint has its whole share, as far as is known without looking. */
  boolean areOver() {
    return since.isEmpty();
  }

  /** What its share is at present, as a percentage of a warm one's. */
  double percent(Endpoint endpoint) {
    WarmUp warmUp = endpoint.warmUpOrNull();
    Long began = warmUp == null ? null : since.get(endpoint);
    if (warmUp == null || began == null) {
      return WarmUp.FULL_PERCENT;
    }
    long elapsed = nanos.getAsLong() - began;
    if (isWarm(endpoint, elapsed)) {
      since.remove(endpoint, began);
    }
    return warmUp.percentAfter(elapsed);
  }

  /** How many warm up now. */
  public int size() {
    long now = nanos.getAsLong();
    return (int)
        since.entrySet().stream()
            .filter(each -> !isWarm(each.getKey(), now - each.getValue()))
            .count();
  }
}

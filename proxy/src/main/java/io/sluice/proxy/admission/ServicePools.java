package io.sluice.proxy.admission;

import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.proxy.admission.Remembered.Ejected;
import io.sluice.proxy.admission.Remembered.Spared;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The services of which an UpstreamTrafficSetting says how much may be asked. Any thread. */
public final class ServicePools {
  /**
   * Endpoints that fail.
   *
   * @param now that are left out of choice
   * @param all times that one was
   */
  public record Ejections(int now, long all) {}

  private final LongSupplier clock;
  private final LongAdder ejections = new LongAdder();
  private volatile Map<NamespacedName, ServicePool> pools = Map.of();

  /** Of none yet; {@code clock} tells nanoseconds. */
  public ServicePools(LongSupplier clock) {
    this.clock = clock;
  }

  /** What holds calls of {@code service} back; null where nothing is said of it. */
  public @Nullable ServicePool of(NamespacedName service) {
    Map<NamespacedName, ServicePool> present = pools;
    return present.isEmpty() ? null : present.get(service);
  }

  /** Services that are left alone now. */
  public List<Spared> spared() {
    List<Spared> spared = new ArrayList<>();
    pools.forEach((service, pool) -> {
      CircuitBreaker breaker = pool.breaker();
      long left = breaker == null ? -1 : breaker.spareNanos(clock.getAsLong());
      if (left >= 0) {
        spared.add(new Spared(service, Duration.ofNanos(left)));
      }
    });
    return spared;
  }

  /** That service is left alone, as far as it has a circuit breaker. */
  public void spare(Spared told) {
    ServicePool pool = of(told.service());
    CircuitBreaker breaker = pool == null ? null : pool.breaker();
    if (breaker != null) {
      breaker.spareFor(told.left().toNanos(), clock.getAsLong());
    }
  }

  /** Endpoints that are left out of choice now, as they have failed. */
  public List<Ejected> ejected() {
    List<Ejected> ejected = new ArrayList<>();
    for (ServicePool pool : pools.values()) {
      Outliers outliers = pool.outliers();
      if (outliers != null) {
        ejected.addAll(outliers.ejected(clock.getAsLong()));
      }
    }
    return ejected;
  }

  /** That endpoint is left out so long, as far as its service has it so. */
  public void eject(Ejected told) {
    ServicePool pool = of(told.service());
    Outliers outliers = pool == null ? null : pool.outliers();
    if (outliers != null) {
      outliers.recall(told, clock.getAsLong());
    }
  }

  /** How many endpoints are left out, and how often any was. */
  public Ejections stats() {
    int now = 0;
    for (ServicePool pool : pools.values()) {
      Outliers outliers = pool.outliers();
      if (outliers != null) {
        now += outliers.count(clock.getAsLong());
      }
    }
    return new Ejections(now, ejections.sum());
  }

  private static Set<InetSocketAddress> ready(MeshSnapshot snapshot, NamespacedName service) {
    return snapshot.service(service).stream()
        .flatMap(one -> one.ports().stream())
        .flatMap(port -> port.endpoints().stream())
        .filter(Endpoint::ready)
        .map(Endpoint::address)
        .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Goes by {@code snapshot} from now on. What is on its way stays counted where a setting changes,
   * and what waited goes on where there is none any more. One caller at a time.
   */
  public void publish(MeshSnapshot snapshot) {
    Map<NamespacedName, ServicePool> before = pools;
    if (before.isEmpty() && snapshot.all(Kind.UPSTREAM_SETTING).isEmpty()) {
      return;
    }
    Map<NamespacedName, ServicePool> now = new HashMap<>();
    for (UpstreamSetting setting : snapshot.all(Kind.UPSTREAM_SETTING)) {
      if (setting.concernsCalls() || !setting.pool().equals(UpstreamSetting.Pool.NONE)) {
        ServicePool known = before.get(setting.service());
        ServicePool pool = known == null ? new ServicePool(clock) : known;
        pool.saidBy(setting.name());
        pool.limit(setting.pool(), setting.breakerOrNull());
        pool.eject(
            setting.service(),
            setting.ejectionOrNull(),
            setting.ejectionOrNull() == null ? Set.of() : ready(snapshot, setting.service()),
            ejections);
        now.put(setting.service(), pool);
      }
    }
    pools = Map.copyOf(now);
    before.forEach((service, pool) -> {
      if (!now.containsKey(service)) {
        pool.limit(UpstreamSetting.Pool.NONE, null);
      }
    });
  }
}

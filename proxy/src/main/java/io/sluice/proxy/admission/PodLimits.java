package io.sluice.proxy.admission;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.mesh.UpstreamSetting.RequestLimit;
import io.sluice.mesh.UpstreamSetting.RouteLimit;
import io.sluice.mesh.decision.HttpRequest;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What one pod takes, by each service that leads to it. What has been taken of a limit stays
 * counted for as long as that limit is the same, whatever else changes. Any thread.
 */
public final class PodLimits {
  private final LongSupplier clock;
  private final Map<NamespacedName, OfService> services = new ConcurrentHashMap<>();

  /** Of a pod that has taken nothing yet; {@code clock} tells nanoseconds. */
  public PodLimits(LongSupplier clock) {
    this.clock = clock;
  }

  /** What limits arrivals at {@code endpoint} of the pod; null where nothing does. */
  public @Nullable Arrivals at(MeshSnapshot snapshot, InetSocketAddress endpoint) {
    List<UpstreamSetting> settings = snapshot.limitsAt(endpoint);
    if (settings.isEmpty() && services.isEmpty()) {
      return null;
    }
    if (!services.isEmpty()) {
      services.keySet().removeIf(service -> snapshot.upstreamSetting(service).isEmpty());
    }
    List<OfService> limiting =
        settings.stream()
            .filter(setting -> !setting.limits().equals(Limits.NONE))
            .map(setting ->
                services.compute(setting.service(), (_, before) -> of(setting.limits(), before)))
            .toList();
    return limiting.isEmpty() ? null : new Arrivals(limiting);
  }

  private OfService of(Limits limits, @Nullable OfService before) {
    return before != null && before.limits.equals(limits)
        ? before
        : new OfService(limits, before, clock.getAsLong());
  }

  /** The buckets of one service's limits. */
  private static final class OfService {
    final Limits limits;
    final @Nullable TokenBucket connections;
    final @Nullable TokenBucket requests;
    final Map<RouteLimit, TokenBucket> routes = new HashMap<>();
    final @Nullable ByteRate toPod;
    final @Nullable ByteRate fromPod;

    OfService(Limits limits, @Nullable OfService before, long now) {
      this.limits = limits;
      Limits known = before == null ? Limits.NONE : before.limits;
      Rate connected = limits.connectionsOrNull();
      this.connections =
          connected == null
              ? null
              : before != null && connected.equals(known.connectionsOrNull())
                  ? before.connections
                  : new TokenBucket(connected, now);
      RequestLimit asked = limits.requestsOrNull();
      this.requests =
          asked == null
              ? null
              : before != null && asked.equals(known.requestsOrNull())
                  ? before.requests
                  : new TokenBucket(asked.rate(), now);
      for (RouteLimit route : limits.routes()) {
        TokenBucket same = before == null ? null : before.routes.get(route);
        routes.put(route, same == null ? new TokenBucket(route.limit().rate(), now) : same);
      }
      if (before != null && known.bitsPerSecond() == limits.bitsPerSecond()) {
        this.toPod = before.toPod;
        this.fromPod = before.fromPod;
      } else {
        boolean none = limits.bitsPerSecond() == 0;
        this.toPod = none ? null : new ByteRate(limits.bitsPerSecond(), now);
        this.fromPod = none ? null : new ByteRate(limits.bitsPerSecond(), now);
      }
    }

    @Nullable RequestLimit refuses(HttpRequest request, long now) {
      for (RouteLimit route : limits.routes()) {
        if (route.path().matches(request.path())) {
          TokenBucket bucket = routes.get(route);
          return bucket == null || bucket.take(now) ? null : route.limit();
        }
      }
      return requests == null || requests.take(now) ? null : limits.requestsOrNull();
    }
  }

  /** What arrives at one endpoint. */
  public final class Arrivals {
    private final List<OfService> services;

    private Arrivals(List<OfService> services) {
      this.services = services;
    }

    /** The limit that a request is beyond; null where it is taken. */
    public @Nullable RequestLimit refuses(HttpRequest request) {
      long now = clock.getAsLong();
      for (OfService service : services) {
        RequestLimit limit = service.refuses(request, now);
        if (limit != null) {
          return limit;
        }
      }
      return null;
    }

    /** Whether a connection is taken. */
    public boolean takesConnection() {
      long now = clock.getAsLong();
      for (OfService service : services) {
        TokenBucket bucket = service.connections;
        if (bucket != null && !bucket.take(now)) {
          return false;
        }
      }
      return true;
    }

    /** What holds bytes to the pod back, or those from it; null where nothing does. */
    public @Nullable ByteRate bytes(boolean toPod) {
      OfService least = null;
      for (OfService service : services) {
        long bits = service.limits.bitsPerSecond();
        if (bits > 0 && (least == null || bits < least.limits.bitsPerSecond())) {
          least = service;
        }
      }
      return least == null ? null : toPod ? least.toPod : least.fromPod;
    }
  }
}

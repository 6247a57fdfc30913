package io.sluice.proxy.admission;

import io.sluice.mesh.Hashes;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Regex;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Rate;
import io.sluice.mesh.UpstreamSetting.RequestLimit;
import io.sluice.mesh.UpstreamSetting.RouteLimit;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.proxy.admission.Remembered.Taken;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
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
            .map(setting -> services.compute(setting.service(), (_, before) -> of(setting, before)))
            .toList();
    return limiting.isEmpty() ? null : new Arrivals(limiting);
  }

  /** What has been taken of the pod that is not full again. */
  public List<Taken> taken(NamespacedName pod) {
    List<Taken> taken = new ArrayList<>();
    long now = clock.getAsLong();
    services.forEach((service, limited) ->
        limited
            .buckets()
            .forEach((limit, bucket) -> {
              long nanos = bucket.untilFull(now);
              if (nanos > 0) {
                taken.add(new Taken(pod, service, limit, Duration.ofNanos(nanos)));
              }
            }));
    return taken;
  }

  /** So much has been taken, as far as {@code snapshot} has such a limit. */
  public void recall(MeshSnapshot snapshot, Taken told) {
    UpstreamSetting setting = snapshot.upstreamSetting(told.service()).orElse(null);
    if (setting != null && !setting.limits().equals(Limits.NONE)) {
      TokenBucket bucket =
          services
              .compute(told.service(), (_, before) -> of(setting, before))
              .buckets()
              .get(told.limit());
      if (bucket != null) {
        bucket.isFullIn(told.untilFull().toNanos(), clock.getAsLong());
      }
    }
  }

  private OfService of(UpstreamSetting setting, @Nullable OfService before) {
    return before != null && before.setting.equals(setting)
        ? before
        : new OfService(setting, before, clock.getAsLong());
  }

  /**
   * What a request is beyond.
   *
   * @param setting the UpstreamTrafficSetting that says so
   */
  public record Beyond(NamespacedName setting, RequestLimit limit) {}

  /** The buckets of one service's limits. */
  private static final class OfService {
    final UpstreamSetting setting;
    final Limits limits;
    final @Nullable TokenBucket connections;
    final @Nullable TokenBucket requests;
    final Map<RouteLimit, TokenBucket> routes = new HashMap<>();
    final @Nullable ByteRate toPod;
    final @Nullable ByteRate fromPod;
    private volatile @Nullable Map<String, TokenBucket> named; // once anybody asks

    OfService(UpstreamSetting setting, @Nullable OfService before, long now) {
      this.setting = setting;
      this.limits = setting.limits();
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
              : before != null
                      && known.requestsOrNull() != null
                      && asked.rate().equals(known.requestsOrNull().rate())
                  ? before.requests
                  : new TokenBucket(asked.rate(), now);
      for (RouteLimit route : limits.routes()) {
        RequestLimit limit = route.limitOrNull();
        if (limit != null) {
          TokenBucket same = before == null ? null : before.bucketOf(route.path(), limit.rate());
          routes.put(route, same == null ? new TokenBucket(limit.rate(), now) : same);
        }
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

    /** Whose answer is another one is the same limit. */
    private @Nullable TokenBucket bucketOf(Regex path, Rate rate) {
      for (Map.Entry<RouteLimit, TokenBucket> each : routes.entrySet()) {
        RequestLimit limit = each.getKey().limitOrNull();
        if (limit != null && limit.rate().equals(rate) && each.getKey().path().equals(path)) {
          return each.getValue();
        }
      }
      return null;
    }

    /** By what each is called between one daemon and the next, which is short for any path. */
    Map<String, TokenBucket> buckets() {
      Map<String, TokenBucket> known = named;
      if (known == null) {
        known = Map.copyOf(nameBuckets());
        named = known;
      }
      return known;
    }

    private Map<String, TokenBucket> nameBuckets() {
      Map<String, TokenBucket> buckets = new HashMap<>();
      if (connections != null) {
        buckets.put("connections", connections);
      }
      if (requests != null) {
        buckets.put("requests", requests);
      }
      routes.forEach((route, bucket) -> {
        byte[] path = route.path().text().getBytes(StandardCharsets.UTF_8);
        long hash = Hashes.mixed(Hashes.of(Hashes.START, path));
        buckets.put("path " + HexFormat.of().toHexDigits(hash), bucket);
      });
      return buckets;
    }

    @Nullable RequestLimit refuses(HttpRequest request, long now) {
      RouteLimit route = limits.routeOrNull(request.path());
      RequestLimit own = route == null ? null : route.limitOrNull();
      if (route != null && own != null) {
        TokenBucket bucket = routes.get(route);
        return bucket == null || bucket.take(now) ? null : own;
      }
      return requests == null || requests.take(now) ? null : limits.requestsOrNull();
    }
  }

  /** What arrives at one endpoint. */
  public final class Arrivals {
    private final List<OfService> services;
    private final List<UpstreamSetting> sharing; // those that others count for

    private Arrivals(List<OfService> services) {
      this.services = services;
      this.sharing =
          services.stream()
              .map(service -> service.setting)
              .filter(setting -> setting.limits().servers().findAny().isPresent())
              .toList();
    }

    /** Those for whose limits others are to be asked. */
    public List<UpstreamSetting> sharing() {
      return sharing;
    }

    /** The limit that a request is beyond; null where it is taken. */
    public @Nullable Beyond refuses(HttpRequest request) {
      long now = clock.getAsLong();
      for (OfService service : services) {
        RequestLimit limit = service.refuses(request, now);
        if (limit != null) {
          return new Beyond(service.setting.name(), limit);
        }
      }
      return null;
    }

    /** The UpstreamTrafficSetting that a connection is beyond; null where it is taken. */
    public @Nullable NamespacedName refusesConnection() {
      long now = clock.getAsLong();
      for (OfService service : services) {
        TokenBucket bucket = service.connections;
        if (bucket != null && !bucket.take(now)) {
          return service.setting.name();
        }
      }
      return null;
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

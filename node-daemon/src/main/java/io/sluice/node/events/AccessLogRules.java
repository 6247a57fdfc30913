package io.sluice.node.events;

import io.sluice.mesh.AccessLogSetting;
import io.sluice.mesh.AccessLogSetting.Collector;
import io.sluice.mesh.Kind;
import io.sluice.mesh.LogFormat;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SpiffeId;
import io.sluice.node.export.Batch;
import io.sluice.node.export.Delivery;
import io.sluice.node.export.Exporter;
import io.sluice.node.export.Otlp;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What Telemetries say of each pod's lines: how the node's log has them, and which collector they
 * are sent to, with who sends them there. Any thread.
 */
final class AccessLogRules {
  /**
   * Collectors of one node that Telemetries of the mesh's own name, and as many again that others
   * do alone; lines for further ones are dropped.
   */
  static final int MOST_COLLECTORS = 8;

  /** Of the latter those that one namespace names. */
  private static final int MOST_COLLECTORS_OF_NAMESPACE = 2;

  private static final String METHOD = "opentelemetry.proto.collector.logs.v1.LogsService/Export";
  private static final String PATH = "/v1/logs";

  private static final Rule USUAL = new Rule(null, null);

  private final Exporter.Kind kind;
  private final Map<Place, Exporter> exporters = new HashMap<>(); // guarded by this
  private volatile @Nullable Rules rules; // written under this; null while nothing is said

  /**
   * What holds for a pod.
   *
   * @param formatOrNull of the node's own log, which only the mesh's own Telemetries change:
   *     whoever has another namespace neither takes lines out of it nor writes some of others
   */
  record Rule(@Nullable LogFormat formatOrNull, @Nullable Export exportOrNull) {}

  /**
   * What a collector is sent.
   *
   * @param exporterOrNull who sends it; null where there are as many as there may be
   * @param service as which collectors have the pod
   */
  record Export(
      @Nullable LogFormat formatOrNull,
      Collector collector,
      @Nullable Exporter exporterOrNull,
      String service) {}

  /** Where lines go; several Telemetries may name one. */
  private record Place(NamedServer server, Collector.Protocol protocol) {
    static Place of(Collector collector) {
      return new Place(collector.server(), collector.protocol());
    }
  }

  /** What holds for the pods of one snapshot, as they are asked for. */
  private record Rules(
      MeshSnapshot snapshot,
      Map<Place, Target> targets,
      ConcurrentHashMap<NamespacedName, Rule> known) {}

  /** Nothing is said yet. */
  AccessLogRules(Exporter.Kind kind) {
    this.kind = kind;
  }

  /** Whether any Telemetry names a collector. */
  boolean nameCollectors() {
    Rules now = rules;
    return now != null && !now.targets().isEmpty();
  }

  /** Telemetries of that snapshot hold from now on. */
  synchronized void publish(MeshSnapshot snapshot) {
    Map<Place, Target> wanted = new HashMap<>();
    for (AccessLogSetting setting : snapshot.all(Kind.ACCESS_LOG)) {
      Collector collector = setting.collectorOrNull();
      if (collector != null) {
        wanted
            .computeIfAbsent(
                Place.of(collector), place -> new Target(place, place.server().addresses(snapshot)))
            .namedBy(setting, collector);
      }
    }
    rules =
        snapshot.all(Kind.ACCESS_LOG).isEmpty()
            ? null
            : new Rules(snapshot, wanted, new ConcurrentHashMap<>());
    exporters
        .entrySet()
        .removeIf(running -> {
          Target target = wanted.get(running.getKey());
          if (target == null) {
            running.getValue().end();
          } else {
            running.getValue().sendTo(target);
          }
          return target == null;
        });
  }

  /** What holds for that pod now. */
  Rule of(NamespacedName pod) {
    Rules now = rules;
    if (now == null) {
      return USUAL;
    }
    Rule known = now.known().get(pod);
    return known == null ? now.known().computeIfAbsent(pod, _ -> rule(now.snapshot(), pod)) : known;
  }

  private Rule rule(MeshSnapshot snapshot, NamespacedName pod) {
    List<AccessLogSetting> settings = snapshot.accessLogsOf(pod);
    Optional<AccessLogSetting> own =
        settings.stream().filter(AccessLogSetting::isOfMesh).findFirst();
    return new Rule(
        own.map(AccessLogSetting::formatOrNull).orElse(null),
        settings.stream().findFirst().map(setting -> export(snapshot, pod, setting)).orElse(null));
  }

  private @Nullable Export export(
      MeshSnapshot snapshot, NamespacedName pod, AccessLogSetting setting) {
    Collector collector = setting.collectorOrNull();
    if (collector == null) {
      return null;
    }
    NamespacedName service = snapshot.identityOf(pod).map(SpiffeId::serviceAccountName).orElse(pod);
    return new Export(
        setting.formatOrNull(),
        collector,
        exporterOrNull(snapshot, Place.of(collector), pod.namespace()),
        service.name() + "." + service.namespace());
  }

  /** The one that sends there; null where there are as many as there may be. */
  private synchronized @Nullable Exporter exporterOrNull(
      MeshSnapshot snapshot, Place place, String namespace) {
    Rules now = rules;
    Exporter running = exporters.get(place);
    if (running == null && now != null && now.snapshot() == snapshot) { // else nobody would end it
      Target target = now.targets().get(place);
      if (target != null && hasRoom(now, target, namespace)) {
        running = Exporter.start(kind, target);
        exporters.put(place, running);
      }
    }
    return running;
  }

  /** Who comes first has neither the mesh's places nor, but for a few, those of the next one. */
  private boolean hasRoom(Rules now, Target target, String namespace) {
    List<Target> alike =
        now.targets().values().stream()
            .filter(one -> exporters.containsKey(one.place) && one.isOfMesh == target.isOfMesh)
            .toList();
    return alike.size() < MOST_COLLECTORS
        && (target.isOfMesh
            || alike.stream().filter(one -> one.namespaces.contains(namespace)).count()
                < MOST_COLLECTORS_OF_NAMESPACE);
  }

  /** Nothing is said any more; who has sent is the caller's to close. */
  synchronized List<Exporter> stop() {
    rules = null;
    List<Exporter> running = List.copyOf(exporters.values());
    exporters.clear();
    return running;
  }

  /** A collector as it is now. */
  private static final class Target implements Exporter.Target {
    private final Place place;
    private final List<InetSocketAddress> addresses;
    private final Set<String> namespaces = new HashSet<>(); // of Telemetries that name it
    private boolean isOfMesh;
    private long connectMillis;

    Target(Place place, List<InetSocketAddress> addresses) {
      this.place = place;
      this.addresses = addresses;
    }

    /**
     * Before it is published. The longest wait of all that name it counts: with a short one one
     * namespace would keep it from the others.
     */
    void namedBy(AccessLogSetting setting, Collector collector) {
      namespaces.add(setting.name().namespace());
      isOfMesh |= setting.isOfMesh();
      connectMillis = Math.max(connectMillis, collector.connectMillis());
    }

    @Override
    public NamedServer server() {
      return place.server();
    }

    @Override
    public boolean isOfMesh() {
      return isOfMesh;
    }

    @Override
    public List<InetSocketAddress> addresses() {
      return addresses;
    }

    @Override
    public Duration connectTimeout() {
      return Duration.ofMillis(connectMillis);
    }

    @Override
    public Delivery.Call call(Batch batch) {
      byte[] message = Otlp.request(batch);
      return switch (place.protocol()) {
        case GRPC -> new Delivery.Call.Grpc(METHOD, message);
        case HTTP -> new Delivery.Call.Http(PATH, Otlp.CONTENT_TYPE, message);
      };
    }
  }
}

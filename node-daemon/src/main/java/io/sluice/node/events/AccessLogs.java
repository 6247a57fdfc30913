package io.sluice.node.events;

import io.netty.util.concurrent.FastThreadLocal;
import io.sluice.mesh.AccessLogSetting;
import io.sluice.mesh.AccessLogSetting.Collector;
import io.sluice.mesh.Kind;
import io.sluice.mesh.LogFormat;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RemoteLogging;
import io.sluice.mesh.SpiffeId;
import io.sluice.node.export.Batch;
import io.sluice.node.export.Budget;
import io.sluice.node.export.Counts;
import io.sluice.node.export.Delivery;
import io.sluice.node.export.Exporter;
import io.sluice.node.export.Otlp;
import io.sluice.node.export.OtlpWriter;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.TraceSpan;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Writes what has ended to the node's access log and sends it to collectors, each as the Telemetry
 * for the pod says. While none says anything and there is no log, that costs two reads. Any thread;
 * never blocks but to close.
 */
public final class AccessLogs implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(AccessLogs.class.getName());

  /**
   * Collectors of one node that Telemetries of the mesh's own name, and as many again that others
   * do alone; lines for further ones are dropped.
   */
  static final int MOST_COLLECTORS = 8;

  /** Of the latter those that one namespace names. */
  private static final int MOST_COLLECTORS_OF_NAMESPACE = 2;

  private static final int MOST_IN_BATCH = 128;

  private static final String METHOD = "opentelemetry.proto.collector.logs.v1.LogsService/Export";
  private static final String PATH = "/v1/logs";

  private static final Duration REMOTE_CONNECT = Duration.ofSeconds(5);

  private static final Rule USUAL = new Rule(null, null, null, null, "");

  private final Exporter.Kind kind;
  private final Exporter.Kind remoteKind; // others' collectors take none of its room
  private final @Nullable AccessLog log;
  private final FastThreadLocal<AccessLines> lines = ofThread(AccessLines::new);
  private final FastThreadLocal<OtlpWriter> writers = ofThread(OtlpWriter::new);
  private volatile @Nullable Remote remote; // written under this; null where it is off
  private final Map<Place, Exporter> exporters = new HashMap<>(); // guarded by this
  private volatile @Nullable Rules rules; // null while no Telemetry says anything

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

  /**
   * What holds for a pod.
   *
   * @param logFormatOrNull of the node's own log, which only the mesh's own Telemetries change:
   *     whoever has another namespace neither takes lines out of it nor writes some of others
   * @param formatOrNull of what its collector is sent
   * @param service as collectors call it
   */
  private record Rule(
      @Nullable LogFormat logFormatOrNull,
      @Nullable LogFormat formatOrNull,
      @Nullable Collector collectorOrNull,
      @Nullable Exporter exporterOrNull,
      String service) {}

  private static Exporter.Kind kind(String thread, Budget budget) {
    return new Exporter.Kind(
        thread,
        (collector, why) ->
            LOG.log(
                System.Logger.Level.WARNING,
                "access_log_not_taken collector={0}: {1}",
                collector,
                why),
        e -> LOG.log(System.Logger.Level.ERROR, "access_log_not_exported", e),
        MOST_IN_BATCH,
        new Counts(),
        budget);
  }

  private static <T> FastThreadLocal<T> ofThread(Supplier<T> made) {
    return new FastThreadLocal<>() {
      @Override
      protected T initialValue() {
        return made.get();
      }
    };
  }

  /** Writes to that log, or to none; what is sent is within that budget. */
  public AccessLogs(@Nullable AccessLog log, Budget budget) {
    this.log = log;
    kind = kind("sluice-log-export", budget);
    remoteKind = kind("sluice-remote-log", budget);
  }

  /** Whether anything is written or sent. */
  public boolean areOn() {
    return log != null || areSent() || isRemote();
  }

  /** Whether the MeshConfig has lines of all pods sent. */
  public boolean isRemote() {
    return remote != null;
  }

  /** Whether any Telemetry names a collector. */
  public boolean areSent() {
    Rules now = rules;
    return now != null && !now.targets().isEmpty();
  }

  /** Telemetries and settings of that snapshot hold from now on. */
  public synchronized void publish(MeshSnapshot snapshot) {
    remote = remote(snapshot, remote);
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

  private @Nullable Remote remote(MeshSnapshot snapshot, @Nullable Remote running) {
    RemoteLogging said = snapshot.settings().reporting().remoteLoggingOrNull();
    if (said == null) {
      if (running != null) {
        running.exporter().end();
      }
      return null;
    }
    RemoteTarget target = new RemoteTarget(said, said.collector().addresses(snapshot));
    if (running == null) {
      return new Remote(said, Exporter.start(remoteKind, target));
    }
    running.exporter().sendTo(target);
    return new Remote(said, running.exporter());
  }

  /** A connection has ended, or was refused. */
  public void write(AccessRecord record) {
    Rule rule = ruleOf(record.info().pod());
    Remote all = remote;
    boolean isRemote = all != null && all.isOfPart(null);
    if (log != null || isRemote || rule.collectorOrNull() != null) {
      write(Ended.now(record), rule, isRemote ? all : null);
    }
  }

  /** A request has. */
  public void write(RequestRecord record) {
    Rule rule = ruleOf(record.info().pod());
    Remote all = remote;
    boolean isRemote = all != null && all.isOfPart(record.traceOrNull());
    if (log != null || isRemote || rule.collectorOrNull() != null) {
      write(Ended.now(record), rule, isRemote ? all : null);
    }
  }

  /** Each is top frame of what it tells: what has ended is not to suffer from a mistake there. */
  private void write(Ended ended, Rule rule, @Nullable Remote remote) {
    if (log != null) {
      try {
        JsonLine line = lines.get().write(ended, rule.logFormatOrNull());
        log.write(line.octets(), line.length());
      } catch (RuntimeException e) {
        log.leaveOut(e);
      }
    }
    Exporter exporter = rule.exporterOrNull();
    Collector collector = rule.collectorOrNull();
    if (exporter != null && collector != null) {
      send(ended, rule, collector, exporter);
    } else if (collector != null) {
      kind.counts().drop();
    }
    if (remote != null) {
      send(ended, remote.exporter());
    }
  }

  private void send(Ended ended, Rule rule, Collector collector, Exporter exporter) {
    if (!exporter.hasRoom()) {
      exporter.leaveOut();
      return;
    }
    try {
      OtlpWriter writer = writers.get();
      OtlpLine.write(ended, rule.formatOrNull(), collector, lines.get(), writer);
      exporter.add(writer.octets(), writer.length(), rule.service());
    } catch (RuntimeException e) {
      exporter.leaveOut(e);
    }
  }

  /** The usual line. */
  private void send(Ended ended, Exporter exporter) {
    if (!exporter.hasRoom()) {
      exporter.leaveOut();
      return;
    }
    try {
      JsonLine line = lines.get().write(ended, null);
      exporter.add(line.octets(), line.length() - 1, ""); // without its end
    } catch (RuntimeException e) {
      exporter.leaveOut(e);
    }
  }

  private Rule ruleOf(NamespacedName pod) {
    Rules now = rules;
    if (now == null) {
      return USUAL;
    }
    Rule known = now.known().get(pod);
    return known == null ? now.known().computeIfAbsent(pod, _ -> rule(now.snapshot(), pod)) : known;
  }

  private Rule rule(MeshSnapshot snapshot, NamespacedName pod) {
    List<AccessLogSetting> settings = snapshot.accessLogsOf(pod);
    Optional<AccessLogSetting> setting = settings.stream().findFirst();
    Optional<AccessLogSetting> own =
        settings.stream().filter(AccessLogSetting::isOfMesh).findFirst();
    Collector collector = setting.map(AccessLogSetting::collectorOrNull).orElse(null);
    NamespacedName service = snapshot.identityOf(pod).map(SpiffeId::serviceAccountName).orElse(pod);
    return new Rule(
        own.map(AccessLogSetting::formatOrNull).orElse(null),
        setting.map(AccessLogSetting::formatOrNull).orElse(null),
        collector,
        collector == null ? null : exporterOrNull(snapshot, Place.of(collector), pod.namespace()),
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

  /** What became of lines for collectors of Telemetries since the start. */
  public Counts counts() {
    return kind.counts();
  }

  /** The same of those for the collector of the MeshConfig. */
  public Counts remoteCounts() {
    return remoteKind.counts();
  }

  /** Sends what waits, for two seconds at most; the log is another's. */
  @Override
  public void close() {
    List<Exporter> all;
    synchronized (this) {
      rules = null;
      all = new ArrayList<>(exporters.values());
      exporters.clear();
      Remote running = remote;
      remote = null;
      if (running != null) {
        all.add(running.exporter());
      }
    }
    Exporter.close(all);
  }

  /** What the MeshConfig says of all pods' lines, and who sends them. */
  private record Remote(RemoteLogging said, Exporter exporter) {
    /** By the trace, so that all of a call is told or nothing; else by chance. */
    boolean isOfPart(@Nullable TraceSpan trace) {
      return trace == null
          ? ThreadLocalRandom.current().nextDouble() < said.sampledFraction()
          : TraceSpan.isOfPart(trace.traceLow(), said.sampledFraction());
    }
  }

  /** A collector of all pods' lines as it is now: arrays of the usual lines. */
  private record RemoteTarget(RemoteLogging said, List<InetSocketAddress> addresses)
      implements Exporter.Target {
    @Override
    public NamedServer server() {
      return said.collector();
    }

    @Override
    public Duration connectTimeout() {
      return REMOTE_CONNECT;
    }

    /** Nobody says so of osm-edge's and FSM's collectors. */
    @Override
    public boolean takesGzip() {
      return false;
    }

    /** A mended secret or path is tried at once. */
    @Override
    public boolean isSameAs(Exporter.Target other) {
      return other instanceof RemoteTarget one
          && said.collector().equals(one.said.collector())
          && said.endpoint().equals(one.said.endpoint())
          && said.authorization().equals(one.said.authorization());
    }

    @Override
    public Delivery.Call call(Batch batch) {
      return new Delivery.Call.Http(
          said.endpoint(), "application/json", batch.jsonArray(), said.authorization());
    }
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

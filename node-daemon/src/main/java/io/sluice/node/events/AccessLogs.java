package io.sluice.node.events;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.export.Budget;
import io.sluice.node.export.Counts;
import io.sluice.node.export.Exporter;
import io.sluice.node.export.OtlpWriter;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.RequestRecord;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes what has ended to the node's access log and sends it to collectors, each as the Telemetry
 * for the pod says. While none says anything and there is no log, that costs two reads. Any thread;
 * never blocks but to close.
 */
public final class AccessLogs implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(AccessLogs.class.getName());

  private static final int MOST_IN_BATCH = 128;

  private final @Nullable AccessLog log;
  private final Exporter.Kind kind;
  private final Exporter.Kind remoteKind; // others' collectors take none of its room
  private final AccessLogRules rules;
  private final RemoteLog remote;
  private final ThreadLocal<AccessLines> lines = ThreadLocal.withInitial(AccessLines::new);
  private final ThreadLocal<OtlpWriter> writers = ThreadLocal.withInitial(OtlpWriter::new);

  /** Writes to that log, or to none; what is sent is within that budget. */
  public AccessLogs(@Nullable AccessLog log, Budget budget) {
    this.log = log;
    kind = kind("sluice-log-export", budget);
    remoteKind = kind("sluice-remote-log", budget);
    rules = new AccessLogRules(kind);
    remote = new RemoteLog(remoteKind);
  }

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

  /** Whether anything is written or sent. */
  public boolean areOn() {
    return log != null || areSent() || isRemote();
  }

  /** Whether the MeshConfig has lines of all pods sent. */
  public boolean isRemote() {
    return remote.isOn();
  }

  /** Whether any Telemetry names a collector. */
  public boolean areSent() {
    return rules.nameCollectors();
  }

  /** Telemetries and settings of that snapshot hold from now on. */
  public void publish(MeshSnapshot snapshot) {
    remote.publish(snapshot);
    rules.publish(snapshot);
  }

  /** A connection has ended, or was refused. */
  public void write(AccessRecord record) {
    AccessLogRules.Rule rule = rules.of(record.info().pod());
    Exporter toRemote = remote.exporterOrNull(null);
    if (log != null || toRemote != null || rule.exportOrNull() != null) {
      write(Ended.now(record), rule, toRemote);
    }
  }

  /** A request has. */
  public void write(RequestRecord record) {
    AccessLogRules.Rule rule = rules.of(record.info().pod());
    Exporter toRemote = remote.exporterOrNull(record.traceOrNull());
    if (log != null || toRemote != null || rule.exportOrNull() != null) {
      write(Ended.now(record), rule, toRemote);
    }
  }

  /** Each is top frame of what it tells: what has ended is not to suffer from a mistake there. */
  private void write(Ended ended, AccessLogRules.Rule rule, @Nullable Exporter toRemote) {
    if (log != null) {
      try {
        JsonLine line = lines.get().write(ended, rule.formatOrNull());
        log.write(line.octets(), line.length());
      } catch (RuntimeException e) {
        log.leaveOut(e);
      }
    }
    AccessLogRules.Export export = rule.exportOrNull();
    if (export != null) {
      Exporter exporter = export.exporterOrNull();
      if (exporter == null) {
        kind.counts().drop();
      } else {
        send(ended, exporter, export);
      }
    }
    if (toRemote != null) {
      send(ended, toRemote, null);
    }
  }

  /** As a Telemetry has it exported, else the usual line. */
  private void send(Ended ended, Exporter exporter, AccessLogRules.@Nullable Export export) {
    if (!exporter.hasRoom()) {
      exporter.leaveOut();
      return;
    }
    try {
      if (export == null) {
        JsonLine line = lines.get().write(ended, null);
        exporter.add(line.octets(), line.textLength(), "");
      } else {
        OtlpWriter writer = writers.get();
        OtlpLine.write(ended, export.formatOrNull(), export.collector(), lines.get(), writer);
        exporter.add(writer.octets(), writer.length(), export.service());
      }
    } catch (RuntimeException e) {
      exporter.leaveOut(e);
    }
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
    List<Exporter> all = new ArrayList<>(rules.stop());
    remote.stop().ifPresent(all::add);
    Exporter.close(all);
  }
}

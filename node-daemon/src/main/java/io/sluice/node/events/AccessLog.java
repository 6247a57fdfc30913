package io.sluice.node.events;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.sluice.mesh.IpAddresses;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One JSON line for every connection, written by a thread of its own. The queue between is bounded:
 * when the disk cannot follow, records are dropped and counted, traffic is not slowed.
 *
 * <p>A file is rotated at {@link #MAX_FILE_BYTES} with one predecessor kept, so that flash of a
 * small node is not filled.
 */
public final class AccessLog implements AutoCloseable {
  /** Size at which a file becomes {@code <name>.1}: a day of one connection per second. */
  public static final long MAX_FILE_BYTES = 16L << 20;

  private static final int QUEUE_CAPACITY = 4_096;
  private static final System.Logger LOG = System.getLogger(AccessLog.class.getName());
  private static final JsonFactory JSON = new JsonFactory();

  private final @Nullable Path file;
  private final BlockingQueue<Entry> queue = new ArrayBlockingQueue<>(QUEUE_CAPACITY);
  private final AtomicLong dropped = new AtomicLong();
  private final Thread thread;
  private OutputStream out;
  private long written;

  private sealed interface Entry {
    record Line(Instant time, AccessRecord record) implements Entry {}

    record End() implements Entry {}
  }

  private AccessLog(@Nullable Path file, OutputStream out, long written) {
    this.file = file;
    this.out = out;
    this.written = written;
    this.thread = Thread.ofPlatform().daemon().name("sluice-access-log").start(this::run);
  }

  /** Appends to {@code file}. */
  public static AccessLog toFile(Path file) {
    try {
      return new AccessLog(file, append(file), Files.exists(file) ? Files.size(file) : 0);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write access log " + file, e);
    }
  }

  /** Writes to standard output, without rotation. */
  public static AccessLog toStandardOutput() {
    return new AccessLog(null, System.out, 0);
  }

  private static OutputStream append(Path file) throws IOException {
    return new BufferedOutputStream(
        Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
  }

  /** Queues a record; never blocks, any thread. */
  public void write(AccessRecord record) {
    if (!queue.offer(new Entry.Line(Instant.now(), record))) {
      dropped.incrementAndGet();
    }
  }

  /** Records that found the queue full. */
  public long dropped() {
    return dropped.get();
  }

  private void run() {
    try {
      while (queue.take() instanceof Entry.Line(Instant time, AccessRecord record)) {
        writeLine(time, record);
        if (queue.isEmpty()) {
          out.flush();
        }
      }
      out.flush();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.ERROR, "access_log_ended file=" + file, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void writeLine(Instant time, AccessRecord record) throws IOException {
    byte[] line = (json(time, record) + "\n").getBytes(StandardCharsets.UTF_8);
    Path rotated = file;
    if (rotated != null && written > 0 && written + line.length > MAX_FILE_BYTES) {
      out.close();
      Files.move(
          rotated,
          rotated.resolveSibling(rotated.getFileName() + ".1"),
          StandardCopyOption.REPLACE_EXISTING);
      out = append(rotated);
      written = 0;
    }
    out.write(line);
    written += line.length;
  }

  private static String json(Instant time, AccessRecord record) throws IOException {
    ConnectionInfo info = record.info();
    StringWriter text = new StringWriter(512);
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeStringField("time", time.toString());
      json.writeStringField("reporter", info.reporter().label());
      json.writeStringField("direction", info.direction().label());
      json.writeStringField("pod", info.pod().toString());
      writeIfKnown(json, "source_workload", info.sourceOrNull());
      json.writeStringField("client", IpAddresses.text(info.client()));
      writeIfKnown(
          json,
          "original_destination",
          info.originalDestination().map(IpAddresses::text).orElse(null));
      writeIfKnown(json, "upstream", info.upstream().map(IpAddresses::text).orElse(null));
      writeIfKnown(json, "service", info.serviceOrNull());
      json.writeStringField("verdict", record.verdict().outcome().label());
      json.writeStringField("reason", record.verdict().reason().label());
      writeIfKnown(json, "rule", record.verdict().ruleOrNull());
      json.writeNumberField("bytes_sent", record.bytesSent());
      json.writeNumberField("bytes_received", record.bytesReceived());
      json.writeNumberField("duration_ms", record.duration().toMillis());
      json.writeStringField("close", record.closeKind().label());
      json.writeStringField("close_reason", record.closeReason().label());
      json.writeNumberField("revision", info.revision());
      json.writeEndObject();
    }
    return text.toString();
  }

  private static void writeIfKnown(JsonGenerator json, String field, @Nullable Object value)
      throws IOException {
    if (value != null) {
      json.writeStringField(field, value.toString());
    }
  }

  /** Writes what is queued, then ends; waits up to 2 s. */
  @Override
  public void close() {
    try {
      queue.put(new Entry.End());
      thread.join(2_000);
      if (file != null) {
        out.close();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.ERROR, "access_log_not_closed file=" + file, e);
    }
  }
}

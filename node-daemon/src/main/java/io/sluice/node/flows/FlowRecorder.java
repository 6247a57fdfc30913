package io.sluice.node.flows;

import io.sluice.mesh.Access;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.decision.Verdict;
import io.sluice.node.flows.RecordedFlow.Asked;
import io.sluice.node.flows.RecordedFlow.Seen;
import io.sluice.proxy.AccessRecord;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the flows that policy decided: what is seen again within {@link #WINDOW} raises a count in
 * memory, and a window is written at its end in one piece. Event loops queue what they have anyway;
 * where the queue, a window or the day's bytes are full, flows are left out and counted.
 */
public final class FlowRecorder implements AutoCloseable {
  /** How long flows are gathered before they are written; a daemon that is killed loses so much. */
  public static final Duration WINDOW = Duration.ofMinutes(5);

  /** On the disk at once, and written a day. */
  static final long MAX_BYTES = 50L << 20;

  /** Different flows of a window; some 4 MiB of memory. */
  static final int MOST_FLOWS = 8_192;

  /** Of one source, so that none pushes others out. */
  static final int MOST_OF_SOURCE = MOST_FLOWS / 8;

  private static final int QUEUE_CAPACITY = 4_096;

  /** More than any sensible policy matches on; further ones are not kept. */
  private static final int MOST_HEADERS = 16;

  /** In a field of its own, or what proves who somebody is: not for a disk. */
  private static final Set<String> NOT_TOLD =
      Set.of("host", ":authority", "authorization", "proxy-authorization", "cookie", "x-api-key");

  /** Connections whose last flow is known; a power of two. */
  private static final int MOST_LAST = 64;

  /** Kinds of connections alike whose flow is; a power of two. */
  private static final int MOST_ALIKE = 256;

  /** As the access log does: records do not wake the thread one by one. */
  private static final Duration GATHERING = Duration.ofMillis(20);

  /** Bytes that may be written at once before the day's rate holds. */
  private static final long BURST_BYTES = 4L << 20;

  private static final Duration WRITE_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);
  private static final System.Logger LOG = System.getLogger(FlowRecorder.class.getName());

  private sealed interface Entry {
    /** What an event loop hands over. */
    record Told(
        Instant time, ConnectionInfo info, Verdict verdict, @Nullable RequestRecord askedOrNull)
        implements Entry {}

    /** Everything before it is to be on the disk. */
    record Write(CountDownLatch done) implements Entry {}

    record End() implements Entry {}
  }

  /** The last flow of a connection, or of several that are alike: most are told again and again. */
  private record Last(ConnectionInfo info, Verdict verdict, @Nullable RecordedFlow flowOrNull) {
    /** Whether it is that of {@code request} too, which is told without headers. */
    boolean is(Entry.Told told, RequestRecord request) {
      Asked asked = flowOrNull == null ? null : flowOrNull.askedOrNull();
      return asked != null
          && info == told.info
          && !asked.cut()
          && asked.path().equals(request.path())
          && asked.method().equals(request.method())
          && asked.authority().equals(request.authority())
          && asked.absent().isEmpty()
          && verdict.equals(told.verdict);
    }
  }

  private final Path directory;
  private final FlowFiles files;
  private final Supplier<MeshSnapshot> snapshot;
  private final InstantSource clock;
  private final LongSupplier nanos;
  private final BlockingQueue<Entry> queue = new ArrayBlockingQueue<>(QUEUE_CAPACITY);
  private final AtomicLong leftOut = new AtomicLong();
  private final Thread thread;
  private volatile List<String> headers = List.of();

  // Of the thread.
  private final Map<RecordedFlow, Seen> present = new LinkedHashMap<>();
  private final Map<String, Integer> sources = new HashMap<>(); // flows of each in it
  private double allowance = BURST_BYTES;
  private long allowanceNanos;
  private boolean failing;
  private long noted; // of what is left out
  private final @Nullable Last[] last = new @Nullable Last[MOST_LAST]; // by connection
  private final @Nullable Last[] alike = new @Nullable Last[MOST_ALIKE]; // without a request
  private @Nullable MeshSnapshot namedBy; // the ends of those

  private FlowRecorder(
      Path directory, Supplier<MeshSnapshot> snapshot, InstantSource clock, LongSupplier nanos) {
    this.directory = directory;
    this.files = new FlowFiles(directory, MAX_BYTES - FlowFiles.LEFT_OUT_BYTES);
    this.snapshot = snapshot;
    this.clock = clock;
    this.nanos = nanos;
    this.allowanceNanos = nanos.getAsLong();
    this.thread = Thread.ofPlatform().daemon().name("sluice-flows").unstarted(this::run);
  }

  /**
   * Records into {@code directory}, which is made with the first window.
   *
   * @param snapshot in force; names the ends of connections
   */
  public static FlowRecorder start(Path directory, Supplier<MeshSnapshot> snapshot) {
    return start(directory, snapshot, InstantSource.system(), System::nanoTime);
  }

  /**
   * The same at other times.
   *
   * @param nanos what passes, of which windows and what may be written are measured
   */
  public static FlowRecorder start(
      Path directory, Supplier<MeshSnapshot> snapshot, InstantSource clock, LongSupplier nanos) {
    FlowRecorder started = new FlowRecorder(directory, snapshot, clock, nanos);
    started.allowance = Math.min(BURST_BYTES, MAX_BYTES - started.writtenToday());
    started.thread.start();
    return started;
  }

  /** A daemon that starts again and again writes no more a day for it. */
  private long writtenToday() {
    try {
      return Math.min(
          MAX_BYTES, FlowFiles.bytesSince(directory, clock.instant().minus(Duration.ofDays(1))));
    } catch (IOException e) {
      return 0; // told when it is written
    }
  }

  /** Goes by the headers that {@code next} matches on; any thread. */
  public void publish(MeshSnapshot next) {
    headers =
        next.permissions().stream()
            .map(permission -> permission.access())
            .filter(Access.Requests.class::isInstance)
            .flatMap(access -> ((Access.Requests) access).routes().stream())
            .flatMap(match -> match.headers().keySet().stream())
            .filter(name -> !NOT_TOLD.contains(name))
            .distinct()
            .sorted()
            .limit(MOST_HEADERS)
            .toList();
  }

  /** Headers that requests are to be told with; never blocks. */
  public List<String> headersToTell() {
    return headers;
  }

  /** Queues a connection that ended or was refused; never blocks, any thread. */
  public void record(AccessRecord record) {
    RequestRecord asked = record.askedOrNull();
    ConnectionInfo info = asked == null ? record.info() : asked.info();
    queue(new Entry.Told(clock.instant(), info, record.verdict(), asked));
  }

  /** Queues a request; never blocks, any thread. */
  public void record(RequestRecord record) {
    queue(new Entry.Told(clock.instant(), record.info(), record.verdict(), record));
  }

  private void queue(Entry told) {
    if (!queue.offer(told)) {
      leftOut.incrementAndGet();
    }
  }

  /** Flows that are not in the record because of a limit or the disk. */
  public long leftOut() {
    return leftOut.get();
  }

  private void run() {
    long end = nanos.getAsLong() + WINDOW.toNanos();
    try {
      while (true) {
        Entry next = queue.poll(Math.max(0, end - nanos.getAsLong()), TimeUnit.NANOSECONDS);
        switch (next) {
          case null -> {}
          case Entry.Told told -> take(told);
          case Entry.Write(CountDownLatch done) -> {
            write();
            done.countDown();
          }
          case Entry.End _ -> {
            write();
            return;
          }
        }
        if (end - nanos.getAsLong() <= 0) {
          write();
          end = nanos.getAsLong() + WINDOW.toNanos();
        } else if (queue.isEmpty()) {
          Thread.sleep(GATHERING);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does; a window is lost
    }
  }

  private void take(Entry.Told told) {
    try {
      RecordedFlow flow = flow(told);
      if (flow != null) {
        add(flow, told.time);
      }
    } catch (RuntimeException e) {
      leftOut.incrementAndGet(); // one record must not end all recording
      LOG.log(System.Logger.Level.ERROR, "flow_not_recorded", e);
    }
  }

  /** Null where policy did not decide it. */
  private @Nullable RecordedFlow flow(Entry.Told told) {
    MeshSnapshot now = snapshot.get();
    if (now != namedBy) {
      forgetLast();
      namedBy = now;
    }
    RequestRecord request = told.askedOrNull;
    if (request == null) {
      return ofConnection(now, told);
    }
    List<String> wanted = headers;
    if (!wanted.isEmpty()) {
      return RecordedFlow.of(now, told.info, told.verdict, Asked.of(request, wanted)).orElse(null);
    }
    int slot = (int) told.info.id() & MOST_LAST - 1;
    Last same = last[slot];
    if (same == null || !same.is(told, request)) {
      RecordedFlow flow =
          RecordedFlow.of(now, told.info, told.verdict, Asked.of(request, wanted)).orElse(null);
      same = new Last(told.info, told.verdict, flow);
      last[slot] = same;
    }
    return same.flowOrNull;
  }

  private @Nullable RecordedFlow ofConnection(MeshSnapshot now, Entry.Told told) {
    int slot = told.info.likenessHash() & MOST_ALIKE - 1;
    Last same = alike[slot];
    if (same == null || !same.info.isLike(told.info) || !same.verdict.equals(told.verdict)) {
      RecordedFlow flow = RecordedFlow.of(now, told.info, told.verdict, null).orElse(null);
      same = new Last(told.info, told.verdict, flow);
      alike[slot] = same;
    }
    return same.flowOrNull;
  }

  /** No snapshot is held that is not in force, nor what was told, longer than a window. */
  private void forgetLast() {
    namedBy = null;
    Arrays.fill(last, null);
    Arrays.fill(alike, null);
  }

  private void add(RecordedFlow flow, Instant time) {
    Seen before = present.get(flow);
    if (before != null) {
      present.put(flow, before.and(new Seen(1, time, time)));
      return;
    }
    if (present.size() < MOST_FLOWS
        && sources.merge(source(flow), 1, Integer::sum) <= MOST_OF_SOURCE) {
      present.put(flow, new Seen(1, time, time));
    } else {
      leftOut.incrementAndGet();
    }
  }

  /** Whoever shows no identity chooses its address too, and all of those are one. */
  private static String source(RecordedFlow flow) {
    return String.valueOf(flow.sourceIdentityOrNull());
  }

  /** The first flow of each source, then the second: who has most loses what does not fit. */
  private List<Map.Entry<RecordedFlow, Seen>> byTurns() {
    Map<String, Integer> taken = new HashMap<>();
    Map<Integer, List<Map.Entry<RecordedFlow, Seen>>> turns = new TreeMap<>();
    for (Map.Entry<RecordedFlow, Seen> one : present.entrySet()) {
      int turn = taken.merge(source(one.getKey()), 1, Integer::sum);
      turns.computeIfAbsent(turn, _ -> new ArrayList<>()).add(one);
    }
    return turns.values().stream().flatMap(List::stream).toList();
  }

  /**
   * Writes what was queued until now, as when somebody is about to read it; waits for the disk.
   *
   * @throws IllegalStateException when that takes longer than 10 s
   */
  public void writeAll() throws InterruptedException {
    CountDownLatch done = new CountDownLatch(1);
    if (!queue.offer(new Entry.Write(done), WRITE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
        || !done.await(WRITE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new IllegalStateException("the disk does not take the record of flows in time");
    }
  }

  private void write() {
    grow();
    ByteArrayOutputStream batch = new ByteArrayOutputStream();
    int all = present.size();
    int taken = 0;
    for (Map.Entry<RecordedFlow, Seen> one : byTurns()) {
      byte[] bytes = FlowFormat.bytes(new RecordedFlow.Entry(one.getKey(), one.getValue()));
      if (batch.size() + bytes.length > allowance) {
        break;
      }
      batch.writeBytes(bytes);
      taken++;
    }
    present.clear();
    sources.clear();
    forgetLast();
    boolean isWritten = taken > 0 && append(batch);
    leftOut.addAndGet(isWritten ? all - taken : all);
    noteLeftOut();
  }

  /** Whether the disk took it. */
  private boolean append(ByteArrayOutputStream batch) {
    try {
      files.append(batch.toByteArray(), clock.instant());
      allowance -= batch.size();
      failing = false;
      return true;
    } catch (IOException | RuntimeException e) { // the thread is to go on
      if (!failing) {
        LOG.log(System.Logger.Level.ERROR, "flows_not_written, they are left out", e);
      }
      failing = true;
      return false;
    }
  }

  /** So that a replay can say it; a disk that takes nothing gets it with the next window. */
  private void noteLeftOut() {
    long all = leftOut.get();
    if (all == noted) {
      return;
    }
    try {
      files.addLeftOut(clock.instant(), all - noted);
      noted = all;
    } catch (IOException | RuntimeException e) {
      LOG.log(System.Logger.Level.DEBUG, "flows_left_out_not_noted", e);
    }
  }

  /** What may be written grows evenly over the day. */
  private void grow() {
    long present = nanos.getAsLong();
    double share = (double) (present - allowanceNanos) / Duration.ofDays(1).toNanos();
    allowance = Math.min(BURST_BYTES, allowance + (MAX_BYTES - BURST_BYTES) * share);
    allowanceNanos = present;
  }

  /** Where the record is. */
  public Path directory() {
    return directory;
  }

  /**
   * Tells what is written and was last seen at {@code since} or later, oldest first.
   *
   * @return a sentence for each file, written to since then, that cannot be read to its end
   */
  public static List<String> read(Path directory, Instant since, Consumer<RecordedFlow.Entry> to)
      throws IOException {
    return FlowFiles.read(directory, since, to);
  }

  /** How many flows are not in the record, by the hour when that was noted: after each window. */
  public static SortedMap<Instant, Long> leftOut(Path directory, Instant since) throws IOException {
    return FlowFiles.leftOut(directory, since);
  }

  /** Writes what was seen, then ends; waits up to 2 s. */
  @Override
  public void close() {
    try {
      if (queue.offer(new Entry.End(), CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
        thread.join(CLOSE_TIMEOUT);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.sluice.mesh.Faults;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Tracing;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import io.sluice.proxy.Retried;
import io.sluice.proxy.admission.PodLimits;
import io.sluice.proxy.decide.Affected;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.DirectPeer;
import io.sluice.proxy.upstream.LocalPod;
import io.sluice.proxy.upstream.Upstream;
import io.sluice.proxy.upstream.UpstreamLoop;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one downstream connection, of the version that its first octets tell: each is
 * decided and led on for itself. Runs on the connection's event loop.
 */
public final class Exchanges implements DirectPeer {
  /** Whose requests these are. */
  public interface Listener {
    /** An exchange has ended. */
    void exchanged(RequestRecord record);

    /**
     * Nothing that could be asked here is granted, or what came is no request: it is to end.
     *
     * @param askedOrNull the request that says so, where it was one
     */
    void refused(Verdict verdict, @Nullable RequestRecord askedOrNull);

    /** What became of an exchange's tries, where there was anything to tell. */
    void retried(ConnectionInfo info, List<Retried> events);

    /** Whether records of requests are to say when their answers began. */
    boolean timesAnswers();

    /** Headers that records of requests are to have. */
    List<String> headersToTell();

    /** Whether it waits for another client: what was reached first has nothing to do meanwhile. */
    default void rests(boolean waits) {}

    /** The downstream's connection is gone; called once, and not after {@link Exchanges#end}. */
    void ended(boolean byClient, ChannelEnd how);
  }

  /**
   * What all of them share.
   *
   * @param left what clients have left to others of their pods
   * @param inTurn runs what has been read already, once it is the turn of whoever is charged
   */
  public record Surroundings(
      UpstreamLoop upstreams,
      IdleLeads left,
      LocalPod pod,
      LocalPod inside,
      Supplier<MeshSnapshot> snapshot,
      Authorizer authorizer,
      RateLimiter rateLimiter,
      ByteBufAllocator allocator,
      EventLoop loop,
      Consumer<Runnable> inTurn) {}

  /** What a client says first that knows that HTTP/2 is spoken here (RFC 9113 §3.4). */
  private static final byte[] PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private static final long HEAD_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long STALL_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final long FAREWELL_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** Of who sends nothing more: the kernel may still have much of the last answer for it. */
  static final long QUIET_FAREWELL_NANOS = TimeUnit.MINUTES.toNanos(10);

  private static final long MOST_DROPPED = 1 << 20;

  /** For a client of HTTP/1.1 that asks now and then: it is told by an answer. */
  private static final long RETIREMENT_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final Surroundings around;
  private final Flow wanted;
  private final Subject subject;
  private final long id;
  private final Listener listener;
  private final List<Exchange> open = new ArrayList<>(1);
  private @Nullable ByteChannel downstream;
  private @Nullable Beginning beginning;
  private @Nullable Unasked application; // until the first request
  private @Nullable Leads leads; // from then on
  private @Nullable Http1Server http1;
  private @Nullable Http2Server http2;
  private @Nullable Copies copies; // from the first one on
  private @Nullable SpiffeId toldCaller;
  private @Nullable SpiffeId toldCalled;
  private String clientCertificate = ""; // of these two
  private @Nullable MeshSnapshot limitedBy;
  private PodLimits.@Nullable Arrivals limits; // as that one says
  private boolean version2;
  private boolean hasCarried; // an exchange that has ended
  private boolean retiring;
  private long retiredNanos;
  private boolean draining;
  private boolean ended;

  private long progress;
  private long seenProgress;
  private long progressNanos = System.nanoTime();
  private long owedNanos; // since when the client could have sent more of a request
  private long sinceNanos; // of the state that has a limit
  private boolean limited;
  private boolean limitedEnding; // that state
  private long limitedProgress; // at its beginning

  /**
   * Of one connection.
   *
   * @param wanted who calls, and the address called
   * @param subject the connection's; each request has one like it
   * @param id the connection's number
   */
  public Exchanges(Surroundings around, Flow wanted, Subject subject, long id, Listener listener) {
    this.around = around;
    this.wanted = wanted;
    this.subject = subject;
    this.id = id;
    this.listener = listener;
  }

  /**
   * Whether a request may begin so, of HTTP/1 or behind the preface of HTTP/2; a line that is not
   * whole may be one. What is said is only looked at.
   */
  public static boolean mayBeginWith(ByteBuf said) {
    int begin = said.readerIndex();
    int space = said.indexOf(begin, said.writerIndex(), (byte) ' ');
    int end = space < 0 ? said.writerIndex() : space;
    if (end == begin || end - begin > Http1Parser.MAX_METHOD_BYTES) {
      return false;
    }
    for (int i = begin; i < end; i++) {
      byte octet = said.getByte(i);
      if ((octet < 'A' || octet > 'Z') && octet != '-') {
        return false;
      }
    }
    int line = said.indexOf(end, said.writerIndex(), (byte) '\n');
    return line < 0
        || said.toString(end, line - end, StandardCharsets.ISO_8859_1).contains(" HTTP/");
  }

  /** The connection to the application, which was reached before the first request came. */
  public void has(ByteChannel reached) {
    application = new Unasked(reached, this::lost);
    application.start();
  }

  /** Takes requests from now on; some may have come directly. */
  public void start(ByteChannel channel) {
    if (ended) {
      channel.reset();
      return;
    }
    downstream = channel;
    beginning = new Beginning(channel);
    channel.listen(beginning);
    channel.start();
  }

  // --- what is spoken here -------------------------------------------------------------------

  /** Waits for the octets that tell the version. */
  private final class Beginning implements ByteChannel.Listener {
    private final ByteChannel channel;
    private ByteBuf early = Unpooled.EMPTY_BUFFER;

    Beginning(ByteChannel channel) {
      this.channel = channel;
    }

    @Override
    public void bytes(ByteBuf bytes) {
      early = early.isReadable() ? Unpooled.wrappedBuffer(early, bytes) : bytes;
    }

    @Override
    public void batchEnded() {
      if (ended || draining) {
        drop();
        if (!ended) {
          channel.read(); // to the client's end: what it asks now could not be answered
        }
        return;
      }
      int compared = Math.min(PREFACE.length, early.readableBytes());
      for (int i = 0; i < compared; i++) {
        if (early.getByte(early.readerIndex() + i) != PREFACE[i]) {
          speakHttp1();
          return;
        }
      }
      if (compared == PREFACE.length) {
        speakHttp2();
      } else {
        channel.read();
      }
    }

    /** Whether what came first might become HTTP/2 for longer than a head may take. */
    private boolean isSlow(long now) {
      boolean within = early.isReadable() && !draining;
      return limitedNanos(within, false, now) > HEAD_NANOS && within;
    }

    private Http1Server speakHttp1() {
      lead(false);
      Http1Server server =
          new Http1Server(
              channel, around.loop(), around.allocator(), around.pod().budget, new Requests());
      http1 = server;
      if (retiring) {
        server.retire();
      }
      channel.listen(server);
      server.bytes(early);
      server.goOn();
      return server;
    }

    private void speakHttp2() {
      lead(true);
      Http2Server server =
          new Http2Server(
              channel, setup(), new Shared(), stream -> stream.listen(new Asked(stream)));
      http2 = server;
      server.start(early);
      if (retiring) {
        server.drain();
      }
    }

    @Override
    public void inputEnded() {
      channel.endOutput(); // no request has begun
    }

    @Override
    public void closed(ChannelEnd end) {
      drop();
      hasEnded(end);
    }

    private void drop() {
      channel.consumed(early.readableBytes());
      early.release();
      early = Unpooled.EMPTY_BUFFER;
    }
  }

  private HttpSetup setup() {
    return new HttpSetup(
        around.loop(), around.allocator(), HttpLimits.DEFAULTS, around.pod().budget);
  }

  private void lead(boolean http2Spoken) {
    version2 = http2Spoken;
    leads = new Leads(setup(), around.left(), http2Spoken, application);
  }

  private String version() {
    return version2 ? "HTTP/2" : "HTTP/1.1";
  }

  private void lost(boolean spoke) {
    boolean waited = application != null;
    application = null;
    Leads known = leads;
    if (known != null) {
      known.forgetApplication();
    }
    if (spoke && waited) {
      listener.refused(Verdict.of(Outcome.REFUSED, Reason.PROTOCOL_MISMATCH), null);
    }
  }

  // --- requests ------------------------------------------------------------------------------

  /** Whether a request may be given to it directly. */
  boolean takesDirectly() {
    return !draining && !ended && http1 == null && http2 == null;
  }

  /**
   * Whether it waits for a request, and its application too: for those of other clients as well.
   */
  boolean mayBeLeft() {
    Leads known = leads;
    return takesDirectly() && !retiring && open.isEmpty() && known != null && known.mayBeLeft();
  }

  /** It waits for another client, or waits no more. */
  void rests(boolean waits) {
    listener.rests(waits);
  }

  /** A request that the other side of a call within this process has read. */
  void take(HttpStream stream, Head head, boolean last, boolean http2Spoken) {
    if (leads == null) {
      lead(http2Spoken);
    }
    begin(stream, head, last);
  }

  private void begin(HttpStream stream, Head head, boolean last) {
    progress++;
    application = null; // the leads' from here on
    opened(new Exchange(this, stream, head, last, subject.ofRequest(), null)).begin();
  }

  private Exchange opened(Exchange exchange) {
    exchange.index = open.size();
    open.add(exchange);
    return exchange;
  }

  /** What the pod called takes; null where that has no limit. */
  PodLimits.@Nullable Arrivals limits() {
    MeshSnapshot now = around.snapshot().get();
    if (limitedBy != now) {
      limitedBy = now;
      limits = around.pod().limits.at(now, wanted.destination());
    }
    return limits;
  }

  /** What is to be kept of an exchange's tries. */
  Retries retries(
      RetryPolicy policy,
      Head sent,
      BooleanSupplier counted,
      BooleanSupplier room,
      Runnable again) {
    return new Retries(
        policy, around.pod(), around.loop(), copy(sent, List.of()), counted, room, again);
  }

  /** Holds a request of the pod back; nothing where there is no room for that. */
  @Nullable Delay delay(Faults.Delay said, Runnable goOn) {
    return retiring || draining ? null : Delay.of(said, around.pod(), around.loop(), goOn);
  }

  /** Asks whether one may go on that has arrived; nothing where nobody is to be asked. */
  @Nullable Inquiry<AuthorizationMessages.Answer> authorization(
      Head sent, Subject one, Runnable told) {
    return around
        .authorizer()
        .ask(
            around.snapshot().get(),
            sent,
            one,
            wanted.destination(),
            version(),
            around.pod(),
            told);
  }

  /** Asks whether the pods of a service take one more; nothing where nobody is to be asked. */
  RateLimiter.@Nullable Questions questions(
      List<UpstreamSetting> limits, Head sent, Subject one, Runnable told) {
    return around
        .rateLimiter()
        .ofRequest(
            new RateLimiter.Arrival(
                around.snapshot().get(),
                one.client().getAddress(),
                wanted.destination(),
                around.pod()),
            limits,
            sent,
            told);
  }

  /** Where spans go; null where none are made. */
  @Nullable Tracing tracing() {
    return around.snapshot().get().settings().reporting().tracingOrNull();
  }

  EventLoop loop() {
    return around.loop();
  }

  /** Whose listener, or whose inbound side, took them in. */
  NamespacedName pod() {
    return around.pod().name;
  }

  /** Where copies of requests go by. */
  Copies copies() {
    Copies known = copies;
    if (known == null) {
      // Of their own, which live on where the client has got its answer and goes.
      Exchanges others = new Exchanges(around, wanted, subject, id, new OfCopies());
      others.lead(version2);
      known = new Copies(others, around.pod(), around.loop());
      copies = known;
    }
    return known;
  }

  /** A copy for these mirrors, without content yet. */
  Copy copy(Head sent, List<HttpFilters.Mirror> mirrors) {
    return Copy.of(sent, mirrors, around.allocator(), around.pod().budget);
  }

  /** Asks a mirror, if there is room for it. */
  void ask(HttpFilters.Mirror mirror, HttpStream stream, Head head, boolean last, boolean hasRoom) {
    Exchange exchange = opened(new Exchange(this, stream, head, last, subject.ofRequest(), mirror));
    if (hasRoom) {
      exchange.begin();
    } else {
      exchange.beyondLimit();
    }
  }

  /** They are told of as the others; nothing that becomes of them ends the connection. */
  private final class OfCopies implements Listener {
    @Override
    public void exchanged(RequestRecord record) {
      listener.exchanged(record);
    }

    @Override
    public void refused(Verdict verdict, @Nullable RequestRecord askedOrNull) {}

    @Override
    public void retried(ConnectionInfo info, List<Retried> events) {}

    @Override
    public boolean timesAnswers() {
      return listener.timesAnswers();
    }

    @Override
    public List<String> headersToTell() {
      return listener.headersToTell();
    }

    @Override
    public void ended(boolean byClient, ChannelEnd how) {}
  }

  /** Those of HTTP/1. */
  private final class Requests implements HttpServerListener {
    @Override
    public void request(HttpStream stream, Head head, boolean last) {
      begin(stream, head, last);
    }

    @Override
    public void bad(BadMessage why, boolean within, boolean answered) {
      if (within && answered && !open.isEmpty()) {
        open.getLast().answeredByCodec(why.status);
      }
      if (why.status == 0 && !within) {
        listener.refused(Verdict.of(Outcome.REFUSED, Reason.PROTOCOL_MISMATCH), null);
      } else if (!within) {
        boolean cut = !answered; // by the client's end
        tellUnread(cut ? 0 : why.status, cut ? End.RESET_BY_CLIENT : End.BAD_REQUEST);
      }
    }

    @Override
    public void idle(Runnable next) {
      progress++;
      Http1Server server = http1;
      if (server != null && server.hasArrived()) {
        around.inTurn().accept(next); // the answer's connection is not free before it returns
      } else {
        next.run();
      }
    }

    @Override
    public void ended(ChannelEnd how) {
      hasEnded(how);
    }
  }

  /** Those of HTTP/2. */
  private final class Shared implements Http2Codec.Listener {
    @Override
    public void refused(int status) {
      tellUnread(status, End.BAD_REQUEST);
    }

    @Override
    public void broken(boolean flood) {
      tellUnread(0, End.BAD_REQUEST);
    }

    @Override
    public void closed(ChannelEnd end) {
      hasEnded(end);
    }
  }

  /** A stream before its head. */
  private final class Asked implements HttpStream.Listener {
    private final HttpStream stream;

    Asked(HttpStream stream) {
      this.stream = stream;
    }

    @Override
    public void head(Head head, boolean last) {
      begin(stream, head, last);
    }

    @Override
    public void data(ByteBuf bytes, boolean last) {
      throw new IllegalStateException("content before a head");
    }

    @Override
    public void trailers(Fields trailers) {
      throw new IllegalStateException("trailers before a head");
    }

    @Override
    public void aborted(HttpStream.Abort how) {}
  }

  /** Of a request whose head could not be read, nothing is known but the answer. */
  private void tellUnread(int status, End how) {
    Subject one = subject.ofRequest();
    one.decidedBy(around.snapshot().get().revision());
    one.refused(Verdict.of(Outcome.REFUSED, Reason.BAD_REQUEST));
    listener.exchanged(
        new RequestRecord(
            one.info(id),
            one.verdict(),
            version(),
            false,
            false,
            "",
            "",
            "",
            status,
            null,
            how,
            0,
            0,
            0,
            0,
            Duration.ZERO,
            null,
            null,
            null,
            Map.of()));
  }

  private void hasEnded(ChannelEnd how) {
    if (!ended) {
      boolean byClient = how != ChannelEnd.RESET_BY_US;
      if (how == ChannelEnd.FINISHED) {
        leaveLeads();
      }
      cut(byClient);
      listener.ended(byClient, how);
    }
  }

  /** To the next client of the pod, where this one has ended in peace. */
  private void leaveLeads() {
    Leads known = leads;
    boolean inPeace = open.isEmpty() && !version2 && !draining && !retiring && downstream != null;
    if (known != null && inPeace && subject.direction() == Direction.OUTBOUND) {
      known.leave(around.snapshot().get());
    }
  }

  boolean timesAnswers() {
    return listener.timesAnswers();
  }

  /**
   * Whether whoever asks may ask again by another connection, and learn there what became of the
   * application: a proxy does of one that has carried an exchange (RFC 9110 §9.2.2).
   */
  boolean isAskedAgain() {
    return hasCarried
        && !version2
        && subject.direction() == Direction.INBOUND
        && subject.callerOrNull() != null;
  }

  /** It has ended, whole or not. */
  void ended(Exchange exchange) {
    progress++;
    hasCarried = true;
    remove(exchange);
    listener.exchanged(record(exchange));
    endDirect();
  }

  private RequestRecord record(Exchange exchange) {
    List<Retried> events = exchange.retried();
    if (!events.isEmpty()) {
      listener.retried(exchange.subject().info(id), events);
    }
    return exchange.record(id, version(), listener.headersToTell());
  }

  private void remove(Exchange exchange) {
    Exchange last = open.removeLast();
    if (last != exchange) {
      open.set(exchange.index, last);
      last.index = exchange.index;
    }
  }

  /** What was asked has no grant that could let it in as anything. */
  void refuse(Exchange exchange, Verdict verdict) {
    remove(exchange);
    listener.refused(verdict, record(exchange));
  }

  /** What the application is told of who calls: for all requests of a connection the same. */
  String clientCertificate(@Nullable SpiffeId calledOrNull, SpiffeId caller) {
    if (!caller.equals(toldCaller) || !Objects.equals(calledOrNull, toldCalled)) {
      toldCaller = caller;
      toldCalled = calledOrNull;
      clientCertificate =
          (calledOrNull == null ? "" : "By=" + calledOrNull + ";") + "URI=" + caller;
    }
    return clientCertificate;
  }

  /** A search for where {@code exchange} goes, by the present snapshot. */
  Upstream search(Subject one, Exchange exchange) {
    MeshSnapshot snapshot = around.snapshot().get();
    one.decidedBy(snapshot.revision());
    return new Upstream(
        around.upstreams(), around.pod(), around.inside(), snapshot, wanted, one, exchange);
  }

  /** The refusal by a snapshot that came while an upstream was being reached. */
  @Nullable Verdict refusalAtOpening(Subject one) {
    return one.refusalAtOpening(around.snapshot().get());
  }

  /** Where exchanges go; only while there are any. */
  Leads leads() {
    Leads known = leads;
    if (known == null) {
      throw new IllegalStateException("no request has come");
    }
    return known;
  }

  /** Whether no request is open. */
  public boolean isIdle() {
    return open.isEmpty();
  }

  /** Whether none is open and another one may come: HTTP/1 is told where none does. */
  public boolean awaitsRequest() {
    Http1Server single = http1;
    return isIdle() && (single == null || !single.dropsInput());
  }

  /** Whether a request has no upstream yet. */
  public boolean isSearching() {
    return open.stream().anyMatch(Exchange::isSearching);
  }

  // --- policy and time -----------------------------------------------------------------------

  /** Ends exchanges that the present snapshot refuses. */
  public void judgeAgain(Affected affected) {
    for (int i = open.size() - 1; i >= 0; i = Math.min(i, open.size()) - 1) {
      Exchange exchange = open.get(i);
      Verdict answer = exchange.subject().revocation(around.snapshot().get(), affected);
      if (answer != null) {
        exchange.revoke(answer);
      }
    }
    Copies others = copies;
    if (others != null) {
      others.exchanges.judgeAgain(affected);
    }
  }

  /** To be called now and then, at {@code now} of {@link System#nanoTime}. */
  public void look(long now) {
    if (retiring && now - retiredNanos > RETIREMENT_NANOS) {
      drain();
    }
    if (ended) {
      return;
    }
    MeshSnapshot present = around.snapshot().get();
    subject.forgetBut(present);
    if (limitedBy != present) {
      limitedBy = null;
    }
    long moved = progress;
    for (Exchange exchange : open) {
      moved += exchange.moved();
    }
    giveUpOverdue(now);
    if (moved != seenProgress) {
      seenProgress = moved;
      progressNanos = now;
    }
    Leads known = leads;
    if (known != null) {
      known.look(now);
    }
    Copies others = copies;
    if (others != null) {
      others.exchanges.look(now);
    }
    Http2Server shared = http2;
    if (shared != null) {
      shared.look();
    }
    Http1Server single = http1;
    Beginning first = beginning;
    if (single != null) {
      look(single, now);
    } else if (shared == null && first != null && first.isSlow(now)) {
      Http1Server server = first.speakHttp1();
      if (server.isWithinHead()) { // else what came is no request, and has been answered
        server.timedOut();
      }
    }
  }

  /** What says nothing else waits by this look now and then, so that no request needs a timer. */
  private void giveUpOverdue(long now) {
    long limit = around.snapshot().get().settings().answerTimeout().toNanos();
    for (int i = open.size() - 1; limit > 0 && i >= 0; i = Math.min(i, open.size()) - 1) {
      Exchange exchange = open.get(i);
      if (exchange.isOverdue(now, limit)) {
        exchange.timedOut();
      }
    }
  }

  private void look(Http1Server server, long now) {
    boolean within = server.isWithinHead();
    boolean ending = server.isEnding();
    long limitedNanos = limitedNanos(within, ending, now);
    if (!server.owesContent()) {
      owedNanos = now; // an application that takes nothing is no fault of the client's
    }
    long farewell = server.dropped() > 0 ? FAREWELL_NANOS : QUIET_FAREWELL_NANOS;
    if (ending && (limitedNanos > farewell || server.dropped() > MOST_DROPPED)) {
      server.abort(HttpStream.Abort.FAILED);
    } else if ((within && limitedNanos > HEAD_NANOS)
        || now - Math.max(progressNanos, owedNanos) > STALL_NANOS) {
      server.timedOut();
    }
  }

  /** How long it has been within this very head, or ending, as far as {@link #look} knows. */
  private long limitedNanos(boolean within, boolean ending, long now) {
    if (!limited || limitedEnding != ending || limitedProgress != progress) {
      sinceNanos = now;
    }
    limited = within || ending;
    limitedEnding = ending;
    limitedProgress = progress;
    return now - sinceNanos;
  }

  /** How long nothing has happened, as far as {@link #look} knows. */
  public long silentNanos(long now) {
    return now - progressNanos;
  }

  // --- the end -------------------------------------------------------------------------------

  /**
   * Tells the client to ask elsewhere, which one of HTTP/1.1 learns from its next answer: a request
   * that is on its way already is answered. None is held back on purpose from here on: who is to
   * take over waits for those that are still to be led on.
   */
  public void retire() {
    if (retiring || draining || ended) {
      return;
    }
    retiring = true;
    retiredNanos = System.nanoTime();
    open.forEach(Exchange::hasten);
    Http1Server single = http1;
    Http2Server shared = http2;
    if (single != null) {
      single.retire();
    } else if (shared != null) {
      shared.drain();
    }
  }

  /** Lets the present exchanges end, and takes no further ones. */
  public void drain() {
    if (draining || ended) {
      return;
    }
    draining = true;
    open.forEach(Exchange::hasten);
    Http1Server single = http1;
    Http2Server shared = http2;
    ByteChannel channel = downstream;
    if (single != null) {
      single.drain();
    } else if (shared != null) {
      shared.drain();
    } else if (channel != null && leads == null) {
      channel.endOutput(); // nothing was asked yet
    } else {
      endDirect();
    }
  }

  /** What requests were handed to directly has nobody else who would end it. */
  private void endDirect() {
    ByteChannel channel = downstream;
    boolean direct = leads != null && http1 == null && http2 == null;
    if (draining && direct && open.isEmpty() && !ended) {
      if (channel != null) {
        channel.reset();
      }
      hasEnded(ChannelEnd.FINISHED);
    }
  }

  /** Ends all of it at once. */
  public void end() {
    if (ended) {
      return;
    }
    cut(false);
    Http1Server single = http1;
    Http2Server shared = http2;
    ByteChannel channel = downstream;
    if (single != null) {
      single.reset();
    } else if (shared != null) {
      shared.reset();
    } else if (channel != null) {
      channel.reset();
      dropBeginning();
    }
  }

  /** A channel that is reset from here tells its listener nothing. */
  private void dropBeginning() {
    Beginning first = beginning;
    if (first != null) {
      first.drop();
    }
  }

  private void cut(boolean byClient) {
    ended = true;
    while (!open.isEmpty()) {
      Exchange exchange = open.getLast();
      exchange.cut(byClient);
      remove(exchange);
      listener.exchanged(record(exchange));
    }
    Copies others = copies;
    if (others != null) {
      others.exchanges.drain();
    }
    Leads known = leads;
    Unasked reached = application;
    application = null;
    if (known != null) {
      known.close();
    } else if (reached != null) {
      reached.reset();
    }
  }
}

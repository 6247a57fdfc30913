package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.mesh.Decider;
import io.sluice.mesh.Faults;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.RetryPolicy.Silence;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.Tracing;
import io.sluice.mesh.TrafficRoute.TimeLimits;
import io.sluice.mesh.UpstreamSetting.Breaker;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Routing;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import io.sluice.proxy.Retried;
import io.sluice.proxy.TraceSpan;
import io.sluice.proxy.admission.Admission;
import io.sluice.proxy.admission.PodLimits;
import io.sluice.proxy.admission.ServicePool;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.http.AuthorizationMessages.Answer;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.upstream.Upstream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One request and its answer: decided, led to an upstream, joined with it, and told of at the end.
 * Event loop of the downstream connection.
 */
final class Exchange implements Upstream.Listener {
  private static final String CLIENT_CERTIFICATE = "x-forwarded-client-cert";

  /** Those that mean the same when they are sent twice (RFC 9110 §9.2.2). */
  private static final Set<String> IDEMPOTENT =
      Set.of("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE");

  private static final int MOST_INTERIM = 32;

  private final Exchanges owner;
  private final HttpStream downstream;
  private final Head request;
  private final Subject subject;
  private final HttpFilters.@Nullable Mirror mirror; // which it asks, as a copy of another one
  private final Message asked;
  private final Message answered;
  private @Nullable Fields askedTrailers; // which came before anybody could take them
  private final long startNanos = System.nanoTime();
  private long wholeNanos = startNanos; // when the request was there, as far as an answer needs it
  private TimeLimits limits = TimeLimits.UNSAID; // of the route in force
  private @Nullable Retries retries; // where a Retry is for it
  private @Nullable Deadlines deadlines; // where a route has any
  private boolean exposed; // to the faults of a route, once
  private @Nullable Delay delay; // that befell it
  private @Nullable Decider delayedBy; // who says so, where that is known
  private @Nullable Inquiry<Answer> authorization; // once somebody is asked
  private RateLimiter.@Nullable Questions shared; // how much all pods take, once that is asked
  private @Nullable TraceSpan trace; // where traces are made
  private Head sent; // the request as it goes on
  private HttpFilters filters = HttpFilters.NONE;
  private @Nullable FieldChange session; // which tells the client that it has one
  private @Nullable Copy copy; // until it goes to mirrors
  private boolean copied; // or nobody gets one
  private @Nullable Upstream upstream; // while it is searched
  private @Nullable HttpStream joined;
  private @Nullable Admission admission; // where the service may be asked for so much only
  private @Nullable FromUpstream heard; // of it
  private long joinedNanos; // when that try began, where answers are timed
  private long answeredNanos; // when its answer did
  private boolean reused; // an upstream that carried exchanges before
  private boolean repeated;
  private boolean taken; // by the limits of the pod called, once
  private boolean ended;
  private int status;
  private int interim; // responses before it
  private boolean answering; // a head that is no interim one has been passed on
  private @Nullable String grpcStatus;
  private End end = End.CUT;

  /** Place in the owner's list; the owner's own. */
  int index = -1;

  /**
   * Nothing is asked yet.
   *
   * @param mirrorOrNull what it asks whatever routes say, and without an answer to anybody
   */
  Exchange(
      Exchanges owner,
      HttpStream downstream,
      Head request,
      boolean last,
      Subject subject,
      HttpFilters.@Nullable Mirror mirrorOrNull) {
    this.owner = owner;
    this.downstream = downstream;
    this.request = request;
    this.sent = request;
    this.subject = subject;
    this.mirror = mirrorOrNull;
    boolean grpc = LocalAnswer.isGrpc(request);
    this.asked = new Message(grpc);
    this.answered = new Message(grpc);
    this.asked.whole = last;
  }

  /** Asks for it; may end it before it returns. */
  void begin() {
    downstream.listen(new FromDownstream());
    Tracing tracing = owner.tracing();
    if (tracing != null) {
      trace = TraceFields.begin(request.fields, tracing, ThreadLocalRandom.current());
    }
    try {
      if (!request.path().equals("*")) {
        request.path(Paths.normalised(request.path()));
      }
    } catch (BadMessage e) {
      bad(e.status);
      return;
    }
    search();
  }

  /** What is searched for at present: whoever it waits for has to have been waited for by this. */
  @Nullable Upstream searching() {
    return upstream;
  }

  /** Whether that has come to nothing meanwhile: timed out, or replaced by another try. */
  private boolean isPast(@Nullable Upstream search) {
    return ended || joined != null || search == null || search != upstream;
  }

  /** The one that dialled where {@code search} was to go has reached another one, or has gone. */
  void searchAgain(@Nullable Upstream search) {
    if (!isPast(search)) {
      search();
    }
  }

  /**
   * What {@code search} waited for is reached, and it goes there: to choose anew would take from
   * who is reached late what was meant for it.
   */
  void goTo(InetSocketAddress endpoint, @Nullable Upstream search) {
    if (isPast(search)) {
      return;
    }
    Verdict refusal = owner.refusalAtOpening(subject);
    Admission known = admission;
    if (refusal == null && known != null) {
      Reason surplus = known.begin();
      refusal = surplus == null ? null : known.refusal(surplus);
    }
    if (refusal != null) {
      refused(refusal, CloseKind.REFUSED);
      return;
    }
    HttpStream free = owner.leads().open(endpoint, subject, this);
    if (free == null) {
      search(); // it carries as many as it may
    } else {
      upstream = null; // which has dialled nothing
      join(free, endpoint);
    }
  }

  /** In place of what others claim of identities, or what a try before was told in this process. */
  private void tellWhoAsks() {
    request.fields.removeLike(CLIENT_CERTIFICATE);
    SpiffeId caller = subject.callerOrNull();
    if (subject.direction() == Direction.INBOUND && caller != null) {
      request.fields.add(
          CLIENT_CERTIFICATE, owner.clientCertificate(subject.calledOrNull(), caller));
    }
    TraceSpan own = trace;
    if (own != null) {
      TraceFields.tell(request.fields, own);
    }
  }

  /** A connection that stands has got room, which it may take where it waits for another one. */
  void lookAround() {
    Upstream searched = upstream;
    if (!ended && searched != null) {
      searched.lookAround();
    }
  }

  private void search() {
    tellWhoAsks();
    sent = request;
    filters = HttpFilters.NONE;
    session = null;
    limits = TimeLimits.UNSAID;
    if (!copied) {
      dropCopy(); // of a route that was in force before
    }
    Upstream search = owner.search(subject, this);
    upstream = search;
    search.start();
  }

  /** The request breaks a rule. */
  void bad(int code) {
    end = End.BAD_REQUEST;
    subject.refused(Verdict.of(Outcome.REFUSED, Reason.BAD_REQUEST));
    answer(code);
  }

  /** As many copies as may be are on their way. */
  void beyondLimit() {
    HttpFilters.Mirror asks = mirror;
    if (asks != null) {
      subject.callsService(asks.service());
    }
    end = End.CUT;
    subject.refused(Verdict.of(Outcome.REFUSED, Reason.MIRROR_LIMIT));
    answer(503);
  }

  /** The rest of the request broke a rule; the exchange is aborted after this. */
  void answeredByCodec(int code) {
    status = code;
    subject.refused(Verdict.of(Outcome.REFUSED, Reason.BAD_REQUEST));
  }

  /** Answers by itself, where the head has not been answered yet. */
  private void answer(int code) {
    answer(LocalAnswer.to(request, code));
  }

  private void answer(Head head) {
    answer(head, "");
  }

  /** A call of gRPC has no use for the content. */
  private void answer(Head head, String content) {
    dropUpstream();
    if (answering) {
      downstream.abort(HttpStream.Abort.RESET);
    } else {
      status = head.status();
      grpcStatus = head.fields.first("grpc-status");
      answering = true;
      answered.whole = true;
      boolean takesNone = status == 204 || status == 304; // RFC 9110 §6.4.1
      if (content.isEmpty() || takesNone || LocalAnswer.isGrpc(request)) {
        downstream.head(head, true);
      } else {
        ByteBuf bytes = Unpooled.copiedBuffer(content, StandardCharsets.UTF_8);
        boolean wanted = !request.method().equals("HEAD");
        head.contentLength = bytes.readableBytes();
        if (head.fields.first("content-type") == null) {
          head.fields.add("content-type", "text/plain; charset=utf-8");
        }
        downstream.head(head, !wanted);
        if (wanted) {
          answered.count(bytes);
          downstream.data(bytes, true);
        } else {
          bytes.release();
        }
      }
      downstream.flush();
    }
    finish();
  }

  // --- finding an upstream -------------------------------------------------------------------

  @Override
  public HttpRequest request() {
    return sent;
  }

  @Override
  public HttpFilters.@Nullable Mirror mirror() {
    return mirror;
  }

  @Override
  public void limitedBy(TimeLimits told) {
    limits = told;
    startClock();
  }

  @Override
  public void retriedBy(RetryPolicy policy) {
    if (retries == null && mirror == null && !asksForBytes()) {
      retries =
          owner.retries(policy, request, this::countsRetries, this::mayRepeat, this::tryAgain);
    }
    startClock();
  }

  @Override
  public List<InetSocketAddress> tried() {
    Retries known = retries;
    return known == null ? List.of() : known.tried();
  }

  @Override
  public void changedBy(HttpFilters changes) {
    filters = changes;
    sent = request.changed(changes);
    if (copied) {
      return;
    }
    dropCopy(); // for the mirrors of a backend that is not reached
    if (!changes.mirrors().isEmpty()) {
      List<HttpFilters.Mirror> mirrors =
          Copy.chosen(sent, changes.mirrors(), ThreadLocalRandom.current());
      copy = mirrors.isEmpty() ? null : owner.copy(sent, mirrors);
    }
  }

  @Override
  public void keptBy(@Nullable FieldChange told) {
    session = told;
  }

  @Override
  public void answeredBy(Routing.Way.Answer answer) {
    // A call of gRPC to a backend that cannot be used is told that it is unavailable.
    boolean unusable = answer.status() == 500 && LocalAnswer.isGrpc(request);
    answerByRoute(LocalAnswer.to(request, unusable ? 503 : answer.status()));
  }

  @Override
  public void ledElsewhere(HttpFilters.Redirect redirect) {
    answerByRoute(LocalAnswer.elsewhere(request, subject.portCalled(), redirect));
  }

  private void answerByRoute(Head head) {
    subject.refused(new Verdict(Outcome.REFUSED, Reason.ANSWERED_BY_ROUTE, subject.ledByOrNull()));
    end = End.ROUTED;
    answer(head);
  }

  /** Copies are not exposed to any: what they ask is not led by the route. */
  @Override
  public boolean goesOn(Faults faults) {
    if (exposed) {
      return true;
    }
    exposed = true;
    Faults.Abort abort = faults.abortOrNull();
    Faults.Injection by = faults.byOrNull();
    if (abort != null && befalls(abort.percentage())) {
      subject.refused(
          new Verdict(
              Outcome.REFUSED, Reason.FAULT_INJECTED, by == null ? subject.ledByOrNull() : by));
      end = End.FAULT_INJECTED;
      answer(LocalAnswer.with(request, abort.status(), abort.headers()), abort.content());
      return false;
    }
    Faults.Delay said = faults.delayOrNull();
    Delay held =
        said != null && befalls(said.percentage()) ? owner.delay(said, this::tryAgain) : null;
    if (held == null) {
      return true;
    }
    delay = held;
    delayedBy = by == null ? subject.ledByOrNull() : by.delay();
    dropUpstream(); // another is searched for then, by what policy and the route say then
    Deadlines known = deadlines;
    if (known != null) {
      known.endTry();
    }
    return false;
  }

  private static boolean befalls(int percentage) {
    return ThreadLocalRandom.current().nextInt(100) < percentage;
  }

  private boolean isDelayed() {
    Delay known = delay;
    return known != null && known.isUnderWay();
  }

  /** Waits no longer where it is held back on purpose. */
  void hasten() {
    Delay known = delay;
    if (known != null && known.end()) {
      owner.loop().execute(this::tryAgain);
    }
  }

  @Override
  public boolean isTaken() {
    PodLimits.Arrivals limits = taken ? null : owner.limits();
    PodLimits.Beyond beyond = limits == null ? null : limits.refuses(sent);
    if (beyond != null) {
      subject.refused(new Verdict(Outcome.REFUSED, Reason.RATE_LIMITED, beyond.setting()));
      end = End.RATE_LIMITED;
      answer(LocalAnswer.with(request, beyond.limit().status(), beyond.limit().headers()));
      return false;
    }
    taken = true;
    if (limits != null && !limits.sharing().isEmpty()) {
      shared = owner.questions(limits.sharing(), sent, subject, this::counted);
    }
    RateLimiter.Questions asked = shared;
    if (asked == null) {
      return true;
    }
    if (asked.isUnderWay()) {
      dropUpstream(); // another is searched for then, by what policy says then
      return false;
    }
    changedToo(asked.changes());
    return true;
  }

  private void counted() {
    RateLimiter.Questions asked = shared;
    if (asked == null || ended) {
      return;
    }
    Verdict refusal = asked.refusalOrNull();
    if (refusal == null) {
      tryAgain();
      return;
    }
    subject.refused(refusal);
    end = refusal.reason() == Reason.RATE_LIMIT_FAILED ? End.RATE_LIMIT_FAILED : End.RATE_LIMITED;
    answer(asked.answer(request), asked.content());
  }

  /** In addition to what is changed already. */
  private void changedToo(HttpFilters changes) {
    if (!changes.isNone()) {
      HttpFilters before = filters;
      sent = sent.changed(changes);
      filters =
          new HttpFilters(
              Stream.of(before, changes).flatMap(each -> each.request().stream()).toList(),
              Stream.of(before, changes).flatMap(each -> each.response().stream()).toList(),
              before.rewriteOrNull(),
              before.mirrors());
    }
  }

  @Override
  public boolean isAuthorized() {
    Inquiry<Answer> known = authorization;
    if (known == null) {
      known = owner.authorization(sent, subject, this::authorized);
      authorization = known;
      if (known == null) {
        return true;
      }
      dropUpstream(); // another is searched for then, by what policy says then
    }
    if (known.isUnderWay()) {
      return false;
    }
    if (known.answerOrNull() instanceof Answer.Granted(HttpFilters changes)) {
      changedToo(changes);
    }
    return true;
  }

  private void authorized() {
    Inquiry<Answer> known = authorization;
    if (known == null || ended) {
      return;
    }
    Answer answer = known.answerOrNull();
    if (answer instanceof Answer.Denied(int code, List<FieldChange> headers, String content)) {
      unauthorized(Reason.AUTHORIZATION_DENIED, LocalAnswer.with(request, code, headers), content);
    } else if (answer == null && !known.failsOpen()) {
      unauthorized(Reason.AUTHORIZATION_FAILED, LocalAnswer.to(request, 403), "");
    } else {
      tryAgain();
    }
  }

  private void unauthorized(Reason reason, Head head, String content) {
    subject.refused(Verdict.of(Outcome.REFUSED, reason));
    end = End.UNAUTHORIZED;
    answer(head, content);
  }

  @Override
  public @Nullable Reason refusalOf(ServicePool pool) {
    Admission known = admission;
    if (known == null || !known.isOf(pool)) {
      endAdmission(); // of another service, where it was to go before
      known = new Admission(pool, owner.pod());
      admission = known;
      if (!awaitsAnswer()) {
        known.sends();
      }
    }
    return known.begin();
  }

  @Override
  public boolean mayWait() {
    Admission known = admission;
    return known != null && known.mayWait();
  }

  /** Whether the service says how many may be. */
  private boolean countsRetries() {
    Admission known = admission;
    return known != null && known.countsRetries();
  }

  private boolean mayRepeat() {
    Admission known = admission;
    return known == null || known.mayRepeat();
  }

  /**
   * Whether its connection had carried another exchange, and so may be one that was closed for
   * being idle.
   */
  void isBehindAnother(boolean another) {
    reused = another;
  }

  /** That connection carries it. */
  void isOn(ServicePool.Place place) {
    Admission known = admission;
    if (known == null) { // the connection is that of another service, which leads here too
      known = place.unasked();
      admission = known;
    }
    known.isOn(place);
  }

  private void endAdmission() {
    Admission known = admission;
    admission = null;
    if (known != null) {
      if (end == End.NO_UPSTREAM
          || end == End.RESET_BY_UPSTREAM
          || end == End.BAD_RESPONSE
          || end == End.TIMED_OUT) {
        known.failed();
      }
      known.end();
    }
  }

  @Override
  public boolean hasRoom(InetSocketAddress endpoint) {
    return owner.leads().haveRoom(endpoint);
  }

  @Override
  public boolean sharesConnections() {
    return owner.leads().sharesConnections();
  }

  @Override
  public boolean takes(InetSocketAddress endpoint) {
    HttpStream free = owner.leads().open(endpoint, subject, this);
    Upstream search = upstream;
    if (free == null && search != null && takesLeft()) {
      free = owner.leads().openLeft(search, subject, this);
    }
    if (free == null) {
      boolean waits = owner.leads().waits(this, endpoint);
      Admission known = admission;
      if (waits && known != null && !known.mayWait()) {
        refused(known.refusal(Reason.UPSTREAM_OVERFLOW), CloseKind.REFUSED);
      }
      return waits;
    }
    upstream = null; // which has dialled nothing
    owner.leads().gaveUp(this); // what it dialled first, others may still wait for
    join(free, endpoint);
    return true;
  }

  /** Only what may be sent again, once that connection turns out to be closed. */
  private boolean takesLeft() {
    return subject.direction() == Direction.OUTBOUND
        && mirror == null
        && !repeated
        && !countsRetries()
        && isRepeatable();
  }

  /** Without content, and its like means the same when it is sent twice. */
  private boolean isRepeatable() {
    return asked.whole
        && asked.bytes() == 0
        && !asksForBytes()
        && IDEMPOTENT.contains(request.method());
  }

  @Override
  public void opened(ByteChannel channel) {
    Upstream reached = upstream;
    if (ended || reached == null) {
      channel.reset();
      return;
    }
    Verdict refusal = owner.refusalAtOpening(subject);
    if (refusal != null) {
      channel.reset();
      refused(refusal, CloseKind.REFUSED);
      return;
    }
    upstream = null; // the connection's from here on
    InetSocketAddress endpoint = reached.reached();
    HttpStream stream = owner.leads().connect(channel, reached, subject, this);
    if (stream == null) {
      refused(Verdict.of(Outcome.REFUSED, Reason.PEER_FAILED), CloseKind.CONNECT_FAILURE);
    } else {
      join(stream, endpoint);
    }
  }

  @Override
  public void refused(Verdict verdict, CloseKind kind) {
    if (ended) {
      return;
    }
    if (kind == CloseKind.CONNECT_FAILURE) {
      owner.leads().failed(this, verdict, kind);
    } else {
      owner.leads().gaveUp(this); // policy may say otherwise of those that wait
    }
    if (ended) {
      return; // one of those has ended the connection
    }
    if (kind == CloseKind.CONNECT_FAILURE
        && verdict.reason() != Reason.REFUSED_BY_PEER // which it would say again
        && triesAgain(Silence.UNREACHED)) {
      return;
    }
    subject.refused(verdict);
    Reason reason = verdict.reason();
    if (reason == Reason.ROUTE_NOT_GRANTED
        || (mirror != null
            && kind != CloseKind.CONNECT_FAILURE
            && reason != Reason.UPSTREAM_OVERFLOW
            && reason != Reason.CIRCUIT_OPEN
            && !isWithoutEndpoint(reason))) {
      end = End.REFUSED;
      answer(403);
    } else if (kind == CloseKind.CONNECT_FAILURE) {
      end = End.NO_UPSTREAM;
      if (owner.isAskedAgain() && isRepeatable()) {
        leaveUnanswered();
      } else {
        answer(503);
      }
    } else if (isWithoutEndpoint(reason)) {
      end = End.NO_ENDPOINT;
      answer(503);
    } else if (reason == Reason.UPSTREAM_OVERFLOW) {
      end = End.OVERFLOW;
      answer(503);
    } else if (reason == Reason.CIRCUIT_OPEN) {
      answerInPlace();
    } else {
      // Nothing is granted at all: the connection ends as that of any other protocol does.
      close();
      dropUpstream();
      endAdmission();
      owner.refuse(this, verdict);
      downstream.abort(HttpStream.Abort.RESET); // where no connection of bytes has told it
    }
  }

  /** The connection ends instead, as it would have with the application's own. */
  private void leaveUnanswered() {
    dropUpstream();
    owner.drain();
    downstream.abort(HttpStream.Abort.RESET);
    finish();
  }

  /** As is said for while the service is spared. */
  private void answerInPlace() {
    end = End.SPARED;
    Admission known = admission;
    Breaker rules = known == null ? null : known.rules();
    if (rules == null) {
      answer(503);
    } else {
      answer(LocalAnswer.to(request, rules.status()), rules.content());
    }
  }

  private static boolean isWithoutEndpoint(Reason reason) {
    return reason == Reason.NO_READY_ENDPOINT || reason == Reason.UNKNOWN_SERVICE_PORT;
  }

  private void join(HttpStream stream, InetSocketAddress endpoint) {
    joined = stream;
    if (owner.timesAnswers()) {
      joinedNanos = System.nanoTime();
    }
    Admission admitted = admission;
    if (admitted != null) {
      admitted.isAt(endpoint);
    }
    copied = true;
    FromUpstream listener = new FromUpstream();
    heard = listener;
    stream.listen(listener);
    Fields trailers = askedTrailers;
    boolean whole = asked.whole && trailers == null;
    Retries known = retries;
    ByteBuf replayed = known == null ? null : known.replayed();
    if (known != null) {
      known.goesTo(endpoint);
    }
    stream.head(sent, whole && replayed == null && !asked.holdsAny());
    if (replayed != null) {
      stream.data(replayed, whole && !asked.holdsAny());
    }
    if (heard != listener) {
      return; // it failed at once: what is held is for the next try
    }
    for (ByteBuf piece = asked.nextHeld(); piece != null; piece = asked.nextHeld()) {
      keepCopy(piece);
      stream.data(piece, whole && !asked.holdsAny());
    }
    if (trailers != null) {
      stream.trailers(known == null ? trailers : trailers.copy());
    }
    flush(stream, asked, downstream);
    sendCopies(trailers);
  }

  // --- copies --------------------------------------------------------------------------------

  private void keepCopy(ByteBuf piece) {
    Retries again = retries;
    if (again != null) {
      again.keep(piece);
    }
    Copy known = copy;
    if (known != null && !known.keep(piece)) {
      dropCopy();
    }
  }

  /** Once all of it has been led on. */
  private void sendCopies(@Nullable Fields trailers) {
    Copy known = copy;
    if (known != null && asked.whole && !ended) {
      copy = null;
      owner.copies().send(known, trailers);
    }
  }

  private void dropCopy() {
    Copy known = copy;
    copy = null;
    if (known != null) {
      known.drop();
    }
  }

  /** Sends what was passed on; the budget counts it where it came from, or else where it waits. */
  private static void flush(HttpStream sink, Message message, HttpStream source) {
    if (source.countsContent()) {
      sink.countedElsewhere(message.unconfirmed());
    }
    sink.flush();
    confirm(sink, message, source);
  }

  /** What has gone may be followed by more. */
  private static void confirm(HttpStream sink, Message message, HttpStream source) {
    if (sink.isWritable()) {
      int bytes = message.confirm();
      if (bytes > 0) {
        sink.countedElsewhere(0);
        source.consumed(bytes);
      }
    }
  }

  // --- the request ---------------------------------------------------------------------------

  private final class FromDownstream implements HttpStream.Listener {
    @Override
    public void head(Head head, boolean last) {
      throw new IllegalStateException("a request has one head");
    }

    @Override
    public void data(ByteBuf bytes, boolean last) {
      if (ended) {
        int length = bytes.readableBytes();
        bytes.release();
        downstream.consumed(length);
        return;
      }
      asked.count(bytes);
      if (last) {
        isWhole();
      }
      HttpStream sink = joined;
      if (sink == null) {
        asked.hold(bytes);
      } else {
        keepCopy(bytes);
        sink.data(bytes, last);
        sendCopies(null);
      }
      finishIfWhole();
    }

    @Override
    public void trailers(Fields trailers) {
      if (ended) {
        return;
      }
      isWhole();
      HttpStream sink = joined;
      if (sink == null) {
        askedTrailers = trailers;
      } else {
        if (retries != null) {
          askedTrailers = trailers.copy();
        }
        sink.trailers(trailers);
        sendCopies(trailers);
      }
      finishIfWhole();
    }

    @Override
    public void batchEnded() {
      HttpStream sink = joined;
      if (!ended && sink != null) {
        flush(sink, asked, downstream);
      }
    }

    @Override
    public void writable() {
      HttpStream source = joined;
      if (!ended && source != null) {
        confirm(downstream, answered, source);
      }
    }

    @Override
    public void aborted(HttpStream.Abort how) {
      if (!ended) {
        if (answered.whole) {
          end = end == End.CUT ? whole() : end;
        } else if (how == HttpStream.Abort.PROTOCOL_ERROR) {
          end = End.BAD_REQUEST;
          subject.refused(Verdict.of(Outcome.REFUSED, Reason.BAD_REQUEST));
        } else {
          boolean byUs = mirror != null || how == HttpStream.Abort.FAILED;
          end = byUs ? End.CUT : End.RESET_BY_CLIENT;
        }
        dropUpstream();
        finish();
      }
    }
  }

  // --- the response --------------------------------------------------------------------------

  private final class FromUpstream implements HttpStream.Listener {
    /** Nobody wants to hear of it any more: another try is made, or the exchange has ended. */
    private boolean isDeaf() {
      return ended || heard != this;
    }

    @Override
    public void head(Head head, boolean last) {
      if (isDeaf() || triesAgain(head, last)) {
        return;
      }
      boolean switches = head.status() == 101;
      if (head.isInterim() && ++interim > MOST_INTERIM) {
        end = End.BAD_RESPONSE; // nothing else holds back who sends heads alone
        answer(502);
        return;
      }
      if (!filters.isNone()) {
        head.fields.change(filters.response());
      }
      if (!head.isInterim() || switches) {
        FieldChange tells = session;
        if (tells != null) {
          head.fields.change(List.of(tells));
        }
        status = head.status();
        answering = true;
        Retries tries = retries;
        if (tries != null) {
          tries.settle();
        }
        answeredNanos = joinedNanos == 0 ? 0 : System.nanoTime();
        Admission known = admission;
        if (known != null) {
          known.answered(status);
          known.settle();
        }
        grpcStatus = head.fields.first("grpc-status");
        answered.whole = last;
        // An upgrade of HTTP/1 that was not taken up was a request without content.
        asked.whole = !switches && (asked.whole || request.upgrade != null && !isConnect());
        if (!asked.whole && asksForBytes()) {
          stopClock(); // bytes flow from now on
        }
      }
      downstream.head(head, last);
      if (head.isInterim()) {
        downstream.flush();
      }
      finishIfAnswered();
    }

    @Override
    public void data(ByteBuf bytes, boolean last) {
      if (isDeaf()) {
        bytes.release();
        return;
      }
      answered.count(bytes);
      answered.whole = last;
      downstream.data(bytes, last);
      finishIfAnswered();
    }

    @Override
    public void trailers(Fields trailers) {
      if (!isDeaf()) {
        answered.whole = true;
        String told = trailers.first("grpc-status");
        grpcStatus = told == null ? grpcStatus : told;
        downstream.trailers(trailers);
        finishIfAnswered();
      }
    }

    @Override
    public void batchEnded() {
      HttpStream source = joined;
      if (!isDeaf() && source != null) {
        flush(downstream, answered, source);
      }
    }

    @Override
    public void writable() {
      HttpStream sink = joined;
      if (!isDeaf() && sink != null) {
        confirm(sink, asked, downstream);
      }
    }

    @Override
    public void aborted(HttpStream.Abort how) {
      if (heard != this) {
        return;
      }
      joined = null;
      if (ended) {
        return;
      }
      if (answered.whole && asked.whole) {
        finishIfWhole();
      } else if (answered.whole && isTunnel()) {
        end = whole();
        downstream.flush();
        downstream.abort(HttpStream.Abort.CANCELLED); // nobody takes more (RFC 9113 §8.1)
        finish();
      } else {
        upstreamLost(how);
      }
    }
  }

  /** An upstream that had served others may have closed while this request was on its way. */
  private void upstreamLost(HttpStream.Abort how) {
    boolean untouched = how == HttpStream.Abort.NOT_PROCESSED;
    boolean stale =
        reused && how == HttpStream.Abort.RESET && IDEMPOTENT.contains(request.method());
    if (!answering
        && !repeated
        && asked.whole
        && asked.bytes() == 0
        && (untouched || stale)
        && mayRepeat()) {
      repeated = true;
      search();
      return;
    }
    if (triesAgain(untouched ? Silence.REFUSED : Silence.LOST)) {
      return;
    }
    if (how == HttpStream.Abort.NOT_OFFERED) {
      bad(501);
      return;
    }
    boolean broken = how == HttpStream.Abort.PROTOCOL_ERROR;
    end = broken ? End.BAD_RESPONSE : End.RESET_BY_UPSTREAM;
    answer(broken ? 502 : 503);
  }

  private boolean isConnect() {
    return request.method().equals("CONNECT");
  }

  /** Whether bytes flow in either direction until that has ended (RFC 9110 §9.3.6). */
  private boolean isTunnel() {
    return status == 101 || isConnect() && status >= 200 && status < 300;
  }

  // --- further tries -------------------------------------------------------------------------

  private boolean triesAgain(Head answer, boolean last) {
    Retries known = retries;
    boolean takes =
        known != null
            && !answer.isInterim()
            && known.takes(answer.status(), answer.fields.first("grpc-status"));
    if (takes) {
      if (last && asked.whole) {
        joined = null; // it is free for another exchange
      }
      dropTry(admitted -> admitted.answered(answer.status()));
    }
    return takes;
  }

  private boolean triesAgain(Silence silence) {
    Retries known = retries;
    boolean takes = known != null && !answering && known.takes(silence);
    if (takes) {
      dropTry(Admission::failed);
    }
    return takes;
  }

  private void dropTry(Consumer<Admission> outcome) {
    Admission admitted = admission;
    if (admitted != null) {
      outcome.accept(admitted);
    }
    heard = null;
    dropUpstream();
    if (admitted != null) {
      admitted.nextTry();
    }
    Deadlines known = deadlines;
    if (known != null) {
      known.endTry();
    }
  }

  private void tryAgain() {
    if (!ended && joined == null && upstream == null) {
      search();
    }
  }

  /** What is to be told of its tries. */
  List<Retried> retried() {
    Retries known = retries;
    return known == null ? List.of() : known.told();
  }

  // --- time ----------------------------------------------------------------------------------

  private void isWhole() {
    asked.whole = true;
    wholeNanos = System.nanoTime();
    Admission known = admission;
    if (known != null) {
      known.isWhole();
    }
    startClock();
  }

  /**
   * How long a client takes to ask is not limited by a route, as of Envoy's; what is to become
   * bytes in both directions has been asked with its head.
   */
  private boolean awaitsAnswer() {
    return asked.whole || (asksForBytes() && !answering);
  }

  private boolean asksForBytes() {
    return request.upgrade != null || isConnect();
  }

  private long tryMillis() {
    Retries known = retries;
    if (isDelayed() || (joined == null && upstream == null)) {
      return TimeLimits.NOT_SAID; // none is made now
    }
    return known == null || known.policy.tryMillis() == 0
        ? limits.tryMillis()
        : known.policy.tryMillis();
  }

  private void startClock() {
    if (Math.max(limits.requestMillis(), tryMillis()) > 0 && awaitsAnswer()) {
      Deadlines known = deadlines;
      if (known == null) {
        known = new Deadlines(owner.loop(), this::timedOut, this::tryTimedOut);
        deadlines = known;
      }
      known.limitRequest(limits.requestMillis(), wholeNanos);
      known.limitTry(tryMillis());
    }
  }

  private void stopClock() {
    limits = TimeLimits.UNSAID;
    Deadlines known = deadlines;
    if (known != null) {
      known.end();
    }
  }

  private void tryTimedOut() {
    Retries known = retries;
    if (known != null) {
      known.wasSlow();
    }
    if (!triesAgain(Silence.LOST)) {
      timedOut();
    }
  }

  /** Nobody waits for the answer any longer. */
  void timedOut() {
    if (!ended) {
      if (isDelayed()) {
        subject.refused(new Verdict(Outcome.REFUSED, Reason.FAULT_INJECTED, delayedBy));
      }
      end = End.TIMED_OUT;
      answer(504);
    }
  }

  /**
   * Whether no answer to it has begun for so long after it had come whole, where its route does not
   * say how long that may take. Those that are led to an application wait at the client's node.
   */
  boolean isOverdue(long now, long nanos) {
    return !answering
        && mirror == null
        && limits.requestMillis() == TimeLimits.NOT_SAID
        && subject.direction() == Direction.OUTBOUND
        && awaitsAnswer()
        && now - wholeNanos > nanos;
  }

  // --- the end -------------------------------------------------------------------------------

  private End whole() {
    Retries known = retries;
    if (known != null && known.isExhausted()) {
      return End.RETRIES_EXHAUSTED;
    }
    return delay == null ? End.WHOLE : End.DELAYED;
  }

  private void finishIfWhole() {
    if (asked.whole && answered.whole) {
      end = whole();
      finish();
    }
  }

  /**
   * An answer that did not wait for the rest of the request is the whole answer (RFC 9113 §8.1).
   */
  private void finishIfAnswered() {
    if (answered.whole && !asked.whole && !isTunnel()) {
      dropUpstream();
      end = whole();
      finish();
    } else {
      finishIfWhole();
    }
  }

  private void dropUpstream() {
    dropCopy();
    owner.leads().gaveUp(this);
    Upstream searched = upstream;
    upstream = null;
    if (searched != null) {
      searched.end();
    }
    HttpStream stream = joined;
    joined = null;
    if (stream != null) {
      stream.abort(HttpStream.Abort.CANCELLED);
    }
  }

  private void finish() {
    if (!ended) {
      close();
      dropCopy();
      downstream.flush();
      // What the last pieces were is taken: both connections may go on to another exchange.
      HttpStream stream = joined;
      downstream.countedElsewhere(0);
      if (stream != null) {
        if (isTunnel()) {
          stream.flush(); // what the client says may be what ends it
        }
        stream.countedElsewhere(0);
        stream.consumed(answered.confirm());
      }
      downstream.consumed(asked.confirm());
      endAdmission();
      owner.ended(this);
    }
  }

  private void close() {
    ended = true;
    asked.drop();
    stopClock();
    Retries known = retries;
    if (known != null) {
      known.end();
    }
    Delay held = delay;
    if (held != null) {
      held.end();
    }
    Inquiry<Answer> asking = authorization;
    if (asking != null) {
      asking.cancel();
    }
    RateLimiter.Questions counting = shared;
    if (counting != null) {
      counting.cancel();
    }
  }

  /** Policy refuses now what it has allowed. */
  void revoke(Verdict verdict) {
    subject.refused(verdict);
    end = End.CUT;
    answer(403);
  }

  /** The connection ends under it. */
  void cut(boolean byClient) {
    if (!ended) {
      close();
      if (end == End.CUT && asked.whole && answered.whole) {
        end = whole();
      } else if (end == End.CUT && byClient) {
        end = End.RESET_BY_CLIENT;
      }
      dropUpstream();
      endAdmission();
      downstream.abort(HttpStream.Abort.RESET);
    }
  }

  /** Octets that have moved. */
  long moved() {
    return asked.bytes() + answered.bytes();
  }

  /** Whether it has no upstream yet. */
  boolean isSearching() {
    return joined == null;
  }

  Subject subject() {
    return subject;
  }

  /** What is told of it, under the number of its connection, with those of {@code headers}. */
  RequestRecord record(long id, String version, List<String> headers) {
    return new RequestRecord(
        subject.info(id),
        subject.verdict(),
        version,
        LocalAnswer.isGrpc(request),
        mirror != null,
        request.method(),
        request.authority(),
        request.path(),
        status,
        grpcStatus,
        end,
        asked.bytes(),
        answered.bytes(),
        asked.messages(),
        answered.messages(),
        Duration.ofNanos(System.nanoTime() - startNanos),
        answeredNanos == 0 ? RequestRecord.UNKNOWN : answeredNanos - startNanos,
        answeredNanos == 0 ? RequestRecord.UNKNOWN : upstreamNanos(),
        request.fields.first("user-agent"),
        request.fields.first("x-request-id"),
        request.fields.first("x-forwarded-for"),
        headers.isEmpty() ? Map.of() : present(headers),
        trace);
  }

  /** Since the last of the request went, where the answer has waited for that. */
  private long upstreamNanos() {
    boolean waited = wholeNanos - joinedNanos > 0 && answeredNanos - wholeNanos > 0;
    return answeredNanos - (waited ? wholeNanos : joinedNanos);
  }

  private Map<String, String> present(List<String> names) {
    Map<String, String> present = new HashMap<>();
    for (String name : names) {
      String value = request.header(name);
      if (value != null) {
        boolean isLong = value.length() > RequestRecord.LONGEST_HEADER;
        present.put(name, isLong ? value.substring(0, RequestRecord.LONGEST_HEADER + 1) : value);
      }
    }
    return present;
  }
}

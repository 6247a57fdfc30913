package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.decide.Affected;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.upstream.LocalPod;
import io.sluice.proxy.upstream.Upstream;
import io.sluice.proxy.upstream.UpstreamLoop;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The requests of one downstream connection: each is decided and led on for itself, by connections
 * to upstreams that are this one's alone. Runs on the connection's event loop.
 */
public final class Exchanges implements HttpServerListener, Http1Client.Owner {
  /** Whose requests these are. */
  public interface Listener {
    /** An exchange has ended. */
    void exchanged(RequestRecord record);

    /** Nothing that could be asked here is granted, or what came is no request: it is to end. */
    void refused(Verdict verdict);

    /** The downstream's connection is gone; called once, and not after {@link Exchanges#end}. */
    void ended(boolean byClient, ChannelEnd how);
  }

  /** What all of them share. */
  public record Surroundings(
      UpstreamLoop upstreams,
      LocalPod pod,
      LocalPod inside,
      Supplier<MeshSnapshot> snapshot,
      ByteBufAllocator allocator,
      Executor later) {}

  private static final long HEAD_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long STALL_NANOS = TimeUnit.SECONDS.toNanos(60);
  private static final long FAREWELL_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long MOST_DROPPED = 1 << 20;

  /** Connections to upstreams that wait for another request; the one that waits longest goes. */
  private static final int MOST_FREE = 8;

  /** A connection to an upstream, and what leads to it. */
  private static final class Lead {
    final Http1Client client;
    final @Nullable Upstream upstream; // null: the connection's own
    final InetSocketAddress endpoint;
    final boolean proven;
    boolean free;
    long endingSince;

    Lead(
        Http1Client client,
        @Nullable Upstream upstream,
        InetSocketAddress endpoint,
        boolean proven) {
      this.client = client;
      this.upstream = upstream;
      this.endpoint = endpoint;
      this.proven = proven;
    }
  }

  private final Surroundings around;
  private final Flow wanted;
  private final Subject subject;
  private final long id;
  private final Listener listener;
  private final List<Lead> leads = new ArrayList<>(1);
  private final List<Exchange> open = new ArrayList<>(1);
  private @Nullable ByteChannel downstream;
  private @Nullable ByteChannel first; // to the application, which nothing was asked of yet
  private @Nullable Http1Server server;
  private boolean draining;
  private boolean ended;

  private long progress;
  private long seenProgress;
  private long progressNanos = System.nanoTime();
  private long sinceNanos; // of the state that has a limit
  private boolean limited;

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
   * Takes requests from now on.
   *
   * @param reachedOrNull the connection to the application, where it was reached before the first
   *     request came
   */
  public void start(ByteChannel channel, @Nullable ByteChannel reachedOrNull) {
    downstream = channel;
    first = reachedOrNull;
    if (reachedOrNull != null) {
      reachedOrNull.listen(new Unasked());
      reachedOrNull.start();
    }
    Http1Server http1 = new Http1Server(channel, around.allocator(), around.pod().budget, this);
    server = http1;
    channel.listen(http1);
    channel.start();
    http1.goOn();
  }

  /** An application that speaks before it was asked speaks another protocol. */
  private final class Unasked implements ByteChannel.Listener {
    @Override
    public void bytes(ByteBuf bytes) {
      int length = bytes.readableBytes();
      bytes.release();
      ByteChannel channel = first;
      if (channel != null) {
        first = null;
        channel.consumed(length);
        channel.reset();
        listener.refused(Verdict.of(Outcome.REFUSED, Reason.PROTOCOL_MISMATCH));
      }
    }

    @Override
    public void inputEnded() {
      ByteChannel channel = first;
      if (channel != null) {
        first = null;
        channel.endOutput();
      }
    }

    @Override
    public void writable() {}

    @Override
    public void closed(ChannelEnd how) {
      first = null;
    }
  }

  // --- requests ------------------------------------------------------------------------------

  @Override
  public void request(HttpStream stream, Head head, boolean last) {
    progress++;
    Subject one = subject.ofRequest();
    Exchange exchange = new Exchange(this, stream, head, last, one);
    exchange.index = open.size();
    open.add(exchange);
    exchange.begin();
  }

  @Override
  public void bad(BadMessage why, boolean within) {
    if (why.status == 0 && !within) {
      listener.refused(Verdict.of(Outcome.REFUSED, Reason.PROTOCOL_MISMATCH));
    } else if (!within) {
      recordUnread(why.status);
    }
  }

  /** Of a request whose head could not be read, nothing is known but the answer. */
  private void recordUnread(int status) {
    Subject one = subject.ofRequest();
    one.decidedBy(around.snapshot().get().revision());
    one.refused(Verdict.of(Outcome.REFUSED, Reason.BAD_REQUEST));
    listener.exchanged(
        new RequestRecord(
            one.info(id),
            one.verdict(),
            "HTTP/1.1",
            false,
            "",
            "",
            "",
            status,
            null,
            RequestRecord.End.BAD_REQUEST,
            0,
            0,
            0,
            0,
            Duration.ZERO,
            null,
            null,
            null));
  }

  @Override
  public void idle(Runnable next) {
    progress++;
    Http1Server http1 = server;
    if (http1 != null && http1.hasArrived()) {
      around.later().execute(next); // the answer's connection is not free before it returns
    } else {
      next.run();
    }
  }

  @Override
  public void ended(ChannelEnd how) {
    if (!ended) {
      boolean byClient = how != ChannelEnd.RESET_BY_US;
      cut(byClient);
      listener.ended(byClient, how);
    }
  }

  void ended(Exchange exchange) {
    progress++;
    remove(exchange);
    listener.exchanged(exchange.record(id, "HTTP/1.1"));
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
    listener.refused(verdict);
  }

  // --- upstreams -----------------------------------------------------------------------------

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

  boolean isFree(InetSocketAddress endpoint) {
    for (Lead lead : leads) {
      if (lead.free && lead.endpoint.equals(endpoint)) {
        return true;
      }
    }
    return false;
  }

  /** A connection to {@code endpoint} that nothing else uses; null where there is none. */
  @Nullable HttpStream take(InetSocketAddress endpoint, Subject one) {
    ByteChannel reached = first;
    if (reached != null) {
      first = null;
      return lead(reached, null, endpoint, false).client;
    }
    for (Lead lead : leads) {
      if (lead.free && lead.endpoint.equals(endpoint)) {
        lead.free = false;
        if (lead.proven) {
          one.haveProvenThemselves();
        }
        return lead.client;
      }
    }
    return null;
  }

  /** Makes a connection of a channel that was reached for {@code one}. */
  HttpStream connect(ByteChannel channel, Upstream reached, Subject one) {
    return lead(channel, reached, reached.reached(), one.hasProof()).client;
  }

  private Lead lead(
      ByteChannel channel,
      @Nullable Upstream upstream,
      InetSocketAddress endpoint,
      boolean proven) {
    Http1Client client = new Http1Client(channel, around.allocator(), around.pod().budget, this);
    Lead lead = new Lead(client, upstream, endpoint, proven);
    leads.add(lead);
    channel.listen(client);
    if (upstream != null) {
      channel.start();
    }
    client.goOn();
    return lead;
  }

  private @Nullable Lead leadOf(Http1Client client) {
    for (Lead lead : leads) {
      if (lead.client == client) {
        return lead;
      }
    }
    return null;
  }

  @Override
  public void idle(Http1Client client) {
    Lead lead = leadOf(client);
    if (lead == null) {
      return;
    }
    lead.free = true;
    leads.remove(lead);
    leads.add(lead); // the one that waits longest stands first
    if (leads.size() > MOST_FREE) {
      leads.stream().filter(one -> one.free).findFirst().ifPresent(one -> one.client.close());
    }
  }

  @Override
  public void ending(Http1Client client) {
    Lead lead = leadOf(client);
    if (lead != null) {
      lead.free = false;
      lead.endingSince = System.nanoTime();
    }
  }

  @Override
  public void gone(Http1Client client) {
    Lead lead = leadOf(client);
    if (lead != null) {
      leads.remove(lead);
      if (lead.upstream != null) {
        lead.upstream.end();
      }
    }
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
  }

  /** To be called now and then, at {@code now} of {@link System#nanoTime}. */
  public void look(long now) {
    Http1Server http1 = server;
    if (http1 == null || ended) {
      return;
    }
    long moved = progress;
    for (Exchange exchange : open) {
      moved += exchange.moved();
    }
    if (moved != seenProgress) {
      seenProgress = moved;
      progressNanos = now;
    }
    for (int i = leads.size() - 1; i >= 0; i = Math.min(i, leads.size()) - 1) {
      Lead lead = leads.get(i);
      if (lead.endingSince != 0 && now - lead.endingSince > FAREWELL_NANOS) {
        lead.client.close();
      }
    }
    boolean within = http1.isWithinHead();
    boolean ending = http1.isEnding();
    if (within || ending) {
      if (!limited) {
        limited = true;
        sinceNanos = now;
      }
    } else {
      limited = false;
    }
    if (ending && (now - sinceNanos > FAREWELL_NANOS || http1.dropped() > MOST_DROPPED)) {
      http1.abort(HttpStream.Abort.FAILED);
    } else if (within && now - sinceNanos > HEAD_NANOS) {
      http1.timedOut();
    } else if (http1.isWithinRequest() && now - progressNanos > STALL_NANOS) {
      http1.timedOut();
    }
  }

  /** How long nothing has happened, as far as {@link #look} knows. */
  public long silentNanos(long now) {
    return now - progressNanos;
  }

  // --- the end -------------------------------------------------------------------------------

  /** Lets the present exchanges end, and takes no further ones. */
  public void drain() {
    draining = true;
    Http1Server http1 = server;
    if (http1 != null) {
      http1.drain();
    }
  }

  /** Whether it only waits for its exchanges to end. */
  public boolean isDraining() {
    return draining;
  }

  /** Ends all of it at once. */
  public void end() {
    if (!ended) {
      cut(false);
      Http1Server http1 = server;
      if (http1 != null) {
        http1.reset();
      }
    }
  }

  private void cut(boolean byClient) {
    ended = true;
    while (!open.isEmpty()) {
      Exchange exchange = open.getLast();
      exchange.cut(byClient);
      remove(exchange);
      listener.exchanged(exchange.record(id, "HTTP/1.1"));
    }
    while (!leads.isEmpty()) {
      leads.getLast().client.close();
    }
    ByteChannel reached = first;
    first = null;
    if (reached != null) {
      reached.reset();
    }
  }
}

package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.admission.ServicePool;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.Pipe;
import io.sluice.proxy.upstream.Upstream;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The connections to upstreams that the exchanges of one downstream connection go by. They are
 * nobody else's, so that no answer and no identity can come to another client. Event loop of the
 * downstream connection.
 */
final class Leads implements Http1Client.Owner {
  /** Connections that wait for another request; the one that waits longest goes. */
  private static final int MOST_FREE = 8;

  private static final long FAREWELL_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** One of them, of either version. */
  private static final class Lead {
    final @Nullable Upstream upstream; // null: the connection's own
    final InetSocketAddress endpoint;
    final boolean proven;
    @Nullable Http1Client http1;
    @Nullable Http2Client http2;
    @Nullable Exchanges direct; // in this process
    @Nullable ByteChannel directEnd;
    boolean free = true; // of HTTP/1
    private boolean hasCarried; // another exchange before
    long endingSince;

    Lead(@Nullable Upstream upstream, InetSocketAddress endpoint, boolean proven) {
      this.upstream = upstream;
      this.endpoint = endpoint;
      this.proven = proven;
    }

    @Nullable HttpStream open(boolean version2, Exchange exchange) {
      ServicePool.Place place = place();
      HttpStream stream = place == null || place.mayCarry() ? open(version2) : null;
      if (stream == null) {
        return null;
      }
      exchange.isBehindAnother(hasCarried);
      hasCarried = true;
      if (place != null) {
        place.enter();
        exchange.isOn(place);
      }
      return stream;
    }

    /** Where the service may have so many connections only. */
    ServicePool.@Nullable Place place() {
      Upstream reached = upstream;
      return reached == null ? null : reached.place();
    }

    private @Nullable HttpStream open(boolean version2) {
      Exchanges inProcess = direct;
      if (inProcess != null) {
        return inProcess.takesDirectly() ? new DirectStream(inProcess, version2) : null;
      }
      Http2Client shared = http2;
      if (shared != null) {
        return shared.open();
      }
      boolean wasFree = free;
      free = false;
      return wasFree ? http1 : null;
    }

    /** Whether it carries one more exchange now. */
    boolean hasRoom() {
      ServicePool.Place place = place();
      Exchanges inProcess = direct;
      Http2Client shared = http2;
      return (place == null || place.mayCarry())
          && (shared == null ? free : shared.canOpen())
          && (inProcess == null || inProcess.takesDirectly());
    }

    boolean isUnused() {
      Http2Client shared = http2;
      return shared == null ? free : shared.isIdle();
    }

    void close() {
      Http1Client single = http1;
      if (single != null) {
        single.close();
      }
      Http2Client shared = http2;
      if (shared != null) {
        shared.reset();
      }
      ByteChannel pipe = directEnd;
      if (pipe != null) {
        pipe.reset();
      }
    }
  }

  /** An exchange that dials, and those that wait for what it reaches. */
  private record Dialling(Exchange first, InetSocketAddress endpoint, List<Exchange> waiting) {}

  private final HttpSetup setup;
  private final boolean version2;
  private final List<Lead> leads = new ArrayList<>(1);
  private final List<Dialling> dialling = new ArrayList<>(1);
  private @Nullable Unasked application; // reached before a request came; nothing was asked yet

  /** None yet, all of one version. */
  Leads(HttpSetup setup, boolean version2, @Nullable Unasked applicationOrNull) {
    this.setup = setup;
    this.version2 = version2;
    this.application = applicationOrNull;
  }

  /** The application has ended the connection that was reached first. */
  void forgetApplication() {
    application = null;
  }

  /** Whether each carries many exchanges at once, as those of HTTP/2. */
  boolean sharesConnections() {
    return version2;
  }

  /** Whether a connection to {@code endpoint} stands that has room for a request. */
  boolean haveRoom(InetSocketAddress endpoint) {
    for (Lead lead : leads) {
      if (lead.endpoint.equals(endpoint) && lead.hasRoom()) {
        return true;
      }
    }
    return false;
  }

  /** An exchange with {@code endpoint} by a connection that stands; null where there is none. */
  @Nullable HttpStream open(InetSocketAddress endpoint, Subject subject, Exchange exchange) {
    Unasked reached = application;
    application = null;
    if (reached != null && (version2 || !reached.hasSpoken())) {
      return begin(
          new Lead(null, endpoint, false), reached.channel(), reached.takeEarly(), exchange);
    } else if (reached != null) {
      reached.reset(); // it speaks HTTP/2, and is asked by HTTP/1; another one will say the same
    }
    for (Lead lead : leads) {
      if (lead.endpoint.equals(endpoint)) {
        HttpStream stream = lead.open(version2, exchange);
        if (stream != null) {
          if (lead.proven) {
            subject.haveProvenThemselves();
          }
          return stream;
        }
      }
    }
    return null;
  }

  /** Whether another one dials that endpoint, which {@code exchange} then waits for. */
  boolean waits(Exchange exchange, InetSocketAddress endpoint) {
    if (!version2) {
      return false;
    }
    if (dialling.stream().anyMatch(one -> one.first == exchange)) {
      return false; // it tries another one after the first
    }
    for (Dialling one : dialling) {
      if (one.endpoint.equals(endpoint)) {
        one.waiting.add(exchange);
        return true;
      }
    }
    dialling.add(new Dialling(exchange, endpoint, new ArrayList<>(0)));
    return false;
  }

  /** The channel that {@code exchange} has dialled carries it, and those that waited. */
  @Nullable HttpStream connect(
      ByteChannel channel, Upstream reached, Subject subject, Exchange exchange) {
    Lead lead = new Lead(reached, reached.reached(), subject.hasProof());
    ServicePool.Place place = lead.place();
    if (place != null) {
      place.stands(setup.loop(), () -> giveUp(lead));
    }
    HttpStream stream = begin(lead, channel, null, exchange);
    if (stream == null) {
      lead.close(); // what cannot carry its first request is nobody's
      remove(lead);
    }
    boolean isAwaited = isDialling(exchange, lead.endpoint);
    for (Exchange one : waitingFor(exchange)) {
      setup.loop().execute(isAwaited ? () -> one.goTo(lead.endpoint) : one::searchAgain);
    }
    roomMade();
    return stream;
  }

  /** Whoever waits until there may be one more connection may go by one that stands. */
  private void roomMade() {
    if (!dialling.isEmpty()) {
      setup.loop().execute(this::lookAround);
    }
  }

  private void lookAround() {
    for (Dialling one : List.copyOf(dialling)) {
      if (leads.stream().noneMatch(Lead::hasRoom)) {
        return;
      }
      one.first.lookAround();
    }
  }

  /** What it dialled could not be reached, and nothing else either. */
  void failed(Exchange exchange, Verdict verdict, CloseKind kind) {
    for (Exchange one : waitingFor(exchange)) {
      one.refused(verdict, kind);
    }
  }

  /** It is over before anything was reached: the next one dials. */
  void gaveUp(Exchange exchange) {
    if (dialling.isEmpty()) {
      return; // as always where nobody shares what is dialled
    }
    for (Exchange one : waitingFor(exchange)) {
      setup.loop().execute(one::searchAgain);
    }
    dialling.forEach(one -> one.waiting.remove(exchange));
  }

  private boolean isDialling(Exchange exchange, InetSocketAddress endpoint) {
    return dialling.stream()
        .anyMatch(one -> one.first == exchange && one.endpoint.equals(endpoint));
  }

  private List<Exchange> waitingFor(Exchange exchange) {
    for (Dialling one : dialling) {
      if (one.first == exchange) {
        dialling.remove(one);
        return one.waiting;
      }
    }
    return List.of();
  }

  private @Nullable HttpStream begin(
      Lead lead, ByteChannel channel, @Nullable ByteBuf early, Exchange exchange) {
    leads.add(lead);
    if (Pipe.directPeer(channel) instanceof Exchanges answering) {
      lead.direct = answering;
      lead.directEnd = channel;
      channel.listen(new End(lead));
      channel.start();
    } else if (version2) {
      Http2Client client = new Http2Client(channel, setup, new Shared(lead));
      lead.http2 = client;
      if (early != null) {
        client.start(early);
      } else {
        client.start();
      }
    } else {
      Http1Client client = new Http1Client(channel, setup.allocator(), setup.budget(), this);
      lead.http1 = client;
      channel.listen(client);
      if (early == null) {
        channel.start();
      }
      client.goOn();
    }
    return lead.open(version2, exchange);
  }

  // --- what becomes of them ------------------------------------------------------------------

  private final class Shared implements Http2Codec.Listener {
    private final Lead lead;

    Shared(Lead lead) {
      this.lead = lead;
    }

    /** It was not idle yet when the exchange was. */
    @Override
    public void roomMade() {
      Leads.this.roomMade();
      ServicePool.Place place = lead.place();
      if (place != null) {
        place.rest();
      }
    }

    @Override
    public void closed(ChannelEnd end) {
      remove(lead);
    }
  }

  /** Of a pipe that carries nothing but its end. */
  private final class End implements ByteChannel.Listener {
    private final Lead lead;

    End(Lead lead) {
      this.lead = lead;
    }

    @Override
    public void bytes(ByteBuf bytes) {
      bytes.release();
    }

    @Override
    public void inputEnded() {
      lead.free = false; // nothing more is taken there; what goes on does
    }

    @Override
    public void closed(ChannelEnd end) {
      remove(lead);
    }
  }

  /** Its place is wanted elsewhere, or it has carried enough: the peer ends it too. */
  private void giveUp(Lead lead) {
    ServicePool.Place place = lead.place();
    if (place == null || !place.isUnused() || !lead.isUnused() || !leads.contains(lead)) {
      return; // it tells of it again when it rests
    }
    Http1Client single = lead.http1;
    if (single != null) {
      lead.free = false;
      single.leave();
    } else {
      lead.close();
      remove(lead);
    }
  }

  private void remove(@Nullable Lead lead) {
    if (lead != null && leads.remove(lead) && lead.upstream != null) {
      lead.upstream.end();
    }
  }

  private @Nullable Lead leadOf(Http1Client client) {
    for (Lead lead : leads) {
      if (lead.http1 == client) {
        return lead;
      }
    }
    return null;
  }

  @Override
  public void idle(Http1Client client) {
    Lead lead = leadOf(client);
    if (lead != null) {
      lead.free = true;
      if (leads.size() > 1) {
        leads.remove(lead);
        leads.add(lead); // the one that waits longest stands first
        closeOneTooMany();
      }
      ServicePool.Place place = lead.place();
      if (place != null) {
        place.rest();
      }
    }
  }

  private void closeOneTooMany() {
    if (leads.size() > MOST_FREE) {
      leads.stream()
          .filter(Lead::isUnused)
          .findFirst()
          .ifPresent(lead -> {
            lead.close();
            remove(lead); // a pipe that is reset tells its own end nothing
          });
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
    remove(leadOf(client));
  }

  /** Ends those that an upstream does not let go, at {@code now} of {@link System#nanoTime}. */
  void look(long now) {
    for (int i = leads.size() - 1; i >= 0; i = Math.min(i, leads.size()) - 1) {
      Lead lead = leads.get(i);
      if (lead.http2 != null) {
        lead.http2.look();
      } else if (lead.endingSince != 0 && now - lead.endingSince > FAREWELL_NANOS) {
        lead.close();
      }
    }
  }

  /** Ends all of them. */
  void close() {
    while (!leads.isEmpty()) {
      Lead lead = leads.getLast();
      Http1Client waiting = lead.http1;
      if (lead.free && waiting != null) {
        waiting.leave();
        setup.loop().schedule(waiting::close, FAREWELL_NANOS, TimeUnit.NANOSECONDS);
      } else {
        lead.close();
      }
      remove(lead);
    }
    Unasked reached = application;
    application = null;
    if (reached != null) {
      reached.reset();
    }
  }
}

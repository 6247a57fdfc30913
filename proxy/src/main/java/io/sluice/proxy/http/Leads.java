package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.sluice.mesh.MeshSnapshot;
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
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The connections to upstreams that the exchanges of one downstream connection go by. While it
 * lives they are nobody else's, so that no answer and no identity can come to another client; what
 * may become of them then {@link IdleLeads} says. Event loop of the downstream connection.
 */
final class Leads implements Lead.Holder {
  /** Connections that wait for another request; the one that waits longest goes. */
  private static final int MOST_FREE = 8;

  /** An exchange that dials, and those that wait for what it reaches. */
  private record Dialling(Exchange first, InetSocketAddress endpoint, List<Exchange> waiting) {}

  private final HttpSetup setup;
  private final IdleLeads left;
  private final boolean version2;
  private final List<Lead> leads = new ArrayList<>(1);
  private final List<Dialling> dialling = new ArrayList<>(1);
  private @Nullable Unasked application; // reached before a request came; nothing was asked yet

  /** None yet, all of one version. */
  Leads(HttpSetup setup, IdleLeads left, boolean version2, @Nullable Unasked applicationOrNull) {
    this.setup = setup;
    this.left = left;
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
    for (int i = 0; i < leads.size(); i++) {
      Lead lead = leads.get(i);
      if (Objects.equals(lead.endpoint, endpoint) && lead.hasRoom()) {
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
          new Lead(null, endpoint, false, this), reached.channel(), reached.takeEarly(), exchange);
    } else if (reached != null) {
      reached.reset(); // it speaks HTTP/2, and is asked by HTTP/1; another one will say the same
    }
    for (int i = 0; i < leads.size(); i++) {
      Lead lead = leads.get(i);
      if (Objects.equals(lead.endpoint, endpoint)) {
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

  /** By one that another client of the pod has left; null where there is none. */
  @Nullable HttpStream openLeft(Upstream wanted, Subject subject, Exchange exchange) {
    Lead lead = version2 ? null : left.take(wanted);
    if (lead == null) {
      return null;
    }
    lead.belongsTo(this);
    leads.add(lead);
    stands(lead);
    HttpStream stream = lead.open(false, exchange);
    if (stream == null) {
      lead.close();
      remove(lead);
    } else if (lead.proven) {
      subject.haveProvenThemselves();
    }
    return stream;
  }

  /** It may be asked back for others from now on. */
  private void stands(Lead lead) {
    ServicePool.Place place = lead.place();
    if (place != null) {
      place.stands(setup.loop(), () -> giveUp(lead));
    }
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
    Lead lead = new Lead(reached, reached.reached(), subject.hasProof(), this);
    stands(lead);
    HttpStream stream = begin(lead, channel, null, exchange);
    if (stream == null) {
      lead.close(); // what cannot carry its first request is nobody's
      remove(lead);
    }
    boolean isAwaited = isDialling(exchange, lead.endpoint);
    for (Exchange one : waitingFor(exchange)) {
      Upstream search = one.searching();
      setup
          .loop()
          .execute(
              isAwaited ? () -> one.goTo(lead.endpoint, search) : () -> one.searchAgain(search));
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
      Upstream search = one.searching();
      setup.loop().execute(() -> one.searchAgain(search));
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
      lead.handsTo(answering, channel);
      channel.listen(lead);
      channel.start();
    } else if (version2) {
      Http2Client client = new Http2Client(channel, setup, new Shared(lead));
      lead.speaks(client);
      if (early != null) {
        client.start(early);
      } else {
        client.start();
      }
    } else {
      Http1Client client =
          new Http1Client(channel, setup.loop(), setup.allocator(), setup.budget(), lead);
      lead.speaks(client);
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

  /** Its place is wanted elsewhere, or it has carried enough: the peer ends it too. */
  private void giveUp(Lead lead) {
    ServicePool.Place place = lead.place();
    if (place == null || !place.isUnused() || !lead.isUnused() || !leads.contains(lead)) {
      return; // it tells of it again when it rests
    }
    if (!lead.leave()) {
      lead.close();
      remove(lead);
    }
  }

  private void remove(Lead lead) {
    if (leads.remove(lead) && lead.upstream != null) {
      lead.upstream.end();
    }
  }

  @Override
  public void idle(Lead lead) {
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
  public void ending(Lead lead) {}

  @Override
  public void gone(Lead lead) {
    remove(lead);
  }

  /** Ends those that an upstream does not let go, at {@code now} of {@link System#nanoTime}. */
  void look(long now) {
    for (int i = leads.size() - 1; i >= 0; i = Math.min(i, leads.size()) - 1) {
      leads.get(i).look(now);
    }
  }

  /** Whether there is one, and it may carry the requests of other clients of the calling pod. */
  boolean mayBeLeft() {
    return leads.size() == 1 && leads.getFirst().mayBeLeft();
  }

  /** Leaves those that may serve the next client of the pod to it, as {@code now} decides. */
  void leave(MeshSnapshot now) {
    leads.removeIf(lead -> left.keep(lead, now));
  }

  /** Ends all of them. */
  void close() {
    while (!leads.isEmpty()) {
      Lead lead = leads.getLast();
      lead.end(setup.loop());
      remove(lead);
    }
    Unasked reached = application;
    application = null;
    if (reached != null) {
      reached.reset();
    }
  }
}

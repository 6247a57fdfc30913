package io.sluice.proxy;

import io.netty.channel.epoll.EpollSocketChannel;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One accepted connection from accept to its access record: who it is, what was decided, its two
 * legs. Runs on one event loop.
 */
final class Connection {
  private enum State {
    ADMITTING,
    OPEN,
    ENDED
  }

  final DataPath path;
  final Pod pod;
  final Loop loop;
  final Direction direction;

  /** Place in the loop's list; the loop's own. */
  int index = -1;

  private final long id;
  private final boolean overLimit;
  private final long startNanos = System.nanoTime();
  private final Leg client;
  private @Nullable Leg upstream;
  private @Nullable Dial dial;
  private State state = State.ADMITTING;

  private InetSocketAddress clientAddress;
  private @Nullable NamespacedName source;
  private @Nullable InetSocketAddress originalDestination;
  private @Nullable InetSocketAddress endpoint;
  private @Nullable NamespacedName service;
  private long revision;
  private Verdict verdict = Verdict.of(Outcome.REFUSED, Reason.INTERNAL_ERROR);
  private @Nullable ConnectionInfo info;

  private long sent;
  private long received;
  private long reportedSent;
  private long reportedReceived;
  private long reportedNanos = startNanos;
  private long activity;
  private long seenActivity;
  private long activeNanos = startNanos;

  /** Counts as live from here on; owns the channel, which is not registered yet. */
  Connection(DataPath path, Pod pod, Loop loop, Direction direction, EpollSocketChannel channel) {
    this.path = path;
    this.pod = pod;
    this.loop = loop;
    this.direction = direction;
    this.id = path.ids.incrementAndGet();
    this.clientAddress = channel.remoteAddress();
    this.client = new Leg(this, channel);
    path.live.incrementAndGet();
    this.overLimit = pod.live.incrementAndGet() > path.settings.maxConnectionsPerPod();
  }

  // --- admission -----------------------------------------------------------------------------

  /** A leg can be used; the client's is what begins everything. */
  void active(Leg leg) {
    if (leg != client) {
      return;
    }
    loop.add(this);
    leg.registered();
    if (pod.gone) {
      refuse(Reason.DRAINING);
    } else if (overLimit) {
      refuse(Reason.CONNECTION_LIMIT);
    } else {
      admit();
    }
  }

  private void admit() {
    MeshSnapshot snapshot = path.snapshot;
    revision = snapshot.revision();
    AcceptedFacts facts;
    try {
      facts = path.sockets.accepted(pod.name, direction, client.channel.fd().intValue());
    } catch (RuntimeException e) {
      failed(e);
      return;
    }
    InetSocketAddress destination = facts.originalDestinationOrNull();
    if (!facts.rightNamespace()) {
      refuse(Reason.WRONG_NAMESPACE);
    } else if (destination == null) {
      refuse(Reason.NO_ORIGINAL_DESTINATION);
    } else {
      originalDestination = destination;
      switch (direction) {
        case OUTBOUND -> new OutboundAdmission(this, snapshot, destination).start();
        case INBOUND -> new InboundAdmission(this, snapshot, destination, facts).start();
      }
    }
  }

  InetSocketAddress peer() {
    return client.channel.remoteAddress();
  }

  void clientIs(@Nullable NamespacedName workload, InetSocketAddress address) {
    source = workload;
    clientAddress = address;
  }

  InetSocketAddress clientAddress() {
    return clientAddress;
  }

  void serviceIs(NamespacedName name) {
    service = name;
  }

  void endpointIs(InetSocketAddress address) {
    endpoint = address;
  }

  void decided(Verdict answer) {
    verdict = answer;
  }

  void dialing(Dial attempt) {
    dial = attempt;
  }

  boolean isEnded() {
    return state == State.ENDED;
  }

  void refuse(Reason reason) {
    refuse(Verdict.of(Outcome.REFUSED, reason), CloseKind.REFUSED);
  }

  void refuse(Verdict answer, CloseKind kind) {
    verdict = answer;
    end(kind, answer.reason());
  }

  // --- relaying ------------------------------------------------------------------------------

  void opened(Leg leg) {
    upstream = leg;
    state = State.OPEN;
    activeNanos = System.nanoTime();
    path.opened.increment();
    InetSocketAddress address = endpoint;
    if (address != null) {
      loop.loads.opened(address);
    }
    tell(() -> path.listener.opened(info()));
    client.relayTo(leg);
    leg.relayTo(client);
  }

  void moved(Leg from, int bytes) {
    activity++;
    if (from == client) {
      sent += bytes;
    } else {
      received += bytes;
    }
  }

  void touch() {
    activity++;
  }

  /** One leg has exchanged its last byte and closed. */
  void finished(Leg leg) {
    Leg remaining = leg == client ? upstream : client;
    if (remaining != null && remaining.isClosed()) {
      end(CloseKind.FIN, verdict.reason());
    }
  }

  void wasReset(Leg leg) {
    if (leg == client) {
      end(CloseKind.RESET_BY_CLIENT, verdict.reason());
    } else if (state == State.OPEN) {
      end(CloseKind.RESET_BY_UPSTREAM, verdict.reason());
    }
  }

  void failed(Throwable cause) {
    if (state != State.ENDED) {
      path.failed("connection-failed", pod.name, cause);
      end(CloseKind.ERROR, Reason.INTERNAL_ERROR);
    }
  }

  void drain() {
    end(CloseKind.DRAIN, Reason.DRAINING);
  }

  void tick(long now) {
    if (activity != seenActivity) {
      seenActivity = activity;
      activeNanos = now;
    }
    if (state != State.OPEN) {
      return;
    }
    if (now - reportedNanos >= path.settings.reportInterval().toNanos() / 2) {
      report(now);
    }
    Leg far = upstream;
    boolean half = client.isHalfClosed() || (far != null && far.isHalfClosed());
    Duration idle = path.settings.idleTimeout();
    Duration timeout = half ? path.settings.halfClosedIdleTimeout() : idle;
    if (timeout.isPositive() && now - activeNanos >= timeout.toNanos()) {
      end(CloseKind.IDLE, Reason.IDLE_TIMEOUT);
    }
  }

  private void report(long now) {
    reportedNanos = now;
    long sentDelta = sent - reportedSent;
    long receivedDelta = received - reportedReceived;
    if (sentDelta != 0 || receivedDelta != 0) {
      reportedSent = sent;
      reportedReceived = received;
      tell(() -> path.listener.bytes(info(), sentDelta, receivedDelta));
    }
  }

  // --- the end -------------------------------------------------------------------------------

  private void end(CloseKind kind, Reason reason) {
    if (state == State.ENDED) {
      return;
    }
    boolean wasOpen = state == State.OPEN;
    state = State.ENDED;
    client.reset();
    Leg far = upstream;
    if (far != null) {
      far.reset();
    }
    Dial attempt = dial;
    if (attempt != null) {
      attempt.end();
    }
    if (index >= 0) {
      loop.remove(this);
    }
    InetSocketAddress address = endpoint;
    if (wasOpen && address != null) {
      loop.loads.closed(address);
    }
    long now = System.nanoTime();
    Duration duration = Duration.ofNanos(now - startNanos);
    if (wasOpen) {
      report(now);
    } else {
      path.refused.increment();
    }
    pod.live.decrementAndGet();
    path.live.decrementAndGet();
    AccessRecord record = new AccessRecord(info(), verdict, sent, received, duration, kind, reason);
    if (wasOpen) {
      tell(() -> path.listener.closed(record));
    } else {
      tell(() -> path.listener.refused(record));
    }
  }

  private ConnectionInfo info() {
    ConnectionInfo known = info;
    if (known != null) {
      return known;
    }
    ConnectionInfo made =
        new ConnectionInfo(
            id,
            direction == Direction.OUTBOUND ? Reporter.SOURCE : Reporter.DESTINATION,
            direction,
            pod.name,
            source,
            clientAddress,
            originalDestination,
            endpoint,
            service,
            revision);
    info = made;
    return made;
  }

  private void tell(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      path.failed("connection-listener-failed", pod.name, e);
    }
  }
}

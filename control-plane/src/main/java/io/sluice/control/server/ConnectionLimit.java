package io.sluice.control.server;

import io.grpc.Attributes;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerTransportFilter;
import io.grpc.Status;
import io.sluice.api.identity.v1.AdmitRequest;
import io.sluice.control.limit.Allowances;
import io.sluice.control.limit.ConnectionRefusal;
import io.sluice.control.limit.FairRoom;
import io.sluice.control.metrics.ControllerMetrics;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Bounds connections from their first packet on. Each is in one of three rooms: those whose
 * handshake is under way, strangers, and those who have proven a member of the mesh: by their
 * certificate, or by an admission. The rooms do not borrow from each other, so that a crowd of
 * strangers leaves nodes their places. Of members' places one identity has a part only, so that a
 * stolen credential shuts nobody else out. A stranger has to be admitted within a time. Any thread.
 */
final class ConnectionLimit extends ServerTransportFilter implements ServerInterceptor {
  private static final Logger LOG = System.getLogger(ConnectionLimit.class.getName());

  /** Lines about one reason; the metrics count what is not written. */
  private static final int LINES_AT_ONCE = 10;

  private static final Duration ONE_MORE_LINE = Duration.ofSeconds(6);

  private final ServerSettings settings;
  private final Function<List<X509Certificate>, Optional<SpiffeId>> memberOf;
  private final ScheduledExecutorService timer;
  private final ControllerMetrics metrics;
  private final Allowances<ConnectionRefusal> logLines;
  private final Map<SocketAddress, Connection> connections = new HashMap<>();
  private final FairRoom<Connection> handshakes;
  private final FairRoom<Connection> strangers;
  private final Map<Member, Integer> ofMember = new HashMap<>();
  private int members;

  /**
   * @param memberOf which member of the mesh a chain of certificates proves, if one
   * @param timer ends strangers
   */
  ConnectionLimit(
      ServerSettings settings,
      Function<List<X509Certificate>, Optional<SpiffeId>> memberOf,
      ScheduledExecutorService timer,
      ControllerMetrics metrics,
      InstantSource clock) {
    this.settings = settings;
    this.memberOf = memberOf;
    this.timer = timer;
    this.metrics = metrics;
    this.logLines =
        new Allowances<>(LINES_AT_ONCE, ONE_MORE_LINE, ConnectionRefusal.values().length, clock);
    this.handshakes =
        new FairRoom<>(
            settings.places().handshakes(),
            settings.places().handshakesOfAddress(),
            ServerSettings.GRACE);
    this.strangers =
        new FairRoom<>(
            settings.places().strangers(),
            settings.places().strangersOfAddress(),
            ServerSettings.GRACE);
  }

  private enum Room {
    HANDSHAKES,
    STRANGERS,
    MEMBERS,
    NONE
  }

  /** Who has proven itself, and how many connections it may have. */
  private record Member(String name, int most) {
    private static Member of(SpiffeId identity) {
      return SystemIdentity.nodeName(identity)
          .map(Member::node)
          .orElseGet(() -> new Member(identity.toString(), ServerSettings.MOST_OF_WORKLOAD));
    }

    /** Known by its certificate or its admission, it is the same. */
    private static Member node(String name) {
      return new Member("node " + name, ServerSettings.MOST_OF_NODE);
    }
  }

  /** A connection from accept(2) on; its fields are guarded by the limit. */
  static final class Connection {
    private final InetSocketAddress remote;
    private final Runnable close;
    private final long since = System.nanoTime();
    private Room room = Room.HANDSHAKES;
    private @Nullable Member member;
    private @Nullable ScheduledFuture<?> deadline;

    Connection(InetSocketAddress remote, Runnable close) {
      this.remote = remote;
      this.close = close;
    }
  }

  /**
   * A connection was accepted. Returns what to say when it has {@link #closed}; null where it may
   * not go on.
   *
   * @param close ends it later; called once at most, on any thread
   */
  @Nullable Connection accepted(InetSocketAddress remote, Runnable close) {
    Connection connection = new Connection(remote, close);
    Connection out;
    synchronized (this) {
      var entry = handshakes.enter(connection, remote.getAddress(), connection.since);
      out = entry.outOrNull();
      if (out != connection) {
        connections.put(remote, connection);
      }
      if (out != null) {
        forget(out);
        refused(
            out,
            entry.isForAddress()
                ? ConnectionRefusal.HANDSHAKES_OF_ADDRESS
                : ConnectionRefusal.HANDSHAKES);
      }
      count();
    }
    if (out == connection) {
      return null;
    }
    close(out);
    return connection;
  }

  /** An accepted connection has ended, whatever the reason. */
  synchronized void closed(Connection connection) {
    boolean wasSlow =
        connection.room == Room.HANDSHAKES
            && System.nanoTime() - connection.since >= settings.handshake().toNanos();
    forget(connection);
    if (wasSlow) {
      refused(connection, ConnectionRefusal.HANDSHAKE_TOO_SLOW);
    }
    count();
  }

  @Override
  public Attributes transportReady(Attributes attributes) {
    SocketAddress remote = attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    Optional<Member> member = memberOf.apply(Peer.of(attributes).chain()).map(Member::of);
    Connection out;
    synchronized (this) {
      Connection connection = connections.get(remote);
      if (connection == null) {
        throw new IllegalStateException("the connection is being closed");
      }
      leave(connection);
      out = member.isPresent() ? asMember(connection, member.get()) : asStranger(connection);
      count();
      if (out == connection) {
        // The only way to end a connection here: gRPC closes one whose filter fails.
        throw new IllegalStateException("too many connections to the control port");
      }
    }
    close(out);
    return attributes;
  }

  private @Nullable Connection asMember(Connection connection, Member member) {
    if (!hasRoomFor(member)) {
      refused(
          connection,
          isFull() ? ConnectionRefusal.CONNECTIONS : ConnectionRefusal.CONNECTIONS_OF_IDENTITY);
      return connection;
    }
    members++;
    ofMember.merge(member, 1, Integer::sum);
    connection.member = member;
    connection.room = Room.MEMBERS;
    return null;
  }

  private boolean isFull() {
    return members >= settings.places().members();
  }

  private boolean hasRoomFor(Member member) {
    return !isFull() && ofMember.getOrDefault(member, 0) < member.most;
  }

  private void leaveMembers(@Nullable Member member) {
    members--;
    if (member != null) {
      ofMember.computeIfPresent(member, (_, count) -> count == 1 ? null : count - 1);
    }
  }

  private @Nullable Connection asStranger(Connection connection) {
    var entry = strangers.enter(connection, connection.remote.getAddress(), System.nanoTime());
    Connection out = entry.outOrNull();
    if (out != null) {
      forget(out);
      refused(
          out,
          entry.isForAddress()
              ? ConnectionRefusal.STRANGERS_OF_ADDRESS
              : ConnectionRefusal.STRANGERS);
    }
    if (out != connection) {
      connection.room = Room.STRANGERS;
      connection.deadline =
          timer.schedule(
              () -> unproven(connection), settings.proof().toMillis(), TimeUnit.MILLISECONDS);
    }
    return out;
  }

  private void unproven(Connection connection) {
    synchronized (this) {
      if (connection.room != Room.STRANGERS) {
        return;
      }
      forget(connection);
      refused(connection, ConnectionRefusal.NO_PROOF);
      count();
    }
    close(connection);
  }

  private static void close(@Nullable Connection connection) {
    if (connection != null) {
      connection.close.run();
    }
  }

  private void forget(Connection connection) {
    leave(connection);
    connections.remove(connection.remote, connection);
  }

  /** Out of its room, and in none. */
  private void leave(Connection connection) {
    switch (connection.room) {
      case HANDSHAKES -> handshakes.leave(connection, connection.remote.getAddress());
      case STRANGERS -> strangers.leave(connection, connection.remote.getAddress());
      case MEMBERS -> leaveMembers(connection.member);
      case NONE -> {}
    }
    connection.room = Room.NONE;
    if (connection.deadline != null) {
      connection.deadline.cancel(false);
    }
  }

  /** Whoever is admitted is no stranger any more. */
  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    AtomicReference<@Nullable Member> asking = new AtomicReference<>();
    return new SimpleForwardingServerCallListener<>(
        next.startCall(
            new SimpleForwardingServerCall<>(call) {
              @Override
              public void close(Status status, Metadata trailers) {
                Member admitted = asking.get();
                if (status.isOk() && admitted != null) {
                  proven(getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR), admitted);
                }
                super.close(status, trailers);
              }
            },
            headers)) {
      @Override
      public void onMessage(Q message) {
        if (message instanceof AdmitRequest request) {
          asking.set(Member.node(request.getNodeName()));
        }
        super.onMessage(message);
      }
    };
  }

  private synchronized void proven(@Nullable SocketAddress remote, Member member) {
    Connection connection = connections.get(remote);
    if (connection != null && connection.room == Room.STRANGERS && hasRoomFor(member)) {
      leave(connection);
      asMember(connection, member);
      count();
    }
  }

  private void refused(Connection connection, ConnectionRefusal reason) {
    metrics.connectionRefused(reason);
    if (logLines.take(reason)) {
      LOG.log(
          Level.WARNING,
          "control_connection_refused reason={0} from={1}; {2}",
          reason.label(),
          IpAddresses.text(connection.remote.getAddress()),
          reason.mend());
    }
  }

  private void count() {
    metrics.connections(handshakes.size(), strangers.size(), members);
  }
}

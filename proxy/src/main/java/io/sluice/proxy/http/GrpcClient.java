package io.sluice.proxy.http;

import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.AdoptedSockets;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.LinuxSocket;
import io.netty.util.concurrent.Future;
import io.sluice.proxy.Family;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.ChannelEnd;
import io.sluice.proxy.relay.SocketSetup;
import io.sluice.proxy.relay.TcpChannel;
import io.sluice.proxy.socket.Timers;
import io.sluice.proxy.upstream.LocalPod;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks one server of gRPC by unary calls, which share a connection of HTTP/2 without TLS. The
 * sockets are the daemon's own, in its own network namespace: no pod's interception sees them. What
 * may be asked, waited for and answered is bounded, and nothing blocks. Each pod has only a part of
 * what is still free of a bound, and none waits behind another: what is not answered to one holds
 * up nobody else. One event loop.
 */
final class GrpcClient implements AutoCloseable {
  /** Calls that are open or wait: more are not taken. */
  static final int MOST_CALLS = 2_048;

  /** Octets of their messages together. */
  static final int MOST_BYTES = 4 << 20;

  /** Calls on the connection; further ones wait. */
  static final int MOST_OPEN = 256;

  /**
   * A pod may have this part of what is free besides. Nobody gives way, so that each of those that
   * ask as much as they may leaves four fifths of what it found: twenty of them a hundredth.
   */
  private static final int PARTS = 4;

  private static final HttpLimits LIMITS =
      new HttpLimits(16 * 1_024, 64, 8 * 1_024, MOST_OPEN, 200, 1_000, 64 * 1_024, 32 * 1_024);

  private static final long CONNECT_MILLIS = 1_000;

  /** For so long calls fail at once where no address could be reached. */
  static final long PAUSE_MILLIS = 250;

  /** For so long calls wait for the first address of a name, which may still be searched for. */
  static final long PATIENCE_MILLIS = 1_000;

  /** What has waited for less says nothing of a connection: its server may still be starting. */
  private static final long SUSPICION_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final EventLoop loop;
  private final SocketSetup sockets;
  private final HttpSetup setup;
  private final Consumer<String> troubles;
  private final Set<GrpcCall> calls = new HashSet<>();
  private final Map<LocalPod, Asker> askers = new HashMap<>(); // that have any call
  private final SequencedSet<Asker> waiting =
      new LinkedHashSet<>(); // who was served last at the end
  private final Set<Link> links = new HashSet<>(); // those that are being left, too
  private List<InetSocketAddress> targets = List.of();
  private String authority = "";
  private @Nullable Link link; // that calls go by
  private @Nullable Dialling dialling;
  private int next; // of the targets, counted round
  private boolean isFound; // the name has had an address
  private long namedNanos;
  private int failedInTurn;
  private long pausedUntil = System.nanoTime();
  private long usedNanos = System.nanoTime();
  private int octets;
  private boolean closed;

  /**
   * Nothing is dialled yet.
   *
   * @param sockets how those of the daemon itself are set up
   * @param budget that what waits is counted for
   * @param first of the addresses is dialled, counted round: clients of one server begin elsewhere
   * @param troubles hears why nobody could be reached, each time
   */
  GrpcClient(
      EventLoop loop,
      SocketSetup sockets,
      ByteBufAllocator allocator,
      BufferBudget budget,
      int first,
      Consumer<String> troubles) {
    this.next = first;
    this.loop = loop;
    this.sockets = sockets;
    this.setup = new HttpSetup(loop, allocator, LIMITS, budget);
    this.troubles = troubles;
  }

  /** Whom to ask from now on, by which name. */
  void asks(List<InetSocketAddress> addresses, String name) {
    boolean isOther = !name.equals(authority);
    if (isOther || !addresses.equals(targets)) {
      targets = List.copyOf(addresses);
      authority = name;
      if (isOther) {
        isFound = false;
        namedNanos = System.nanoTime();
        loop.schedule(this::goOn, PATIENCE_MILLIS + 1, TimeUnit.MILLISECONDS);
      }
      isFound |= !targets.isEmpty();
      pausedUntil = System.nanoTime();
      failedInTurn = 0;
      giveUpDial();
      Link known = link;
      if (known != null && !targets.contains(known.target)) {
        leave(known);
      }
      goOn();
    }
  }

  /** Whether that is where it may ask. */
  boolean isAsking(InetSocketAddress address) {
    return targets.contains(address);
  }

  /** For how long nobody has asked it. */
  long idleMillis() {
    return calls.isEmpty() ? TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - usedNanos) : 0;
  }

  /** A pod that asks. */
  static final class Asker {
    private final LocalPod pod;
    private final SequencedSet<GrpcCall> waiting = new LinkedHashSet<>(); // in their order
    private int calls; // with those that wait
    private int octets; // of them

    private Asker(LocalPod pod) {
      this.pod = pod;
    }

    private int open() {
      return calls - waiting.size();
    }
  }

  /**
   * Asks, now or as soon as there is a connection.
   *
   * @param pod that it is asked for
   * @param timeoutMillis for how long an answer is waited for, and before that its turn
   * @return null where there is no room for it: the listener hears nothing then
   */
  @Nullable GrpcCall call(
      LocalPod pod,
      String path,
      MessageLite message,
      long timeoutMillis,
      GrpcCall.Listener listener) {
    Asker known = askers.get(pod);
    Asker asker = known == null ? new Asker(pod) : known;
    if (closed
        || !allows(asker.calls, MOST_CALLS - calls.size())
        || !allows(asker.octets, MOST_BYTES - octets)
        || message.getSerializedSize() > MOST_BYTES - octets
        || setup.budget().isExceeded()) {
      return null;
    }
    GrpcCall call =
        new GrpcCall(this, asker, setup.allocator(), path, message, timeoutMillis, listener);
    askers.put(pod, asker);
    calls.add(call);
    asker.calls++;
    asker.octets += call.octets;
    octets += call.octets;
    setup.budget().hold(call.octets);
    startTime(call, timeoutMillis);
    asker.waiting.add(call);
    waiting.add(asker);
    loop.execute(this::goOn); // nobody hears of it before this returns
    return call;
  }

  void startTime(GrpcCall call, long millis) {
    Timers.cancel(call.timer);
    call.timer = loop.schedule(call::late, millis, TimeUnit.MILLISECONDS);
  }

  /** Whether calls wait for room alone. */
  boolean isConnected() {
    return link != null;
  }

  private static boolean allows(int held, int free) {
    return free > 0 && held < Math.max(1, free / PARTS);
  }

  // --- of the calls --------------------------------------------------------------------------

  void ended(GrpcCall call) {
    if (calls.remove(call)) {
      Asker asker = call.asker;
      usedNanos = System.nanoTime();
      if (asker.waiting.remove(call) && asker.waiting.isEmpty()) {
        waiting.remove(asker);
      }
      if (--asker.calls == 0) {
        askers.remove(asker.pod);
      }
      asker.octets -= call.octets;
      octets -= call.octets;
      setup.budget().release(call.octets);
    }
  }

  void heardFrom(GrpcCall call) {
    failedInTurn = 0;
    Link known = link;
    if (known != null && call.sentNanos - known.openedNanos >= 0) {
      known.heardNanos = System.nanoTime();
      known.proven = true;
    }
  }

  /** Whether it is made once more: the connection may have ended under it. */
  boolean repeats(GrpcCall call) {
    if (closed || call.repeated) {
      return false;
    }
    call.repeated = true;
    call.asker.waiting.addFirst(call);
    waiting.add(call.asker);
    loop.execute(this::goOn);
    return true;
  }

  /**
   * Nothing has come back for one that was sent then: perhaps nobody is there any more. That is
   * found a second after it was sent at the earliest, however little it has waited.
   */
  void suspect(long sentNanos) {
    Link known = link;
    if (known != null && !known.doubted && sentNanos - known.openedNanos >= 0) {
      known.doubted = true;
      long left = SUSPICION_NANOS - (System.nanoTime() - sentNanos);
      loop.schedule(() -> judge(known, sentNanos), Math.max(0, left), TimeUnit.NANOSECONDS);
    }
  }

  private void judge(Link doubted, long sentNanos) {
    doubted.doubted = false;
    if (link == doubted && doubted.heardNanos - sentNanos < 0) {
      leave(doubted);
      next++;
      goOn();
    }
  }

  /** Sends what waits, as far as that goes. */
  private void goOn() {
    if (waiting.isEmpty() || closed) {
      return;
    }
    Link known = link;
    if (known == null || !known.takesMore()) {
      dial();
      return;
    }
    for (Asker next = turn(known.room()); next != null; next = turn(known.room())) {
      HttpStream stream = known.client.open();
      if (stream == null) {
        return; // room is told of
      }
      GrpcCall call = next.waiting.removeFirst();
      waiting.remove(next);
      if (!next.waiting.isEmpty()) {
        waiting.add(next);
      }
      call.send(stream, authority);
    }
  }

  /** Whoever has fewest open, by turns; null where not even that one may open another. */
  private @Nullable Asker turn(int room) {
    Asker least = null;
    for (Asker one : waiting) { // no more of them than pods
      if (least == null || one.open() < least.open()) {
        least = one;
      }
    }
    return least != null && allows(least.open(), room) ? least : null;
  }

  private void failWaiting(String why) {
    List<GrpcCall> all = waiting.stream().flatMap(asker -> asker.waiting.stream()).toList();
    all.forEach(call -> call.fail(why));
  }

  // --- reaching it ---------------------------------------------------------------------------

  private void dial() {
    if (dialling != null) {
      return;
    }
    if (targets.isEmpty() && !isFound && isPatient()) {
      return; // it may be found at any moment
    }
    if (targets.isEmpty()) {
      troubles.accept("no address is known");
      failWaiting("no address is known");
    } else if (System.nanoTime() - pausedUntil < 0) {
      failWaiting("it could not be reached a moment ago");
    } else {
      Dialling one = new Dialling(targets.get(Math.floorMod(next, targets.size())));
      dialling = one;
      one.start();
    }
  }

  private boolean isPatient() {
    return System.nanoTime() - namedNanos < TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
  }

  private void notReached(InetSocketAddress target, String why) {
    troubles.accept(target + ": " + why);
    next++;
    failedInTurn++;
    if (failedInTurn >= targets.size()) {
      failedInTurn = 0;
      pausedUntil = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PAUSE_MILLIS);
      failWaiting(why);
    } else {
      loop.execute(this::goOn); // of thousands of addresses none may be there
    }
  }

  private void giveUpDial() {
    Dialling one = dialling;
    dialling = null;
    if (one != null) {
      one.end();
    }
  }

  /** One attempt to connect. */
  private final class Dialling {
    private final InetSocketAddress target;
    private @Nullable TcpChannel channel;
    private @Nullable Future<?> timer;

    Dialling(InetSocketAddress target) {
      this.target = target;
    }

    void start() {
      timer =
          loop.schedule(
              () -> failed("no connection in time"), CONNECT_MILLIS, TimeUnit.MILLISECONDS);
      EpollSocketChannel socket = null;
      try {
        boolean version6 = Family.of(target.getAddress()) == Family.IPV6;
        socket = AdoptedSockets.connecting(LinuxSocket.newSocketStream(version6).intValue());
        socket.config().setConnectTimeoutMillis(0);
        channel = new TcpChannel(socket, sockets);
      } catch (RuntimeException e) { // no descriptor is left
        if (socket != null) {
          socket.unsafe().closeForcibly();
        }
        failed("no socket could be made");
        return;
      }
      EpollSocketChannel made = socket;
      loop.register(made)
          .addListener(registered -> {
            if (!registered.isSuccess()) {
              failed("its socket cannot be used");
            } else if (dialling == this) {
              made.connect(target).addListener(done -> connected(done.cause()));
            }
          });
    }

    private void connected(@Nullable Throwable failure) {
      TcpChannel reached = channel;
      if (dialling != this || reached == null) {
        return;
      }
      if (failure != null) {
        failed("it cannot be reached");
        return;
      }
      Timers.cancel(timer);
      dialling = null;
      reached.lasts();
      Link made = new Link(target, reached);
      link = made;
      links.add(made);
      made.client.start();
      goOn();
    }

    private void failed(String why) {
      if (dialling == this) {
        dialling = null;
        end();
        notReached(target, why);
      }
    }

    void end() {
      Timers.cancel(timer);
      TcpChannel made = channel;
      channel = null;
      if (made != null) {
        made.reset();
      }
    }
  }

  /** One connection. */
  private final class Link implements Http2Codec.Listener {
    final InetSocketAddress target;
    final Http2Client client;
    final long openedNanos = System.nanoTime();
    long heardNanos = openedNanos;
    boolean proven; // it has answered a call
    boolean doubted; // and judged soon

    Link(InetSocketAddress target, TcpChannel channel) {
      this.target = target;
      this.client = new Http2Client(channel, setup, this);
    }

    /** Whether it is there for further calls, if not at once. */
    boolean takesMore() {
      return !client.isLeaving();
    }

    /** Calls that may be opened beside those that are. */
    int room() {
      int most = Math.min(MOST_OPEN, client.connection().local().maxActiveStreams());
      return most - client.connection().numActiveStreams();
    }

    @Override
    public void roomMade() {
      if (!waiting.isEmpty()) {
        loop.execute(GrpcClient.this::goOn);
      }
    }

    @Override
    public void closed(ChannelEnd end) {
      links.remove(this);
      if (link == this) {
        link = null;
        if (!proven && !GrpcClient.this.closed) {
          notReached(target, "the connection ended without an answer");
        } else {
          goOn();
        }
      }
    }
  }

  /** Takes no further calls to it; those on their way may end. */
  private void leave(Link known) {
    if (link == known) {
      link = null;
    }
    known.client.drain();
  }

  /** Nobody is to be asked any more; calls that are on their way may end. */
  void leave() {
    closed = true;
    giveUpDial();
    Link known = link;
    if (known != null) {
      leave(known);
    }
    failWaiting("nobody is to be asked any more");
  }

  @Override
  public void close() {
    closed = true;
    giveUpDial();
    link = null;
    List.copyOf(calls).forEach(GrpcCall::cancel);
    List.copyOf(links).forEach(one -> one.client.reset());
    links.clear();
  }
}

package io.sluice.proxy.accept;

import io.netty.channel.EventLoop;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.proxy.ConnectionListener;
import io.sluice.proxy.PodListeners;
import io.sluice.proxy.PodSockets;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.ProxyStats;
import io.sluice.proxy.ReleaseMode;
import io.sluice.proxy.WorkloadIdentities;
import io.sluice.proxy.admission.Remembered;
import io.sluice.proxy.decide.Affected;
import io.sluice.proxy.hbone.HboneEvents;
import io.sluice.proxy.hbone.HboneServer;
import io.sluice.proxy.limits.Account;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.limits.Turns;
import io.sluice.proxy.upstream.LocalPod;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The data path of one node: accepts on listeners inside pods, decides by the latest snapshot, and
 * forwards. All methods may be called from any thread.
 */
public final class Proxy implements AutoCloseable {
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration DRAIN_CHECK = Duration.ofMillis(20);
  private static final Duration ARRIVAL_PATIENCE = Duration.ofSeconds(1);
  private static final Duration ARRIVAL_LOOK = Duration.ofMillis(2);
  private static final Duration LEAVE_AGAIN = Duration.ofSeconds(1);

  /** A pod and the listeners that accept for it now. */
  static final class Served {
    final Pod pod;
    @Nullable PodService service;
    int releases;
    int starting;

    Served(Pod pod) {
      this.pod = pod;
    }
  }

  /** Seen by tests. */
  final DataPath path;

  final List<Loop> loops = new ArrayList<>();
  private final MultiThreadIoEventLoopGroup group;
  private final Account others; // what no pod has caused
  private final AtomicInteger turnOfConnections = new AtomicInteger();
  private final AtomicInteger turnOfPods = new AtomicInteger(); // whose listeners get a loop
  private final Object lock = new Object();
  private final Object leaving = new Object(); // taken before lock
  final Map<NamespacedName, Served> pods = new HashMap<>(); // guarded by lock
  private boolean draining; // guarded by lock
  private boolean holding; // guarded by lock

  /**
   * Starts the event loops; nothing is accepted before {@link #serve}.
   *
   * @param identities what pods of this node prove themselves with to other nodes
   */
  public Proxy(
      ProxySettings settings,
      PodSockets sockets,
      WorkloadIdentities identities,
      ConnectionListener listener,
      HboneEvents hboneEvents) {
    this.path = new DataPath(settings, sockets, identities, listener, hboneEvents);
    this.others = new Account(path.used);
    Map<Object, Turns> turns = new ConcurrentHashMap<>();
    IoHandlerFactory epoll = EpollIoHandler.newFactory();
    this.group =
        new MultiThreadIoEventLoopGroup(
            settings.eventLoops(),
            new DefaultThreadFactory("sluice-proxy", true),
            executor -> {
              Turns made = new Turns(epoll.newHandler(executor), executor, others);
              turns.put(executor, made);
              return made;
            });
    for (int i = 0; i < settings.eventLoops(); i++) {
      EventLoop executor = group.next();
      loops.add(new Loop(i, executor, Objects.requireNonNull(turns.get(executor)), path));
    }
  }

  /**
   * Lets what arrives wait in the listeners' queues until {@link #admit}: while a daemon starts, a
   * pod may call another one that is not served yet. To be called before {@link #serve}.
   *
   * @param longest after which it is accepted in any case
   */
  public void hold(Optional<Duration> longest) {
    synchronized (lock) {
      holding = true;
    }
    longest.ifPresent(time -> group.schedule(this::admit, time.toMillis(), TimeUnit.MILLISECONDS));
  }

  /** Accepts what waits, and what arrives from now on. */
  public void admit() {
    synchronized (lock) {
      if (holding) {
        holding = false;
        pods.values().stream()
            .map(served -> served.service)
            .filter(Objects::nonNull)
            .forEach(PodService::accept);
      }
    }
  }

  private Loop nextLoop() {
    return nextLoop(turnOfConnections);
  }

  private Loop nextLoop(AtomicInteger counter) {
    return loops.get(Math.floorMod(counter.getAndIncrement(), loops.size()));
  }

  /**
   * Decides connections by {@code snapshot} from now on. Established ones that it refuses are
   * reset, unless a TrafficTarget or the mesh wants them kept; so are those with a peer that its
   * deny list names.
   */
  public void publish(MeshSnapshot snapshot) {
    MeshSnapshot before = path.snapshot;
    path.pools.publish(snapshot);
    path.warmUps.publish(before, snapshot);
    path.snapshot = snapshot;
    path.health.publish(snapshot);
    if (!snapshot.settings().denied().equals(before.settings().denied())) {
      recheck();
    }
    Affected affected = Affected.between(before, snapshot);
    if (affected.isNone()) {
      loops.forEach(Loop::endLeft);
    } else {
      loops.forEach(loop -> loop.rejudgement.add(affected));
    }
  }

  /**
   * Cuts connections with peers that are on the deny list, and with those of other meshes whose
   * roots are not believed any more. To be called when the roots have changed; returns at once.
   */
  public void recheck() {
    loops.forEach(Loop::endLeft);
    loops.forEach(loop -> loop.upstreams.pool.recheck());
    hboneServers().forEach(HboneServer::recheck);
  }

  /** Looks at every connection as if it were {@code now}; waits for it. For tests. */
  void tick(long now) {
    loops.forEach(loop -> loop.executor.submit(() -> loop.tick(now)).syncUninterruptibly());
  }

  private List<HboneServer> hboneServers() {
    synchronized (lock) {
      return pods.values().stream().map(served -> served.pod.hbone).toList();
    }
  }

  /**
   * Accepts on the listeners of a pod and takes their descriptors. Earlier listeners of that pod
   * are closed once they have accepted nothing for {@link ProxySettings#listenerDrainTime()}, after
   * the new ones accept. Completes when the new ones accept; on failure their descriptors are
   * closed and the earlier listeners stay.
   */
  public CompletableFuture<Void> serve(PodListeners listeners) {
    return serve(listeners, false);
  }

  /** The same, but the earlier listeners are kept until {@link #leaveEarlier}. */
  public CompletableFuture<Void> serveBeside(PodListeners listeners) {
    return serve(listeners, true);
  }

  private CompletableFuture<Void> serve(PodListeners listeners, boolean beside) {
    Served served;
    PodService service;
    int releases;
    synchronized (lock) {
      if (draining) {
        PodService.discard(listeners);
        return CompletableFuture.failedFuture(new IllegalStateException("the proxy is draining"));
      }
      served = pods.computeIfAbsent(listeners.pod(), name -> new Served(new Pod(name, path)));
      try {
        service =
            new PodService(
                path, served.pod, listeners, nextLoop(turnOfPods), loops, this::nextLoop);
      } catch (RuntimeException e) {
        return CompletableFuture.failedFuture(e);
      }
      served.starting++;
      releases = served.releases;
    }
    return service
        .start()
        .handle((started, failure) -> {
          replace(served, failure == null ? service : null, beside, releases);
          return failure == null
              ? CompletableFuture.<Void>completedFuture(null)
              : CompletableFuture.<Void>failedFuture(failure);
        })
        .thenCompose(outcome -> outcome);
  }

  private void replace(Served served, @Nullable PodService service, boolean beside, int releases) {
    synchronized (lock) {
      served.starting--;
      if (service == null) {
        return;
      }
      if (draining || served.releases != releases || pods.get(served.pod.name) != served) {
        service.close();
        return;
      }
      if (served.service != null) {
        service.follow(served.service, path.settings.listenerDrainTime().toNanos(), beside);
      }
      served.service = service;
      path.served.put(served.pod.name, served.pod);
      loops.forEach(Loop::endLeft);
      if (!holding) {
        service.accept();
      }
    }
  }

  /**
   * Nothing is sent to the earlier listeners of that pod any more; they go as in {@link #serve}.
   */
  public void leaveEarlier(NamespacedName pod) {
    synchronized (lock) {
      Served served = pods.get(pod);
      if (served != null && served.service != null) {
        served.service.leaveEarlier();
      }
    }
  }

  /**
   * Closes the pod's listeners; completes when they, and the connections to reset, are closed.
   * Where established connections are kept, what has arrived before is still taken.
   */
  public CompletableFuture<Void> release(NamespacedName pod, ReleaseMode mode) {
    Served served;
    PodService service;
    synchronized (lock) {
      served = pods.get(pod);
      if (served == null) {
        return CompletableFuture.completedFuture(null);
      }
      service = served.service;
      served.service = null;
      path.served.remove(pod);
      served.releases++;
      if (mode == ReleaseMode.RESET_ESTABLISHED) {
        pods.remove(pod);
        served.pod.gone = true;
      }
    }
    loops.forEach(Loop::endLeft);
    CompletableFuture<Void> closed =
        service == null
            ? CompletableFuture.completedFuture(null)
            : mode == ReleaseMode.KEEP_ESTABLISHED ? service.closeAfterLast() : service.close();
    return switch (mode) {
      case KEEP_ESTABLISHED -> closed.thenRun(served.pod.hbone::sendAway);
      case RESET_ESTABLISHED ->
          closed
              .thenCompose(done -> resetAll(connection -> connection.pod == served.pod))
              .handle((done, failure) -> failure)
              .thenCompose(failure -> {
                loops.forEach(loop -> loop.upstreams.pool.release(pod));
                CompletableFuture<Void> drained = served.pod.hbone.drain(Duration.ZERO);
                return failure == null
                    ? drained
                    : drained.thenCompose(_ -> CompletableFuture.failedFuture(failure));
              });
    };
  }

  private CompletableFuture<Void> resetAll(Predicate<Connection> matching) {
    return PodService.all(loops.stream().map(loop -> loop.resetAll(matching)).toList());
  }

  /**
   * All listeners by second descriptors, which are the caller's, for another process. {@link
   * #serve} is refused from here on; what arrives is accepted until {@link #leaveListeners}.
   *
   * @param duplicate makes a second descriptor of the same socket; may throw
   */
  public List<PodListeners> shareListeners(IntUnaryOperator duplicate) {
    List<PodListeners> shared = new ArrayList<>();
    synchronized (lock) {
      draining = true;
      try {
        for (Served served : pods.values()) {
          PodService service = served.service;
          if (service != null) {
            shared.add(new PodListeners(served.pod.name, service.second(duplicate)));
          }
        }
      } catch (RuntimeException e) {
        shared.forEach(PodService::discard);
        throw e;
      }
    }
    return shared;
  }

  /**
   * Accepts nothing more, without refusing anything where {@link #shareListeners} was called: what
   * arrives from now on waits in the listeners' queues for another process. Established connections
   * go on, and peers are told to take their next streams to a new one. Blocks, for a second at
   * most; once it has returned, calling it again does nothing.
   */
  public void leaveListeners() {
    synchronized (leaving) {
      List<Served> left;
      synchronized (lock) {
        left = pods.values().stream().filter(served -> served.service != null).toList();
      }
      if (left.isEmpty()) {
        return;
      }
      List<PodService> services =
          left.stream().map(served -> Objects.requireNonNull(served.service)).toList();
      // What was taken from a pod and leads to another one is to be taken there by this process
      // too: nobody else knows who sent it.
      all(services, one -> one.close(Direction.OUTBOUND)).join();
      path.leaving = true;
      retireAll();
      awaitArrivals();
      all(services, PodService::close).join();
      synchronized (lock) {
        left.forEach(served -> served.service = null); // last: what failed is tried again
      }
      leavePeers();
    }
  }

  private static CompletableFuture<Void> all(
      List<PodService> services, Function<PodService, CompletableFuture<Void>> step) {
    return CompletableFuture.allOf(services.stream().map(step).toArray(CompletableFuture[]::new));
  }

  /** Clients of connections that stand take their next requests to a new one. */
  private void retireAll() {
    loops.forEach(loop -> loop.leave(Connection::retire).syncUninterruptibly());
  }

  private void awaitArrivals() {
    long deadline = System.nanoTime() + ARRIVAL_PATIENCE.toNanos();
    while (isOnTheWay() && System.nanoTime() - deadline < 0) {
      LockSupport.parkNanos(ARRIVAL_LOOK.toNanos());
    }
  }

  private boolean isOnTheWay() {
    boolean dialing = false;
    for (Loop loop : loops) {
      dialing |= loop.isDialing().syncUninterruptibly().getNow();
    }
    return dialing
        || path.localConnections.isAwaited(address ->
            path.snapshot
                .workloadAt(address)
                .filter(workload -> path.served.containsKey(workload.name()))
                .isPresent());
  }

  /** Again and again: a handshake that has begun makes a connection later. */
  private void leavePeers() {
    hboneServers().forEach(HboneServer::sendAway);
    group.schedule(this::leavePeers, LEAVE_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
  }

  /**
   * Closes all listeners, waits until every connection has ended or {@code timeout} is over, then
   * resets the rest. Completes when nothing is left. {@link #serve} is refused from here on.
   */
  public CompletableFuture<Void> drain(Duration timeout) {
    List<CompletableFuture<Void>> closing = new ArrayList<>();
    synchronized (lock) {
      draining = true;
      for (Served served : pods.values()) {
        if (served.service != null) {
          closing.add(served.service.close());
          served.service = null;
        }
      }
    }
    hboneServers().forEach(server -> server.drain(timeout));
    loops.forEach(loop -> loop.leave(Connection::finish));
    CompletableFuture<Void> drained = new CompletableFuture<>();
    long deadline = System.nanoTime() + timeout.toNanos();
    var _ =
        CompletableFuture.allOf(closing.toArray(CompletableFuture[]::new))
            .whenComplete((done, failure) -> checkDrained(drained, deadline));
    return drained;
  }

  private void checkDrained(CompletableFuture<Void> drained, long deadline) {
    if (path.live.get() == 0) {
      var _ = closeShared().whenComplete((done, failure) -> drained.complete(null));
      return;
    }
    if (System.nanoTime() - deadline >= 0) {
      var _ = resetAll(connection -> true);
    }
    group.schedule(
        () -> checkDrained(drained, deadline), DRAIN_CHECK.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** What streams shared, once none is left. */
  private CompletableFuture<Void> closeShared() {
    List<CompletableFuture<Void>> closing = new ArrayList<>();
    loops.forEach(loop -> loop.executor.execute(loop.clients::close));
    loops.forEach(loop -> closing.add(loop.upstreams.pool.drain(Duration.ZERO)));
    hboneServers().forEach(server -> closing.add(server.drain(Duration.ZERO)));
    return CompletableFuture.allOf(closing.toArray(CompletableFuture[]::new));
  }

  /** What the proxy holds and has done. */
  public ProxyStats stats() {
    Map<NamespacedName, ProxyStats.PodStats> byPod = new HashMap<>();
    synchronized (lock) {
      pods.values().removeIf(Proxy::isForgotten);
      pods.forEach((name, served) ->
          byPod.put(
              name,
              new ProxyStats.PodStats(
                  served.pod.listeners.get(),
                  served.pod.live.get(),
                  served.pod.budget.held(),
                  served.pod.delayed.get(),
                  use(served.pod.account, served.pod.budget))));
    }
    return new ProxyStats(
        byPod,
        path.accepted.sum(),
        path.opened.sum(),
        path.refused.sum(),
        path.loops.sum(),
        path.live.get(),
        path.settings.maxConnections(),
        path.budget.held(),
        path.budget.limit(),
        path.serverRoom.handshakes(),
        path.authorized.sums(),
        path.limited.sums(),
        path.health.stats(),
        path.pools.stats(),
        path.warmUps.size(),
        use(path.used, path.budget));
  }

  /** Where it accepts for that pod now, inside the pod, and for what. */
  public Map<InetSocketAddress, Direction> listeners(NamespacedName pod) {
    synchronized (lock) {
      Served served = pods.get(pod);
      return served == null || served.service == null ? Map.of() : served.service.addresses();
    }
  }

  /** Connections to endpoints that pods of the node have open now; waits for the loops. */
  public Map<InetSocketAddress, Integer> endpointLoads() {
    Map<InetSocketAddress, Integer> all = new HashMap<>();
    for (Loop loop : loops) {
      loop.executor
          .submit(loop.upstreams::live)
          .syncUninterruptibly()
          .getNow()
          .forEach((endpoint, live) -> all.merge(endpoint, live, Integer::sum));
    }
    return all;
  }

  /** What the proxy that follows this one is to go on with. */
  public Remembered remembered() {
    List<Remembered.Taken> taken = new ArrayList<>();
    synchronized (lock) {
      pods.forEach((name, served) -> taken.addAll(served.pod.limits.taken(name)));
    }
    return new Remembered(
        path.pools.spared(), taken, path.health.remembered(), path.pools.ejected());
  }

  /**
   * Goes on with what the proxy before this one has told, as far as the snapshot and the pods that
   * are served now have room for it. To be called before {@link #admit}.
   */
  public void recall(Remembered told) {
    told.spared().forEach(path.pools::spare);
    told.ejected().forEach(path.pools::eject);
    for (Remembered.Taken taken : told.taken()) {
      LocalPod pod = path.served.get(taken.pod());
      if (pod != null) {
        pod.limits.recall(path.snapshot, taken);
      }
    }
    for (Remembered.Out out : told.out()) {
      LocalPod caller = path.served.get(out.caller());
      if (caller != null) {
        path.health.recall(nextLoop().upstreams, caller, out);
      }
    }
  }

  /** Endpoints that are not asked for anything, as they have not been well. */
  public Set<InetSocketAddress> endpointsOut() {
    return path.health.out();
  }

  /** Endpoints that are not asked for anything for a while, as they have failed, by service. */
  public List<Remembered.Ejected> endpointsEjected() {
    return path.pools.ejected();
  }

  /** Services that are left alone for a while, as their circuits are open. */
  public Set<NamespacedName> spared() {
    return path.pools.spared().stream()
        .map(Remembered.Spared::service)
        .collect(Collectors.toUnmodifiableSet());
  }

  private static ProxyStats.Use use(Account account, BufferBudget buffers) {
    return new ProxyStats.Use(
        account.cpuNanos(), account.receivedBytes(), account.sentBytes(), buffers.peak());
  }

  private static boolean isForgotten(Served served) {
    return served.starting == 0
        && served.service == null
        && served.pod.listeners.get() == 0
        && served.pod.live.get() == 0
        && served.pod.hbone.connections() == 0;
  }

  /** Resets everything that is left and ends the event loops; waits for them up to 5 s. */
  @Override
  public void close() {
    drain(Duration.ZERO)
        .orTimeout(CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
        .handle((done, failure) -> null)
        .join();
    group
        .shutdownGracefully(0, CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
        .awaitUninterruptibly(CLOSE_TIMEOUT.toMillis());
  }
}

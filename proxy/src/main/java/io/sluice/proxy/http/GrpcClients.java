package io.sluice.proxy.http;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamedServer;
import io.sluice.proxy.limits.BufferBudget;
import io.sluice.proxy.relay.SocketSetup;
import io.sluice.proxy.upstream.LocalPod;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The servers that objects of the mesh name to be asked about what arrives at pods, each by one
 * client, for all of one event loop. On that loop.
 */
public final class GrpcClients implements AutoCloseable {
  /** What waits of one pod for an answer at a time; of more nobody could be asked. */
  static final int MOST_OF_POD = 256;

  /** On all event loops together; of each a pod has a part of what is free there. */
  static final int MOST_OCTETS_OF_POD = GrpcClient.MOST_BYTES / 8;

  /** That settings name, of one namespace and of all: of others nobody is asked. */
  static final int MOST_OF_NAMESPACE = 8;

  static final int MOST_SERVERS = 64;

  /** Who has not been asked for so long is left, and called again when that is needed. */
  static final long IDLE_MILLIS = 60_000;

  final EventLoop loop;
  final Consumer<String> troubles;
  private final SocketSetup sockets;
  private final ByteBufAllocator allocator;
  private final BufferBudget budget;
  private final Map<Named, GrpcClient> clients = new HashMap<>();
  private final long idleMillis;
  private boolean watched; // whether who is idle is looked for
  private @Nullable MeshSnapshot known;

  /**
   * Asks nobody yet.
   *
   * @param sockets how those of the daemon itself are set up
   * @param budget of which they have the share that each pod has
   * @param troubles hears of what has failed, as lines of a log, each time
   */
  public GrpcClients(
      EventLoop loop,
      SocketSetup sockets,
      ByteBufAllocator allocator,
      BufferBudget budget,
      Consumer<String> troubles) {
    this(loop, sockets, allocator, budget, troubles, IDLE_MILLIS);
  }

  GrpcClients(
      EventLoop loop,
      SocketSetup sockets,
      ByteBufAllocator allocator,
      BufferBudget budget,
      Consumer<String> troubles,
      long idleMillis) {
    this.idleMillis = idleMillis;
    this.loop = loop;
    this.troubles = troubles;
    this.sockets = sockets;
    this.allocator = allocator;
    this.budget = budget.part();
  }

  /**
   * How one kind of server is asked.
   *
   * @param word of it in the daemon's log
   * @param path of the method
   * @param isOfMesh whether the MeshConfig names it, rather than settings of the pod's namespace
   * @param reads what an answer means; throws IllegalArgumentException with why it is none
   */
  record Protocol<A>(String word, String path, boolean isOfMesh, Function<ByteString, A> reads) {}

  /**
   * A server, and who names it: what one of them does to its connection is not felt by others.
   *
   * @param namespace of settings; empty of the MeshConfig
   */
  private record Named(String namespace, NamedServer server) {}

  private static Stream<Named> named(MeshSnapshot snapshot) {
    return Stream.concat(
        Stream.ofNullable(snapshot.settings().authorizationOrNull())
            .map(by -> new Named("", by.server())),
        snapshot.all(Kind.UPSTREAM_SETTING).stream()
            .flatMap(setting ->
                setting
                    .limits()
                    .servers()
                    .map(server -> new Named(setting.service().namespace(), server))));
  }

  /**
   * To be called with each snapshot sooner or later: whom nobody names any more is left.
   *
   * @return false while there is nobody, and none has to be told
   */
  public boolean follow(MeshSnapshot snapshot) {
    if (clients.isEmpty()) {
      known = null;
      return false;
    }
    if (known == snapshot) {
      return true;
    }
    known = snapshot;
    Set<Named> named = named(snapshot).collect(Collectors.toSet());
    clients
        .entrySet()
        .removeIf(client -> {
          boolean isLeft = !named.contains(client.getKey());
          if (isLeft) {
            loop.execute(client.getValue()::leave); // who waits hears of it, and may ask others
          }
          return isLeft;
        });
    clients.forEach((known, client) ->
        client.asks(known.server().addresses(snapshot), known.server().authority()));
    return true;
  }

  /**
   * Asks about what has arrived at a pod: nothing where it was sent to the very server that would
   * be asked, since that would have no end.
   *
   * @param called where it was sent
   * @param failOpen whether it goes on where nobody has answered
   * @param settled hears of the end, never before this returns
   */
  <A> @Nullable Inquiry<A> ask(
      MeshSnapshot snapshot,
      NamedServer server,
      Protocol<A> protocol,
      MessageLite message,
      long timeoutMillis,
      boolean failOpen,
      InetSocketAddress called,
      LocalPod pod,
      Consumer<Inquiry<A>> settled) {
    boolean _ = follow(snapshot);
    known = snapshot;
    Named asked = new Named(protocol.isOfMesh() ? "" : pod.name.namespace(), server);
    GrpcClient client = clients.get(asked);
    if (client == null && takes(asked.namespace())) {
      client = client(protocol.word());
      client.asks(server.addresses(snapshot), server.authority());
      clients.put(asked, client);
      watch();
    }
    if (client != null && client.isAsking(called)) {
      return null;
    }
    Inquiry<A> inquiry =
        new Inquiry<>(this, protocol, failOpen, message.getSerializedSize(), pod, settled);
    inquiry.begin(client, message, timeoutMillis);
    return inquiry;
  }

  private boolean takes(String namespace) {
    if (namespace.isEmpty()) {
      return true; // the MeshConfig names one
    }
    long ofNamespace =
        clients.keySet().stream().filter(named -> named.namespace().equals(namespace)).count();
    return ofNamespace < MOST_OF_NAMESPACE && clients.size() < MOST_SERVERS;
  }

  private void watch() {
    if (!watched && !clients.isEmpty()) {
      watched = true;
      loop.schedule(this::leaveIdle, Math.max(1, idleMillis / 4), TimeUnit.MILLISECONDS);
    }
  }

  private void leaveIdle() {
    watched = false;
    clients
        .values()
        .removeIf(client -> {
          boolean isIdle = client.idleMillis() >= idleMillis;
          if (isIdle) {
            client.leave();
          }
          return isIdle;
        });
    watch();
  }

  private GrpcClient client(String word) {
    return new GrpcClient(
        loop,
        sockets,
        allocator,
        budget,
        ThreadLocalRandom.current().nextInt(),
        why -> troubles.accept(word + "_not_reached reason=\"" + why + "\""));
  }

  @Override
  public void close() {
    clients.values().forEach(GrpcClient::close);
    clients.clear();
  }
}

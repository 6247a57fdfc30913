package io.sluice.lab.demo;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.sluice.lab.demo.BookClient.Reply;
import io.sluice.lab.demo.BookClient.Speech;
import io.sluice.linux.netns.NetnsHandle;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The applications: servers in their pods, and calls out of pods. For one platform thread. */
final class DemoShop implements AutoCloseable {
  private final Map<DemoPod, NetnsHandle> namespaces = new EnumMap<>(DemoPod.class);
  private final List<DemoServer> servers = new ArrayList<>();
  private final List<BookServer> books = new ArrayList<>();
  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory("books", true), NioIoHandler.newFactory());
  private final DemoLedger ledger = new DemoLedger();

  /** Who sells. */
  static final Set<String> VERSIONS = Set.of(DemoPod.STORE_V1.label(), DemoPod.STORE_V2.label());

  private DemoShop() {}

  /** Opens every server; the namespaces must be there. */
  static DemoShop open(DemoPlan plan) {
    DemoShop shop = new DemoShop();
    try {
      for (DemoPod pod : DemoPod.values()) {
        shop.namespaces.put(pod, plan.machine(pod).open());
      }
      for (DemoPod store : List.of(DemoPod.STORE_V1, DemoPod.STORE_V2)) {
        shop.serve(store, DemoPlan.STORE_PORT);
        for (int port : new int[] {DemoPlan.BOOKS_PORT, DemoPlan.GRPC_PORT}) {
          shop.books.add(new BookServer(store, shop.netns(store), port, shop.loops));
        }
      }
      shop.serve(DemoPod.WAREHOUSE, DemoPlan.WAREHOUSE_PORT);
      if (plan.nodes() == 1) {
        shop.serve(DemoPod.BANK, DemoPlan.BANK_PORT);
        for (int port : new int[] {DemoPlan.DNS_PORT, DemoPlan.OTHER_DATAGRAM_PORT}) {
          shop.servers.add(DemoServer.udp(DemoPod.BANK, shop.netns(DemoPod.BANK), port));
        }
      }
      return shop;
    } catch (RuntimeException e) {
      shop.close();
      throw e;
    }
  }

  private void serve(DemoPod pod, int port) {
    servers.add(DemoServer.tcp(pod, netns(pod), port));
  }

  /** Open until the shop is closed; not to be closed by others. */
  NetnsHandle netns(DemoPod pod) {
    NetnsHandle handle = namespaces.get(pod);
    if (handle == null) {
      throw new IllegalStateException(pod + " has no namespace yet");
    }
    return handle;
  }

  /** What was done so far. */
  DemoLedger ledger() {
    return ledger;
  }

  /** One call, noted. */
  CallResult call(DemoPod from, InetSocketAddress to) {
    CallResult result = DemoConnection.call(netns(from), to);
    ledger.note(from, to, result);
    return result;
  }

  /** One datagram and its answer, noted. */
  CallResult ask(DemoPod from, InetSocketAddress to) {
    CallResult result = DemoConnection.ask(netns(from), to);
    ledger.noteDatagram(from, to, result);
    return result;
  }

  /** A connection that stays; noted as answered. */
  DemoConnection hold(DemoPod from, InetSocketAddress to) {
    DemoConnection connection = DemoConnection.open(netns(from), to);
    ledger.noteHeld(from, to);
    return connection;
  }

  /** One call that sends {@code words} and returns what came back; noted as answered. */
  String say(DemoPod from, InetSocketAddress to, String words) {
    try (DemoConnection connection = hold(from, to)) {
      return connection.echo(words);
    }
  }

  /** A connection for requests, noted. */
  BookClient open(DemoPod from, InetSocketAddress to, Speech speech) {
    ledger.noteHttp(from, to);
    return new BookClient(netns(from), to, speech, loops);
  }

  /** One request by it, noted. */
  Reply get(BookClient client, String path) {
    return note(client.get(path));
  }

  /** One request by a connection of its own, both noted. */
  Reply getOnce(DemoPod from, InetSocketAddress to, String path) {
    try (BookClient client = open(from, to, Speech.HTTP1)) {
      return get(client, path);
    }
  }

  /** So many calls of gRPC side by side, noted: how many each version answered. */
  Map<String, Integer> callAtOnce(BookClient client, String method, int times) {
    List<CompletableFuture<Reply>> replies = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      replies.add(client.call(method));
    }
    Map<String, Integer> answers = new TreeMap<>();
    for (CompletableFuture<Reply> reply : replies) {
      Reply got = note(BookClient.await(reply));
      answers.merge(got.isServed() ? got.text() : got.title(), 1, Integer::sum);
    }
    return answers;
  }

  /** Notes what came of a request, and returns it. */
  Reply note(Reply reply) {
    ledger.note(reply);
    return reply;
  }

  /** Requests that reached the stores' applications. */
  long served() {
    return books.stream().mapToLong(BookServer::served).sum();
  }

  /** Connections that reached the applications of the pod. */
  long accepted(DemoPod pod) {
    return Stream.of(IpFamily.values()).mapToLong(family -> accepted(pod, family)).sum();
  }

  /** Connections of one family that reached the applications of the pod. */
  long accepted(DemoPod pod, IpFamily family) {
    return servers.stream()
        .filter(server -> server.pod() == pod)
        .mapToLong(server -> server.accepted(family))
        .sum();
  }

  @Override
  public void close() {
    servers.forEach(DemoServer::close);
    books.forEach(BookServer::close);
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    namespaces.values().forEach(NetnsHandle::close);
    servers.clear();
    books.clear();
    namespaces.clear();
  }
}

package io.sluice.lab.demo;

import io.sluice.linux.netns.NetnsHandle;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The applications: servers in their pods, and calls out of pods. For one platform thread. */
final class DemoShop implements AutoCloseable {
  private final Map<DemoPod, NetnsHandle> namespaces = new EnumMap<>(DemoPod.class);
  private final List<DemoServer> servers = new ArrayList<>();
  private final DemoLedger ledger = new DemoLedger();

  private DemoShop() {}

  /** Opens every server; the namespaces must be there. */
  static DemoShop open(DemoPlan plan) {
    DemoShop shop = new DemoShop();
    try {
      for (DemoPod pod : DemoPod.values()) {
        shop.namespaces.put(pod, plan.machine(pod).open());
      }
      shop.serve(DemoPod.STORE_V1, DemoPlan.STORE_PORT);
      shop.serve(DemoPod.STORE_V2, DemoPlan.STORE_PORT);
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
    namespaces.values().forEach(NetnsHandle::close);
    servers.clear();
    namespaces.clear();
  }
}

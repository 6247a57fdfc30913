package io.sluice.lab.demo;

import java.net.InetSocketAddress;

/** The applications: servers in their pods, and calls out of pods. For one platform thread. */
final class DemoShop implements AutoCloseable {
  private final DemoServers servers;
  private final DemoLedger ledger = new DemoLedger();

  private DemoShop(DemoServers servers) {
    this.servers = servers;
  }

  /** Opens every server; the namespaces must be there. */
  static DemoShop open(DemoPlan plan) {
    DemoShop shop = new DemoShop(DemoServers.open(plan));
    try {
      shop.servers.serve(DemoPod.BANK, DemoPlan.BANK_PORT);
      shop.servers.serveDatagrams(DemoPod.BANK, DemoPlan.DNS_PORT);
      shop.servers.serveDatagrams(DemoPod.BANK, DemoPlan.OTHER_DATAGRAM_PORT);
      return shop;
    } catch (RuntimeException e) {
      shop.close();
      throw e;
    }
  }

  /** What was done so far. */
  DemoLedger ledger() {
    return ledger;
  }

  /** One call, noted. */
  CallResult call(DemoPod from, InetSocketAddress to) {
    CallResult result = DemoConnection.call(servers.netns(from), to);
    ledger.note(from, to, result);
    return result;
  }

  /** One datagram and its answer, noted. */
  CallResult ask(DemoPod from, InetSocketAddress to) {
    CallResult result = DemoConnection.ask(servers.netns(from), to);
    ledger.noteDatagram(from, to, result);
    return result;
  }

  /** A connection that stays; noted as answered. */
  DemoConnection hold(DemoPod from, InetSocketAddress to) {
    DemoConnection connection = DemoConnection.open(servers.netns(from), to);
    ledger.noteHeld(from, to);
    return connection;
  }

  /** Connections that reached the applications of the pod. */
  long accepted(DemoPod pod) {
    return servers.accepted(pod);
  }

  /** Connections of one family that reached the applications of the pod. */
  long accepted(DemoPod pod, IpFamily family) {
    return servers.accepted(pod, family);
  }

  @Override
  public void close() {
    servers.close();
  }
}

package io.sluice.lab.demo;

import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.netns.NetnsHandle;
import java.net.InetSocketAddress;

/** Calls of the buyer outside the ledger, once the shop's own servers are closed. */
final class DemoProbe implements AutoCloseable {
  private final NetnsHandle buyer;

  DemoProbe(DemoPlan plan) {
    this.buyer = new LinuxNetworkNamespaces().open(DemoPlan.path(plan.netns(DemoPod.BUYER)));
  }

  CallResult call(InetSocketAddress destination) {
    return DemoConnection.call(buyer, destination);
  }

  @Override
  public void close() {
    buyer.close();
  }
}

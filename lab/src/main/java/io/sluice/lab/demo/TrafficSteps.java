package io.sluice.lab.demo;

import io.sluice.lab.demo.CallResult.Answered;
import io.sluice.lab.demo.DemoReport.Seen;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.TreeMap;

/** Allowed traffic: services, both families, true addresses, a split. */
final class TrafficSteps {
  private static final int SPLIT_CALLS = 60;
  private static final int LEAST_SHARE = 10; // of 60; an even split has less in one of 10^7 runs

  private final DemoRun run;
  private final DemoShop shop;

  TrafficSteps(DemoRun run) {
    this.run = run;
    this.shop = run.shop();
  }

  void play() throws InterruptedException {
    DemoReport report = run.report();
    for (IpFamily family : IpFamily.values()) {
      report.step(
          "buyer calls the store, " + family.title(),
          "an answer, redirected once out of the buyer and once into a store",
          () -> callStore(family));
    }
    for (IpFamily family : IpFamily.values()) {
      report.step(
          "both see true addresses, " + family.title(),
          "client: the service's address; server: "
              + (run.mode().showsPortsOfClients()
                  ? "the buyer's address and port"
                  : "the buyer's address"),
          () -> lookAtAddresses(family));
    }
    report.step("store calls the warehouse", "an answer on both families", this::callWarehouse);
    report.step(
        SPLIT_CALLS + " calls reach both versions",
        "at least " + LEAST_SHARE + " answers of each",
        this::split);
  }

  private Seen callStore(IpFamily family) throws IOException {
    long outbound = redirected(DemoPod.BUYER, Direction.OUTBOUND, family);
    long inbound = redirectedIntoStores(family);
    CallResult result = shop.call(DemoPod.BUYER, DemoPlan.storeService(family));
    outbound = redirected(DemoPod.BUYER, Direction.OUTBOUND, family) - outbound;
    inbound = redirectedIntoStores(family) - inbound;
    return new Seen(
        result.isAnswered() && outbound == 1 && inbound == 1,
        result.text() + ", redirected " + outbound + " out, " + inbound + " in; " + result.took());
  }

  private long redirectedIntoStores(IpFamily family) throws IOException {
    return redirected(DemoPod.STORE_V1, Direction.INBOUND, family)
        + redirected(DemoPod.STORE_V2, Direction.INBOUND, family);
  }

  private long redirected(DemoPod pod, Direction direction, IpFamily family) throws IOException {
    return run.numbers().verdict(pod, direction, family, Outcome.REDIRECTED, Reason.MESH_TRAFFIC);
  }

  private Seen lookAtAddresses(IpFamily family) {
    InetSocketAddress service = DemoPlan.storeService(family);
    if (!(shop.call(DemoPod.BUYER, service) instanceof Answered answer)) {
      return new Seen(false, "no answer");
    }
    InetAddress buyer = DemoPod.BUYER.address(family);
    InetSocketAddress client = new InetSocketAddress(buyer, answer.local().getPort());
    boolean ok =
        answer.peer().equals(service)
            && answer.local().getAddress().equals(buyer)
            && (run.mode().showsPortsOfClients()
                ? answer.serverSees(client)
                : answer.serverSees(buyer));
    return new Seen(
        ok,
        IpAddresses.text(answer.local())
            + " called "
            + IpAddresses.text(answer.peer())
            + "; "
            + answer.line());
  }

  private Seen callWarehouse() {
    CallResult four = shop.call(DemoPod.STORE_V1, DemoPlan.warehouseService(IpFamily.IPV4));
    CallResult six = shop.call(DemoPod.STORE_V2, DemoPlan.warehouseService(IpFamily.IPV6));
    return new Seen(four.isAnswered() && six.isAnswered(), four.text() + " and " + six.text());
  }

  private Seen split() {
    Map<String, Integer> shares = new TreeMap<>();
    int failed = 0;
    long begin = System.nanoTime();
    for (int i = 0; i < SPLIT_CALLS; i++) {
      IpFamily family = IpFamily.values()[i % IpFamily.values().length];
      if (shop.call(DemoPod.BUYER, DemoPlan.storeService(family)) instanceof Answered answer) {
        shares.merge(answer.server(), 1, Integer::sum);
      } else {
        failed++;
      }
    }
    String mean = CallResult.millis((System.nanoTime() - begin) / SPLIT_CALLS);
    boolean ok =
        failed == 0
            && shares.size() == 2
            && shares.values().stream().allMatch(share -> share >= LEAST_SHARE);
    return new Seen(
        ok, shares + (failed == 0 ? "" : ", " + failed + " failed") + "; " + mean + " a call");
  }
}

package io.sluice.lab.demo;

import io.sluice.lab.demo.CallResult.Answered;
import io.sluice.lab.demo.DemoReport.Seen;
import io.sluice.linux.Errno;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Outcome;
import io.sluice.mesh.decision.Reason;
import java.io.IOException;
import java.net.InetSocketAddress;

/** A bank outside the mesh, a port on an exclusion list, and datagrams. */
final class ExclusionSteps {
  private final DemoRun run;
  private final DemoShop shop;

  ExclusionSteps(DemoRun run) {
    this.run = run;
    this.shop = run.shop();
  }

  void play() throws InterruptedException {
    DemoReport report = run.report();
    report.step(
        "buyer calls a bank outside", "a reset, since egress is disabled", this::refuseEgress);
    report.step(
        "bank's port excluded on the buyer",
        "direct: counted as passthrough, unknown to the proxy, same port at both ends",
        this::exclude);
    report.step("and no longer excluded", "a reset again", this::include);
    for (IpFamily family : IpFamily.values()) {
      report.step("DNS by UDP, " + family.title(), "an answer", () -> askDns(family));
      report.step(
          "other UDP, " + family.title(), "EPERM, and nothing arrives", () -> askOther(family));
    }
  }

  private static InetSocketAddress bank(IpFamily family, int port) {
    return new InetSocketAddress(DemoPod.BANK.address(family), port);
  }

  private CallResult callBank() {
    return shop.call(DemoPod.BUYER, bank(IpFamily.IPV4, DemoPlan.BANK_PORT));
  }

  private Seen refuseEgress() {
    CallResult result = callBank();
    return new Seen(result.failedWith(Errno.ECONNRESET), result.text() + " in " + result.took());
  }

  private Seen exclude() throws IOException, InterruptedException {
    var change = run.change(() -> run.registry().excludeBank(true), () -> callBank().isAnswered());
    long passed = passedThrough();
    long accepted = acceptedByProxy();
    CallResult result = callBank();
    passed = passedThrough() - passed;
    accepted = acceptedByProxy() - accepted;
    boolean direct = result instanceof Answered answer && answer.serverSees(answer.local());
    return new Seen(
        change.inForce() && direct && passed == 1 && accepted == 0,
        result.text()
            + "; passthrough +"
            + passed
            + ", proxy +"
            + accepted
            + "; in force after "
            + change.after());
  }

  private long passedThrough() throws IOException {
    return run.numbers()
        .verdict(
            DemoPod.BUYER,
            Direction.OUTBOUND,
            IpFamily.IPV4,
            Outcome.PASSTHROUGH,
            Reason.EXCLUDED_PORT);
  }

  private long acceptedByProxy() throws IOException {
    return run.daemon().status().path("connectionsAccepted").asLong();
  }

  private Seen include() throws IOException, InterruptedException {
    var change =
        run.change(() -> run.registry().excludeBank(false), () -> !callBank().isAnswered());
    return new Seen(
        change.inForce(),
        change.inForce() ? "refused " + change.after() + " after the change" : "still direct");
  }

  private Seen askDns(IpFamily family) {
    CallResult result = shop.ask(DemoPod.BUYER, bank(family, DemoPlan.DNS_PORT));
    return new Seen(result.isAnswered(), result.text());
  }

  private Seen askOther(IpFamily family) {
    long arrived = shop.accepted(DemoPod.BANK, family);
    CallResult result = shop.ask(DemoPod.BUYER, bank(family, DemoPlan.OTHER_DATAGRAM_PORT));
    arrived = shop.accepted(DemoPod.BANK, family) - arrived;
    return new Seen(
        result.failedWith(Errno.EPERM) && arrived == 0,
        result.text() + ", " + arrived + " datagrams arrived");
  }
}

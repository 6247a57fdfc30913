package io.sluice.lab.demo;

import io.sluice.interception.maps.MapSummary;
import io.sluice.lab.demo.DemoReport.Seen;
import io.sluice.lab.site.Await;
import io.sluice.linux.Errno;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** SIGKILL and a new start: closed meanwhile, enforcing again soon. */
final class FailureSteps {
  private static final Duration RESTART_DEADLINE = Duration.ofSeconds(60);
  private static final long MOST_NANOS = 50_000_000; // in the middle: one may meet a busy machine
  private static final int CALLS = 10;

  private final DemoRun run;
  private final DemoShop shop;

  FailureSteps(DemoRun run) {
    this.run = run;
    this.shop = run.shop();
  }

  void play() throws IOException, InterruptedException {
    DemoReport report = run.report();
    Await.until(DemoRun.RECORD_DEADLINE, run::proxyHasCounted);
    run.rememberCounts();
    shop.ledger().beginChange();
    run.daemon().kill();
    report.step(
        "killed: calls are refused",
        CALLS + " of " + CALLS + " refused, half of them within 50 ms; nothing reaches the stores",
        this::callWithoutDaemon);
    report.step(
        "killed: no way around",
        "refused from outside the mesh, past the service, both families",
        this::callPastTheService);
    if (run.mode().countsInMaps()) {
      report.step("killed: maps can be read", "every map, from its pin", this::readMaps);
    } else {
      report.step(
          "killed: maps can be read",
          "in iptables mode there are none: the rules are still in every pod, for both families",
          this::readRules);
    }
    report.step(
        "started again",
        "an answer, at best within "
            + run.mode().restartGoal().toMillis()
            + " ms from the start of the process, "
            + DemoRun.enrolled()
            + " pods, in the same mode",
        this::restart);
    report.step("and enforces", "buyer served, thief refused", this::enforce);
  }

  private Seen callWithoutDaemon() {
    long served = servedByStores();
    int refused = 0;
    long[] nanos = new long[CALLS];
    for (int i = 0; i < CALLS; i++) {
      IpFamily family = IpFamily.values()[i % IpFamily.values().length];
      CallResult result = shop.call(DemoPod.BUYER, DemoPlan.storeService(family));
      refused += result.failedWith(Errno.ECONNREFUSED) ? 1 : 0;
      nanos[i] = result.nanos();
    }
    Arrays.sort(nanos);
    served = servedByStores() - served;
    return new Seen(
        refused == CALLS && served == 0 && nanos[CALLS / 2] <= MOST_NANOS,
        refused
            + " of "
            + CALLS
            + " refused, longest "
            + CallResult.millis(nanos[CALLS - 1])
            + "; the stores saw "
            + served
            + " connections");
  }

  private long servedByStores() {
    return shop.accepted(DemoPod.STORE_V1) + shop.accepted(DemoPod.STORE_V2);
  }

  private Seen callPastTheService() {
    long served = servedByStores();
    StringBuilder seen = new StringBuilder();
    boolean refused = true;
    for (IpFamily family : IpFamily.values()) {
      CallResult result =
          shop.call(
              DemoPod.BANK,
              new InetSocketAddress(DemoPod.STORE_V1.address(family), DemoPlan.STORE_PORT));
      refused &= result.failedWith(Errno.ECONNREFUSED);
      seen.append(family.title()).append(": ").append(result.text()).append("; ");
    }
    served = servedByStores() - served;
    return new Seen(refused && served == 0, seen + "the stores saw " + served + " connections");
  }

  private Seen readMaps() {
    List<MapSummary> maps = run.numbers().maps();
    int rows = 0;
    for (MapSummary map : maps) {
      rows += run.numbers().dump(map.name()).rows().size();
    }
    String daemon = run.numbers().dump("liveness").rows().getFirst().getFirst();
    return new Seen(
        !maps.isEmpty() && daemon.equals("dead"),
        maps.size() + " maps, " + rows + " entries; the map `liveness` says: " + daemon);
  }

  private Seen readRules() throws InterruptedException {
    DemoRules.Found all = new DemoRules.Found(0, 0);
    int closed = 0;
    for (DemoPod pod : DemoPod.enrolled()) {
      for (IpFamily family : IpFamily.values()) {
        DemoRules.Found found = DemoRules.in(run.plan().netns(pod), family);
        all = all.plus(found);
        closed += found.chains() > 0 && found.rules() > 0 ? 1 : 0;
      }
    }
    int maps = run.numbers().maps().size();
    return new Seen(
        closed == DemoRun.enrolled() * IpFamily.values().length && maps == 0,
        maps
            + " maps; "
            + all.chains()
            + " chains with "
            + all.rules()
            + " rules, there for "
            + closed
            + " of "
            + DemoRun.enrolled() * IpFamily.values().length
            + " pods and families");
  }

  private Seen restart() throws IOException, InterruptedException {
    String before = run.mode().inForce();
    run.daemon().start();
    InetSocketAddress store = DemoPlan.storeService(IpFamily.IPV4);
    boolean answered =
        Await.until(
            RESTART_DEADLINE,
            () -> shop.call(DemoPod.BUYER, store).isAnswered() || run.daemon().failIfEnded());
    Duration took = run.daemon().sinceStart();
    run.daemon().awaitReady();
    Await.until(DemoRun.CHANGE_DEADLINE, run.daemon()::hasSettled);
    run.forgetAdopted();
    shop.ledger().endChange();
    long pods = run.daemon().status().path("podsEnrolled").asLong();
    boolean sameMode = run.mode().inForce().equals(before);
    return new Seen(
        answered && pods == DemoRun.enrolled() && sameMode,
        (answered ? "an answer after " + took.toMillis() + " ms, " : "no answer, ")
            + (took.compareTo(run.mode().restartGoal()) > 0 ? "this machine is slow or busy, " : "")
            + pods
            + " pods"
            + (sameMode ? "" : ", but in mode " + run.mode().inForce()));
  }

  private Seen enforce() {
    CallResult buyer = shop.call(DemoPod.BUYER, DemoPlan.storeService(IpFamily.IPV6));
    CallResult thief = shop.call(DemoPod.THIEF, DemoPlan.storeService(IpFamily.IPV6));
    return new Seen(
        buyer.isAnswered() && thief.failedWith(Errno.ECONNRESET),
        "buyer: " + buyer.text() + "; thief: " + thief.text());
  }
}

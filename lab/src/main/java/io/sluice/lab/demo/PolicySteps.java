package io.sluice.lab.demo;

import io.sluice.lab.demo.DemoReport.Seen;
import io.sluice.lab.site.Await;
import io.sluice.linux.Errno;
import io.sluice.linux.LinuxException;
import io.sluice.mesh.decision.Reason;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Refusals with their reasons, and changes of policy under live traffic. */
final class PolicySteps {
  private static final int MEASURED_CALLS = 15;
  private static final Duration REVOKED_WITHIN = Duration.ofSeconds(1);
  private static final long MOST_NANOS = 50_000_000; // a refusal must not keep anybody waiting

  private final DemoRun run;
  private final DemoShop shop;
  private final DemoRegistry registry;
  private final InetSocketAddress store = DemoPlan.storeService(IpFamily.IPV4);
  private @Nullable DemoConnection held;

  PolicySteps(DemoRun run) {
    this.run = run;
    this.shop = run.shop();
    this.registry = run.registry();
  }

  void play() throws InterruptedException {
    DemoReport report = run.report();
    report.step(
        "thief is refused",
        MEASURED_CALLS + " times a reset, half of them within 50 ms",
        this::refuse);
    report.step(
        "the reason is told",
        Reason.NO_TRAFFIC_TARGET.label() + " in events, access log and metrics",
        this::lookForReason);
    report.step(
        "a stranger is refused",
        "a reset for who comes from outside the mesh, past the service",
        this::refuseStranger);
    report.step("TrafficTarget for the thief added", "the thief gets an answer", this::grant);
    report.step(
        "and removed, one connection open",
        "new calls are refused, the open connection is reset",
        this::revoke);
    report.step("permissive mode on", "the thief gets an answer", () -> permissive(true));
    report.step("permissive mode off", "the thief is refused", () -> permissive(false));
    report.step(
        "a broken file is told",
        "file and line in the log; buyer served and thief refused as before",
        this::breakFile);
    close();
  }

  private void close() {
    DemoConnection open = held;
    if (open != null) {
      open.close();
    }
  }

  private Seen refuse() {
    shop.call(DemoPod.THIEF, store); // the first may load classes; measured is what follows
    long[] nanos = new long[MEASURED_CALLS];
    int resets = 0;
    for (int i = 0; i < MEASURED_CALLS; i++) {
      IpFamily family = IpFamily.values()[i % IpFamily.values().length];
      CallResult result = shop.call(DemoPod.THIEF, DemoPlan.storeService(family));
      nanos[i] = result.nanos();
      resets += result.failedWith(Errno.ECONNRESET) ? 1 : 0;
    }
    Arrays.sort(nanos);
    long median = nanos[MEASURED_CALLS / 2];
    return new Seen(
        resets == MEASURED_CALLS && median <= MOST_NANOS,
        resets
            + " of "
            + MEASURED_CALLS
            + " reset; median "
            + CallResult.millis(median)
            + ", longest "
            + CallResult.millis(nanos[MEASURED_CALLS - 1]));
  }

  private Seen lookForReason() throws IOException, InterruptedException {
    long refused = shop.ledger().refusedByProxy();
    boolean same =
        Await.until(
            DemoRun.RECORD_DEADLINE,
            () -> events() == refused && accessRecords() == refused && metric() == refused);
    return new Seen(
        same,
        "of "
            + refused
            + " refusals: "
            + events()
            + " in events, "
            + accessRecords()
            + " in access.log, "
            + metric()
            + " in /metrics");
  }

  private long events() {
    return run.daemon().events(DemoPod.THIEF, Reason.NO_TRAFFIC_TARGET);
  }

  private long accessRecords() throws IOException {
    try (var lines = Files.lines(run.plan().accessLog())) {
      return lines
          .filter(line -> line.contains("\"pod\":\"" + DemoPod.THIEF.meshName() + "\""))
          .filter(line -> line.contains("\"reason\":\"" + Reason.NO_TRAFFIC_TARGET.label() + "\""))
          .count();
    }
  }

  private long metric() throws IOException {
    return DemoNumbers.sum(
        run.daemon().metrics(),
        "sluice_proxy_connections_refused_total",
        Map.of("pod", DemoPod.THIEF.label(), "reason", Reason.NO_TRAFFIC_TARGET.label()));
  }

  private Seen refuseStranger() {
    long served = shop.accepted(DemoPod.STORE_V1);
    CallResult result =
        shop.call(
            DemoPod.BANK,
            new InetSocketAddress(DemoPod.STORE_V1.address(IpFamily.IPV4), DemoPlan.STORE_PORT));
    served = shop.accepted(DemoPod.STORE_V1) - served;
    return new Seen(
        result.failedWith(Errno.ECONNRESET) && served == 0,
        result.text() + " in " + result.took() + ", the store saw " + served + " connections");
  }

  private Seen grant() throws InterruptedException {
    long begin = System.nanoTime();
    registry.grantThief();
    boolean answered = awaitThief(true);
    String after = CallResult.millis(System.nanoTime() - begin);
    if (answered) {
      held = shop.hold(DemoPod.THIEF, store);
    }
    return new Seen(
        answered, answered ? "an answer " + after + " after the rename" : "still refused");
  }

  private Seen revoke() throws InterruptedException {
    DemoConnection open = held;
    if (open == null) {
      return new Seen(false, "there is no open connection");
    }
    String before = open.echo("before");
    long begin = System.nanoTime();
    registry.revokeThief();
    boolean refused = awaitThief(false);
    String after = CallResult.millis(System.nanoTime() - begin);
    boolean reset = isResetSoon(open);
    return new Seen(
        refused && before.equals("before") && reset,
        (refused ? "refused " + after + " after the removal" : "still answered")
            + "; the open connection "
            + (reset ? "was reset" : "goes on"));
  }

  /** Each event loop ends what is not allowed any more by itself, a moment later. */
  private static boolean isResetSoon(DemoConnection open) throws InterruptedException {
    long deadline = System.nanoTime() + REVOKED_WITHIN.toNanos();
    while (System.nanoTime() - deadline < 0) {
      try {
        open.echo("afterwards");
      } catch (LinuxException e) {
        return e.errno() == Errno.ECONNRESET || e.errno() == Errno.EPIPE;
      }
      Thread.sleep(5);
    }
    return false;
  }

  private Seen permissive(boolean on) throws IOException, InterruptedException {
    var change = run.change(() -> registry.permissive(on), () -> isThiefAnswered() == on);
    return new Seen(
        change.inForce(),
        (on == change.inForce() ? "an answer" : "refused")
            + " "
            + change.after()
            + " after the change");
  }

  private boolean awaitThief(boolean answered) throws InterruptedException {
    return Await.until(DemoRun.CHANGE_DEADLINE, () -> isThiefAnswered() == answered);
  }

  private boolean isThiefAnswered() {
    return shop.call(DemoPod.THIEF, store).isAnswered();
  }

  private Seen breakFile() throws InterruptedException {
    String place = DemoRegistry.POLICY + ".yaml:" + DemoRegistry.BROKEN_LINE + ":";
    registry.breakPolicy();
    try {
      boolean told = Await.until(DemoRun.CHANGE_DEADLINE, () -> run.daemon().log().contains(place));
      CallResult buyer = shop.call(DemoPod.BUYER, store);
      CallResult thief = shop.call(DemoPod.THIEF, store);
      return new Seen(
          told && buyer.isAnswered() && !thief.isAnswered(),
          (told ? problem(place) : "nothing in the log")
              + "; buyer: "
              + (buyer.isAnswered() ? "served" : buyer.text())
              + ", thief: "
              + thief.text());
    } finally {
      registry.mendPolicy();
    }
  }

  private String problem(String place) {
    return run.daemon()
        .log()
        .lines()
        .filter(line -> line.contains(place))
        .map(line -> line.substring(line.indexOf(place)))
        .findFirst()
        .orElse("");
  }
}

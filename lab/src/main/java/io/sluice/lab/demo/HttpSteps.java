package io.sluice.lab.demo;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.lab.demo.BookClient.Reply;
import io.sluice.lab.demo.BookClient.Speech;
import io.sluice.lab.demo.DemoReport.Seen;
import io.sluice.lab.demo.Purchases.Share;
import io.sluice.lab.site.Await;
import io.sluice.linux.Errno;
import io.sluice.mesh.decision.Reason;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Map;

/** Requests: which are granted, and which version of the store answers them. */
final class HttpSteps {
  static final String BOUGHT = "/books-bought";
  static final String NOT_GRANTED = "/prices";
  static final String CALL = "/bookstore.Books/Buy";

  /** Calls on one connection; at equal weights, one in 10^12 runs has them all at one version. */
  static final int STREAMS = 40;

  private static final int PURCHASES = 150;

  private final DemoRun run;
  private final DemoShop shop;
  private final DemoRegistry registry;
  private final InetSocketAddress books = DemoPlan.books(IpFamily.IPV4, DemoPlan.BOOKS_PORT);
  private final InetSocketAddress calls = DemoPlan.books(IpFamily.IPV6, DemoPlan.GRPC_PORT);

  HttpSteps(DemoRun run) {
    this.run = run;
    this.shop = run.shop();
    this.registry = run.registry();
  }

  void play() throws InterruptedException {
    DemoReport report = run.report();
    report.step(
        "buyer asks by HTTP",
        "200 for GET " + BOUGHT + " and GET " + Purchases.BUY + ", 403 for GET " + NOT_GRANTED,
        this::ask);
    report.step(
        "thief asks by HTTP",
        "a reset, reason " + Reason.NO_TRAFFIC_TARGET.label() + "; no request reaches a store",
        this::refuseThief);
    report.step(
        "one path granted to the thief",
        "200 for it, 403 for another, a reset of what is not HTTP",
        this::grantOnePath);
    report.step(
        "the reasons are told", "each in events, access log and metrics", this::lookForReasons);
    try (Purchases purchases = Purchases.begin(shop, books)) {
      for (int weight : new int[] {90, 50}) {
        report.step(
            "TrafficSplit " + new Share(weight, 0, 0).weights(),
            "of " + PURCHASES + " books bought meanwhile, that share from each version",
            () -> shift(purchases, weight));
      }
      report.step(
          STREAMS + " calls, one HTTP/2 connection",
          "answers of both versions; of a method that is not granted PERMISSION_DENIED",
          this::callByHttp2);
      report.step("a WebSocket", "what was said comes back", this::talk);
      report.step("TrafficSplit 0/100", "nothing from v1 any more", () -> shift(purchases, 0));
      report.step(
          "the buyer went on all the while",
          "no purchase failed, and all by one connection",
          () -> end(purchases));
    }
  }

  private Seen ask() {
    try (BookClient buyer = shop.open(DemoPod.BUYER, books, Speech.HTTP1)) {
      Reply bought = shop.get(buyer, BOUGHT);
      Reply buy = shop.get(buyer, Purchases.BUY);
      Reply other = shop.get(buyer, NOT_GRANTED);
      return new Seen(
          bought.isServed() && buy.isServed() && other.isForbidden(),
          String.join(", ", bought.title(), buy.title(), other.title()));
    }
  }

  private Seen refuseThief() throws IOException, InterruptedException {
    long served = shop.served();
    long before = events(Reason.NO_TRAFFIC_TARGET);
    Reply reply = shop.getOnce(DemoPod.THIEF, books, BOUGHT);
    boolean told =
        Await.until(DemoRun.RECORD_DEADLINE, () -> events(Reason.NO_TRAFFIC_TARGET) == before + 1);
    served = shop.served() - served;
    return new Seen(
        reply.isReset() && told && served == 0,
        reply.title()
            + (told ? ", " : ", NOT ")
            + "told with its reason; the stores saw "
            + served
            + " requests");
  }

  private Seen grantOnePath() throws IOException, InterruptedException {
    var change =
        run.change(
            registry::grantThiefOneRoute,
            () -> shop.getOnce(DemoPod.THIEF, books, BOUGHT).isServed());
    long served = shop.served();
    Reply other = shop.getOnce(DemoPod.THIEF, books, Purchases.BUY);
    served = shop.served() - served;
    CallResult till = shop.call(DemoPod.THIEF, DemoPlan.storeService(IpFamily.IPV4));
    registry.revokeThief();
    boolean back =
        Await.until(
            DemoRun.CHANGE_DEADLINE, () -> shop.getOnce(DemoPod.THIEF, books, BOUGHT).isReset());
    return new Seen(
        change.inForce()
            && other.isForbidden()
            && served == 0
            && till.failedWith(Errno.ECONNRESET)
            && back,
        (change.inForce() ? "200 " + change.after() + " after the change" : "still refused")
            + ", "
            + other.title()
            + ", "
            + till.text()
            + "; revoked: "
            + (back ? "reset" : "still answered"));
  }

  private Seen lookForReasons() throws IOException, InterruptedException {
    long forbidden = shop.ledger().forbidden();
    boolean told =
        Await.until(
            DemoRun.RECORD_DEADLINE,
            () -> isTold(Reason.ROUTE_NOT_GRANTED, forbidden) && isTold(Reason.HTTP_ONLY, 1));
    return new Seen(
        told,
        forbidden
            + " of 403: "
            + told(Reason.ROUTE_NOT_GRANTED)
            + "; 1 of bytes: "
            + told(Reason.HTTP_ONLY));
  }

  private boolean isTold(Reason reason, long times) throws IOException {
    return events(reason) == times && records(reason) == times && metric(reason) == times;
  }

  private String told(Reason reason) throws IOException {
    return reason.label()
        + " "
        + events(reason)
        + " in events, "
        + records(reason)
        + " in access.log, "
        + metric(reason)
        + " in /metrics";
  }

  private long events(Reason reason) {
    return withReason(run.daemon().ask("events"), reason);
  }

  private long records(Reason reason) {
    return withReason(run.daemon().accessLog(), reason);
  }

  private static long withReason(Iterable<JsonNode> lines, Reason reason) {
    long found = 0;
    for (JsonNode line : lines) {
      found += line.path("reason").asText().equals(reason.label()) ? 1 : 0;
    }
    return found;
  }

  private long metric(Reason reason) {
    return DemoNumbers.sum(
        run.daemon().metrics(),
        reason == Reason.ROUTE_NOT_GRANTED
            ? "sluice_proxy_requests_refused_total"
            : "sluice_proxy_connections_refused_total",
        Map.of("reason", reason.label()));
  }

  private Seen shift(Purchases purchases, int weight) throws IOException, InterruptedException {
    long before = run.daemon().status().path("snapshotRevision").asLong();
    var change =
        run.change(
            () -> registry.split(weight),
            () -> run.daemon().status().path("enforcedRevision").asLong() > before);
    Share share = purchases.next(weight, PURCHASES);
    shop.ledger().note(share);
    return new Seen(
        change.inForce() && share.isAsWeighed() && purchases.isFlawless(),
        share.text() + "; in force after " + change.after());
  }

  private Seen callByHttp2() {
    try (BookClient buyer = shop.open(DemoPod.BUYER, calls, Speech.HTTP2)) {
      Map<String, Integer> answers = shop.callAtOnce(buyer, CALL, STREAMS);
      Reply other = shop.note(BookClient.await(buyer.call("/bookstore.Books/Steal")));
      return new Seen(
          answers.keySet().equals(DemoShop.VERSIONS) && other.isForbidden(),
          answers + ", and " + other.title());
    }
  }

  private Seen talk() {
    try (BookClient buyer = shop.open(DemoPod.BUYER, books, Speech.WEBSOCKET)) {
      Reply open = shop.note(buyer.awaitOpen());
      Reply echo = buyer.say("any news?");
      return new Seen(
          open.isServed() && echo.text().endsWith("heard any news?"),
          open.title() + ", \"" + echo.text() + "\"");
    }
  }

  private static Seen end(Purchases purchases) throws InterruptedException {
    long bought = purchases.end();
    return new Seen(
        purchases.isFlawless(),
        bought
            + " bought"
            + (purchases.isFlawless() ? ", none failed" : ", then " + purchases.failure()));
  }
}

package io.sluice.lab.demo;

import io.sluice.lab.capture.FrameCapture;
import io.sluice.lab.capture.TcpStream;
import io.sluice.lab.capture.TlsRecords;
import io.sluice.lab.demo.BookClient.Reply;
import io.sluice.lab.demo.BookClient.Speech;
import io.sluice.lab.demo.CallResult.Answered;
import io.sluice.lab.demo.DemoReport.Seen;
import io.sluice.lab.demo.NodesSummary.Wire;
import io.sluice.lab.demo.Purchases.Share;
import io.sluice.lab.site.Await;
import io.sluice.linux.Errno;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.decision.Reason;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Calls from one node to the other, and what the wire between them tells. */
final class NodesTrafficSteps {
  private static final int SPREAD_CALLS = 20;
  private static final String CANARY = "canary-5be1a7-of-the-buyer";

  private final NodesRun run;
  private final DemoShop shop;
  private final NodesPlan plan;
  private Wire heard = Wire.SILENT;

  NodesTrafficSteps(NodesRun run) {
    this.run = run;
    this.shop = run.shop();
    this.plan = run.plan();
  }

  void play(FrameCapture wire) throws InterruptedException {
    DemoReport report = run.report();
    for (IpFamily family : IpFamily.values()) {
      report.step(
          "buyer calls the other node, " + family.title(),
          "an answer; the store sees the buyer's address",
          () -> callRemoteStore(family));
    }
    report.step(
        "by its identity",
        "the store's node names the buyer as its certificate does",
        this::lookAtPrincipal);
    report.step("the service spans both nodes", "answers of both versions", this::callService);
    report.step(
        "HTTP/2 to both nodes, split 50/50",
        "answers of both versions by one connection; 403 for what is not granted, and its reason",
        this::callByHttp2);
    report.step(
        "the wire between the nodes",
        "TLS and nothing else; what the buyer said is not heard",
        () -> listen(wire));
    report.step("thief is refused", "a reset on both families, by its identity", this::refuseThief);
    report.step(
        "a stranger in the clear is refused",
        "a reset, reason " + Reason.MTLS_REQUIRED.label(),
        this::refuseStranger);
  }

  private Seen callRemoteStore(IpFamily family) {
    if (!(shop.call(DemoPod.BUYER, plan.remoteStore(family)) instanceof Answered answer)) {
      return new Seen(false, "no answer");
    }
    return new Seen(
        answer.serverSees(plan.address(DemoPod.BUYER, family)),
        answer.line() + "; " + answer.took());
  }

  private Seen lookAtPrincipal() throws InterruptedException {
    String expected = plan.identity(DemoPod.BUYER);
    boolean found =
        Await.until(DemoRun.RECORD_DEADLINE, () -> provenSource().equals(Optional.of(expected)));
    return new Seen(found, provenSource().orElse("nobody is named") + " in the access log");
  }

  /** Whom the last inbound connection of the remote store was proven to come from. */
  private Optional<String> provenSource() {
    return run.daemonOf(DemoPod.STORE_V2).accessLog().stream()
        .filter(record -> record.path("direction").asText().equals("inbound"))
        .map(record -> record.path("source_principal").asText(""))
        .filter(source -> !source.isEmpty())
        .reduce((earlier, later) -> later);
  }

  private Seen callService() {
    Map<String, Integer> answers = new TreeMap<>();
    for (int i = 0; i < SPREAD_CALLS; i++) {
      IpFamily family = IpFamily.values()[i % IpFamily.values().length];
      CallResult result = shop.call(DemoPod.BUYER, DemoPlan.storeService(family));
      answers.merge(result instanceof Answered a ? a.server() : result.text(), 1, Integer::sum);
    }
    return new Seen(answers.keySet().equals(DemoShop.VERSIONS), answers.toString());
  }

  private Seen callByHttp2() throws IOException, InterruptedException {
    boolean changed = run.change(() -> run.registry().split(50));
    InetSocketAddress books = DemoPlan.books(IpFamily.IPV4, DemoPlan.GRPC_PORT);
    try (BookClient buyer = shop.open(DemoPod.BUYER, books, Speech.HTTP2)) {
      Map<String, Integer> answers = shop.callAtOnce(buyer, HttpSteps.CALL, HttpSteps.STREAMS);
      long first = answers.getOrDefault(DemoPod.STORE_V1.label(), 0);
      shop.ledger().note(new Share(50, first, HttpSteps.STREAMS - first));
      Reply other = shop.get(buyer, HttpSteps.NOT_GRANTED);
      boolean told =
          Await.until(
              DemoRun.RECORD_DEADLINE,
              () -> refusals(DemoPod.BUYER, Reason.ROUTE_NOT_GRANTED) == 1);
      return new Seen(
          changed && answers.keySet().equals(DemoShop.VERSIONS) && other.isForbidden() && told,
          answers + ", and " + other.title() + (told ? "" : ", NOT") + " told");
    }
  }

  private Seen listen(FrameCapture wire) {
    for (IpFamily family : IpFamily.values()) {
      shop.say(DemoPod.BUYER, plan.remoteStore(family), CANARY);
    }
    List<TcpStream> found = TcpStream.ofPort(MeshPorts.HBONE, wire.frames());
    Optional<String> problem =
        found.stream().map(TlsRecords::problem).flatMap(Optional::stream).findFirst();
    long frames = wire.frames().size();
    boolean heardWithTls = wire.hasSeen(CANARY);
    long dropped = wire.dropped();
    boolean tlsOnly = problem.isEmpty() && !found.isEmpty() && dropped == 0;
    heard = new Wire(frames, found.size(), tlsOnly, heardWithTls, false);
    return new Seen(
        tlsOnly && !heardWithTls,
        frames
            + " frames, "
            + found.size()
            + " streams of port "
            + MeshPorts.HBONE
            + (dropped == 0 ? "" : ", " + dropped + " frames missed")
            + ": "
            + problem.orElse("TLS records only")
            + "; the canary was "
            + (heardWithTls ? "heard" : "not heard"));
  }

  private Seen refuseThief() throws IOException, InterruptedException {
    long served = shop.accepted(DemoPod.STORE_V2);
    int resets = 0;
    for (IpFamily family : IpFamily.values()) {
      resets +=
          shop.call(DemoPod.THIEF, plan.remoteStore(family)).failedWith(Errno.ECONNRESET) ? 1 : 0;
    }
    served = shop.accepted(DemoPod.STORE_V2) - served;
    int expected = resets;
    Await.until(
        DemoRun.RECORD_DEADLINE,
        () -> refusals(DemoPod.THIEF, Reason.NO_TRAFFIC_TARGET) >= expected);
    long told = refusals(DemoPod.THIEF, Reason.NO_TRAFFIC_TARGET);
    return new Seen(
        resets == IpFamily.values().length && served == 0 && told >= resets,
        resets
            + " resets, "
            + told
            + " events with reason "
            + Reason.NO_TRAFFIC_TARGET.label()
            + " on its node; the store saw "
            + served
            + " connections");
  }

  private Seen refuseStranger() throws IOException, InterruptedException {
    CallResult result = shop.call(DemoPod.BANK, plan.remoteStore(IpFamily.IPV4));
    boolean told =
        Await.until(
            DemoRun.RECORD_DEADLINE, () -> refusals(DemoPod.STORE_V2, Reason.MTLS_REQUIRED) > 0);
    return new Seen(
        result.failedWith(Errno.ECONNRESET) && told,
        result.text()
            + " in "
            + result.took()
            + ", "
            + (told ? Reason.MTLS_REQUIRED.label() : "no such event")
            + " in the events of the store's node");
  }

  private long refusals(DemoPod pod, Reason reason) {
    return run.daemonOf(pod).events(pod, reason);
  }

  void playInTheClear(FrameCapture wire) throws InterruptedException {
    run.report()
        .step("mutual TLS off, the same wire", "the canary is heard", () -> hearInTheClear(wire));
    run.report()
        .step(
            "mutual TLS on again",
            "an answer, and another canary is not heard",
            () -> listenAgain(wire));
  }

  private Seen hearInTheClear(FrameCapture wire) throws IOException, InterruptedException {
    boolean changed = run.change(() -> run.registry().mutualTls(false));
    shop.say(DemoPod.BUYER, plan.remoteStore(IpFamily.IPV4), CANARY);
    boolean heardInTheClear = Await.until(DemoRun.RECORD_DEADLINE, () -> wire.hasSeen(CANARY));
    heard = heard.inTheClear(heardInTheClear);
    return new Seen(
        changed && heardInTheClear, "the canary was " + (heardInTheClear ? "heard" : "not heard"));
  }

  private Seen listenAgain(FrameCapture wire) throws IOException, InterruptedException {
    String another = CANARY.replace("canary", "another-canary");
    boolean changed = run.change(() -> run.registry().mutualTls(true));
    String answer = shop.say(DemoPod.BUYER, plan.remoteStore(IpFamily.IPV4), another);
    boolean heard = wire.hasSeen(another);
    return new Seen(
        changed && answer.equals(another) && !heard,
        "\"" + answer + "\" came back, and was " + (heard ? "heard" : "not heard"));
  }

  /** What was heard between the nodes so far. */
  Wire heard() {
    return heard;
  }
}

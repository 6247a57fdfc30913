package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.attack.Attack;
import io.sluice.await.Await;
import io.sluice.mesh.Access;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.ConnectionSettings;
import io.sluice.mesh.HealthCheck;
import io.sluice.mesh.HealthCheck.How;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshPorts;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Regex;
import io.sluice.mesh.Service;
import io.sluice.mesh.SessionAffinity;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.Workload;
import io.sluice.mesh.decision.Direction;
import io.sluice.mesh.decision.Flow;
import io.sluice.mesh.decision.HttpRequest;
import io.sluice.mesh.decision.Reason;
import io.sluice.mesh.decision.Verdict;
import io.sluice.proxy.CloseKind;
import io.sluice.proxy.Peers;
import io.sluice.proxy.ProxyStats;
import io.sluice.proxy.ReleaseMode;
import io.sluice.proxy.admission.Remembered;
import io.sluice.proxy.decide.Subject;
import io.sluice.proxy.relay.ByteChannel;
import io.sluice.proxy.tls.TlsStack;
import io.sluice.proxy.upstream.LocalPod;
import io.sluice.proxy.upstream.Upstream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A service of two pods that are asked whether they are well, by the node of a pod that calls. */
@Timeout(60)
@Order(1)
class HealthChecksTest {
  private static final NamespacedName OTHER = new NamespacedName("shop", "store-2");
  private static final NamespacedName THIEF = new NamespacedName("shop", "thief-1");
  private static final Duration INTERVAL = Duration.ofSeconds(1);
  private static final String READY = "/ready";
  private static final int CALLS = 20;

  private final App one = new App("one");
  private final App two = new App("two");
  private final InetAddress address = TwoNodes.freshAddress();
  @AutoClose private final TwoNodes nodes = new TwoNodes(TlsStack.JDK, one);

  @AutoClose
  private final Peers.Server second =
      new Peers.Server(new InetSocketAddress(address, nodes.app.address().getPort()), 0, two);

  private TestNode callers = nodes.client;
  private InetSocketAddress entry = entryOf(callers);

  /** Answers with its name, to everything, unless it hangs. */
  private static final class App implements Peers.Conversation {
    final String name;
    final AtomicInteger asked = new AtomicInteger();
    volatile CountDownLatch gate = new CountDownLatch(0);

    App(String name) {
      this.name = name;
    }

    void hang() {
      gate = new CountDownLatch(1);
    }

    @Override
    public void with(Socket socket) throws Exception {
      var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), US_ASCII));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (line.startsWith("GET " + READY)) {
          asked.incrementAndGet();
        }
        if (line.isEmpty()) {
          gate.await();
          String answer = "HTTP/1.1 200 OK\r\ncontent-length: " + name.length() + "\r\n\r\n" + name;
          socket.getOutputStream().write(answer.getBytes(US_ASCII));
        }
      }
    }
  }

  @BeforeEach
  void serve() {
    InetSocketAddress hbone = new InetSocketAddress(address, MeshPorts.HBONE);
    nodes.server.serve(OTHER, Direction.INBOUND, hbone, hbone);
  }

  @AfterEach
  void letGo() {
    Stream.of(one, two).forEach(app -> app.gate.countDown());
  }

  private SnapshotEditor snapshot(boolean checking, How how) {
    SnapshotEditor editor = nodes.snapshot().edit();
    MeshSettings settings = nodes.snapshot().settings();
    editor.put(checking ? settings.checkingHealth() : settings);
    int port = nodes.app.address().getPort();
    String target = how == How.HTTP ? READY : "";
    List<HealthCheck> checks =
        checking ? List.of(HealthCheck.ofProbe(port, how, target, 1, 1)) : List.of();
    editor.put(store(TwoNodes.STORE, nodes.storeAddresses(), checks));
    editor.put(store(OTHER, List.of(address), checks));
    editor.put(TwoNodes.service(AppProtocol.HTTP, List.of(nodes.app.address(), second.address())));
    return editor;
  }

  private static Workload store(
      NamespacedName name, List<InetAddress> addresses, List<HealthCheck> checks) {
    return new Workload(
        name,
        TwoNodes.STORE_ID,
        addresses,
        Map.of(),
        true,
        null,
        null,
        null,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.STRICT,
        ConnectionSettings.DEFAULT,
        checks,
        null);
  }

  private void check(How how) {
    nodes.publish(snapshot(true, how).snapshot(20));
  }

  /** Who has answered one of so many calls, each by a connection of its own. */
  private Set<String> answering(int calls) throws IOException {
    Set<String> names = new HashSet<>();
    for (int i = 0; i < calls; i++) {
      try (Socket client = Peers.connect(entry)) {
        client.setSoTimeout(5_000);
        client.getOutputStream().write("GET /buy HTTP/1.1\r\nhost: s\r\n\r\n".getBytes(US_ASCII));
        var in = new BufferedReader(new InputStreamReader(client.getInputStream(), US_ASCII));
        String line = in.readLine();
        assertThat(line).isEqualTo("HTTP/1.1 200 OK");
        while (!line.isEmpty()) {
          line = in.readLine();
        }
        char[] name = new char[3];
        assertThat(in.read(name)).isEqualTo(3);
        names.add(new String(name));
      }
    }
    return names;
  }

  private ProxyStats.Checks checks() {
    return callers.proxy.stats().checks();
  }

  /** Within a node there is no connection between the sides, passed or not as calls are. */
  private enum Way {
    ACROSS,
    PAST_THE_LISTENER,
    BY_THE_LISTENER
  }

  private void callWithin(boolean leadsPast) {
    callers = nodes.server;
    callers.sockets.leadsPast = leadsPast;
    entry = entryOf(callers);
  }

  private static InetSocketAddress entryOf(TestNode node) {
    return entryOf(node, TwoNodes.BUYER);
  }

  private static InetSocketAddress entryOf(TestNode node, NamespacedName pod) {
    return node.serve(
        pod,
        Direction.OUTBOUND,
        new InetSocketAddress(Peers.V4, 0),
        new InetSocketAddress(TwoNodes.SERVICE, TwoNodes.SERVICE_PORT));
  }

  @ParameterizedTest
  @EnumSource
  void whoHangsIsLeftWithinThreeIntervalsAndComesBack(Way way) throws IOException {
    if (way != Way.ACROSS) {
      callWithin(way == Way.PAST_THE_LISTENER);
    }
    check(How.HTTP);
    assertThat(answering(CALLS)).contains("one", "two");
    Await.until("both are asked", () -> one.asked.get() > 0 && two.asked.get() > 0);
    assertThat(checks().endpoints()).isEqualTo(2);

    two.hang();
    long begin = System.nanoTime();
    Await.until("it is out", () -> checks().out() == 1);
    assertThat(Duration.ofNanos(System.nanoTime() - begin))
        .isLessThan(INTERVAL.multipliedBy(3).plusMillis(500)); // for a busy machine
    assertThat(callers.proxy.endpointsOut()).containsExactly(second.address());

    assertThat(answering(CALLS)).containsExactly("one");
    nodes.publish(snapshot(true, How.HTTP).snapshot(21));
    assertThat(checks().out()).as("after a snapshot that changes nothing of it").isEqualTo(1);

    two.gate.countDown();
    Await.until("it is back", () -> checks().out() == 0);
    assertThat(answering(CALLS)).contains("one", "two");

    SnapshotEditor without = snapshot(true, How.HTTP);
    without.remove(Kind.WORKLOAD.key(OTHER));
    nodes.publish(without.snapshot(23));
    assertThat(checks().endpoints()).as("without the second pod").isEqualTo(1);
  }

  @Test
  void nobodyIsAskedWhereTheFlagIsOffAndNoLongerOnceItIs() throws IOException {
    nodes.publish(snapshot(false, How.HTTP).snapshot(20));
    answering(CALLS);
    assertThat(checks()).isEqualTo(new ProxyStats.Checks(0, 0, 0, 0, 0));

    check(How.HTTP);
    answering(CALLS);
    two.hang();
    Await.until("it is out", () -> checks().out() == 1);
    nodes.publish(snapshot(false, How.HTTP).snapshot(21));

    assertThat(checks().endpoints()).isZero();
    assertThat(checks().out()).isZero();
  }

  @Test
  void wherePolicyIsAgainstItNothingIsAskedAndNobodyIsOut() throws IOException {
    check(How.HTTP);
    answering(CALLS);
    SnapshotEditor strict = snapshot(true, How.HTTP);
    TwoNodes.buyerMayCall().forEach(one -> strict.remove(one.key()));
    nodes.server.publish(strict.snapshot(21));
    long refused = checks().undecided();
    int asked = one.asked.get() + two.asked.get();

    Await.until("checks are refused", () -> checks().undecided() >= refused + 4);

    assertThat(one.asked.get() + two.asked.get()).isLessThanOrEqualTo(asked + 2); // on their way
    assertThat(checks().out()).isZero();
  }

  private static void isRefused(InetSocketAddress called) {
    try (Socket client = Peers.connect(called)) {
      client.setSoTimeout(5_000);
      assertThat(client.getInputStream().read()).isNegative();
    } catch (IOException e) {
      // Reset: refused.
    }
  }

  /** Its calls, that are refused, keep nobody from coming back. */
  @Test
  void whomPolicyRefusesDecidesNothing() throws Exception {
    SnapshotEditor editor = snapshot(true, How.HTTP);
    editor.put(store(THIEF, List.of(), List.of()));
    nodes.publish(editor.snapshot(20));
    answering(CALLS);
    InetSocketAddress thieves = entryOf(callers, THIEF);
    two.hang();
    Await.until("it is out", () -> checks().out() == 1);
    long undecided = checks().undecided();

    two.gate.countDown();
    Await.until(
        "it is back",
        () -> {
          isRefused(thieves);
          return checks().out() == 0;
        });
    assertThat(checks().undecided()).isEqualTo(undecided);
  }

  /** Nor do they keep it asked. */
  @Test
  @Tag("attack")
  void whomPolicyRefusesIsNotAsked() throws Exception {
    SnapshotEditor editor = snapshot(true, How.HTTP);
    editor.put(store(THIEF, List.of(), List.of()));
    nodes.publish(editor.snapshot(20));
    answering(CALLS);
    InetSocketAddress thieves = entryOf(callers, THIEF);
    two.hang();
    Await.until("it is out", () -> checks().out() == 1);
    callers.proxy.release(TwoNodes.BUYER, ReleaseMode.KEEP_ESTABLISHED).join();
    long undecided = checks().undecided();

    long end = System.nanoTime() + INTERVAL.multipliedBy(2).toNanos();
    Await.until(
        "two intervals are over",
        () -> {
          isRefused(thieves);
          return System.nanoTime() - end > 0;
        });

    assertThat(checks().undecided()).isEqualTo(undecided);
    Attack.tried("calls that policy refuses, to an endpoint that nobody else calls any more")
        .refusedBy("Upstream, which asks policy before an endpoint is kept asked")
        .countedAs("sluice_proxy_refused_connections_total");
  }

  /**
   * Of four that are near one: the others bear its part, so that no call goes further. Of requests
   * policy is asked before, which chooses by chance alone.
   */
  @Test
  void whoMissesItIsAskedAsWhereSomeGoBeforeOthers() throws IOException {
    SnapshotEditor editor = snapshot(true, How.HTTP);
    List<InetSocketAddress> endpoints = new ArrayList<>();
    endpoints.add(nodes.app.address());
    endpoints.add(second.address());
    List<Peers.Server> more = new ArrayList<>();
    for (int i = 3; i < 5; i++) {
      NamespacedName name = new NamespacedName("shop", "store-" + i);
      InetAddress own = TwoNodes.freshAddress();
      more.add(new Peers.Server(new InetSocketAddress(own, nodes.app.address().getPort()), 0, one));
      endpoints.add(more.getLast().address());
      editor.put(store(name, List.of(own), List.of()));
      InetSocketAddress hbone = new InetSocketAddress(own, MeshPorts.HBONE);
      nodes.server.serve(name, Direction.INBOUND, hbone, hbone);
    }
    editor.snapshot(19).workloads().forEach(each -> editor.put(near(each)));
    Service usual = TwoNodes.service(AppProtocol.TCP, endpoints);
    editor.put(
        new Service(
            usual.name(),
            usual.virtualAddresses(),
            usual.ports(),
            SessionAffinity.NONE,
            Nearness.PREFER_ZONE));
    nodes.publish(editor.snapshot(20));
    assertThat(answering(CALLS)).contains("one", "two");
    two.hang();
    Await.until("it is out", () -> checks().out() == 1);

    callers.proxy.release(TwoNodes.BUYER, ReleaseMode.RESET_ESTABLISHED).join();
    entry = entryOf(callers, TwoNodes.CLERK);
    Await.until(
        "it is asked as the one that misses it",
        () ->
            !answering(1).isEmpty()
                && callers.proxy.remembered().out().stream()
                    .anyMatch(each -> each.caller().equals(TwoNodes.CLERK)));
    two.gate.countDown();
    Await.until("it is back", () -> checks().out() == 0);
    more.forEach(Peers.Server::close);
  }

  private static Workload near(Workload pod) {
    return new Workload(
        pod.name(),
        pod.identity(),
        pod.addresses(),
        pod.labels(),
        pod.enrolled(),
        pod.netnsOrNull(),
        pod.uidOrNull(),
        pod.nodeNameOrNull(),
        pod.hostNetwork(),
        pod.interception(),
        pod.probePorts(),
        pod.mtlsMode(),
        pod.connections(),
        pod.healthChecks(),
        "near");
  }

  /** By the node of the replicas, so that most checks would say nothing; it is asked no more. */
  @Test
  void whomThatNodeRefusesDoesNotDelayWhatOthersFindOut() throws IOException {
    SnapshotEditor editor = snapshot(true, How.HTTP);
    List<NamespacedName> clerks =
        IntStream.range(0, 7).mapToObj(i -> new NamespacedName("shop", "clerk-" + i)).toList();
    clerks.forEach(each -> editor.put(TwoNodes.workload(each, TwoNodes.CLERK_ID, List.of())));
    nodes.client.publish(editor.snapshot(20));
    putGrant(editor, Set.of(TwoNodes.BUYER_ID.serviceAccountName()));
    nodes.server.publish(editor.snapshot(20));
    answering(CALLS);
    for (NamespacedName clerk : clerks) {
      InetSocketAddress theirs = entryOf(callers, clerk);
      for (int i = 0; i < 8; i++) {
        try (Socket client = Peers.connect(theirs)) {
          client.setSoTimeout(5_000);
          client.getOutputStream().write("GET /buy HTTP/1.1\r\nhost: s\r\n\r\n".getBytes(US_ASCII));
          assertThat(client.getInputStream().read()).isPositive(); // 403
        }
      }
    }

    int asked = two.asked.get();
    long succeeded = checks().succeeded();
    long begin = System.nanoTime();
    Await.until("several are over", () -> checks().succeeded() >= succeeded + 6);
    long least = INTERVAL.toNanos() * 9 / 10;
    assertThat(two.asked.get() - asked)
        .as("as often as by one node that has one caller")
        .isLessThanOrEqualTo(1 + (int) ((System.nanoTime() - begin) / least));

    two.hang();
    begin = System.nanoTime();
    Await.until("it is out", () -> checks().out() == 1);
    assertThat(Duration.ofNanos(System.nanoTime() - begin))
        .isLessThan(INTERVAL.multipliedBy(3).plusMillis(500)); // for a busy machine
  }

  private static void putGrant(SnapshotEditor editor, Set<NamespacedName> accounts) {
    TwoNodes.buyerMayCall().stream()
        .map(each -> new Permission(each.name(), each.destination(), accounts, each.ports()))
        .forEach(editor::put);
  }

  /** As behind a NetworkPolicy of their own, from before anybody else calls or from then on. */
  @ParameterizedTest
  @CsvSource({"true, false", "false, false", "true, true", "false, true"})
  @Tag("attack")
  void podsWhoseOwnNetworkKeepsThemAwayTakeItFromNobodyElse(boolean first, boolean namespaces)
      throws IOException {
    SnapshotEditor editor = snapshot(true, How.HTTP);
    List<NamespacedName> clerks =
        IntStream.range(0, 12)
            .mapToObj(i -> new NamespacedName(namespaces ? "shop-" + i : "shop", "clerk-" + i))
            .toList();
    Set<NamespacedName> accounts = new HashSet<>();
    for (NamespacedName each : clerks) {
      SpiffeId identity =
          namespaces
              ? new SpiffeId(TrustDomain.CLUSTER_LOCAL, each.namespace(), "clerk")
              : TwoNodes.CLERK_ID;
      editor.put(TwoNodes.workload(each, identity, List.of()));
      if (namespaces) {
        nodes.client.has(identity, nodes.authority.issue(identity));
      }
      accounts.add(identity.serviceAccountName());
    }
    accounts.add(TwoNodes.BUYER_ID.serviceAccountName());
    putGrant(editor, accounts);
    nodes.publish(editor.snapshot(20));
    callers.sockets.cutOff.addAll(clerks);
    List<InetSocketAddress> theirs = clerks.stream().map(each -> entryOf(callers, each)).toList();
    if (first) {
      Await.until("both are out for those alone", () -> inVain(theirs) && checks().out() == 2);
    }
    answering(CALLS);
    Await.until("both are well", () -> checks().out() == 0 && checks().succeeded() >= 2);

    long before = checks().failed();
    Await.until(
        "they have failed several times",
        () -> {
          assertThat(checks().out()).as("as would be, were it up to those").isLessThan(2);
          return inVain(theirs) && checks().failed() >= before + 4;
        });

    two.hang();
    Await.until( // of the other a machine that is away may keep it for a moment
        "nobody has an answer of it alone",
        () -> callers.proxy.endpointsOut().equals(Set.of(second.address())));
    Attack.tried("calls of pods that their own network keeps from the replicas")
        .refusedBy("HealthChecks, which asks as every pod that called before one is out")
        .countedAs("sluice_proxy_health_checks_total failure");
  }

  /** Each of them calls; true. */
  private static boolean inVain(List<InetSocketAddress> entries) throws IOException {
    List<Socket> clients = new ArrayList<>();
    for (InetSocketAddress each : entries) {
      Socket client = Peers.connect(each);
      clients.add(client);
      client.getOutputStream().write("GET /buy HTTP/1.1\r\nhost: s\r\n\r\n".getBytes(US_ASCII));
    }
    clients.getLast().setSoTimeout(50);
    assertThatThrownBy(() -> clients.getLast().getInputStream().read())
        .isInstanceOf(SocketTimeoutException.class);
    for (Socket each : clients) {
      each.close();
    }
    return true;
  }

  /** As a node that keeps to no interval would; what the application has said holds a while. */
  @Test
  @Tag("attack")
  void nodeThatAsksWithoutEndHasTheApplicationAskedFourTimesAnIntervalAtMost() throws Exception {
    check(How.HTTP);
    answering(CALLS); // so that there is a connection
    int before = two.asked.get();
    AtomicInteger answers = new AtomicInteger();
    Queue<Reason> refusals = new ConcurrentLinkedQueue<>();
    long begin = System.nanoTime();
    long end = begin + INTERVAL.multipliedBy(2).toNanos();

    askUntil(end, answers, refusals);
    Await.until("it is over", () -> System.nanoTime() - end > 0);

    int most = 1 + (int) ((System.nanoTime() - begin) / (INTERVAL.toNanos() / 4));
    assertThat(answers).as("beside %s", refusals).hasValueGreaterThan(2 * most);
    assertThat(two.asked.get() - before).isBetween(2, most);
    Attack.tried("health questions of a peer without end")
        .refusedBy("Checkup, which tells what the application has said")
        .countedAs("nothing; the peer's connection is bounded as any");
  }

  private void askUntil(long end, AtomicInteger answers, Queue<Reason> refusals) {
    if (System.nanoTime() - end > 0) {
      return;
    }
    DataPath path = callers.proxy.path;
    LocalPod buyer = Objects.requireNonNull(path.served.get(TwoNodes.BUYER));
    Loop loop = callers.proxy.loops.getFirst();
    InetAddress own = path.snapshot.workload(TwoNodes.BUYER).orElseThrow().addresses().getFirst();
    InetSocketAddress client = new InetSocketAddress(own, 0);
    Subject subject = new Subject(TwoNodes.BUYER, Direction.OUTBOUND, client);
    subject.calls(second.address());
    subject.clientIs(TwoNodes.BUYER, client, TwoNodes.BUYER_ID, TwoNodes.STORE_ID);
    Flow flow = new Flow(TwoNodes.BUYER, client, second.address());
    Upstream.Listener again =
        new Upstream.Listener() {
          @Override
          public boolean isCheck() {
            return true;
          }

          @Override
          public void opened(ByteChannel channel) {
            channel.reset();
            answers.incrementAndGet();
            askUntil(end, answers, refusals);
          }

          @Override
          public void refused(Verdict verdict, CloseKind kind) {
            refusals.add(verdict.reason()); // such as of a connection that was not made in time
            loop.executor.schedule(
                () -> askUntil(end, answers, refusals), 10, TimeUnit.MILLISECONDS);
          }
        };
    loop.executor.execute(() ->
        new Upstream(loop.upstreams, buyer, buyer, path.snapshot, flow.byRequest(), subject, again)
            .start());
  }

  /** Once more of the first, at most: who calls anyway keeps it asked as often as is needed. */
  @Test
  void whoMeetsOneThatIsOutIsDecidedOnce() {
    SnapshotEditor editor = snapshot(true, How.HTTP);
    TwoNodes.buyerMayCall().stream()
        .map(each ->
            new Permission(
                each.name(),
                each.destination(),
                each.sources(),
                each.ports(),
                new Access.Requests(
                    List.of(new HttpMatch("", Regex.ANY, Set.of("GET"), Map.of())))))
        .forEach(editor::put);
    nodes.publish(editor.snapshot(20));
    AtomicInteger decided = new AtomicInteger();
    Set<InetSocketAddress> taken = ConcurrentHashMap.newKeySet();
    take(CALLS, decided, taken);
    assertThat(taken).hasSize(2);
    two.hang();
    Await.until("it is out", () -> checks().out() == 1);

    decided.set(0);
    taken.clear();
    take(10 * CALLS, decided, taken);

    assertThat(taken).containsExactly(nodes.app.address());
    assertThat(decided).hasValueBetween(10 * CALLS, 10 * CALLS + 1);
  }

  /** So many requests of the buyer are led on, and no further. */
  private void take(int calls, AtomicInteger decided, Set<InetSocketAddress> taken) {
    DataPath path = callers.proxy.path;
    LocalPod buyer = Objects.requireNonNull(path.served.get(TwoNodes.BUYER));
    InetAddress own = path.snapshot.workload(TwoNodes.BUYER).orElseThrow().addresses().getFirst();
    InetSocketAddress client = new InetSocketAddress(own, 0);
    InetSocketAddress called = new InetSocketAddress(TwoNodes.SERVICE, TwoNodes.SERVICE_PORT);
    HttpRequest request =
        new HttpRequest() {
          @Override
          public String method() {
            decided.incrementAndGet();
            return "GET";
          }

          @Override
          public String authority() {
            return "s";
          }

          @Override
          public String path() {
            return "/buy";
          }

          @Override
          public @Nullable String header(String name) {
            return null;
          }
        };
    Upstream.Listener taking =
        new Upstream.Listener() {
          @Override
          public HttpRequest request() {
            return request;
          }

          @Override
          public boolean takes(InetSocketAddress endpoint) {
            taken.add(endpoint);
            return true;
          }

          @Override
          public void opened(ByteChannel channel) {
            channel.reset();
          }

          @Override
          public void refused(Verdict verdict, CloseKind kind) {}
        };
    Loop loop = callers.proxy.loops.getFirst();
    for (int i = 0; i < calls; i++) {
      Subject subject = new Subject(TwoNodes.BUYER, Direction.OUTBOUND, client);
      subject.clientIs(TwoNodes.BUYER, client, TwoNodes.BUYER_ID, TwoNodes.STORE_ID);
      Flow flow = new Flow(TwoNodes.BUYER, client, called).byRequest();
      loop.executor
          .submit(
              new Upstream(loop.upstreams, buyer, buyer, path.snapshot, flow, subject, taking)
                  ::start)
          .syncUninterruptibly();
    }
  }

  @Test
  void whereMoreThanHalfHangAllAreUsed() throws IOException {
    check(How.HTTP);
    answering(CALLS);
    one.hang();
    two.hang();
    Await.until("both are out", () -> checks().out() == 2);

    Stream.of(one, two).forEach(app -> app.gate = new CountDownLatch(0));
    assertThat(answering(CALLS)).isNotEmpty();
  }

  @Test
  void whoFollowsAsksWhoIsOutAndNobodyElseUntilItIsWell() throws IOException {
    check(How.HTTP);
    InetSocketAddress buyers = entry;
    entry = entryOf(callers, TwoNodes.CLERK);
    assertThat(answering(CALLS)).contains("one", "two");
    entry = buyers;
    assertThat(answering(CALLS)).contains("one", "two");
    two.hang();
    Await.until("it is out", () -> checks().out() == 1);
    Remembered told = callers.proxy.remembered();
    assertThat(told.out())
        .extracting(Remembered.Out::caller)
        .containsExactlyInAnyOrder(TwoNodes.BUYER, TwoNodes.CLERK);

    nodes.publish(snapshot(false, How.HTTP).snapshot(21));
    callers.proxy.recall(told);
    assertThat(checks().out()).as("nobody is asked").isZero();
    nodes.publish(snapshot(true, How.HTTP).snapshot(22));
    Remembered.Out out = told.out().getFirst();
    callers.proxy.recall(
        new Remembered(
            List.of(),
            List.of(),
            List.of(
                new Remembered.Out(out.endpoint(), TwoNodes.STORE, out.caller()), // is not its
                new Remembered.Out(out.endpoint(), out.pod(), THIEF)), // is not here
            List.of()));
    assertThat(checks().out()).isZero();

    callers.proxy.recall(told);
    assertThat(callers.proxy.endpointsOut()).containsExactly(second.address());
    assertThat(answering(CALLS)).containsExactly("one");
    Stream.of(TwoNodes.BUYER, TwoNodes.CLERK)
        .forEach(each ->
            assertThat(callers.proxy.remembered().out())
                .extracting(Remembered.Out::caller)
                .contains(each));
    two.gate.countDown();
    Await.until("it is back", () -> checks().out() == 0);
    assertThat(answering(CALLS)).contains("one", "two");
  }

  /** Of a port without HTTP that somebody accepts at is all that can be known. */
  @ParameterizedTest
  @EnumSource(names = {"TCP", "ANY_HTTP"})
  void whoCannotBeReachedIsOut(How how) throws IOException {
    check(how);
    answering(CALLS);
    Await.until("checks succeed", () -> checks().succeeded() >= 2);
    second.close();

    Await.until("it is out", () -> checks().out() == 1);
    assertThat(answering(CALLS)).containsExactly("one");
  }
}

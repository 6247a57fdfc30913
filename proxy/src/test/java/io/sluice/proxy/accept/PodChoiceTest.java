package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.ConnectionSettings;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Faults;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.HttpFilters.Mirror;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Nearness;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SessionAffinity;
import io.sluice.mesh.SessionPersistence;
import io.sluice.mesh.SessionPersistence.Carrier;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrafficRoute.Backend;
import io.sluice.mesh.TrafficRoute.Rule;
import io.sluice.mesh.TrafficRoute.TimeLimits;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Ejection;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.mesh.Workload;
import io.sluice.proxy.Peers;
import io.sluice.proxy.admission.Remembered;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which of three pods requests meet: the one of a session or a client, or near ones. */
@Timeout(60)
class PodChoiceTest {
  private static final NamespacedName FIRST = new NamespacedName("shop", "first");
  private static final NamespacedName REST = new NamespacedName("shop", "rest");
  private static final NamespacedName MIRROR = new NamespacedName("shop", "mirror");
  private static final int MANY = 1_000;
  private static final InetSocketAddress CALLED = new InetSocketAddress(ProxyFixture.STORE_VIP, 80);
  private static final Pattern TOLD =
      Pattern.compile("\r\nset-cookie: sid=([0-9a-f]+); Path=/buy; HttpOnly; SameSite=Strict\r\n");

  private final ProxyFixture fixture = new ProxyFixture();
  private final List<Peers.Server> apps = new ArrayList<>();
  private final InetSocketAddress entry = fixture.outboundTo(CALLED);
  private SessionPersistence session =
      new SessionPersistence(Carrier.COOKIE, "sid", "/buy", 0, false, 7);
  private HttpFilters ofRest = HttpFilters.NONE;
  private @Nullable NamespacedName unwell;
  private int revision = 20;

  PodChoiceTest() throws IOException {
    for (int i = 0; i < 3; i++) {
      byte[] answer =
          "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npod-%d!".formatted(i).getBytes(ISO_8859_1);
      apps.add(
          new Peers.Server(
              InetAddress.ofLiteral("127.0.7." + (1 + i)),
              socket ->
                  HttpFixture.answerEach(
                      socket,
                      new HttpFixture.Received(),
                      () -> {
                        socket.getOutputStream().write(answer);
                        return true;
                      })));
    }
  }

  @AfterEach
  void close() {
    fixture.close();
    apps.forEach(Peers.Server::close);
  }

  /** The route leads to a service with the first pod, and one with these others. */
  private void publish(int weightOfFirst, int... others) {
    publish(weightOfFirst, 2, others);
  }

  private void publish(int weightOfFirst, int weightOfRest, int[] others) {
    SnapshotEditor editor = ProxyFixture.permissive().edit();
    editor.put(ProxyFixture.permissive().settings().checkingHealth());
    for (int i = 0; i < apps.size(); i++) {
      editor.put(pod(i));
    }
    editor.put(service(ProxyFixture.STORE, List.of(ProxyFixture.STORE_VIP), SessionAffinity.NONE));
    editor.put(service(FIRST, List.of(), SessionAffinity.NONE, 0));
    editor.put(service(REST, List.of(), SessionAffinity.NONE, others));
    editor.put(service(MIRROR, List.of(), SessionAffinity.NONE, 1));
    editor.put(
        ProxyFixture.route(
            new Rule(
                0,
                List.of(),
                List.of(
                    new Backend(FIRST, weightOfFirst),
                    new Backend(REST, CALLED.getPort(), weightOfRest, ofRest)),
                null,
                TimeLimits.UNSAID,
                Faults.NONE,
                session,
                null)));
    fixture.proxy.publish(editor.snapshot(revision++));
  }

  private Service service(
      NamespacedName name, List<InetAddress> addresses, SessionAffinity affinity, int... pods) {
    List<Endpoint> endpoints = new ArrayList<>();
    for (int pod : pods) {
      endpoints.add(new Endpoint(apps.get(pod).address(), true));
    }
    return new Service(
        name,
        addresses,
        List.of(new ServicePort("http", 80, AppProtocol.HTTP, endpoints)),
        affinity,
        Nearness.ANYWHERE);
  }

  private Workload pod(int number) {
    return pod(
        new NamespacedName("shop", "pod-" + number),
        List.of(apps.get(number).address().getAddress()),
        "node-" + number,
        number < 2 ? "near" : "far");
  }

  private Workload pod(NamespacedName name, List<InetAddress> addresses, String node, String zone) {
    return new Workload(
        name,
        new SpiffeId(TrustDomain.CLUSTER_LOCAL, name.namespace(), name.name()),
        addresses,
        Map.of(),
        name.equals(ProxyFixture.BUYER) || name.equals(unwell),
        null,
        null,
        node,
        false,
        InterceptionSettings.EVERYTHING,
        Set.of(),
        MtlsMode.PERMISSIVE,
        ConnectionSettings.DEFAULT,
        List.of(),
        zone);
  }

  private String ask(Socket socket, String... headers) throws IOException {
    StringBuilder request = new StringBuilder("GET /buy HTTP/1.1\r\nHost: store\r\n");
    List.of(headers).forEach(header -> request.append(header).append("\r\n"));
    socket.getOutputStream().write(request.append("\r\n").toString().getBytes(ISO_8859_1));
    return HttpFixture.read(socket, "!").replace("!", "");
  }

  /** By a connection of its own. */
  private String ask(String... headers) throws IOException {
    try (Socket socket = Peers.connect(entry)) {
      return ask(socket, headers);
    }
  }

  private static String pod(String answer) {
    return answer.substring(answer.indexOf("pod-"));
  }

  /** Until every pod has one; by the pod. */
  private Map<String, String> sessions() throws IOException {
    Map<String, String> cookies = new HashMap<>();
    while (cookies.size() < 3) {
      String answer = ask();
      Matcher told = TOLD.matcher(answer);
      assertThat(told.find()).as(answer).isTrue();
      cookies.merge(
          pod(answer),
          told.group(1),
          (before, now) -> {
            assertThat(now).isEqualTo(before);
            return now;
          });
    }
    return cookies;
  }

  @Test
  void cookieKeepsTheSessionWithItsPod() throws IOException {
    publish(1, 1, 2);
    for (var each : sessions().entrySet()) {
      assertThat(each.getValue()).as("nothing but a hash").hasSize(16);
      for (int i = 0; i < 100; i++) {
        assertThat(ask("Cookie: xsid=0; a=b; sid=" + each.getValue() + "; c=d"))
            .endsWith(each.getKey())
            .doesNotContain("set-cookie");
      }
      try (Socket one = Peers.connect(entry)) {
        for (int i = 0; i < 5; i++) {
          ask(one); // so that a connection to some pod stands
          assertThat(ask(one, "Cookie: sid=" + each.getValue())).endsWith(each.getKey());
        }
      }
    }
  }

  @Test
  void weightsAndNewPodsMoveNoSession() throws IOException {
    publish(1, 1, 2);
    Map<String, String> sessions = sessions();
    publish(0, 1);
    for (String pod : List.of("pod-0", "pod-1")) {
      assertThat(ask("Cookie: sid=" + sessions.get(pod))).endsWith(pod);
    }
    publish(0, 2, 1);
    for (var each : sessions.entrySet()) {
      assertThat(ask("Cookie: sid=" + each.getValue())).endsWith(each.getKey());
    }
  }

  @Test
  void sessionOfAPodThatIsGoneGoesToAnotherOneAndStaysThere() throws IOException {
    publish(1, 1, 2);
    String lost = sessions().get("pod-2");
    publish(1, 1);

    String answer = ask("Cookie: sid=" + lost);
    Matcher told = TOLD.matcher(answer);
    assertThat(told.find()).as(answer).isTrue();
    assertThat(told.group(1)).isNotEqualTo(lost);
    for (int i = 0; i < 20; i++) {
      assertThat(ask("Cookie: sid=" + told.group(1))).endsWith(pod(answer));
    }
  }

  @Test
  void backendThatIsDrainedGetsNoSessionOfAPodThatDoesNotAnswer() throws IOException {
    publish(1, 1, 2);
    String lost = sessions().get("pod-2");
    publish(1, 0, new int[] {1, 2});
    assertThat(ask("Cookie: sid=" + lost)).endsWith("pod-2");

    apps.get(2).close();
    String answer = ask("Cookie: sid=" + lost);
    assertThat(answer).endsWith("pod-0").containsPattern(TOLD);
  }

  @Test
  void mirrorOfABackendThatDoesNotAnswerGetsNothingOfWhatGoesToAnother() throws IOException {
    publish(1, 1, 2);
    String lost = sessions().get("pod-2");
    List<Mirror> mirrors = List.of(new Mirror(MIRROR, CALLED.getPort(), 100, 100));
    ofRest = new HttpFilters(List.of(), List.of(), null, mirrors);
    publish(1, 0, new int[] {1, 2});
    apps.get(2).close();
    int before = apps.get(1).accepted.get();

    assertThat(ask("Cookie: sid=" + lost)).endsWith("pod-0");

    try (Socket behind = Peers.connect(apps.get(1).address())) {
      assertThat(ask(behind)).endsWith("pod-1"); // who came before it has been accepted before
    }
    assertThat(apps.get(1).accepted).hasValue(before + 1);
  }

  @Test
  void backendThatIsDrainedGetsNoSessionOfAPodThatIsNotWell() throws IOException {
    publish(1, 1, 2);
    String lost = sessions().get("pod-2");
    unwell = new NamespacedName("shop", "pod-2");
    publish(1, 0, new int[] {1, 2});
    Remembered.Out out = new Remembered.Out(apps.get(2).address(), unwell, ProxyFixture.BUYER);
    fixture.proxy.recall(new Remembered(List.of(), List.of(), List.of(out), List.of()));
    assertThat(fixture.proxy.endpointsOut()).containsExactly(apps.get(2).address());

    String answer = ask("Cookie: sid=" + lost);
    assertThat(answer).endsWith("pod-0").containsPattern(TOLD);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "7f000703",
        "127.0.7.3:80",
        "ffffffffffffffff",
        "0000000000000000",
        "ffffffffffffffff0000000000000000ffffffffffffffff",
        "'; DROP"
      })
  void tokenThatNoNodeHasToldIsNone(String token) throws IOException {
    publish(1, 1);
    Set<String> met = new HashSet<>();
    for (int i = 0; i < 30; i++) {
      String answer = ask("Cookie: sid=" + token);
      assertThat(answer).containsPattern(TOLD);
      met.add(pod(answer));
    }
    assertThat(met).as("and never who is no endpoint").containsExactlyInAnyOrder("pod-0", "pod-1");
  }

  @Test
  void headerDoesTheSame() throws IOException {
    session = new SessionPersistence(Carrier.HEADER, "X-Session", "/", 0, false, 7);
    publish(1, 1, 2);
    String answer = ask();
    Matcher told = Pattern.compile("\r\nx-session: ([0-9a-f]{16})\r\n").matcher(answer);
    assertThat(told.find()).as(answer).isTrue();
    for (int i = 0; i < 20; i++) {
      assertThat(ask("x-session: " + told.group(1)))
          .endsWith(pod(answer))
          .doesNotContain("x-session");
    }
  }

  @ParameterizedTest
  @CsvSource({"false, ''", "true, '; Max-Age=3600'"})
  void sessionEndsWithItsTime(boolean permanent, String attribute) throws IOException {
    session = new SessionPersistence(Carrier.COOKIE, "sid", "/", 3_600, permanent, 7);
    publish(1, 1, 2);
    String answer = ask();
    Matcher told =
        Pattern.compile("\r\nset-cookie: sid=([0-9a-f]{32}); Path=/" + attribute + "; HttpOnly")
            .matcher(answer);
    assertThat(told.find()).as(answer).isTrue();
    assertThat(ask("Cookie: sid=" + told.group(1)))
        .endsWith(pod(answer))
        .doesNotContain("set-cookie");

    String over = told.group(1).substring(0, 16) + "0000000000000001";
    assertThat(ask("Cookie: sid=" + over)).contains("set-cookie: sid=");
  }

  @Test
  void requestsOfOneClientAddressMeetOnePod() throws IOException {
    SnapshotEditor editor = ProxyFixture.permissive().edit();
    editor.put(
        service(
            ProxyFixture.STORE,
            List.of(ProxyFixture.STORE_VIP),
            SessionAffinity.CLIENT_IP,
            0,
            1,
            2));
    fixture.proxy.publish(editor.snapshot(revision++));
    Set<String> met = new HashSet<>();
    for (int i = 0; i < 50; i++) {
      met.add(pod(ask()));
    }
    try (Socket kept = Peers.connect(entry)) {
      for (int i = 0; i < 50; i++) {
        met.add(pod(ask(kept)));
      }
    }
    assertThat(met).hasSize(1);
  }

  /** The caller is on node 0; pod 1 is in its zone. Ready are those with a one. */
  @ParameterizedTest
  @CsvSource({
    "PREFER_NODE, 111, pod-0",
    "PREFER_NODE, 011, pod-1",
    "PREFER_NODE, 001, pod-2",
    "PREFER_ZONE, 111, pod-0 pod-1",
    "PREFER_ZONE, 011, pod-1",
    "PREFER_ZONE, 001, pod-2",
    "ONLY_NODE, 111, pod-0",
    "ONLY_NODE, 011, 503",
    "ANYWHERE, 111, pod-0 pod-1 pod-2"
  })
  void nearPodsAreCalledFirstAndOthersWhereThereAreNone(
      Nearness nearness, String ready, String expected) throws IOException {
    List<Endpoint> endpoints = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      endpoints.add(new Endpoint(apps.get(i).address(), ready.charAt(i) == '1'));
    }
    publishNear(nearness, endpoints);
    assertThat(met()).isEqualTo(Set.of(expected.split(" ")));
  }

  @Test
  void wherePodsThatAreNearDoNotAnswerOthersDo() throws IOException {
    List<Endpoint> endpoints = new ArrayList<>();
    apps.forEach(app -> endpoints.add(new Endpoint(app.address(), true)));
    publishNear(Nearness.PREFER_NODE, endpoints);
    apps.getFirst().close();
    assertThat(met()).containsExactly("pod-1");
  }

  /**
   * Of the two pods of the zone one is left, which bears seven fifths of its share: seven of ten
   * calls, within four points, which are four deviations.
   */
  @Test
  void wherePodsThatAreNearHaveFailedOthersTakeAPart() throws IOException {
    List<Endpoint> endpoints = new ArrayList<>();
    apps.forEach(app -> endpoints.add(new Endpoint(app.address(), true)));
    publishNear(
        Nearness.PREFER_ZONE,
        endpoints,
        new Ejection(5, Duration.ofMinutes(1), Duration.ofMinutes(1), 50));
    assertThat(met()).containsExactlyInAnyOrder("pod-0", "pod-1");

    apps.get(1).close();
    while (fixture.proxy.stats().ejections().now() == 0) {
      assertThat(met()).contains("pod-0");
    }

    Map<String, Integer> calls = met(MANY);
    assertThat(calls).containsOnlyKeys("pod-0", "pod-2");
    assertThat(calls.get("pod-0")).isBetween(MANY * 63 / 100, MANY * 77 / 100);
  }

  private void publishNear(Nearness nearness, List<Endpoint> endpoints) {
    publishNear(nearness, endpoints, null);
  }

  private void publishNear(
      Nearness nearness, List<Endpoint> endpoints, @Nullable Ejection ejection) {
    SnapshotEditor editor = ProxyFixture.permissive().edit();
    editor.put(
        new UpstreamSetting(
            ProxyFixture.STORE,
            new NamespacedName("shop", "limits"),
            Pool.NONE,
            null,
            ejection,
            Limits.NONE));
    for (int i = 0; i < apps.size(); i++) {
      editor.put(pod(i));
    }
    editor.put(pod(ProxyFixture.BUYER, List.of(), "node-0", "near"));
    editor.put(
        new Service(
            ProxyFixture.STORE,
            List.of(ProxyFixture.STORE_VIP),
            List.of(new ServicePort("http", 80, AppProtocol.HTTP, endpoints)),
            SessionAffinity.NONE,
            nearness));
    fixture.proxy.publish(editor.snapshot(revision++));
  }

  /** Who answers, or the status where nobody does. */
  private Set<String> met() throws IOException {
    return met(30).keySet();
  }

  private Map<String, Integer> met(int times) throws IOException {
    Map<String, Integer> met = new HashMap<>();
    for (int i = 0; i < times; i++) {
      try (Socket socket = Peers.connect(entry)) {
        socket
            .getOutputStream()
            .write("GET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n".getBytes(ISO_8859_1));
        String answer = HttpFixture.read(socket, "").replace("!", "");
        met.merge(answer.contains("pod-") ? pod(answer) : answer.split(" ")[1], 1, Integer::sum);
      }
    }
    return met;
  }
}

package io.sluice.proxy.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.await.Await;
import io.sluice.mesh.Access;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.HttpFilters.Mirror;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrafficRoute.Backend;
import io.sluice.mesh.TrafficRoute.Rule;
import io.sluice.mesh.decision.Reason;
import io.sluice.proxy.Peers;
import io.sluice.proxy.RequestRecord;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Copies of requests arrive at mirrors, and whoever asked notices nothing of it. */
@Timeout(60)
class MirrorTest {
  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final NamespacedName MIRROR = new NamespacedName("shop", "mirror");
  private static final int MOST_CONTENT = 32 << 10;
  private static final int MOST_COPIES = 64;
  private static final int ENTIRELY = 100;

  private final HttpFixture mesh = new HttpFixture().byService();
  private final List<HttpFixture.Received> copies = new CopyOnWriteArrayList<>();
  private final CountDownLatch released = new CountDownLatch(1);
  private List<FieldChange> changes = List.of();
  private Peers.Server mirror = new Peers.Server(Peers.V4, Peers.ECHO);

  @AfterEach
  void close() {
    released.countDown();
    mirror.close();
    mesh.close();
  }

  /** The store's requests are copied to an application of it that serves so. */
  private void mirrorTo(HttpFixture.Application application, int percent) {
    mirrorTo(application, percent, true);
  }

  private void mirrorTo(HttpFixture.Application application, int percent, boolean granted) {
    mirror.close();
    mirror =
        new Peers.Server(
            mesh.nodes.storeAddresses().getFirst(),
            socket -> {
              HttpFixture.Received one = new HttpFixture.Received();
              copies.add(one);
              application.serve(socket, one);
            });
    SnapshotEditor editor =
        mesh.nodes.withRequests(List.of(HttpFixture.match("/books.*", "GET", "POST"))).edit();
    if (granted) {
      editor.put(
          new Permission(
              new NamespacedName("shop", "mirror"),
              TwoNodes.STORE_ID.serviceAccountName(),
              TwoNodes.buyerMayCall().getFirst().sources(),
              Ports.of(mirror.address().getPort()),
              new Access.Requests(List.of(HttpFixture.match("/books.*", "GET", "POST")))));
    }
    editor.put(
        new Service(
            MIRROR,
            List.of(),
            List.of(
                new ServicePort(
                    "http", 81, AppProtocol.HTTP, List.of(new Endpoint(mirror.address(), true))))));
    editor.put(
        ProxyFixture.route(
            new Rule(
                List.of(),
                List.of(
                    new Backend(
                        STORE,
                        TwoNodes.SERVICE_PORT,
                        1,
                        new HttpFilters(
                            changes,
                            List.of(),
                            null,
                            List.of(new Mirror(MIRROR, 81, percent, ENTIRELY))))))));
    mesh.nodes.publish(editor.snapshot(10));
  }

  private String post(String content) throws IOException {
    return mesh.ask(
        "POST /books/1?a=b HTTP/1.1\r\nHost: store\r\nConnection: close\r\nContent-Length: "
            + content.length()
            + "\r\n\r\n"
            + content,
        "");
  }

  private static String get(Socket client) throws IOException {
    client
        .getOutputStream()
        .write("GET /books HTTP/1.1\r\nHost: store\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    return HttpFixture.read(client, "ok");
  }

  private List<RequestRecord> ofMirror() {
    return mesh.nodes.client.recorder.requests.stream()
        .filter(one -> MIRROR.equals(one.info().service().orElse(null)))
        .toList();
  }

  private List<RequestRecord> posted() {
    return ofMirror().stream().filter(one -> one.method().equals("POST")).toList();
  }

  @Test
  void aCopyHasEverythingAndItsAnswerGoesToNobody() throws IOException {
    changes = List.of(new FieldChange(Action.SET, "x-rule", "one"));
    mirrorTo(
        (socket, received) ->
            HttpFixture.answerEach(
                socket, received, "HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nlost"),
        ENTIRELY);

    assertThat(post("five!")).startsWith("HTTP/1.1 200").endsWith("ok").doesNotContain("lost");

    Await.until("the copy is told of", () -> ofMirror().size() == 1);
    assertThat(copies.getFirst().text())
        .startsWith("POST /books/1?a=b HTTP/1.1\r\n")
        .contains("x-rule: one", "x-forwarded-client-cert: ", TwoNodes.BUYER_ID.toString())
        .endsWith("\r\n\r\nfive!");
    assertThat(ofMirror().getFirst())
        .satisfies(one -> {
          assertThat(one.status()).isEqualTo(500);
          assertThat(one.end()).isEqualTo(RequestRecord.End.WHOLE);
          assertThat(one.requestBytes()).isEqualTo(5);
        });
    Await.until(
        "the mirror's node tells of it too",
        () -> mesh.nodes.server.recorder.requests.stream().anyMatch(one -> one.status() == 500));
    assertThat(mesh.received).hasSize(1);
  }

  @Test
  void aMirrorThatNeverAnswersKeepsNobodyWaitingAndGetsNoMoreThanTheLimit() throws IOException {
    mirrorTo((socket, _) -> HttpFixture.awaitQuietly(released), ENTIRELY);

    try (Socket client = mesh.connect()) {
      for (int i = 0; i < MOST_COPIES + 3; i++) {
        assertThat(get(client)).startsWith("HTTP/1.1 200").endsWith("ok");
      }
    }

    assertThat(ofMirror())
        .hasSize(3)
        .allSatisfy(one -> {
          assertThat(one.verdict().reason()).isEqualTo(Reason.MIRROR_LIMIT);
          assertThat(one.end()).isEqualTo(RequestRecord.End.CUT);
        });
    Await.until("the others have come", () -> mirror.accepted.get() == MOST_COPIES);
    released.countDown();
    Await.until("they have an end", () -> ofMirror().size() == MOST_COPIES + 3);
  }

  @Test
  void aMirrorThatIsGoneOrRefusedIsToldOfAndNothingElse() throws IOException {
    mirrorTo(HttpFixture::answerEach, ENTIRELY, false);
    try (Socket client = mesh.connect()) {
      assertThat(get(client)).startsWith("HTTP/1.1 200");
      assertThat(get(client)).startsWith("HTTP/1.1 200");
    }
    assertThat(ofMirror())
        .extracting(RequestRecord::status, one -> one.verdict().reason(), RequestRecord::copy)
        .containsExactly(
            tuple(403, Reason.PORT_NOT_GRANTED, true), tuple(403, Reason.PORT_NOT_GRANTED, true));
    Await.until(
        "both are told of",
        () ->
            mesh.nodes.client.recorder.requests.stream().filter(one -> one.status() == 200).count()
                >= 2);
    assertThat(mesh.nodes.client.recorder.requests)
        .filteredOn(one -> one.status() == 200)
        .hasSize(2)
        .noneMatch(RequestRecord::copy);
    assertThat(mirror.accepted).hasValue(0);

    mirrorTo(HttpFixture::answerEach, ENTIRELY);
    mirror.close();
    assertThat(post("")).startsWith("HTTP/1.1 200").endsWith("ok");
    Await.until("it is told", () -> ofMirror().size() == 3);
    RequestRecord last = ofMirror().getLast();
    assertThat(last.end()).as("%s", last).isEqualTo(RequestRecord.End.NO_UPSTREAM);
  }

  @Test
  void onlyWhatIsSmallEnoughIsCopied() throws IOException {
    mirrorTo(HttpFixture::answerEach, ENTIRELY);

    for (int length : List.of(MOST_CONTENT + 1, MOST_CONTENT)) {
      assertThat(post("x".repeat(length))).startsWith("HTTP/1.1 200").endsWith("ok");
    }

    Await.until("one is told of", () -> !ofMirror().isEmpty());
    assertThat(ofMirror())
        .extracting(RequestRecord::requestBytes)
        .containsExactly((long) MOST_CONTENT);
  }

  @Test
  void theShareIsThatOfTheFilter() throws IOException {
    mirrorTo(HttpFixture::answerEach, 25);
    try (Socket client = mesh.connect()) {
      for (int i = 0; i < 200; i++) {
        assertThat(get(client)).startsWith("HTTP/1.1 200");
      }
    }
    assertThat(ofMirror().size()).isBetween(50 - 31, 50 + 31); // five standard deviations

    mirrorTo(HttpFixture::answerEach, 0);
    for (int i = 0; i < 20; i++) {
      assertThat(post("x")).startsWith("HTTP/1.1 200");
    }
    mirrorTo(HttpFixture::answerEach, ENTIRELY);
    assertThat(post("last")).startsWith("HTTP/1.1 200");
    Await.until("the last is told of", () -> !posted().isEmpty());
    assertThat(posted()).extracting(RequestRecord::requestBytes).containsExactly(4L);
  }
}

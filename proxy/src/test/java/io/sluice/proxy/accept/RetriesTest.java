package io.sluice.proxy.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersDecoder;
import io.sluice.await.Await;
import io.sluice.mesh.Access;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Endpoint;
import io.sluice.mesh.Faults;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Permission;
import io.sluice.mesh.Ports;
import io.sluice.mesh.RetryPolicy;
import io.sluice.mesh.RetryPolicy.Condition;
import io.sluice.mesh.Service;
import io.sluice.mesh.ServicePort;
import io.sluice.mesh.SnapshotEditor;
import io.sluice.mesh.TrafficRoute.TimeLimits;
import io.sluice.mesh.UpstreamSetting;
import io.sluice.mesh.UpstreamSetting.Limits;
import io.sluice.mesh.UpstreamSetting.Pool;
import io.sluice.proxy.Peers;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.Retried;
import io.sluice.proxy.Retried.Event;
import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.http2.ReceiveWindows;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What fails is tried again as a Retry says, and no more often. */
@Timeout(60)
class RetriesTest {
  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final String FAILED = "HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nlost";
  private static final String EMPTY = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
  private static final String SILENT = "";
  private static final String GONE = "gone";
  private static final String CUT = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbegun";
  private static final String OPEN = CUT.replace("9", "99"); // and goes on
  private static final int PLENTY = 5;
  private static final int FEWEST = 3;
  private static final String HASTY = "hasty";
  private static final int MOST_KEPT = 32 << 10;
  private static final int REPLAYS = 50;
  private static final int FRAME = 16 << 10;

  /** What the application answers to each request, in the order they come; the last one stays. */
  private final List<String> script = new CopyOnWriteArrayList<>();

  /** What has come to the application of each request in each try, by its path. */
  private final Map<String, List<String>> tries = new ConcurrentHashMap<>();

  private volatile HttpFixture.Application application = this::serveScript;
  private final AtomicInteger asked = new AtomicInteger();
  private final CountDownLatch released = new CountDownLatch(1);
  private final HttpFixture mesh =
      new HttpFixture((socket, received) -> application.serve(socket, received), "/books.*")
          .byService();

  @AfterEach
  void close() {
    released.countDown();
    mesh.close();
  }

  private void serveScript(Socket socket, HttpFixture.Received received) throws IOException {
    HttpFixture.answerEach(
        socket,
        received,
        () -> {
          String answer = script.get(Math.min(asked.getAndIncrement(), script.size() - 1));
          if (answer.startsWith("later ")) {
            HttpFixture.awaitQuietly(released);
          }
          String said = answer.equals(GONE) ? "" : answer.replace("later ", "");
          socket.getOutputStream().write(said.getBytes(ISO_8859_1));
          return !answer.equals(GONE) && !answer.equals(CUT);
        });
  }

  private static RetryPolicy policy(int most, long tryMillis, Condition... on) {
    return policy(most, tryMillis, 1, on);
  }

  private static RetryPolicy policy(int most, long tryMillis, long backoffMillis, Condition... on) {
    return new RetryPolicy(
        new NamespacedName("shop", "again"),
        TwoNodes.BUYER_ID.serviceAccountName(),
        Set.of(STORE),
        Set.of(on),
        Set.of(429),
        most,
        tryMillis,
        backoffMillis);
  }

  private SnapshotEditor editor() {
    return mesh.nodes.withRequests(List.of(HttpFixture.match("/books.*", "GET", "POST"))).edit();
  }

  private void retry(RetryPolicy policy) {
    SnapshotEditor editor = editor();
    editor.put(policy);
    mesh.nodes.publish(editor.snapshot(10));
  }

  private String get(String enough) throws IOException {
    return mesh.ask("GET /books HTTP/1.1\r\nHost: store\r\n\r\n", enough);
  }

  private String post(String content, String enough) throws IOException {
    return mesh.ask(
        "POST /books HTTP/1.1\r\nHost: store\r\nContent-Length: %d\r\n\r\n%s"
            .formatted(content.length(), content),
        enough);
  }

  private int told(Event event) {
    return mesh.nodes.client.recorder.retried.stream()
        .filter(one -> one.event() == event)
        .mapToInt(Retried::times)
        .sum();
  }

  private RequestRecord record() {
    List<RequestRecord> requests = mesh.nodes.client.recorder.requests;
    Await.until("it is told of", () -> !requests.isEmpty());
    return requests.getLast();
  }

  @ParameterizedTest
  @CsvSource({"true,5", "false,5", "true,0"})
  void whatAlwaysFailsIsTriedAsOftenAsAsked(boolean empty, int most) throws IOException {
    script.add(empty ? EMPTY : FAILED);
    retry(policy(most, 0, Condition.SERVER_ERROR));

    assertThat(get(empty ? "\r\n\r\n" : "lost")).startsWith("HTTP/1.1 503");

    assertThat(asked).hasValue(1 + most);
    assertThat(record().end().flag()).isEqualTo("URX");
    assertThat(mesh.nodes.client.recorder.requests).hasSize(1);
    assertThat(told(Event.RETRY)).isEqualTo(most);
    assertThat(told(Event.BACKOFF_EXPONENTIAL)).isEqualTo(most);
    assertThat(told(Event.LIMIT_EXCEEDED)).isEqualTo(1);
    assertThat(told(Event.SUCCESS) + told(Event.OVERFLOW)).isZero();
  }

  @ParameterizedTest
  @CsvSource({"RESET", "RETRIABLE_4XX", "UNAVAILABLE", "RETRIABLE_STATUS_CODES"})
  void whatNoConditionMeansIsTriedOnce(Condition other) throws IOException {
    script.add(FAILED);
    retry(policy(PLENTY, 0, other));

    assertThat(get("lost")).startsWith("HTTP/1.1 503");

    assertThat(asked).hasValue(1);
    assertThat(record().end()).isEqualTo(RequestRecord.End.WHOLE);
    assertThat(mesh.nodes.client.recorder.retried).isEmpty();
  }

  @Test
  void withoutAPolicyForItEachIsTriedOnce() throws IOException {
    script.add(FAILED);
    for (boolean clerks : new boolean[] {true, false}) {
      SnapshotEditor editor = editor();
      editor.put(
          new RetryPolicy(
              new NamespacedName("shop", "other"),
              (clerks ? TwoNodes.CLERK_ID : TwoNodes.BUYER_ID).serviceAccountName(),
              Set.of(clerks ? STORE : new NamespacedName("shop", "other")),
              Set.of(Condition.SERVER_ERROR),
              Set.of(),
              PLENTY,
              0,
              1));
      mesh.nodes.publish(editor.snapshot(10));
      int before = asked.get();
      assertThat(get("lost")).startsWith("HTTP/1.1 503");
      assertThat(asked).hasValue(before + 1);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "SERVER_ERROR,503,''",
    "GATEWAY_ERROR,502,''",
    "RETRIABLE_4XX,409,''",
    "RETRIABLE_STATUS_CODES,429,''",
    "UNAVAILABLE,200,14",
    "CANCELLED,200,1"
  })
  void theNextTryGetsAllOfTheRequestAndItsAnswerCounts(Condition on, int status, String grpc)
      throws IOException {
    String more = grpc.isEmpty() ? "" : "grpc-status: " + grpc + "\r\n";
    script.addAll(
        List.of(
            "HTTP/1.1 " + status + " No\r\n" + more + "Content-Length: 0\r\n\r\n", HttpFixture.OK));
    retry(policy(1, 0, on));

    assertThat(post("five!", "ok")).startsWith("HTTP/1.1 200").endsWith("ok");

    assertThat(asked).hasValue(2);
    assertThat(record().end()).isEqualTo(RequestRecord.End.WHOLE);
    assertThat(record().requestBytes()).isEqualTo(5);
    assertThat(told(Event.SUCCESS)).isEqualTo(1);
    assertThat(String.join("", mesh.received.stream().map(HttpFixture.Received::text).toList()))
        .containsSubsequence("POST /books", "five!", "POST /books", "five!");
  }

  /**
   * Of each version: the application fails the first try of every request, and no other; what is
   * hasty as soon as some of it has come, so that the rest comes to the second one.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatIsKeptIsReplayedOctetForOctetAndNothingElseIs(boolean http2) throws IOException {
    application = http2 ? this::serveStreams : this::serveRequests;
    retry(policy(PLENTY, 0, Condition.SERVER_ERROR, Condition.RESET));
    Random random = new Random(1);

    for (int i = 0; i < REPLAYS; i++) {
      String content = content(random, i == 0 ? MOST_KEPT : 1 + random.nextInt(MOST_KEPT));
      assertThat(post(http2, "/books/kept" + i, content, content.length())).isEqualTo(200);
      assertThat(tries.get("/books/kept" + i)).containsExactly(content, content);

      content = content(random, MOST_KEPT + 1 + random.nextInt(MOST_KEPT) * i / REPLAYS);
      assertThat(post(http2, "/books/large" + i, content, content.length())).isEqualTo(503);
      assertThat(tries.get("/books/large" + i)).containsExactly(content);

      content = content(random, 2 + random.nextInt(MOST_KEPT - 1));
      int first = 1 + random.nextInt(content.length() - 1);
      assertThat(post(http2, "/books/" + HASTY + i, content, first)).isEqualTo(200);
      List<String> hasty = tries.getOrDefault("/books/" + HASTY + i, List.of());
      assertThat(hasty).hasSize(2).last().isEqualTo(content);
      assertThat(hasty.getFirst().length()).isBetween(1, first);
    }
    Await.until("all are told of", () -> told(Event.SUCCESS) == 2 * REPLAYS);
    assertThat(told(Event.RETRY)).isEqualTo(2 * REPLAYS);
  }

  private static String content(Random random, int length) {
    byte[] content = new byte[length];
    random.nextBytes(content);
    return new String(content, ISO_8859_1);
  }

  /** What status it is answered with; the rest of the content is sent once a try has failed. */
  private int post(boolean http2, String path, String content, int first) throws IOException {
    byte[] octets = content.getBytes(ISO_8859_1);
    if (!http2) {
      try (Socket socket = mesh.connect()) {
        OutputStream out = socket.getOutputStream();
        out.write(
            "POST %s HTTP/1.1\r\nHost: store\r\nContent-Length: %d\r\n\r\n"
                .formatted(path, octets.length)
                .getBytes(ISO_8859_1));
        out.write(octets, 0, first);
        if (first < octets.length) {
          Await.until("the first try has failed", () -> tries.containsKey(path));
          out.write(octets, first, octets.length - first);
        }
        return Integer.parseInt(HttpFixture.read(socket, "\r\n\r\n").split(" ")[1]);
      }
    }
    try (RawClient client = new RawClient(mesh.nodes.entry)) {
      client.settle();
      client.send(
          RawClient.HEADERS,
          RawClient.END_HEADERS,
          1,
          RawClient.headers(
              ":method", "POST", ":scheme", "http", ":authority", "store", ":path", path));
      int credit = ReceiveWindows.FIRST_OF_STREAM;
      int to;
      for (int from = 0; from < octets.length; from = to) {
        if (from == first) {
          Await.until("the first try has failed", () -> tries.containsKey(path));
        }
        to = Math.min(from < first ? first : octets.length, from + FRAME);
        for (credit -= to - from; credit < 0; ) {
          RawClient.Frame more = client.next(RawClient.WINDOW_UPDATE);
          credit += more.stream() == 1 ? ByteBuffer.wrap(more.payload()).getInt() : 0;
        }
        client.send(
            RawClient.DATA,
            to == octets.length ? RawClient.END_STREAM : 0,
            1,
            Arrays.copyOfRange(octets, from, to));
      }
      return Integer.parseInt(
          field(new DefaultHttp2HeadersDecoder(), client.next(RawClient.HEADERS).payload(), true));
    }
  }

  /** The status or the path. */
  private static String field(Http2HeadersDecoder decoder, byte[] list, boolean status) {
    try {
      Http2Headers headers = decoder.decodeHeaders(1, Unpooled.wrappedBuffer(list));
      return Objects.requireNonNull(status ? headers.status() : headers.path()).toString();
    } catch (Http2Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** The status for a try of which so much has come. */
  private int answerTo(String path, String content) {
    List<String> known = tries.computeIfAbsent(path, _ -> new CopyOnWriteArrayList<>());
    known.add(content);
    return known.size() == 1 ? 503 : 200;
  }

  /** The first try of what is called hasty it answers before the rest of the content has come. */
  private void serveRequests(Socket socket, HttpFixture.Received received) throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    StringBuilder head = new StringBuilder();
    for (int octet = in.read(); octet >= 0; octet = in.read()) {
      head.append((char) octet);
      if (head.indexOf("\r\n\r\n") > 0) {
        String path = head.toString().split(" ")[1];
        int length =
            Integer.parseInt(head.toString().replaceAll("(?is).*content-length: (\\d+).*", "$1"));
        boolean hasty = path.contains(HASTY) && !tries.containsKey(path);
        byte[] content = in.readNBytes(hasty ? 1 : length);
        socket
            .getOutputStream()
            .write(
                ("HTTP/1.1 %d Own\r\nContent-Length: 0\r\n\r\n"
                        .formatted(answerTo(path, new String(content, ISO_8859_1))))
                    .getBytes(ISO_8859_1));
        head.setLength(0);
        in.skipNBytes(length - content.length);
      }
    }
  }

  private void serveStreams(Socket socket, HttpFixture.Received received) throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    OutputStream out = socket.getOutputStream();
    in.skipNBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length());
    out.write(RawClient.frame(RawClient.SETTINGS, 0, 0, new byte[0]));
    out.write(RawClient.frame(RawClient.WINDOW_UPDATE, 0, 0, RawClient.number(1 << 30)));
    Http2HeadersDecoder decoder = new DefaultHttp2HeadersDecoder();
    Map<Integer, String> paths = new HashMap<>();
    Map<Integer, String> contents = new HashMap<>();
    while (true) {
      int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
      int type = in.readUnsignedByte();
      int flags = in.readUnsignedByte();
      int stream = in.readInt();
      byte[] payload = in.readNBytes(length);
      if (type == RawClient.HEADERS) {
        paths.put(stream, field(decoder, payload, false));
        contents.put(stream, "");
      } else if (type == RawClient.DATA) {
        String path = paths.get(stream);
        String content = contents.merge(stream, new String(payload, ISO_8859_1), String::concat);
        if (path != null
            && ((flags & RawClient.END_STREAM) != 0
                || (path.contains(HASTY) && !content.isEmpty() && !tries.containsKey(path)))) {
          paths.remove(stream);
          out.write(
              RawClient.frame(
                  RawClient.HEADERS,
                  RawClient.END_HEADERS | RawClient.END_STREAM,
                  stream,
                  RawClient.headers(":status", Integer.toString(answerTo(path, content)))));
        }
      }
    }
  }

  @Test
  void whatHasBegunToAnswerIsNotTriedAgain() throws IOException {
    script.addAll(List.of(CUT, HttpFixture.OK));
    retry(policy(PLENTY, 0, Condition.RESET, Condition.SERVER_ERROR));

    assertThat(get("")).startsWith("HTTP/1.1 200").contains("begun").endsWith("[reset]");
    assertThat(asked).hasValue(1);
  }

  /** Its own node says 503 for it. */
  @Test
  void anApplicationThatGoesWithoutAnAnswerIsAskedAgain() throws IOException {
    script.addAll(List.of(GONE, GONE, HttpFixture.OK));
    retry(policy(PLENTY, 0, Condition.GATEWAY_ERROR));

    assertThat(post("five!", "ok")).startsWith("HTTP/1.1 200");
    assertThat(asked).hasValue(3);
    assertThat(record().status()).isEqualTo(200);
    assertThat(told(Event.RETRY)).isEqualTo(2);
  }

  /**
   * Nobody asked for further tries, and its connection had carried nothing that it could be idle
   * after.
   */
  @Test
  void aGetThatTheApplicationLeavesWithoutAnAnswerIsAskedOnce() throws IOException {
    script.addAll(List.of(GONE, HttpFixture.OK));
    mesh.nodes.publish(editor().snapshot(10));

    assertThat(get("\r\n\r\n")).startsWith("HTTP/1.1 503");
    assertThat(asked).hasValue(1);
  }

  @Test
  void aSlowTryIsCutAndAnotherOneMade() throws IOException {
    script.addAll(List.of(HttpFixture.OK, SILENT, HttpFixture.OK));
    assertThat(get("ok")).as("what is done for the first time").startsWith("HTTP/1.1 200");
    retry(policy(1, 1_000, Condition.RESET));

    long before = System.nanoTime();
    assertThat(get("ok")).startsWith("HTTP/1.1 200");

    assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - before))
        .isGreaterThanOrEqualTo(1_000);
    assertThat(asked).hasValue(3);
    Await.until("it is told of", () -> mesh.nodes.client.recorder.requests.size() == 2);
    assertThat(record().end()).isEqualTo(RequestRecord.End.WHOLE);
    assertThat(told(Event.PER_TRY_TIMEOUT)).isEqualTo(1);
  }

  /** Each of these comes whole while it waits for that, by chance for up to three times as long. */
  @Test
  void noTryIsSlowThatWaitsToBeMade() throws Exception {
    CountDownLatch cut = new CountDownLatch(FEWEST);
    application =
        (socket, received) -> {
          try {
            serveRequests(socket, received);
          } finally {
            cut.countDown();
          }
        };
    retry(policy(1, 1_000, 3_000, Condition.SERVER_ERROR));

    List<Socket> clients = new ArrayList<>();
    try {
      for (int i = 0; i < FEWEST; i++) {
        clients.add(mesh.connect());
        String head = "POST /books/%s%d HTTP/1.1\r\nHost: store\r\nContent-Length: 6\r\n\r\n";
        send(clients.getLast(), head.formatted(HASTY, i) + "in ");
      }
      cut.await();
      for (Socket client : clients) {
        send(client, "two");
      }
      for (Socket client : clients) {
        assertThat(HttpFixture.read(client, "\r\n\r\n")).startsWith("HTTP/1.1 200");
      }
    } finally {
      close(clients);
    }
    assertThat(told(Event.PER_TRY_TIMEOUT)).isZero();
  }

  @Test
  void noTryOutlivesTheRequest() throws IOException {
    script.addAll(List.of(SILENT, SILENT, SILENT));
    SnapshotEditor editor = editor();
    editor.put(policy(100, 700, Condition.SERVER_ERROR));
    editor.put(
        ProxyFixture.route(
            ProxyFixture.toTheStore(
                new TimeLimits(2_000, TimeLimits.NOT_SAID), Faults.NONE, null)));
    mesh.nodes.publish(editor.snapshot(10));

    long before = System.nanoTime();
    assertThat(get("\r\n\r\n")).startsWith("HTTP/1.1 504");

    assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - before))
        .isGreaterThanOrEqualTo(2_000);
    assertThat(asked.get()).isLessThanOrEqualTo(3);
    assertThat(record().end()).isEqualTo(RequestRecord.End.TIMED_OUT);
  }

  @Test
  void anotherEndpointIsPreferred() throws IOException {
    script.add(EMPTY);
    List<Socket> other = new CopyOnWriteArrayList<>();
    try (Peers.Server good =
        new Peers.Server(
            mesh.nodes.storeAddresses().getFirst(),
            socket -> {
              other.add(socket);
              HttpFixture.answerEach(socket, new HttpFixture.Received());
            })) {
      balance(policy(1, 0, Condition.SERVER_ERROR), good.address());

      for (int i = 0; i < 12 || asked.get() == 0; i++) {
        assertThat(get("ok")).startsWith("HTTP/1.1 200");
      }
      Await.until("each was told of", () -> told(Event.SUCCESS) == asked.get());
      assertThat(other).isNotEmpty();
    }
  }

  /** Who has answered badly keeps its connection, which a further try would go by again. */
  @Test
  void noTryGoesToAnEndpointAgainWhileThereIsAnother() throws IOException {
    script.add(EMPTY);
    AtomicInteger worse = new AtomicInteger();
    try (Peers.Server good =
            new Peers.Server(
                mesh.nodes.storeAddresses().getFirst(),
                socket -> HttpFixture.answerEach(socket, new HttpFixture.Received()));
        Peers.Server bad =
            new Peers.Server(
                mesh.nodes.storeAddresses().getFirst(),
                socket ->
                    HttpFixture.answerEach(
                        socket,
                        new HttpFixture.Received(),
                        () -> {
                          worse.incrementAndGet();
                          socket.getOutputStream().write(EMPTY.getBytes(ISO_8859_1));
                          return true;
                        }))) {
      balance(policy(PLENTY, 0, Condition.SERVER_ERROR), good.address(), bad.address());

      for (int i = 0; i < 30 || worse.get() == 0; i++) {
        assertThat(get("\r\n\r\n")).startsWith("HTTP/1.1 200");
      }
    }
  }

  /** The service has the application and these. */
  private void balance(RetryPolicy policy, InetSocketAddress... servers) {
    SnapshotEditor editor = editor();
    editor.put(policy);
    List<Endpoint> endpoints = new ArrayList<>();
    endpoints.add(new Endpoint(mesh.nodes.app.address(), true));
    for (InetSocketAddress one : servers) {
      int port = one.getPort();
      endpoints.add(new Endpoint(one, true));
      editor.put(
          new Permission(
              new NamespacedName("shop", "good-" + port),
              TwoNodes.STORE_ID.serviceAccountName(),
              Set.of(TwoNodes.BUYER_ID.serviceAccountName()),
              Ports.of(port),
              new Access.Requests(List.of(HttpFixture.match("/books.*", "GET", "POST")))));
    }
    editor.put(
        new Service(
            STORE,
            List.of(TwoNodes.SERVICE),
            List.of(new ServicePort("http", TwoNodes.SERVICE_PORT, AppProtocol.HTTP, endpoints))));
    mesh.nodes.publish(editor.snapshot(10));
  }

  /** Of eight that fail at once: a fifth would be one. */
  @Test
  void noMoreAreTriedAgainAtATimeThanThereIsRoomFor() throws IOException {
    assertThat(refusedOfEight(Pool.NONE)).isEqualTo(5);
  }

  @Test
  void whatTheServiceSaysOfThatCountsInstead() throws IOException {
    assertThat(refusedOfEight(retries(6))).isEqualTo(2);
  }

  /** As streams have it, and what somebody waits for at length. */
  @ParameterizedTest
  @ValueSource(ints = {UpstreamSetting.UNLIMITED, 1})
  void whatHasBegunToAnswerTakesNobodysRoom(int most) throws IOException {
    SnapshotEditor editor = editor();
    editor.put(
        new UpstreamSetting(
            STORE, new NamespacedName("shop", "limits"), retries(most), null, Limits.NONE));
    editor.put(policy(1, 0, Condition.SERVER_ERROR));
    mesh.nodes.publish(editor.snapshot(10));
    List<Socket> clients = new ArrayList<>();
    try {
      for (int i = 0; i < FEWEST + 1; i++) {
        script.addAll(List.of(EMPTY, OPEN));
        Socket client = mesh.connect();
        clients.add(client);
        send(client, "GET /books HTTP/1.1\r\nHost: store\r\n\r\n");
        assertThat(HttpFixture.read(client, "\r\n\r\n")).startsWith("HTTP/1.1 200");
      }
    } finally {
      close(clients);
    }
  }

  private static void send(Socket client, String octets) throws IOException {
    client.getOutputStream().write(octets.getBytes(ISO_8859_1));
  }

  private static void close(List<Socket> clients) throws IOException {
    for (Socket client : clients) {
      client.close();
    }
  }

  private static Pool retries(int most) {
    Pool none = Pool.NONE;
    return new Pool(
        none.maxConnections(),
        none.connectTimeout(),
        none.maxRequests(),
        none.maxRequestsPerConnection(),
        none.maxPendingRequests(),
        most);
  }

  private int refusedOfEight(Pool pool) throws IOException {
    script.add("later " + EMPTY);
    SnapshotEditor editor = editor();
    editor.put(
        new UpstreamSetting(STORE, new NamespacedName("shop", "limits"), pool, null, Limits.NONE));
    editor.put(
        new RetryPolicy(
            new NamespacedName("shop", "again"),
            TwoNodes.BUYER_ID.serviceAccountName(),
            Set.of(STORE),
            Set.of(Condition.SERVER_ERROR),
            Set.of(),
            1,
            0,
            TimeUnit.HOURS.toMillis(9)));
    mesh.nodes.publish(editor.snapshot(10));
    List<Socket> clients = new ArrayList<>();
    try {
      for (int i = 0; i < 8; i++) {
        Socket client = mesh.connect();
        clients.add(client);
        send(client, "GET /books HTTP/1.1\r\nHost: store\r\n\r\n");
      }
      Await.until("all have come", () -> asked.get() == 8);
      released.countDown();

      List<RequestRecord> requests = mesh.nodes.client.recorder.requests;
      int waiting = pool.maxRetries() == UpstreamSetting.UNLIMITED ? FEWEST : pool.maxRetries();
      Await.until("those are answered that have no room", () -> requests.size() == 8 - waiting);
      assertThat(requests).extracting(RequestRecord::status).containsOnly(503);
      assertThat(asked).hasValue(8);
      return told(Event.OVERFLOW);
    } finally {
      close(clients);
    }
  }
}

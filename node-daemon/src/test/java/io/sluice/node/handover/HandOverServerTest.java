package io.sluice.node.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.attack.Attack;
import io.sluice.interception.InheritedListeners;
import io.sluice.linux.LinuxException;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.unix.UnixConnection;
import io.sluice.linux.unix.UnixListener;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.decision.Direction;
import io.sluice.node.handover.HandOverServer.Estate;
import io.sluice.node.handover.HandOverServer.HandedListener;
import io.sluice.proxy.admission.Remembered;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HandOverServerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final long COOKIE = -2; // as an unsigned number larger than Long.MAX_VALUE

  private static final NamespacedName STORE = new NamespacedName("shop", "store");
  private static final NamespacedName POD = new NamespacedName("shop", "store-1");
  private static final Remembered SOMETHING =
      new Remembered(
          List.of(new Remembered.Spared(STORE, Duration.ofSeconds(3))),
          List.of(new Remembered.Taken(POD, STORE, "path /a.*", Duration.ofNanos(5))),
          List.of(
              new Remembered.Out(
                  new InetSocketAddress(InetAddress.ofLiteral("fd00::1"), 80), POD, STORE)),
          List.of(
              new Remembered.Ejected(
                  STORE,
                  new InetSocketAddress(InetAddress.ofLiteral("10.0.0.1"), 80),
                  2,
                  Duration.ofSeconds(4))));

  @TempDir private Path directory;

  private Remembered remembered = Remembered.NOTHING;
  private InheritedListeners inherited = new InheritedListeners();
  private final AtomicInteger asked = new AtomicInteger();
  private final AtomicInteger stopped = new AtomicInteger();

  private Path socket() {
    return directory.resolve("s");
  }

  private Optional<Predecessor> askToLeave(String interception) {
    inherited = new InheritedListeners();
    return Predecessor.askToLeave(socket(), interception, inherited);
  }

  private Estate estate() {
    asked.incrementAndGet();
    int listener = Sockets.listenTcp(InetAddress.getLoopbackAddress(), 0, 4);
    return new Estate(
        List.of(new HandedListener(COOKIE, Direction.INBOUND, listener)),
        List.of(),
        "",
        () -> remembered,
        stopped::incrementAndGet);
  }

  @Test
  void passesListenersAndLetsGoOfThemWhenTheOtherEnforces() {
    try (HandOverServer _ = HandOverServer.start(socket(), this::estate)) {
      Predecessor first = askToLeave("").orElseThrow();
      assertThat(inherited.size()).isOne();
      first.release();

      // It closes its own path, so that another server may have it.
      assertThat(socket()).doesNotExist();
      assertThat(askToLeave("")).isEmpty();
    }
  }

  @Test
  void acceptsUntilItIsToldToStop() {
    try (HandOverServer _ = HandOverServer.start(socket(), this::estate)) {
      Predecessor first = askToLeave("").orElseThrow();
      assertThat(stopped).hasValue(0);
      first.stop();
      assertThat(stopped).hasValue(1);
      first.release();
    }
  }

  @Test
  void stopsFirstForOneThatInterceptsOtherwiseWhoeverAskedBefore() {
    try (HandOverServer _ = HandOverServer.start(socket(), this::estate)) {
      askToLeave("").orElseThrow().close();
      assertThat(stopped).hasValue(0);

      Predecessor other = askToLeave("iptables").orElseThrow();
      assertThat(stopped).hasValue(1);
      assertThat(other.accepts()).isFalse();
      other.close();

      Predecessor alike = askToLeave("").orElseThrow();
      assertThat(alike.accepts()).as("it has stopped for another").isFalse();
      alike.close();
    }
  }

  @Test
  void whatTheProxyKnowsIsToldWhenItHasStopped() {
    remembered = SOMETHING;
    try (HandOverServer _ = HandOverServer.start(socket(), this::estate)) {
      Predecessor alike = askToLeave("").orElseThrow();
      assertThat(alike.remembered()).isEqualTo(Remembered.NOTHING);
      alike.stop();
      assertThat(alike.remembered()).isEqualTo(SOMETHING);
      alike.close();

      Predecessor other = askToLeave("iptables").orElseThrow();
      assertThat(other.remembered()).as("it has stopped already").isEqualTo(SOMETHING);
      other.close();
    }
  }

  @Test
  void anOlderDaemonThatRemembersNothingIsSucceeded() {
    assertThat(told(Lines.JSON.createObjectNode())).isEqualTo(Remembered.NOTHING);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "7",
        "{\"spared\":7}",
        "{\"spared\":[{\"service\":\"shop/store\"}]}",
        "{\"spared\":[{\"service\":\"shop/store\",\"nanos\":-1}]}",
        "{\"spared\":[{\"service\":\"store\",\"nanos\":1}]}",
        "{\"taken\":[{\"pod\":\"shop/a\",\"service\":\"shop/store\",\"limit\":7,\"nanos\":1}]}",
        "{\"out\":[{\"address\":\"nowhere\",\"port\":1,\"pod\":\"shop/a\",\"caller\":\"shop/b\"}]}",
        "{\"out\":[{\"address\":\"10.0.0.1\",\"port\":65536,\"pod\":\"shop/a\",\"caller\":\"shop/b\"}]}"
      })
  void whatCannotBeReadOfThatIsLeftAndKeepsNobodyFromStarting(String unreadable) throws Exception {
    ObjectNode line = Lines.JSON.createObjectNode();
    line.set(RememberedFormat.FIELD, Lines.JSON.readTree(unreadable));
    assertThat(told(line)).isEqualTo(Remembered.NOTHING);
  }

  /** By a daemon whose last line is that one, besides what has to be in it. */
  private Remembered told(ObjectNode line) {
    try (UnixListener daemon = UnixListener.open(socket(), 1)) {
      CompletableFuture<Void> giving =
          CompletableFuture.runAsync(() -> {
            try (UnixConnection client = daemon.accept().orElseThrow()) {
              Lines lines = new Lines(client);
              lines.receive(Lines.deadline(PATIENCE));
              lines.send(line.put("listeners", 0), Lines.deadline(PATIENCE));
            }
          });
      try (Predecessor asked = askToLeave("").orElseThrow()) {
        giving.join();
        return asked.remembered();
      }
    }
  }

  @Test
  void onePodThatHasManyLimitsFillsNoLineAndPushesNobodyOut() {
    List<Remembered.Taken> taken = new ArrayList<>();
    for (int i = 0; i < 22 * 256; i++) {
      String limit = "path " + "\u20ac".repeat(1_000) + i;
      taken.add(new Remembered.Taken(POD, STORE, limit, Duration.ofSeconds(i)));
    }
    Remembered.Taken longest = taken.getLast();
    Remembered.Taken modest =
        new Remembered.Taken(
            new NamespacedName("shop", "last"), STORE, "requests", Duration.ofSeconds(1));
    taken.add(modest);
    List<Remembered.Spared> spared = new ArrayList<>();
    for (int i = 0; i < 30_000; i++) {
      NamespacedName service = new NamespacedName("many", "service-" + i);
      spared.add(new Remembered.Spared(service, Duration.ofHours(1)));
    }
    spared.addAll(SOMETHING.spared());
    remembered = new Remembered(spared, taken, SOMETHING.out(), SOMETHING.ejected());
    assertThat(RememberedFormat.json(remembered).toString().getBytes(StandardCharsets.UTF_8))
        .hasSizeLessThan(1 << 20);
    try (HandOverServer _ = HandOverServer.start(socket(), this::estate)) {
      Predecessor asked = askToLeave("").orElseThrow();
      asked.stop();
      assertThat(asked.remembered().taken()).contains(modest, longest).hasSizeGreaterThan(50);
      assertThat(asked.remembered().spared()).contains(SOMETHING.spared().getFirst());
      assertThat(asked.remembered().out()).isEqualTo(SOMETHING.out());
      asked.close();
    }
  }

  @Test
  void whoCannotTellWhatItRemembersIsSucceeded() {
    try (HandOverServer _ =
        HandOverServer.start(
            socket(),
            () -> {
              Estate estate = estate();
              return new Estate(
                  estate.listeners(),
                  List.of(),
                  "",
                  () -> {
                    throw new IllegalStateException("it is broken");
                  },
                  estate.stopAccepting());
            })) {
      Predecessor asked = askToLeave("").orElseThrow();
      asked.stop();
      assertThat(asked.accepts()).isFalse();
      assertThat(asked.remembered()).isEqualTo(Remembered.NOTHING);
      asked.release();
    }
  }

  /** As a daemon may that bounds what it tells otherwise. */
  @ParameterizedTest
  @ValueSource(strings = {"too long", "too deep"})
  void whatIsNoLineForThatAloneIsLeftAndTheRestIsTaken(String problem) {
    String last =
        problem.equals("too long") ? "\"" + "x".repeat(17 << 20) + "\"" : "[".repeat(5_000);
    try (UnixListener daemon = UnixListener.open(socket(), 1)) {
      CompletableFuture<Void> giving =
          CompletableFuture.runAsync(() -> {
            try (UnixConnection client = daemon.accept().orElseThrow()) {
              Lines lines = new Lines(client);
              long deadline = Lines.deadline(PATIENCE);
              for (String line :
                  List.of(
                      "{\"listeners\":0,\"accepts\":true}",
                      "{\"stopped\":true,\"remembered\":" + last + "}",
                      "{\"closed\":true}")) {
                lines.receive(deadline);
                client.send(
                    ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)), deadline);
              }
            }
          });
      Predecessor asked = askToLeave("").orElseThrow();
      asked.stop();
      assertThat(asked.accepts()).isFalse();
      assertThat(asked.remembered()).isEqualTo(Remembered.NOTHING);
      asked.release();
      giving.join();
    }
  }

  @Test
  void aLineWithoutEndIsNotReadBeyondItsDeadline() {
    try (UnixListener daemon = UnixListener.open(socket(), 1);
        UnixConnection endless = UnixConnection.to(socket());
        UnixConnection reader = daemon.accept().orElseThrow()) {
      CompletableFuture<Void> sending =
          CompletableFuture.runAsync(() -> {
            ByteBuffer part = ByteBuffer.allocate(4_096);
            while (true) {
              endless.send(part.clear(), Lines.deadline(PATIENCE));
            }
          });
      assertThatExceptionOfType(LinuxException.class)
          .isThrownBy(() -> new Lines(reader).receive(Lines.deadline(Duration.ofMillis(200))))
          .withMessageContaining("ETIMEDOUT");
      reader.close();
      assertThatExceptionOfType(CompletionException.class)
          .isThrownBy(sending::join)
          .withCauseInstanceOf(LinuxException.class);
    }
  }

  @Test
  void onlyOneThatHasEndedNeedsNotSayThatItStopped() {
    HandOverServer ending = HandOverServer.start(socket(), this::estate);
    Predecessor ended = askToLeave("").orElseThrow();
    ending.close();
    ended.stop();
    ended.close();

    try (UnixListener silent = UnixListener.open(socket(), 1)) {
      CompletableFuture<Void> closing =
          CompletableFuture.runAsync(() -> {
            try (UnixConnection client = silent.accept().orElseThrow()) {
              Lines lines = new Lines(client);
              lines.receive(Lines.deadline(PATIENCE));
              lines.send(
                  Lines.JSON.createObjectNode().put("listeners", 0).put("accepts", true),
                  Lines.deadline(PATIENCE));
            }
          });
      Predecessor running = askToLeave("").orElseThrow();
      closing.join();
      assertThatExceptionOfType(HandOverException.class)
          .isThrownBy(running::stop)
          .withMessageContaining("did not stop accepting");
      running.close();
    }
  }

  @Test
  void onlyRootMayAsk() throws Exception {
    try (HandOverServer _ = HandOverServer.start(socket(), this::estate)) {
      assertThat(Files.getPosixFilePermissions(socket()))
          .containsExactlyInAnyOrder(
              PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
    }
  }

  @Test
  void keepsEverythingForTheNextWhenOneDiesOnTheWay() {
    try (HandOverServer _ = HandOverServer.start(socket(), this::estate)) {
      askToLeave("").orElseThrow().close();

      Predecessor second = askToLeave("").orElseThrow();
      assertThat(inherited.size()).isOne();
      assertThat(asked).hasValue(1);
      second.release();
    }
  }

  @Test
  void saysWhyItDoesNot() {
    HandOverException ending = new HandOverException("it is ending");
    try (HandOverServer _ =
        HandOverServer.start(
            socket(),
            () -> {
              throw ending;
            })) {
      assertThatExceptionOfType(HandOverException.class)
          .isThrownBy(() -> askToLeave(""))
          .withMessageContaining("it is ending")
          .withMessageContaining("stop it");
    }
  }

  @Tag("attack")
  @Test
  void refusesAnotherProtocolAndWhatIsNone() {
    try (HandOverServer _ = HandOverServer.start(socket(), this::estate)) {
      assertThat(answer("{\"takeOver\":2}\n")).contains("error").contains("protocol 1");
      assertThat(answer("hello\n")).isEmpty();

      Predecessor after = askToLeave("").orElseThrow();
      assertThat(inherited.size()).isOne();
      after.close();
    }

    Attack.tried("nonsense to the hand-over socket")
        .refusedBy("the daemon: nothing is handed over, the next one is served")
        .countedAs("the client's answer: \"protocol 1\"");
  }

  private String answer(String request) {
    try (UnixConnection client = UnixConnection.to(socket())) {
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      client.send(ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8)), deadline);
      ByteBuffer into = ByteBuffer.allocate(1_024);
      int _ = client.receive(into, deadline);
      return StandardCharsets.UTF_8.decode(into.flip()).toString();
    }
  }

  @Test
  void aDaemonThatEndsInTheMiddleIsToldFromOneThatHasNothing() {
    try (UnixListener listener = UnixListener.open(socket(), 1)) {
      CompletableFuture<Void> ending =
          CompletableFuture.runAsync(() -> {
            try (UnixConnection client = listener.accept().orElseThrow()) {
              Lines lines = new Lines(client);
              lines.receive(Lines.deadline(PATIENCE));
              int given = Sockets.listenTcp(InetAddress.getLoopbackAddress(), 0, 4);
              var line = Lines.JSON.createObjectNode();
              line.putObject("listener").put("netnsCookie", "7").put("direction", "outbound");
              lines.send(line, given, Lines.deadline(PATIENCE));
              Sockets.close(given);
            }
          });
      assertThatExceptionOfType(HandOverException.class)
          .isThrownBy(() -> askToLeave(""))
          .withMessageContaining("ended before it had handed everything over");
      ending.join();
    }
  }
}

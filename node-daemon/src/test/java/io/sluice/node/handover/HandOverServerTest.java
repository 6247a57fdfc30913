package io.sluice.node.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.attack.Attack;
import io.sluice.interception.InheritedListeners;
import io.sluice.linux.socket.Sockets;
import io.sluice.linux.unix.UnixConnection;
import io.sluice.linux.unix.UnixListener;
import io.sluice.mesh.decision.Direction;
import io.sluice.node.handover.HandOverServer.Estate;
import io.sluice.node.handover.HandOverServer.HandedListener;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HandOverServerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final long COOKIE = -2; // as an unsigned number larger than Long.MAX_VALUE

  @TempDir private Path directory;

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

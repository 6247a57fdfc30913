package io.sluice.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.sluice.attack.Attack;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdminSocketTest {
  @TempDir private Path directory = Path.of("");
  private final CountDownLatch followed = new CountDownLatch(1);
  private final CountDownLatch followerEnded = new CountDownLatch(1);
  private final Semaphore held = new Semaphore(0);
  private final CountDownLatch release = new CountDownLatch(1);
  private Path socket = Path.of("");
  private AutoCloseable server = () -> {};

  @BeforeEach
  void start() {
    socket = directory.resolve("node").resolve("admin.sock");
    server = AdminServer.start(socket, this::answer);
  }

  @AfterEach
  void stop() throws Exception {
    release.countDown();
    server.close();
  }

  private void answer(AdminRequest request, Consumer<JsonNode> out) throws InterruptedException {
    switch (request.command()) {
      case "count" -> {
        out.accept(JsonNodeFactory.instance.numberNode(1));
        out.accept(JsonNodeFactory.instance.numberNode(2));
      }
      case "echo" -> out.accept(JsonNodeFactory.instance.textNode(request.map()));
      case "hold" -> {
        held.release();
        release.await();
      }
      case "events" -> {
        out.accept(JsonNodeFactory.instance.textNode("first"));
        followed.countDown();
        try {
          release.await();
        } finally {
          followerEnded.countDown();
        }
      }
      case "bug" -> throw new IllegalStateException("the map has gone");
      default -> throw new IllegalArgumentException("unknown command '" + request.command() + "'");
    }
  }

  @Test
  void onlyItsOwnerCanReachIt() throws IOException {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket.getParent())))
        .isEqualTo("rwx------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
        .isEqualTo("rw-------");
  }

  @Test
  void answersWithEveryValue() throws IOException {
    assertThat(client().ask(AdminRequest.of("count")))
        .extracting(JsonNode::asInt)
        .containsExactly(1, 2);
  }

  @Test
  void carriesArgumentsAsTheyAre() throws IOException {
    String name = "ü\"\n\\";

    assertThat(client().ask(new AdminRequest("echo", name, false)).getFirst().asText())
        .isEqualTo(name);
  }

  @Test
  void refusesUnknownCommandsInWords() {
    assertThatThrownBy(() -> client().ask(AdminRequest.of("reboot")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("unknown command 'reboot'");
  }

  @Test
  void failureInsideTheDaemonIsNoEmptyAnswer() {
    assertThatThrownBy(() -> client().ask(AdminRequest.of("bug")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("could not answer")
        .hasMessageContaining("the map has gone");
  }

  @Test
  void refusesWhatIsNoRequest() throws IOException {
    assertThat(raw("hello\n")).contains("\"error\"", "one line of JSON");
    assertThat(raw("[]\n")).contains("\"error\"", "JSON object");
    assertThat(raw("\n")).contains("\"error\"", "JSON object");
  }

  @Tag("attack")
  @Test
  void refusesARequestThatDoesNotEnd() throws IOException {
    assertThat(raw("x".repeat(4_097))).contains("\"error\"", "at most 4096 characters");

    Attack.tried("a request to the admin socket that does not end")
        .refusedBy("the admin socket, after 4096 characters")
        .countedAs("the client's answer: \"at most 4096 characters\"");
  }

  @Tag("attack")
  @Test
  void refusesOneClientTooManyAndServesAgainWhenOneLeaves() throws Exception {
    List<SocketChannel> holders = new ArrayList<>();
    for (int i = 0; i < AdminServer.MAX_CONNECTIONS; i++) {
      SocketChannel holder = SocketChannel.open(UnixDomainSocketAddress.of(socket));
      holder.write(utf8(AdminRequest.of("hold").toLine()));
      holders.add(holder);
    }
    assertThat(held.tryAcquire(AdminServer.MAX_CONNECTIONS, 10, TimeUnit.SECONDS)).isTrue();

    assertThatThrownBy(() -> client().ask(AdminRequest.of("count")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("already serves 16");

    release.countDown();
    for (SocketChannel holder : holders) {
      holder.close();
    }
    assertThat(askUntilServed()).hasSize(2);

    Attack.tried("seventeen clients that hold the admin socket")
        .refusedBy("the admin socket, the seventeenth")
        .countedAs("the client's answer: \"already serves 16\"");
  }

  /** A place is free a moment after its client has seen the end. */
  private List<JsonNode> askUntilServed() throws IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (true) {
      try {
        return client().ask(AdminRequest.of("count"));
      } catch (IllegalArgumentException e) {
        if (System.nanoTime() > deadline) {
          throw e;
        }
        Thread.onSpinWait();
      }
    }
  }

  @Test
  void followingEndsWhenTheClientLeavesAQuietLog() throws Exception {
    try (SocketChannel follower = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      follower.write(utf8(new AdminRequest("events", "", true).toLine()));
      assertThat(followed.await(10, TimeUnit.SECONDS)).isTrue();
    }

    assertThat(followerEnded.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void followingEndsWhenTheDaemonStops() throws Exception {
    try (SocketChannel follower = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      follower.write(utf8(new AdminRequest("events", "", true).toLine()));
      assertThat(followed.await(10, TimeUnit.SECONDS)).isTrue();

      server.close();

      assertThat(followerEnded.await(10, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(socket).doesNotExist();
    assertThatThrownBy(() -> client().ask(AdminRequest.of("count")))
        .isInstanceOf(IOException.class);
  }

  @Test
  void replacesTheSocketOfADeadDaemon() throws Exception {
    server.close();
    Files.writeString(socket, "left behind");

    server = AdminServer.start(socket, this::answer);

    assertThat(client().ask(AdminRequest.of("count"))).hasSize(2);
  }

  @Test
  void silenceOfWhoeverTookTheCallEndsIt() throws Exception {
    server.close();
    try (ServerSocketChannel silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      silent.bind(UnixDomainSocketAddress.of(socket)); // takes connections, and nobody accepts them
      AdminClient hurried = new AdminClient(socket, Duration.ofSeconds(1));

      assertThatThrownBy(() -> hurried.ask(AdminRequest.of("count")))
          .isInstanceOf(IOException.class)
          .hasMessage("it took the call and said nothing for 1 s");
    }
  }

  private AdminClient client() {
    return new AdminClient(socket);
  }

  private String raw(String request) throws IOException {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      channel.write(utf8(request));
      return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static ByteBuffer utf8(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }
}

package io.sluice.node.names;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.HostNames;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class NameFinderTest {
  private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");
  private static final String HOST = "books.example";
  private static final byte[] FOUND = {(byte) 192, 0, 2, 7};
  private static final byte[] OTHER = {(byte) 192, 0, 2, 9};
  private static final HostNames EXPECTED =
      new HostNames(Map.of(HOST, Set.of(InetAddress.ofLiteral("192.0.2.7"))));

  private final NameFinder finder = new NameFinder();
  private final List<Integer> types = new CopyOnWriteArrayList<>();

  @AfterEach
  void close() {
    finder.close();
  }

  @Test
  void findsWhatANameServerSaysAndForgetsWhatNobodyNames() throws IOException {
    try (DatagramSocket server = serving((question, reply) -> reply.send(answer(question, HOST)))) {
      finder.start(() -> {});
      finder.want(Map.of("shop", Set.of(HOST)), List.of(addressOf(server)));
      Await.until("the name is found", () -> finder.found().equals(EXPECTED));
      assertThat(types).contains(DnsMessage.A, DnsMessage.AAAA);

      finder.want(Map.of(), List.of(addressOf(server)));
      Await.until("it is forgotten", () -> finder.found().equals(HostNames.NONE));
    }
  }

  @Test
  void believesNoAnswerToAnotherQuestionAndNoRecordOfAnotherName() throws IOException {
    try (DatagramSocket server =
        serving((question, reply) -> {
          byte[] guessed = answer(question, HOST, OTHER);
          guessed[0] ^= 1; // another number
          reply.send(guessed);
          reply.send(answer(question, "evil.example", OTHER));
        })) {
      finder.start(() -> {});
      finder.want(Map.of("shop", Set.of(HOST)), List.of(addressOf(server)));
      Await.until("all was asked", () -> types.contains(DnsMessage.AAAA));
      assertThat(finder.found()).isEqualTo(HostNames.NONE);
    }
  }

  @Test
  void asksTheNextServerWhereOneIsSilent() throws IOException {
    try (DatagramSocket silent = serving((question, reply) -> {});
        DatagramSocket server = serving((question, reply) -> reply.send(answer(question, HOST)))) {
      finder.start(() -> {});
      finder.want(Map.of("shop", Set.of(HOST)), List.of(addressOf(silent), addressOf(server)));
      Await.until("the name is found", () -> finder.found().equals(EXPECTED));
    }
  }

  /** 2: it cannot say; 5: it will not. */
  @ParameterizedTest
  @ValueSource(ints = {2, 5})
  void asksTheNextServerAtOnceWhereOneSaysThatItCannotTell(int code) throws IOException {
    try (DatagramSocket failing =
            serving((question, reply) -> {
              byte[] failure = message(question, 0);
              failure[3] = (byte) code;
              reply.send(failure);
            });
        DatagramSocket server = serving((question, reply) -> reply.send(answer(question, HOST)))) {
      finder.start(() -> {});
      long begin = System.nanoTime();
      finder.want(Map.of("shop", Set.of(HOST)), List.of(addressOf(failing), addressOf(server)));
      Await.until("the name is found", () -> finder.found().equals(EXPECTED));
      assertThat(System.nanoTime() - begin).isLessThan(NameFinder.WAIT.toNanos());
    }
  }

  @Test
  void hostsThatNobodyAnswersForHoldUpNoOthers() throws IOException {
    assertFoundBefore(NameFinder.WAIT, hosts(20));
  }

  @Test
  void aNamespaceWithMoreHostsThanAreAskedForLeavesOthersTheirs() throws IOException {
    assertFoundBefore(NameFinder.WAIT, hosts(5_000));
  }

  @Test
  void aNamespaceThatNamesAnothersHostTakesItsTurnNotAway() throws IOException {
    Set<String> others = new HashSet<>(hosts(40));
    others.add(HOST);
    assertFoundBefore(NameFinder.WAIT, others);
  }

  private static Set<String> hosts(int number) {
    return IntStream.range(0, number)
        .mapToObj(each -> "aaa-" + each + ".example")
        .collect(Collectors.toSet());
  }

  private void assertFoundBefore(Duration limit, Set<String> others) throws IOException {
    byte[] asked = name(HOST);
    try (DatagramSocket server =
        serving((question, reply) -> {
          if (Arrays.equals(question, 12, 12 + asked.length, asked, 0, asked.length)) {
            reply.send(answer(question, HOST));
          }
        })) {
      finder.start(() -> {});
      long begin = System.nanoTime();
      finder.want(Map.of("attic", others, "shop", Set.of(HOST)), List.of(addressOf(server)));
      Await.until("the name is found", () -> finder.found().equals(EXPECTED));
      assertThat(System.nanoTime() - begin).isLessThan(limit.toNanos());
    }
  }

  /** With the least and the most that chance may add, in seconds. */
  @ParameterizedTest
  @CsvSource({"1, 3.75, 6.25", "2, 7.5, 12.5", "4, 30, 50", "5, 45, 75", "1000, 45, 75"})
  void whoKeepsFailingIsAskedMoreAndMoreSeldom(int failures, double least, double most) {
    assertThat(NameFinder.pause(failures, 0)).isEqualTo(Duration.ofMillis((long) (least * 1e3)));
    assertThat(NameFinder.pause(failures, 1)).isEqualTo(Duration.ofMillis((long) (most * 1e3)));
  }

  @Test
  void followsAliases() {
    byte[] question = DnsMessage.question(7, HOST, DnsMessage.A);
    byte[] alias = {3, 'c', 'd', 'n', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
    byte[] message =
        message(question, 2, record(name(HOST), 5, 60, alias), record(alias, 1, 30, FOUND));

    assertThat(DnsMessage.answer(message, 7, HOST, DnsMessage.A))
        .hasValueSatisfying(answer -> {
          assertThat(answer.addresses()).containsExactly(InetAddress.ofLiteral("192.0.2.7"));
          assertThat(answer.life()).hasSeconds(30);
        });
  }

  @Test
  void takesNoMessageThatIsCutOrLeadsRoundInACircle() {
    byte[] question = DnsMessage.question(7, HOST, DnsMessage.A);
    byte[] whole = message(question, 1, record(name(HOST), 1, 60, FOUND));
    byte[] circle = message(question, 1, new byte[] {(byte) 0xc0, (byte) question.length, 0, 1});

    for (int length = 0; length < whole.length; length++) {
      assertThat(DnsMessage.answer(Arrays.copyOf(whole, length), 7, HOST, DnsMessage.A)).isEmpty();
    }
    assertThat(DnsMessage.answer(circle, 7, HOST, DnsMessage.A)).isEmpty();
  }

  private interface Replies {
    void send(byte[] message) throws IOException;
  }

  private interface Server {
    void asked(byte[] question, Replies replies) throws IOException;
  }

  private DatagramSocket serving(Server server) throws IOException {
    DatagramSocket socket = new DatagramSocket(new InetSocketAddress(LOOPBACK, 0));
    Thread.ofVirtual()
        .start(() -> {
          byte[] buffer = new byte[DnsMessage.MAX_BYTES];
          while (!socket.isClosed()) {
            try {
              DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
              socket.receive(packet);
              byte[] question = Arrays.copyOf(buffer, packet.getLength());
              types.add((int) question[question.length - 3]);
              server.asked(
                  question,
                  message ->
                      socket.send(
                          new DatagramPacket(message, message.length, packet.getSocketAddress())));
            } catch (IOException e) {
              return;
            }
          }
        });
    return socket;
  }

  private static InetSocketAddress addressOf(DatagramSocket socket) {
    return new InetSocketAddress(LOOPBACK, socket.getLocalPort());
  }

  private static byte[] answer(byte[] question, String owner) {
    return answer(question, owner, FOUND);
  }

  /** Of another type than A there is nothing. */
  private static byte[] answer(byte[] question, String owner, byte[] address) {
    return question[question.length - 3] == DnsMessage.A
        ? message(question, 1, record(name(owner), 1, 60, address))
        : message(question, 0);
  }

  private static byte[] message(byte[] question, int count, byte[]... records) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(question);
    for (byte[] record : records) {
      out.writeBytes(record);
    }
    byte[] message = out.toByteArray();
    message[2] |= (byte) 0x80;
    message[7] = (byte) count;
    return message;
  }

  private static byte[] record(byte[] owner, int type, int life, byte[] data) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(owner);
    out.writeBytes(new byte[] {0, (byte) type, 0, 1, 0, 0, 0, (byte) life});
    out.writeBytes(new byte[] {0, (byte) data.length});
    out.writeBytes(data);
    return out.toByteArray();
  }

  private static byte[] name(String host) {
    byte[] question = DnsMessage.question(0, host, DnsMessage.A);
    return Arrays.copyOfRange(question, 12, question.length - 4);
  }
}

package io.sluice.linux.diag;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.Errno;
import io.sluice.linux.diag.InetSockets.DiagReply;
import io.sluice.linux.socket.Sockets.Family;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Answers that a healthy kernel seldom gives. */
class DiagReplyTest {
  private static final int SEQUENCE = 7;
  private static final int SOCKET = 20;
  private static final int ERROR = 2;
  private static final int DONE = 3;

  private final DiagReply reply = new DiagReply(SEQUENCE);
  private final List<ByteBuffer> bodies = new ArrayList<>();

  private static byte[] message(int type, int flags, int sequence, byte[] body) {
    return ByteBuffer.allocate(16 + body.length)
        .order(ByteOrder.nativeOrder())
        .putInt(16 + body.length)
        .putShort((short) type)
        .putShort((short) flags)
        .putInt(sequence)
        .putInt(1)
        .put(body)
        .array();
  }

  private static byte[] number(int value) {
    return ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(value).array();
  }

  private void read(byte[]... messages) {
    ByteBuffer datagram = ByteBuffer.allocate(4_096);
    for (byte[] message : messages) {
      datagram.put(message);
    }
    reply.read(datagram.flip(), bodies::add);
  }

  @Test
  void readsSeveralDatagramsUntilTheLastMessage() {
    byte[] socket = message(SOCKET, 2, SEQUENCE, new byte[72]);
    read(socket, socket);
    assertThat(reply.isComplete()).isFalse();
    read(socket, message(DONE, 2, SEQUENCE, number(0)));

    assertThat(reply.isComplete()).isTrue();
    assertThat(reply.error()).isZero();
    assertThat(reply.wasInterrupted()).isFalse();
    assertThat(bodies).hasSize(3);
  }

  @Test
  void tellsAnErrorByItsNumber() {
    read(message(ERROR, 0, SEQUENCE, number(-Errno.EPERM.number())));

    assertThat(reply.isComplete()).isTrue();
    assertThat(reply.error()).isEqualTo(Errno.EPERM.number());
  }

  @Test
  void takesAnErrorOfZeroForAnAcknowledgement() {
    read(message(ERROR, 0, SEQUENCE, number(0)));

    assertThat(reply.isComplete()).isTrue();
    assertThat(reply.error()).isZero();
  }

  @Test
  void tellsThatADumpEndedWithAnError() {
    read(message(DONE, 2, SEQUENCE, number(-Errno.ENOMEM.number())));

    assertThat(reply.error()).isEqualTo(Errno.ENOMEM.number());
  }

  @Test
  void noticesAnInterruptedDump() {
    read(message(SOCKET, 0x12, SEQUENCE, new byte[72]), message(DONE, 2, SEQUENCE, number(0)));

    assertThat(reply.wasInterrupted()).isTrue();
    assertThat(reply.error()).isZero();
  }

  @Test
  void skipsAnswersToAnotherQuestion() {
    read(message(SOCKET, 2, SEQUENCE - 1, new byte[72]), message(DONE, 2, 3, number(0)));

    assertThat(reply.isComplete()).isFalse();
    assertThat(bodies).isEmpty();
  }

  @Test
  void callsATornAnswerABadMessage() {
    byte[] torn = message(SOCKET, 2, SEQUENCE, new byte[72]);
    reply.read(ByteBuffer.wrap(torn, 0, 40), bodies::add);

    assertThat(reply.error()).isEqualTo(Errno.EBADMSG.number());
    assertThat(bodies).isEmpty();
  }

  @Test
  void callsATooShortAnswerABadMessage() {
    read(message(SOCKET, 2, SEQUENCE, new byte[20]));

    assertThat(reply.error()).isEqualTo(Errno.EBADMSG.number());
    assertThat(bodies).isEmpty();
  }

  @Test
  void anUnsupportedKernelGetsAnErrorThatSaysWhatItNeeds() {
    assertThat(InetSockets.failure("sock_diag(SOCK_DESTROY)", 95, "connection a to b"))
        .hasMessageContainingAll("EOPNOTSUPP", "CONFIG_INET_DIAG_DESTROY", "connection a to b");
    assertThat(InetSockets.failure("sock_diag(dump)", 2, "IPV4 sockets"))
        .hasMessageContainingAll("ENOENT", "CONFIG_INET_DIAG");
  }

  @Test
  void decodesWhatARequestWouldName() {
    // A destroy request holds addresses, interface and cookie at the places of an answer.
    InetSocket socket =
        new InetSocket(
            Transport.TCP,
            Family.IPV6,
            TcpState.ESTABLISHED,
            new InetSocketAddress(InetAddress.ofLiteral("10.1.2.3"), 65_535),
            new InetSocketAddress(InetAddress.ofLiteral("10.1.2.4"), 80),
            3,
            0xFFFF_FFFE_8000_0001L,
            0,
            0);
    ByteBuffer request = ByteBuffer.allocate(DiagMessages.REQUEST_BYTES);
    DiagMessages.encodeDestroy(socket, SEQUENCE, request);
    assertThat(request.hasRemaining()).isFalse();

    ByteBuffer answer = ByteBuffer.allocate(DiagMessages.MESSAGE_BYTES);
    answer.put((byte) Family.IPV6.domain()).put((byte) TcpState.ESTABLISHED.number());
    answer.put(4, request.array(), 24, 48);

    assertThat(DiagMessages.decode(Transport.TCP, answer.clear())).contains(socket);
  }

  @Test
  void leavesOutStatesOfNewerKernels() {
    ByteBuffer answer = ByteBuffer.allocate(DiagMessages.MESSAGE_BYTES);
    answer.put(0, (byte) Family.IPV4.domain()).put(1, (byte) 13);

    assertThat(DiagMessages.decode(Transport.TCP, answer)).isEmpty();
    assertThat(TcpState.mask(EnumSet.of(TcpState.ESTABLISHED, TcpState.LISTEN)))
        .isEqualTo(1 << 1 | 1 << 10);
  }
}

package io.sluice.node.export;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.NamedServer;
import io.sluice.node.export.Answer.Verdict;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a collector of gRPC may do to a stream and to its connection, frame by frame. */
@Timeout(60)
class GrpcFaultsTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final int FRAME_DATA = 0;
  private static final int FRAME_HEADERS = 1;
  private static final int FRAME_RST_STREAM = 3;
  private static final int FRAME_SETTINGS = 4;
  private static final int FRAME_GOAWAY = 7;
  private static final int ACK = 1;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;
  private static final int FIRST_STREAM = 3; // behind that of an upgrade, which there is none of
  private static final byte[] STATUS_200 = {(byte) 0x88};

  private final Delivery delivery = new Delivery(Duration.ofDays(1));

  @AfterEach
  void close() {
    delivery.close();
  }

  /** What is done once a request is whole, or as soon as it has begun. */
  private interface Answers {
    void answer(Frames out, int stream, int connection) throws IOException;
  }

  @Test
  void allCallsGoByOneConnection() throws Exception {
    try (ScriptedCollector collector = whole((out, stream, _) -> out.take(stream))) {
      for (int i = 0; i < 5; i++) {
        assertThat(send(collector, 100).verdict()).isEqualTo(Verdict.TAKEN);
      }
      assertThat(collector.connections.get()).isEqualTo(1);
    }
  }

  @Test
  void aHeadThatComesBeforeTheAnswersIsNone() throws Exception {
    try (ScriptedCollector collector =
        whole((out, stream, _) -> {
          out.frame(FRAME_HEADERS, END_HEADERS, stream, field(":status", "103"));
          out.take(stream);
        })) {
      assertThat(send(collector, 100).verdict()).isEqualTo(Verdict.TAKEN);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "14", "3"})
  void anAnswerIsWhatItsTrailersSayHoweverItIsCut(String status) throws Exception {
    try (ScriptedCollector collector =
        whole((out, stream, _) -> {
          out.frame(FRAME_HEADERS, END_HEADERS, stream, STATUS_200);
          out.frame(FRAME_HEADERS, END_HEADERS | END_STREAM, stream, field("grpc-status", status));
          out.frame(FRAME_RST_STREAM, 0, stream, new byte[] {0, 0, 0, 2});
          throw new IOException("it hangs up");
        })) {
      assertThat(send(collector, 100).verdict())
          .isEqualTo(Answer.ofGrpc(status, null, null, new byte[0]).verdict());
    }
  }

  @Test
  void whatEndsAnotherStreamIsNothingToTheCall() throws Exception {
    try (ScriptedCollector collector =
        whole((out, stream, _) -> {
          if (stream > FIRST_STREAM) {
            out.frame(FRAME_RST_STREAM, 0, stream - 2, new byte[] {0, 0, 0, 8});
          }
          out.take(stream);
        })) {
      for (int i = 0; i < 3; i++) {
        assertThat(send(collector, 100).verdict()).isEqualTo(Verdict.TAKEN);
      }
      assertThat(collector.connections.get()).isEqualTo(1);
    }
  }

  @Test
  void aCollectorThatGoesAwayIsHeardAndThenAskedByAnotherConnection() throws Exception {
    try (ScriptedCollector collector =
        whole((out, stream, _) -> {
          out.frame(FRAME_GOAWAY, 0, 0, new byte[] {0, 0, 0, (byte) stream, 0, 0, 0, 0});
          out.take(stream);
        })) {
      assertThat(send(collector, 100).verdict()).isEqualTo(Verdict.TAKEN);
      assertThat(send(collector, 100).verdict()).isEqualTo(Verdict.TAKEN);
      assertThat(collector.connections.get()).isEqualTo(2);
    }
  }

  /** As one that ends a connection just as it is asked again. */
  @Test
  void whatACollectorGoesAwayBeforeIsSentByAnotherConnectionOnce() throws Exception {
    try (ScriptedCollector collector =
        whole((out, stream, connection) -> {
          if (stream == FIRST_STREAM && connection < 3) {
            out.take(stream);
          } else {
            out.frame(FRAME_GOAWAY, 0, 0, new byte[] {0, 0, 0, 0, 0, 0, 0, 0});
          }
        })) {
      assertThat(send(collector, 100).verdict()).isEqualTo(Verdict.TAKEN);
      assertThat(send(collector, 100).verdict()).as("by the second").isEqualTo(Verdict.TAKEN);
      assertThat(send(collector, 100).verdict()).as("by neither").isEqualTo(Verdict.UNANSWERED);
      assertThat(collector.connections.get()).isEqualTo(3);
    }
  }

  /** Before it has read more than the head, and with no window for more than that. */
  @Test
  void whatIsTooLargeIsHeardWhileItIsWritten() throws Exception {
    try (ScriptedCollector collector =
        begun((out, stream, _) -> {
          byte[] trailers =
              join(
                  STATUS_200,
                  field("grpc-status", "8"),
                  field("grpc-message", "received message larger than max"));
          out.frame(FRAME_HEADERS, END_HEADERS | END_STREAM, stream, trailers);
          out.frame(FRAME_RST_STREAM, 0, stream, new byte[4]);
        })) {
      assertThat(send(collector, 1 << 20).verdict()).isEqualTo(Verdict.TOO_LARGE);
      assertThat(send(collector, 1 << 20).verdict()).isEqualTo(Verdict.TOO_LARGE);
      assertThat(collector.connections.get()).as("none goes on").isEqualTo(2);
    }
  }

  @Test
  void whatItRejectsAndWhenItIsToBeAskedAgainIsHeard() throws Exception {
    byte[] partly = AnswerTest.partly(7, "too old");
    byte[] message = join(new byte[] {0, 0, 0, 0, (byte) partly.length}, partly);
    try (ScriptedCollector collector =
        whole((out, stream, _) -> {
          out.frame(FRAME_HEADERS, END_HEADERS, stream, STATUS_200);
          if (stream == FIRST_STREAM) {
            out.frame(FRAME_DATA, 0, stream, message);
            out.frame(FRAME_HEADERS, END_HEADERS | END_STREAM, stream, field("grpc-status", "0"));
          } else {
            byte[] trailers =
                join(
                    field("grpc-status", "8"),
                    field("grpc-status-details-bin", AnswerTest.details(17, 0)));
            out.frame(FRAME_HEADERS, END_HEADERS | END_STREAM, stream, trailers);
          }
        })) {
      Answer taken = send(collector, 100);
      Answer later = send(collector, 100);

      assertThat(taken.verdict()).isEqualTo(Verdict.TAKEN);
      assertThat(taken.rejected()).isEqualTo(7);
      assertThat(later.verdict()).isEqualTo(Verdict.LATER);
      assertThat(later.pause()).isEqualTo(Duration.ofSeconds(17));
    }
  }

  @Test
  void anAnswerWithoutTrailersOrOfManyFieldsIsNone() throws Exception {
    try (ScriptedCollector cut =
            whole((out, stream, _) -> {
              out.frame(FRAME_HEADERS, END_HEADERS, stream, STATUS_200);
              out.frame(FRAME_DATA, END_STREAM, stream, new byte[5]);
            });
        ScriptedCollector wide =
            whole((out, stream, _) -> {
              byte[] fields = STATUS_200;
              for (int i = 0; i < 150; i++) {
                fields = join(fields, field("a" + i, "x".repeat(100)));
              }
              out.frame(FRAME_HEADERS, END_HEADERS | END_STREAM, stream, fields);
            })) {
      assertThat(send(cut, 100).verdict()).isEqualTo(Verdict.UNANSWERED);
      assertThat(send(wide, 100).verdict()).isEqualTo(Verdict.UNANSWERED);
    }
  }

  @Test
  void whatIsNoHttp2IsNoAnswer() throws Exception {
    try (ScriptedCollector collector =
        new ScriptedCollector((_, _, socket) -> {
          ScriptedCollector.say(socket, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
          socket.getInputStream().readAllBytes();
        })) {
      assertThat(send(collector, 100).verdict()).isEqualTo(Verdict.UNANSWERED);
    }
  }

  private Answer send(ScriptedCollector collector, int octets) {
    Delivery.Call call = new Delivery.Call.Grpc("a.B/C", new byte[octets]);
    return delivery.send(
        call, collector.address(), new NamedServer("collector", 1), LONG, LONG, () -> false);
  }

  private static ScriptedCollector whole(Answers answers) throws IOException {
    return new ScriptedCollector(
        (_, connection, socket) -> serve(socket, connection, answers, END_STREAM));
  }

  private static ScriptedCollector begun(Answers answers) throws IOException {
    return new ScriptedCollector(
        (_, connection, socket) -> serve(socket, connection, answers, END_HEADERS));
  }

  /** Answers what has that flag. */
  private static void serve(Socket socket, int connection, Answers answers, int flag)
      throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    Frames out = new Frames(new DataOutputStream(socket.getOutputStream()));
    in.skipNBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length());
    out.frame(FRAME_SETTINGS, 0, 0, new byte[0]);
    while (true) {
      int octets = in.readUnsignedShort() << 8 | in.readUnsignedByte();
      int type = in.readUnsignedByte();
      int flags = in.readUnsignedByte();
      int stream = in.readInt();
      in.skipNBytes(octets);
      if (type == FRAME_SETTINGS && (flags & ACK) == 0) {
        out.frame(FRAME_SETTINGS, ACK, 0, new byte[0]);
      } else if ((type == FRAME_HEADERS || type == FRAME_DATA) && (flags & flag) != 0) {
        answers.answer(out, stream, connection);
      }
    }
  }

  /** A literal that goes to no table (RFC 7541 §6.2.2), of less than 127 octets each. */
  private static byte[] field(String name, String value) {
    ByteArrayOutputStream field = new ByteArrayOutputStream();
    field.write(0);
    field.write(name.length());
    field.writeBytes(name.getBytes(StandardCharsets.ISO_8859_1));
    field.write(value.length());
    field.writeBytes(value.getBytes(StandardCharsets.ISO_8859_1));
    return field.toByteArray();
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private record Frames(DataOutputStream out) {
    void frame(int type, int flags, int stream, byte[] payload) throws IOException {
      ByteArrayOutputStream frame = new ByteArrayOutputStream();
      DataOutputStream head = new DataOutputStream(frame);
      head.writeByte(payload.length >> 16);
      head.writeShort(payload.length);
      head.writeByte(type);
      head.writeByte(flags);
      head.writeInt(stream);
      head.write(payload);
      out.write(frame.toByteArray());
      out.flush();
    }

    void take(int stream) throws IOException {
      frame(FRAME_HEADERS, END_HEADERS, stream, STATUS_200);
      frame(FRAME_DATA, 0, stream, new byte[5]);
      frame(FRAME_HEADERS, END_HEADERS | END_STREAM, stream, field("grpc-status", "0"));
    }
  }
}

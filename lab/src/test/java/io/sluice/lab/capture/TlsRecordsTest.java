package io.sluice.lab.capture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TlsRecordsTest {
  private static final int PORT = 15008;
  private static final int CLIENT_PORT = 40_000;
  private static final int SEQUENCE = -3; // wraps within the first record
  private static final String IPV4 = "10.0.0.";
  private static final String IPV6 = "fd00::";
  private static final byte[] HELLO = record(22, 40);
  private static final byte[] DATA = record(23, 100);

  @ParameterizedTest
  @ValueSource(strings = {IPV4, IPV6})
  void recordsAreTlsHoweverTheSegmentsCutThem(String network) throws Exception {
    byte[] bytes = join(HELLO, record(20, 1), DATA);
    List<byte[]> frames = new ArrayList<>(List.of(frame(network, SEQUENCE, true, new byte[0])));
    for (int at = 0; at < bytes.length; at += 7) {
      byte[] piece = java.util.Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + 7));
      frames.add(frame(network, SEQUENCE + 1 + at, false, piece));
    }
    frames.add(3, frames.get(2)); // seen on two interfaces
    java.util.Collections.swap(frames, 4, 5); // out of order

    TcpStream stream = only(frames);

    assertThat(stream.bytes()).isEqualTo(bytes);
    assertThat(TlsRecords.problem(stream)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {IPV4, IPV6})
  void textBehindRecordsIsNoTls(String network) throws Exception {
    byte[] bytes =
        join(HELLO, "PRI * HTTP/2.0".getBytes(java.nio.charset.StandardCharsets.US_ASCII));

    TcpStream stream =
        only(
            List.of(
                frame(network, SEQUENCE, true, new byte[0]),
                frame(network, SEQUENCE + 1, false, bytes)));

    assertThat(TlsRecords.problem(stream))
        .hasValueSatisfying(
            problem -> assertThat(problem).contains("byte 45 of 59 begins no TLS record"));
  }

  @ParameterizedTest
  @ValueSource(strings = {IPV4, IPV6})
  void whatWasNotCapturedWholeIsNotCalledTls(String network) throws Exception {
    byte[] opening = frame(network, SEQUENCE, true, new byte[0]);
    byte[] hello = frame(network, SEQUENCE + 1, false, HELLO);
    byte[] later = frame(network, SEQUENCE + 1 + HELLO.length + 9, false, DATA);

    assertThat(TlsRecords.problem(only(List.of(hello))))
        .hasValueSatisfying(problem -> assertThat(problem).contains("began before the capture"));
    assertThat(TlsRecords.problem(only(List.of(opening, hello, later))))
        .hasValueSatisfying(problem -> assertThat(problem).contains("with a gap"));
  }

  @ParameterizedTest
  @ValueSource(strings = {IPV4, IPV6})
  void portsThatAreUsedAgainAreAnotherStream(String network) throws Exception {
    List<TcpStream> streams =
        TcpStream.ofPort(
            PORT,
            List.of(
                frame(network, SEQUENCE, true, new byte[0]),
                frame(network, SEQUENCE + 1, false, HELLO),
                frame(network, 77, true, new byte[0]),
                frame(network, 78, false, DATA)));

    assertThat(streams).extracting(TcpStream::bytes).containsExactly(HELLO, DATA);
  }

  private static TcpStream only(List<byte[]> frames) {
    List<TcpStream> streams = TcpStream.ofPort(PORT, frames);
    assertThat(streams).hasSize(1);
    return streams.getFirst();
  }

  private static byte[] record(int type, int length) {
    return ByteBuffer.allocate(5 + length)
        .put((byte) type)
        .putShort((short) 0x0303)
        .putShort((short) length)
        .array();
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream joined = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      joined.writeBytes(part);
    }
    return joined.toByteArray();
  }

  private static byte[] frame(String network, int sequence, boolean opens, byte[] payload)
      throws Exception {
    boolean four = network.equals(IPV4);
    byte[] from = InetAddress.getByName(network + "1").getAddress();
    byte[] to = InetAddress.getByName(network + "2").getAddress();
    ByteBuffer frame =
        ByteBuffer.allocate(14 + (four ? 20 : 40) + 20 + payload.length)
            .position(12)
            .putShort((short) (four ? 0x0800 : 0x86dd));
    if (four) {
      frame.put((byte) 0x45).put((byte) 0).putShort((short) (40 + payload.length));
      frame.putInt(0).put((byte) 64).put((byte) 6).putShort((short) 0);
    } else {
      frame.putInt(6 << 28).putShort((short) (20 + payload.length)).put((byte) 6).put((byte) 64);
    }
    frame.put(from).put(to);
    frame.putShort((short) CLIENT_PORT).putShort((short) PORT).putInt(sequence).putInt(0);
    frame.put((byte) 0x50).put((byte) (opens ? 2 : 0x18)).putShort((short) 0).putInt(0);
    return frame.put(payload).array();
  }
}

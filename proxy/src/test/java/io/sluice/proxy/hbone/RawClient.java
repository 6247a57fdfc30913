package io.sluice.proxy.hbone;

import io.sluice.proxy.tls.ForeignTls;
import io.sluice.proxy.tls.PresentedChain;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLSocket;

/**
 * An HTTP/2 client made of bytes (RFC 9113 §4.1), with the JDK's TLS: it keeps no rule by itself.
 */
final class RawClient implements AutoCloseable {
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int PRIORITY = 2;
  static final int RST_STREAM = 3;
  static final int SETTINGS = 4;
  static final int PING = 6;
  static final int GOAWAY = 7;
  static final int WINDOW_UPDATE = 8;
  static final int CONTINUATION = 9;
  static final int END_STREAM = 1;
  static final int ACK = 1;
  static final int END_HEADERS = 4;
  static final int ENHANCE_YOUR_CALM = 11;
  static final int PROTOCOL_ERROR = 1;

  /** One frame of the server. */
  record Frame(int type, int flags, int stream, byte[] payload) {
    /** Error code of RST_STREAM, or of GOAWAY. */
    int error() {
      return ByteBuffer.wrap(payload).getInt(type == GOAWAY ? 4 : 0);
    }
  }

  private final SSLSocket socket;
  private final OutputStream out;
  private final DataInputStream in;

  RawClient(InetSocketAddress address, PresentedChain chain) throws Exception {
    socket = ForeignTls.connect(address, chain, "h2");
    out = socket.getOutputStream();
    in = new DataInputStream(socket.getInputStream());
    // Who is refused may be reset already: what reads next sees that.
    flood("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    flood(frame(SETTINGS, 0, 0, new byte[0]));
  }

  void send(int type, int flags, int stream, byte[] payload) throws IOException {
    out.write(frame(type, flags, stream, payload));
  }

  /** Many frames at once; a server that has had enough may close in between. */
  void flood(byte[] frames) {
    try {
      out.write(frames);
    } catch (IOException e) {
      // Closed before everything was sent, which is what the test asks for.
    }
  }

  static byte[] frame(int type, int flags, int stream, byte[] payload) {
    return ByteBuffer.allocate(9 + payload.length)
        .put((byte) (payload.length >> 16))
        .put((byte) (payload.length >> 8))
        .put((byte) payload.length)
        .put((byte) type)
        .put((byte) flags)
        .putInt(stream)
        .put(payload)
        .array();
  }

  static byte[] number(int value) {
    return ByteBuffer.allocate(4).putInt(value).array();
  }

  /** A header list without compression (RFC 7541 §6.2.2): names and values in turn. */
  static byte[] headers(String... fields) {
    ByteArrayOutputStream list = new ByteArrayOutputStream();
    for (int i = 0; i < fields.length; i += 2) {
      list.write(0);
      text(list, fields[i]);
      text(list, fields[i + 1]);
    }
    return list.toByteArray();
  }

  private static void text(ByteArrayOutputStream list, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
    if (bytes.length < 127) {
      list.write(bytes.length);
    } else {
      list.write(127);
      int rest = bytes.length - 127;
      while (rest >= 128) {
        list.write(rest % 128 + 128);
        rest /= 128;
      }
      list.write(rest);
    }
    list.writeBytes(bytes);
  }

  static byte[] connectTo(InetSocketAddress destination) {
    return headers(
        ":method",
        "CONNECT",
        ":authority",
        destination.getAddress().getHostAddress() + ":" + destination.getPort());
  }

  Frame read() throws IOException {
    int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
    int type = in.readUnsignedByte();
    int flags = in.readUnsignedByte();
    int stream = in.readInt();
    return new Frame(type, flags, stream, in.readNBytes(length));
  }

  /** The next frame of this type; others are skipped. */
  Frame next(int type) throws IOException {
    while (true) {
      Frame frame = read();
      if (frame.type == type) {
        return frame;
      }
    }
  }

  /** Settles the settings as a well-behaved peer does. */
  void settle() throws IOException {
    next(SETTINGS);
    send(SETTINGS, ACK, 0, new byte[0]);
  }

  /** Whether the server ends the connection. */
  boolean isCutOff() {
    try {
      while (true) {
        read();
      }
    } catch (EOFException e) {
      return true;
    } catch (IOException e) {
      return !(e instanceof java.net.SocketTimeoutException);
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}

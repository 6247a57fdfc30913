package io.sluice.proxy.http2;

import io.sluice.proxy.Peers;
import io.sluice.proxy.tls.ForeignTls;
import io.sluice.proxy.tls.PresentedChain;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * An HTTP/2 client made of bytes (RFC 9113 §4.1), with the JDK's TLS or none: it keeps no rule by
 * itself.
 */
public final class RawClient implements AutoCloseable {
  public static final int DATA = 0;
  public static final int HEADERS = 1;
  public static final int PRIORITY = 2;
  public static final int RST_STREAM = 3;
  public static final int SETTINGS = 4;
  public static final int PING = 6;
  public static final int GOAWAY = 7;
  public static final int WINDOW_UPDATE = 8;
  public static final int CONTINUATION = 9;
  public static final int END_STREAM = 1;
  public static final int ACK = 1;
  public static final int END_HEADERS = 4;
  public static final int ENHANCE_YOUR_CALM = 11;
  public static final int PROTOCOL_ERROR = 1;

  /** One frame of the server. */
  public record Frame(int type, int flags, int stream, byte[] payload) {
    /** Error code of RST_STREAM, or of GOAWAY. */
    public int error() {
      return ByteBuffer.wrap(payload).getInt(type == GOAWAY ? 4 : 0);
    }
  }

  private final Socket socket;
  private final OutputStream out;
  private final DataInputStream in;

  /** With TLS. */
  public RawClient(InetSocketAddress address, PresentedChain chain) throws Exception {
    this(ForeignTls.connect(address, chain, "h2"));
  }

  /** Without. */
  public RawClient(InetSocketAddress address) throws IOException {
    this(Peers.connect(address));
  }

  private RawClient(Socket connected) throws IOException {
    socket = connected;
    out = socket.getOutputStream();
    in = new DataInputStream(socket.getInputStream());
    // Who is refused may be reset already: what reads next sees that.
    flood("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    flood(frame(SETTINGS, 0, 0, new byte[0]));
  }

  /** The kernel is to keep little of what is not read. */
  public void keepLittle() throws IOException {
    socket.setReceiveBufferSize(4_096);
  }

  public void send(int type, int flags, int stream, byte[] payload) throws IOException {
    out.write(frame(type, flags, stream, payload));
  }

  /** Many frames at once; a server that has had enough may close in between. */
  public void flood(byte[] frames) {
    try {
      out.write(frames);
    } catch (IOException e) {
      // Closed before everything was sent, which is what the test asks for.
    }
  }

  public static byte[] frame(int type, int flags, int stream, byte[] payload) {
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

  public static byte[] number(int value) {
    return ByteBuffer.allocate(4).putInt(value).array();
  }

  /** A header list without compression (RFC 7541 §6.2.2): names and values in turn. */
  public static byte[] headers(String... fields) {
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

  public static byte[] connectTo(InetSocketAddress destination) {
    return headers(
        ":method",
        "CONNECT",
        ":authority",
        destination.getAddress().getHostAddress() + ":" + destination.getPort());
  }

  public Frame read() throws IOException {
    int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
    int type = in.readUnsignedByte();
    int flags = in.readUnsignedByte();
    int stream = in.readInt();
    return new Frame(type, flags, stream, in.readNBytes(length));
  }

  /** The next frame of this type; others are skipped. */
  public Frame next(int type) throws IOException {
    while (true) {
      Frame frame = read();
      if (frame.type == type) {
        return frame;
      }
    }
  }

  /** Settles the settings as a well-behaved peer does. */
  public void settle() throws IOException {
    next(SETTINGS);
    send(SETTINGS, ACK, 0, new byte[0]);
  }

  /** Whether the server ends the connection. */
  public boolean isCutOff() {
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

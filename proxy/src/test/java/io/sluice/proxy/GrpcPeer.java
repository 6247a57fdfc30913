package io.sluice.proxy;

import io.sluice.proxy.http2.RawClient;
import io.sluice.proxy.http2.RawClient.Frame;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server of unary calls of gRPC, made of octets (gRPC's PROTOCOL-HTTP2.md): what becomes of each
 * call is said by the test, and may break every rule.
 */
public final class GrpcPeer implements AutoCloseable {
  private static final int PREFIX = 5;

  /** One connection; what is sent may come in any order. */
  public static final class Caller {
    private final Socket socket;
    private final OutputStream out;

    private Caller(Socket socket) throws IOException {
      this.socket = socket;
      this.out = socket.getOutputStream();
    }

    /** Answers the call by this message. */
    public void answer(int stream, byte[] message) throws IOException {
      head(stream);
      data(stream, framed(message));
      trailers(stream, "0");
    }

    public void head(int stream) throws IOException {
      send(
          RawClient.HEADERS,
          RawClient.END_HEADERS,
          stream,
          RawClient.headers(":status", "200", "content-type", "application/grpc"));
    }

    public void data(int stream, byte[] bytes) throws IOException {
      send(RawClient.DATA, 0, stream, bytes);
    }

    public void trailers(int stream, String status) throws IOException {
      send(
          RawClient.HEADERS,
          RawClient.END_HEADERS | RawClient.END_STREAM,
          stream,
          RawClient.headers("grpc-status", status));
    }

    public synchronized void send(int type, int flags, int stream, byte[] payload)
        throws IOException {
      out.write(RawClient.frame(type, flags, stream, payload));
    }

    /** Ends the connection by a reset. */
    public void reset() throws IOException {
      Peers.reset(socket);
    }
  }

  /** What becomes of a call whose message has come whole. */
  public interface Conduct {
    void with(Caller caller, int stream, byte[] message) throws Exception;
  }

  /** Messages that have come. */
  public final Queue<byte[]> asked = new ConcurrentLinkedQueue<>();

  /** Connections that are over. */
  public final AtomicInteger ended = new AtomicInteger();

  public volatile Conduct conduct;
  public final Peers.Server server;

  /** Listens there; port 0 is any. */
  public GrpcPeer(InetSocketAddress address, Conduct first) {
    conduct = first;
    server = new Peers.Server(address, 0, this::serve);
  }

  public GrpcPeer(Conduct first) {
    this(new InetSocketAddress(Peers.V4, 0), first);
  }

  public static byte[] framed(byte[] message) {
    return ByteBuffer.allocate(PREFIX + message.length)
        .put((byte) 0)
        .putInt(message.length)
        .put(message)
        .array();
  }

  public InetSocketAddress address() {
    return server.address();
  }

  private void serve(Socket socket) throws Exception {
    try {
      converse(socket);
    } finally {
      ended.incrementAndGet();
    }
  }

  private void converse(Socket socket) throws Exception {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    Caller caller = new Caller(socket);
    in.skipNBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length());
    caller.send(RawClient.SETTINGS, 0, 0, new byte[0]);
    while (true) {
      Frame frame = read(in);
      if (frame.type() == RawClient.SETTINGS && (frame.flags() & RawClient.ACK) == 0) {
        caller.send(RawClient.SETTINGS, RawClient.ACK, 0, new byte[0]);
      } else if (frame.type() == RawClient.DATA) {
        ByteBuffer bytes = ByteBuffer.wrap(frame.payload());
        byte[] message = new byte[bytes.getInt(1)];
        bytes.get(PREFIX, message); // tests ask for less than a frame holds
        asked.add(message);
        conduct.with(caller, frame.stream(), message);
      }
    }
  }

  private static Frame read(DataInputStream in) throws IOException {
    int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
    int type = in.readUnsignedByte();
    int flags = in.readUnsignedByte();
    int stream = in.readInt();
    return new Frame(type, flags, stream, in.readNBytes(length));
  }

  @Override
  public void close() {
    server.close();
  }
}

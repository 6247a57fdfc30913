package io.sluice.node.export;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2ConnectionHandlerBuilder;
import io.netty.handler.codec.http2.Http2FrameAdapter;
import io.netty.handler.codec.http2.Http2Headers;
import io.sluice.mesh.Printable;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** One batch on its way to a collector, by a connection of its own. One thread, which it blocks. */
public final class Delivery {
  private static final long LOOK_MILLIS = 100; // so soon it sees that nothing is waited for
  private static final int STATUS_OCTETS = 12; // HTTP/1.1 202
  private static final int STREAM = 1; // the only one of its connection
  private static final int READ_OCTETS = 16 * 1_024;
  private static final int MOST_ANSWER_OCTETS = 64 * 1_024; // of which it takes some hundred
  private static final String NO_ANSWER = "it ended the connection without an answer";

  /** OTLP's, of OTLP/HTTP "Retryable Response Codes": what is answered otherwise stays so. */
  private static final Set<Integer> LATER = Set.of(429, 502, 503, 504);

  /** The same of OTLP/gRPC, and RESOURCE_EXHAUSTED, which says as much as 429. */
  private static final Set<String> LATER_BY_GRPC = Set.of("1", "4", "8", "10", "11", "14", "15");

  private final SocketChannel channel;
  private final Selector selector;
  private final SelectionKey key;
  private final BooleanSupplier isOver;
  private long deadline;
  private int answerOctets;

  /** What is sent, and how. */
  public sealed interface Call {
    /** By HTTP/1.1. */
    record Http(String path, String contentType, byte[] body) implements Call {}

    /** By gRPC, which is HTTP/2. */
    record Grpc(String method, byte[] message) implements Call {}
  }

  /**
   * What the collector says to it.
   *
   * @param isForLater whether it is worth sending again, where it was not taken
   */
  record Answer(boolean isTaken, boolean isForLater, String text) {
    static Answer of(int status) {
      return new Answer(
          status >= 200 && status < 300, LATER.contains(status), "it answers " + status);
    }

    static Answer ofGrpc(String status) {
      return new Answer(
          status.equals("0"),
          LATER_BY_GRPC.contains(status),
          "it answers status " + Printable.text(status, 16) + " of gRPC");
    }
  }

  private Delivery(SocketChannel channel, Selector selector, BooleanSupplier isOver)
      throws IOException {
    this.channel = channel;
    this.selector = selector;
    this.isOver = isOver;
    channel.configureBlocking(false);
    this.key = channel.register(selector, SelectionKey.OP_CONNECT);
  }

  /**
   * Sends it there.
   *
   * @param connect for which the connection is waited for
   * @param longest for which all of it is
   * @param isOver whether nothing is to be waited for any longer
   */
  static Answer send(
      Call call,
      InetSocketAddress address,
      String authority,
      Duration connect,
      Duration longest,
      BooleanSupplier isOver)
      throws IOException {
    long start = System.nanoTime();
    try (SocketChannel channel = SocketChannel.open();
        Selector selector = Selector.open()) {
      Delivery delivery = new Delivery(channel, selector, isOver);
      delivery.deadline = start + Math.min(connect.toNanos(), longest.toNanos());
      delivery.connect(address);
      delivery.deadline = start + longest.toNanos();
      return switch (call) {
        case Call.Http http -> delivery.post(authority, http);
        case Call.Grpc grpc -> delivery.call(authority, grpc);
      };
    }
  }

  private void connect(InetSocketAddress address) throws IOException {
    for (boolean connected = channel.connect(address); !connected; ) {
      await();
      connected = channel.finishConnect();
    }
  }

  /** At each turn: who always has something to say would have the thread for ever. */
  private void requireTime() throws SocketTimeoutException {
    if (System.nanoTime() - deadline > 0 || isOver.getAsBoolean()) {
      throw new SocketTimeoutException("it does not answer in time");
    }
  }

  private void await() throws IOException {
    requireTime();
    selector.select(LOOK_MILLIS);
    selector.selectedKeys().clear();
  }

  private void write(ByteBuffer... parts) throws IOException {
    key.interestOps(SelectionKey.OP_WRITE);
    while (parts[parts.length - 1].hasRemaining()) {
      requireTime();
      if (channel.write(parts) == 0) {
        await();
      }
    }
  }

  /** Some octets, once there are any. */
  private void read(ByteBuffer into) throws IOException {
    requireTime();
    key.interestOps(SelectionKey.OP_READ);
    int octets = channel.read(into);
    while (octets == 0) {
      await();
      octets = channel.read(into);
    }
    if (octets < 0) {
      throw new EOFException(NO_ANSWER);
    }
    answerOctets += octets;
    if (answerOctets > MOST_ANSWER_OCTETS) {
      throw new IOException("its answer has more than " + MOST_ANSWER_OCTETS + " octets");
    }
  }

  private Answer post(String authority, Call.Http call) throws IOException {
    String head =
        """
        POST %s HTTP/1.1\r
        Host: %s\r
        User-Agent: sluice\r
        Content-Type: %s\r
        Content-Length: %d\r
        Connection: close\r
        \r
        """
            .formatted(call.path(), authority, call.contentType(), call.body().length);
    write(ByteBuffer.wrap(head.getBytes(StandardCharsets.US_ASCII)), ByteBuffer.wrap(call.body()));
    ByteBuffer answer = ByteBuffer.allocate(STATUS_OCTETS);
    while (answer.hasRemaining()) {
      read(answer);
    }
    String status = new String(answer.array(), StandardCharsets.ISO_8859_1);
    if (!status.matches("HTTP/1\\.[01] [1-5][0-9]{2}")) {
      throw new IOException("its answer is no HTTP/1.1");
    }
    return Answer.of(Integer.parseInt(status.substring(STATUS_OCTETS - 3)));
  }

  /** The codec has no socket of its own: what it makes is written here, and what comes given it. */
  private Answer call(String authority, Call.Grpc call) throws IOException {
    Listener listener = new Listener();
    Http2ConnectionHandler codec =
        new Http2ConnectionHandlerBuilder()
            .server(false)
            .frameListener(listener)
            .gracefulShutdownTimeoutMillis(0)
            .build();
    EmbeddedChannel http2 = new EmbeddedChannel(codec, new Ending());
    try {
      ChannelHandlerContext context = http2.pipeline().context(codec);
      codec
          .encoder()
          .writeHeaders(
              context, STREAM, head(authority, call.method()), 0, false, http2.newPromise());
      codec
          .encoder()
          .writeData(context, STREAM, framed(call.message()), 0, true, http2.newPromise());
      http2.flush();
      ByteBuffer read = ByteBuffer.allocate(READ_OCTETS);
      while (listener.answer == null) {
        for (ByteBuf out = http2.readOutbound(); out != null; out = http2.readOutbound()) {
          try {
            write(out.nioBuffers());
          } finally {
            out.release();
          }
        }
        if (listener.hasEnded || !http2.isOpen()) {
          throw new EOFException(NO_ANSWER);
        }
        read(read.clear());
        http2.writeInbound(Unpooled.copiedBuffer(read.flip()));
      }
      return listener.answer;
    } finally {
      http2.finishAndReleaseAll();
    }
  }

  private static Http2Headers head(String authority, String method) {
    return new DefaultHttp2Headers()
        .method("POST")
        .scheme("http")
        .path("/" + method)
        .authority(authority)
        .add("content-type", "application/grpc+proto")
        .add("te", "trailers")
        .add("user-agent", "sluice");
  }

  /** Behind its length, not compressed. */
  private static ByteBuf framed(byte[] message) {
    return Unpooled.wrappedBuffer(
        Unpooled.buffer(5).writeByte(0).writeInt(message.length), Unpooled.wrappedBuffer(message));
  }

  /** Hears of the one stream. */
  private static final class Listener extends Http2FrameAdapter {
    private @Nullable Answer answer;
    private boolean hasEnded; // without one

    @Override
    public void onHeadersRead(
        ChannelHandlerContext context,
        int stream,
        Http2Headers headers,
        int dependency,
        short weight,
        boolean exclusive,
        int padding,
        boolean isLast) {
      onHeadersRead(context, stream, headers, padding, isLast);
    }

    @Override
    public void onHeadersRead(
        ChannelHandlerContext context,
        int stream,
        Http2Headers headers,
        int padding,
        boolean isLast) {
      CharSequence status = headers.status();
      if (status != null && !status.toString().equals("200")) {
        answer = Answer.of(HttpResponseStatus.parseLine(status).code());
      } else if (isLast) {
        answer = Answer.ofGrpc(String.valueOf(headers.get("grpc-status")));
      }
    }

    @Override
    public void onRstStreamRead(ChannelHandlerContext context, int stream, long errorCode) {
      hasEnded = true;
    }

    @Override
    public void onGoAwayRead(
        ChannelHandlerContext context, int lastStream, long errorCode, ByteBuf why) {
      hasEnded |= lastStream < STREAM;
    }
  }

  /** What a collector sends that breaks a rule is its end; nothing of it goes further. */
  private static final class Ending extends ChannelInboundHandlerAdapter {
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close();
    }
  }
}

package io.sluice.node.export;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpScheme;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2ConnectionHandlerBuilder;
import io.netty.handler.codec.http2.Http2FrameAdapter;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.sluice.node.export.Delivery.Call;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** gRPC over HTTP/2, a stream for each call and one at a time. */
final class Http2 implements Protocol {
  private static final int MOST_HEAD_OCTETS = 16 * 1_024;
  private static final int PREFIX_OCTETS = 5; // of a message: whether compressed, and its length

  private final Http2ConnectionHandler codec =
      new Http2ConnectionHandlerBuilder()
          .server(false)
          .frameListener(new Listener())
          .initialSettings(
              Http2Settings.defaultSettings()
                  .pushEnabled(false)
                  .maxHeaderListSize(MOST_HEAD_OCTETS))
          .gracefulShutdownTimeoutMillis(0)
          .build();
  private final EmbeddedChannel http2 = new EmbeddedChannel(codec, new Ending());
  private final ByteArrayOutputStream body = new ByteArrayOutputStream();
  private final HttpScheme scheme;
  private int stream;
  private @Nullable ChannelPromise written; // whether all of the call was
  private @Nullable Answer answer;

  Http2(HttpScheme scheme) {
    this.scheme = scheme;
  }

  @Override
  public String alpn() {
    return ApplicationProtocolNames.HTTP_2;
  }

  @Override
  public void begin(String authority, Call call) {
    if (!(call instanceof Call.Grpc(String method, byte[] message, boolean isGzip))) {
      throw new IllegalArgumentException("not by gRPC: " + call.getClass());
    }
    answer = null;
    body.reset();
    stream = codec.connection().local().incrementAndGetNextStreamId();
    ChannelHandlerContext context = http2.pipeline().context(codec);
    ChannelPromise promise = http2.newPromise();
    Http2Headers head =
        new DefaultHttp2Headers()
            .method("POST")
            .scheme(scheme.name())
            .path("/" + method)
            .authority(authority)
            .add("content-type", "application/grpc+proto")
            .add("te", "trailers")
            .add("user-agent", "sluice");
    if (isGzip) {
      head.add("grpc-encoding", "gzip");
    }
    codec.encoder().writeHeaders(context, stream, head, 0, false, http2.newPromise());
    codec.encoder().writeData(context, stream, framed(message, isGzip), 0, true, promise);
    http2.flush();
    written = promise;
  }

  /** Behind its length. */
  private static ByteBuf framed(byte[] message, boolean isGzip) {
    return Unpooled.wrappedBuffer(
        Unpooled.buffer(PREFIX_OCTETS).writeByte(isGzip ? 1 : 0).writeInt(message.length),
        Unpooled.wrappedBuffer(message));
  }

  @Override
  public @Nullable ByteBuf toWrite() {
    return http2.readOutbound();
  }

  @Override
  public void read(ByteBuffer octets) throws IOException {
    http2.writeInbound(Unpooled.copiedBuffer(octets));
    // It has reset the stream, or gone away before it; that of another stream is nothing to us.
    boolean isReset = answer == null && codec.connection().stream(stream) == null;
    if (isReset || !http2.isOpen()) {
      throw new EOFException(Connection.NO_ANSWER);
    }
  }

  @Override
  public void end() {
    // An answer ends with its trailers.
  }

  @Override
  public Optional<Answer> answer() {
    return Optional.ofNullable(answer);
  }

  @Override
  public Optional<Answer> begun() {
    return answer();
  }

  @Override
  public boolean isReusable() {
    return http2.isOpen()
        && !codec.connection().goAwayReceived()
        && codec.connection().stream(stream) == null
        && written != null
        && written.isSuccess();
  }

  @Override
  public void close() {
    http2.finishAndReleaseAll();
  }

  /** Hears of the stream of the call. */
  private final class Listener extends Http2FrameAdapter {
    @Override
    public void onHeadersRead(
        ChannelHandlerContext context,
        int of,
        Http2Headers headers,
        int dependency,
        short weight,
        boolean exclusive,
        int padding,
        boolean isLast) {
      onHeadersRead(context, of, headers, padding, isLast);
    }

    /** What gRPC says counts, then what HTTP does, and a head of 1xx not at all. */
    @Override
    public void onHeadersRead(
        ChannelHandlerContext context, int of, Http2Headers headers, int padding, boolean isLast) {
      if (of != stream || answer != null) {
        return;
      }
      CharSequence status = headers.status();
      int code = status == null ? 0 : HttpResponseStatus.parseLine(status).code();
      if (headers.contains("grpc-status") || (isLast && (code == 0 || code == 200))) {
        answer =
            Answer.ofGrpc(
                headers.get("grpc-status"),
                headers.get("grpc-message"),
                headers.get("grpc-status-details-bin"),
                message());
      } else if (code != 0
          && code != 200
          && HttpStatusClass.valueOf(code) != HttpStatusClass.INFORMATIONAL) {
        Answer byHttp = Answer.of(code, headers.get(HttpHeaderNames.RETRY_AFTER), new byte[0]);
        answer = byHttp.verdict() == Answer.Verdict.TAKEN ? null : byHttp;
      }
    }

    private byte[] message() {
      ByteBuffer all = ByteBuffer.wrap(body.toByteArray());
      if (all.remaining() < PREFIX_OCTETS || all.get() != 0 || all.getInt() != all.remaining()) {
        return new byte[0]; // none, or one that we did not ask for: compressed, or several
      }
      byte[] message = new byte[all.remaining()];
      all.get(message);
      return message;
    }

    @Override
    public int onDataRead(
        ChannelHandlerContext context, int of, ByteBuf data, int padding, boolean isLast) {
      int octets = data.readableBytes() + padding;
      if (of == stream && answer == null) {
        body.writeBytes(ByteBufUtil.getBytes(data));
        if (isLast) {
          answer = Answer.unanswered("its answer has no trailers");
        }
      }
      return octets;
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

package io.sluice.node.export;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.util.ReferenceCountUtil;
import io.sluice.node.export.Delivery.Call;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** HTTP/1.1, whose connection lasts until one side says otherwise. */
final class Http1 implements Protocol {
  private static final int MOST_HEAD_OCTETS = 16 * 1_024;
  private static final byte[] NOTHING = {};

  private final EmbeddedChannel codec =
      new EmbeddedChannel(
          new HttpResponseDecoder(
              new HttpDecoderConfig()
                  .setMaxInitialLineLength(1_024)
                  .setMaxHeaderSize(MOST_HEAD_OCTETS)));
  private final ByteArrayOutputStream body = new ByteArrayOutputStream(); // of what OTLP answers
  private @Nullable ByteBuf request;
  private @Nullable HttpResponse head; // the last one: others say that it is to come
  private boolean isOtlp;
  private boolean isWhole;

  @Override
  public String alpn() {
    return ApplicationProtocolNames.HTTP_1_1;
  }

  @Override
  public void begin(String authority, Call call) {
    if (!(call
        instanceof
        Call.Http(
            String path,
            String contentType,
            byte[] content,
            String authorization,
            boolean isGzip))) {
      throw new IllegalArgumentException("not by HTTP/1.1: " + call.getClass());
    }
    isOtlp = contentType.equals(Otlp.CONTENT_TYPE);
    isWhole = false;
    head = null;
    body.reset();
    String start =
        """
        POST %s HTTP/1.1\r
        Host: %s\r
        User-Agent: sluice\r
        Content-Type: %s\r
        Content-Length: %d\r
        %s%s\r
        """
            .formatted(
                path,
                authority,
                contentType,
                content.length,
                isGzip ? "Content-Encoding: gzip\r\n" : "",
                authorization.isEmpty() ? "" : "Authorization: " + authorization + "\r\n");
    request = Unpooled.wrappedBuffer(start.getBytes(StandardCharsets.US_ASCII), content);
  }

  @Override
  public @Nullable ByteBuf toWrite() {
    ByteBuf whole = request;
    request = null;
    return whole;
  }

  /** What nobody asked for is no answer: as a 408 to who has not said anything for long. */
  @Override
  public void read(ByteBuffer octets) throws IOException {
    if (isWhole) {
      throw new IOException("it says what it was not asked for");
    }
    codec.writeInbound(Unpooled.copiedBuffer(octets));
    readAll();
  }

  private void readAll() throws IOException {
    for (HttpObject part = codec.readInbound(); part != null; part = codec.readInbound()) {
      try {
        read(part);
      } finally {
        ReferenceCountUtil.release(part);
      }
    }
  }

  private void read(HttpObject part) throws IOException {
    if (isWhole || part.decoderResult().isFailure()) {
      throw new IOException("its answer is no HTTP/1.1");
    }
    if (part instanceof HttpResponse response) {
      if (response.status().equals(HttpResponseStatus.SWITCHING_PROTOCOLS)) {
        throw new IOException("it changes to a protocol that it was not asked for");
      }
      // A head of 1xx is followed by the answer's.
      head = response.status().codeClass() == HttpStatusClass.INFORMATIONAL ? null : response;
    }
    if (head != null && part instanceof HttpContent content) {
      if (isOtlp) {
        content.content().readBytes(body, content.content().readableBytes());
      }
      isWhole = part instanceof LastHttpContent;
    }
  }

  /** Of an answer that has no length this is the end. */
  @Override
  public void end() {
    codec.finish();
    try {
      readAll();
    } catch (IOException e) {
      isWhole = false; // it has begun, if anything
    }
  }

  @Override
  public Optional<Answer> answer() {
    return isWhole ? of(head, body.toByteArray()) : Optional.empty();
  }

  @Override
  public Optional<Answer> begun() {
    return of(head, NOTHING);
  }

  private static Optional<Answer> of(@Nullable HttpResponse head, byte[] body) {
    return head == null
        ? Optional.empty()
        : Optional.of(
            Answer.of(head.status().code(), head.headers().get(HttpHeaderNames.RETRY_AFTER), body));
  }

  @Override
  public boolean isReusable() {
    return isWhole && request == null && head != null && HttpUtil.isKeepAlive(head);
  }

  @Override
  public void close() {
    if (request != null) {
      request.release();
    }
    codec.finishAndReleaseAll();
  }
}

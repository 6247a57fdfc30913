package io.sluice.scenario;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/**
 * A request to an {@link EchoServer}, and what its answer has to be.
 *
 * @param id of this request alone; says what its content is
 * @param bytes of its content
 * @param framing how the content's end is told
 * @param answerBytes of the answer's content
 * @param answerFraming how the end of that is told
 */
record Ask(
    HttpMethod method,
    String path,
    String id,
    long bytes,
    Framing framing,
    int answerBytes,
    Framing answerFraming) {
  /** Trailers come with chunks alone; of 100-continue the length is told. */
  enum Framing {
    LENGTH,
    CHUNKED,
    TRAILERS,
    CONTINUE
  }

  static final String ID = "x-request-id";
  static final String TRAILER = "x-trailer";
  static final String ANSWER_BYTES = "x-answer-bytes";
  static final String ANSWER_FRAMING = "x-answer-framing";
  static final String TOLD = "x-told";
  static final int PIECE = 32 << 10;

  static Ask get(String path, String id, int answerBytes) {
    return new Ask(HttpMethod.GET, path, id, 0, Framing.LENGTH, answerBytes, Framing.LENGTH);
  }

  static Ask post(String path, String id, long bytes, Framing framing) {
    return new Ask(HttpMethod.POST, path, id, bytes, framing, 0, Framing.LENGTH);
  }

  /** What a content of so many octets consists of, again and again, whoever sends it. */
  static byte[] piece(String id, long bytes) {
    byte[] piece = new byte[(int) Math.min(PIECE, bytes)];
    new SplittableRandom(id.hashCode()).nextBytes(piece);
    return piece;
  }

  static long checksum(String id, long bytes) {
    byte[] piece = piece(id, bytes);
    CRC32C sum = new CRC32C();
    for (long left = bytes; left > 0; left -= PIECE) {
      sum.update(piece, 0, (int) Math.min(left, PIECE));
    }
    return sum.getValue();
  }

  HttpRequest head() {
    HttpRequest head = new DefaultHttpRequest(HttpVersion.HTTP_1_1, method, path);
    head.headers()
        .set(HttpHeaderNames.HOST, "bookstore")
        .set(ID, id)
        .set(ANSWER_BYTES, answerBytes)
        .set(ANSWER_FRAMING, answerFraming);
    switch (framing) {
      case CHUNKED -> HttpUtil.setTransferEncodingChunked(head, true);
      case TRAILERS -> {
        HttpUtil.setTransferEncodingChunked(head, true);
        head.headers().set(HttpHeaderNames.TRAILER, TRAILER);
      }
      case CONTINUE, LENGTH -> {
        if (bytes > 0) {
          HttpUtil.setContentLength(head, bytes);
        }
        if (framing == Framing.CONTINUE) {
          head.headers().set(HttpHeaderNames.EXPECT, HttpHeaderValues.CONTINUE);
        }
      }
    }
    return head;
  }

  HttpContent content(byte[] piece, long from) {
    int length = (int) Math.min(PIECE, bytes - from);
    return new DefaultHttpContent(Unpooled.wrappedBuffer(piece, 0, length));
  }

  LastHttpContent end() {
    LastHttpContent end = new DefaultLastHttpContent(Unpooled.EMPTY_BUFFER);
    if (framing == Framing.TRAILERS) {
      end.trailingHeaders().set(TRAILER, id);
    }
    return end;
  }

  /** As the server understood it. */
  String told() {
    return told(
        method.name(), path, bytes, checksum(id, bytes), framing == Framing.TRAILERS ? id : "-");
  }

  static String told(String method, String path, long bytes, long checksum, String trailer) {
    return "%s %s %d %x %s".formatted(method, path, bytes, checksum, trailer);
  }
}

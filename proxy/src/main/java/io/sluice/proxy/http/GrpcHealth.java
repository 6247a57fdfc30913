package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http2.DefaultHttp2HeadersDecoder;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Headers;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * One {@code grpc.health.v1.Health/Check} as the first and only call of a connection of HTTP/2 (RFC
 * 9113), written and read as far as that takes.
 */
final class GrpcHealth implements HealthQuestion.Words {
  private static final String PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  private static final int STREAM = 1;
  private static final int FRAME_HEAD = 9;

  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int GOAWAY = 7;

  private static final int END_STREAM = 1; // of SETTINGS: ACK
  private static final int END_HEADERS = 4;
  private static final int PADDED = 8;
  private static final int PRIORITY = 32;

  private static final int MESSAGE_HEAD = 5;
  private static final int SERVICE_FIELD = 0x0a;
  private static final int STATUS_FIELD = 0x08;
  private static final int SERVING = 1;
  private static final int OK = 0;

  private final String host;
  private final String service;
  private final boolean any;
  private final DefaultHttp2HeadersDecoder decoder = new DefaultHttp2HeadersDecoder();
  private final ByteBuf content = Unpooled.buffer();
  private boolean acknowledges;

  /**
   * Of nothing yet.
   *
   * @param host address and port of the endpoint
   * @param any whether an application that does not have the service is well too
   */
  GrpcHealth(String host, String service, boolean any) {
    this.host = host;
    this.service = service;
    this.any = any;
  }

  @Override
  public ByteBuf sent() {
    ByteBuf sent = Unpooled.buffer();
    sent.writeCharSequence(PREFACE, StandardCharsets.US_ASCII);
    frame(sent, SETTINGS, 0, 0, Unpooled.EMPTY_BUFFER);
    ByteBuf head = Unpooled.buffer();
    field(head, ":method", "POST");
    field(head, ":scheme", "http");
    field(head, ":path", "/grpc.health.v1.Health/Check");
    field(head, ":authority", host);
    field(head, "te", "trailers");
    field(head, "content-type", "application/grpc");
    field(head, "user-agent", HealthQuestion.AGENT);
    frame(sent, HEADERS, END_HEADERS, STREAM, head);
    ByteBuf message = Unpooled.buffer();
    byte[] name = service.getBytes(StandardCharsets.US_ASCII);
    ByteBuf request = Unpooled.buffer();
    if (name.length > 0) {
      request.writeByte(SERVICE_FIELD);
      if (name.length >= 0x80) {
        request.writeByte(name.length & 0x7f | 0x80);
        request.writeByte(name.length >> 7);
      } else {
        request.writeByte(name.length);
      }
      request.writeBytes(name);
    }
    message.writeByte(0).writeInt(request.readableBytes()).writeBytes(request);
    frame(sent, DATA, END_STREAM, STREAM, message);
    return sent;
  }

  private static void frame(ByteBuf to, int type, int flags, int stream, ByteBuf payload) {
    to.writeMedium(payload.readableBytes()).writeByte(type).writeByte(flags).writeInt(stream);
    to.writeBytes(payload);
  }

  /** Without index and without Huffman's code, RFC 7541 §6.2.2; all are shorter than 127. */
  private static void field(ByteBuf to, String name, String value) {
    to.writeByte(0).writeByte(name.length());
    to.writeCharSequence(name, StandardCharsets.US_ASCII);
    to.writeByte(value.length());
    to.writeCharSequence(value, StandardCharsets.US_ASCII);
  }

  @Override
  public @Nullable ByteBuf reply() {
    if (!acknowledges) {
      return null;
    }
    acknowledges = false;
    ByteBuf reply = Unpooled.buffer(FRAME_HEAD);
    frame(reply, SETTINGS, END_STREAM, 0, Unpooled.EMPTY_BUFFER);
    return reply;
  }

  @Override
  public @Nullable Boolean answer(ByteBuf come) {
    try {
      while (come.readableBytes() >= FRAME_HEAD) {
        int length = come.getUnsignedMedium(come.readerIndex());
        if (come.readableBytes() < FRAME_HEAD + length) {
          return null;
        }
        come.skipBytes(3);
        int type = come.readUnsignedByte();
        int flags = come.readUnsignedByte();
        come.skipBytes(4);
        Boolean well = frame(type, flags, come.readSlice(length));
        if (well != null) {
          return well;
        }
      }
      return null;
    } catch (Http2Exception | IndexOutOfBoundsException | IllegalArgumentException e) {
      return false;
    }
  }

  private @Nullable Boolean frame(int type, int flags, ByteBuf payload) throws Http2Exception {
    switch (type) {
      case SETTINGS -> acknowledges |= (flags & END_STREAM) == 0;
      case DATA -> content.writeBytes(unpadded(flags, payload));
      case HEADERS -> {
        ByteBuf block = unpadded(flags, payload);
        if ((flags & PRIORITY) != 0) {
          block.skipBytes(5);
        }
        return (flags & END_HEADERS) == 0 ? Boolean.FALSE : head(flags, block);
      }
      case RST_STREAM, GOAWAY -> {
        return false;
      }
      default -> {} // nothing that decides
    }
    return null;
  }

  private static ByteBuf unpadded(int flags, ByteBuf payload) {
    if ((flags & PADDED) == 0) {
      return payload;
    }
    int padding = payload.readUnsignedByte();
    return payload.readSlice(payload.readableBytes() - padding);
  }

  private @Nullable Boolean head(int flags, ByteBuf block) throws Http2Exception {
    Http2Headers headers = decoder.decodeHeaders(STREAM, block);
    CharSequence status = headers.status();
    if (status != null && !"200".contentEquals(status)) {
      return any; // it speaks no gRPC, and answers
    }
    CharSequence told = headers.get("grpc-status");
    if (told == null) {
      return (flags & END_STREAM) == 0 ? null : Boolean.valueOf(any);
    }
    return switch (Integer.parseInt(told.toString())) {
      case OK -> isServing();
      default -> any;
    };
  }

  private boolean isServing() {
    return content.readableBytes() >= MESSAGE_HEAD + 2
        && content.getByte(MESSAGE_HEAD) == STATUS_FIELD
        && content.getByte(MESSAGE_HEAD + 1) == SERVING;
  }
}

package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2StreamFrame;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The one call, against HTTP/2 as Netty reads and writes it. */
class GrpcHealthTest {
  /** Answers like an application of gRPC. */
  private static final class Application extends ChannelInboundHandlerAdapter {
    private final int httpStatus;
    private final String grpcStatus;
    private final int health;
    private @Nullable Http2Headers asked;
    private String service = "";

    /** With this state of health in its message, or none where it is negative. */
    Application(int httpStatus, String grpcStatus, int health) {
      this.httpStatus = httpStatus;
      this.grpcStatus = grpcStatus;
      this.health = health;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object frame) {
      if (frame instanceof Http2HeadersFrame head) {
        asked = head.headers();
      } else if (frame instanceof Http2DataFrame data) {
        ByteBuf content = data.content();
        int length = content.getInt(1);
        assertThat(content.readableBytes()).isEqualTo(5 + length);
        if (length > 0) {
          int prefix = length - 2 < 0x80 ? 2 : 3;
          service = content.toString(5 + prefix, length - prefix, StandardCharsets.US_ASCII);
        }
        assertThat(data.isEndStream()).isTrue();
        answer(context, (Http2StreamFrame) frame);
      }
      ReferenceCountUtil.release(frame);
    }

    private void answer(ChannelHandlerContext context, Http2StreamFrame asking) {
      Http2Headers head = new DefaultHttp2Headers().status(Integer.toString(httpStatus));
      head.add("content-type", "application/grpc");
      if (health < 0) {
        if (!grpcStatus.isEmpty()) {
          head.add("grpc-status", grpcStatus);
        }
        context.writeAndFlush(new DefaultHttp2HeadersFrame(head, true).stream(asking.stream()));
        return;
      }
      context.write(new DefaultHttp2HeadersFrame(head).stream(asking.stream()));
      ByteBuf message = Unpooled.wrappedBuffer(new byte[] {0, 0, 0, 0, 2, 8, (byte) health});
      context.write(new DefaultHttp2DataFrame(message, false, 7).stream(asking.stream()));
      Http2Headers end = new DefaultHttp2Headers().add("grpc-status", grpcStatus);
      context.writeAndFlush(new DefaultHttp2HeadersFrame(end, true).stream(asking.stream()));
    }
  }

  private static @Nullable Boolean ask(GrpcHealth question, Application application) {
    EmbeddedChannel server =
        new EmbeddedChannel(Http2FrameCodecBuilder.forServer().build(), application);
    server.writeInbound(question.sent());
    ByteBuf come = Unpooled.buffer();
    Boolean well = null;
    for (ByteBuf part = server.readOutbound(); part != null; part = server.readOutbound()) {
      while (part.isReadable()) { // as slowly as it may come
        come.writeByte(part.readByte());
        well = well == null ? question.answer(come) : well;
      }
      part.release();
    }
    ByteBuf reply = question.reply();
    if (reply != null) {
      server.writeInbound(reply);
    }
    server.finishAndReleaseAll();
    return well;
  }

  @ParameterizedTest
  @CsvSource({"0, 1, true", "0, 2, false", "0, 0, false", "5, -1, false", "12, -1, false"})
  void whoServesIsWellAndNobodyElse(String status, int health, boolean well) {
    Application application = new Application(200, status, health);

    assertThat(ask(new GrpcHealth("10.0.0.1:8080", "shop.Store", false), application))
        .isEqualTo(well);
    assertThat(application.service).isEqualTo("shop.Store");
    Http2Headers asked = Objects.requireNonNull(application.asked);
    assertThat(asked.path()).hasToString("/grpc.health.v1.Health/Check");
    assertThat(asked.get("te")).hasToString("trailers");
  }

  @ParameterizedTest
  @CsvSource({"0, 1, true", "0, 2, false", "12, -1, true", "16, -1, true"})
  void whereNoProbeAsksForItAnyAnswerIsGoodButThatItDoesNotServe(
      String status, int health, boolean well) {
    assertThat(ask(new GrpcHealth("10.0.0.1:8080", "", true), new Application(200, status, health)))
        .isEqualTo(well);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatSpeaksNoGrpcAnswersAtLeast(boolean any) {
    assertThat(ask(new GrpcHealth("10.0.0.1:8080", "", any), new Application(404, "", -1)))
        .isEqualTo(any);
  }

  @Test
  void aLongNameIsWrittenToo() {
    Application application = new Application(200, "0", 1);
    String name = "s".repeat(300);

    assertThat(ask(new GrpcHealth("10.0.0.1:8080", name, false), application)).isTrue();
    assertThat(application.service).isEqualTo(name);
  }

  @Test
  void whatIsNoHttp2IsNotWell() {
    GrpcHealth question = new GrpcHealth("10.0.0.1:8080", "", true);
    ByteBuf answer = Unpooled.buffer().writeZero(3).writeByte(3).writeZero(5);

    assertThat(question.answer(answer)).isFalse();
  }
}

package io.sluice.node.export;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.sluice.api.opentelemetry.AnyValue;
import io.sluice.api.opentelemetry.ExportTraceServiceRequest;
import io.sluice.api.opentelemetry.InstrumentationScope;
import io.sluice.api.opentelemetry.KeyValue;
import io.sluice.api.opentelemetry.Resource;
import io.sluice.api.opentelemetry.ResourceSpans;
import io.sluice.api.opentelemetry.ScopeSpans;
import io.sluice.api.opentelemetry.Span;
import io.sluice.api.opentelemetry.Status;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Beside protobuf's own classes, octet by octet. */
class OtlpTest {
  private static final List<String> TEXTS =
      List.of(
          "",
          "/items/7",
          "caf\u00e9",
          "\u65e5\u672c",
          "\ud83d\ude00",
          "a".repeat(113),
          "a".repeat(114),
          "b".repeat(127),
          "b".repeat(128),
          "c".repeat(16_384),
          "\u0000\u007f\u0080");

  private static final long[] NUMBERS = {
    0, 1, 127, 128, 200, Integer.MAX_VALUE, -1, Long.MIN_VALUE
  };

  private final OtlpWriter writer = new OtlpWriter();

  @Test
  void spansAreWrittenAsProtobufWritesThem() throws Exception {
    Random random = new Random(1);
    Ring ring = new Ring();
    ScopeSpans.Builder cart = scope();
    ScopeSpans.Builder stock = scope();
    for (int i = 0; i < 500; i++) {
      Span.Builder span =
          Span.newBuilder()
              .setTraceId(octets(i, random.nextLong()))
              .setSpanId(octets(i, 7).substring(Long.BYTES))
              .setName(text(random))
              .setKind(Span.Kind.SERVER)
              .setStartTimeUnixNano(1_700_000_000_123_456_789L + i)
              .setFlags(1 + i % 3);
      int message = writer.begin().open(Otlp.SPAN);
      writer.id(
          Span.TRACE_ID_FIELD_NUMBER,
          i,
          span.getTraceId().substring(Long.BYTES).asReadOnlyByteBuffer().getLong());
      writer.id(Span.SPAN_ID_FIELD_NUMBER, 7);
      if (!span.getName().isEmpty()) { // else protobuf leaves it out
        writer.text(Span.NAME_FIELD_NUMBER, span.getName());
      }
      writer.number(Span.KIND_FIELD_NUMBER, Span.Kind.SERVER_VALUE);
      writer.time(
          Span.START_TIME_UNIX_NANO_FIELD_NUMBER,
          Instant.ofEpochSecond(1_700_000_000L, 123_456_789L + i));
      for (int attributes = random.nextInt(4); attributes > 0; attributes--) {
        String name = "n" + text(random);
        String value = text(random);
        long number = NUMBERS[random.nextInt(NUMBERS.length)];
        span.addAttributes(attribute(name, AnyValue.newBuilder().setStringValue(value)));
        span.addAttributes(attribute(name, AnyValue.newBuilder().setIntValue(number)));
        writer.attribute(Span.ATTRIBUTES_FIELD_NUMBER, name, value);
        writer.attribute(Span.ATTRIBUTES_FIELD_NUMBER, name, number);
      }
      if (i % 2 == 0) {
        span.setStatus(Status.newBuilder().setMessage("503").setCode(Status.Code.ERROR));
        int status = writer.open(Span.STATUS_FIELD_NUMBER);
        writer.text(Status.MESSAGE_FIELD_NUMBER, "503");
        writer.number(Status.CODE_FIELD_NUMBER, Status.Code.ERROR_VALUE);
        writer.close(status);
      }
      writer.fixed32(Span.FLAGS_FIELD_NUMBER, 1 + i % 3);
      writer.close(message);
      boolean isOfCart = i == 0 || random.nextBoolean();
      (isOfCart ? cart : stock).addSpans(span);
      ring.add(writer.octets(), writer.length(), isOfCart ? "cart.shop" : "stock.shop");
    }

    ExportTraceServiceRequest expected =
        ExportTraceServiceRequest.newBuilder()
            .addResourceSpans(of("cart.shop", cart))
            .addResourceSpans(of("stock.shop", stock))
            .build();
    byte[] written = Otlp.request(ring.oldest(Integer.MAX_VALUE, Integer.MAX_VALUE));
    assertThat(ExportTraceServiceRequest.parseFrom(written)).isEqualTo(expected);
    assertThat(written).isEqualTo(expected.toByteArray());
  }

  private static String text(Random random) {
    return TEXTS.get(random.nextInt(TEXTS.size()));
  }

  private static ByteString octets(long high, long low) {
    return ByteString.copyFrom(
        ByteBuffer.allocate(2 * Long.BYTES).putLong(high).putLong(low).flip());
  }

  private static KeyValue attribute(String name, AnyValue.Builder value) {
    return KeyValue.newBuilder().setKey(name).setValue(value).build();
  }

  private static ScopeSpans.Builder scope() {
    return ScopeSpans.newBuilder().setScope(InstrumentationScope.newBuilder().setName("sluice"));
  }

  private static ResourceSpans of(String service, ScopeSpans.Builder spans) {
    return ResourceSpans.newBuilder()
        .setResource(
            Resource.newBuilder()
                .addAttributes(
                    attribute("service.name", AnyValue.newBuilder().setStringValue(service))))
        .addScopeSpans(spans)
        .build();
  }
}

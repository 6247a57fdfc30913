package io.sluice.node.export;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.sluice.api.opentelemetry.AnyValue;
import io.sluice.api.opentelemetry.InstrumentationScope;
import io.sluice.api.opentelemetry.KeyValue;
import io.sluice.api.opentelemetry.Resource;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** What messages of OpenTelemetry's protocol have in common. */
public final class Otlp {
  /** Who tells it. */
  public static final InstrumentationScope SCOPE =
      InstrumentationScope.newBuilder().setName("sluice").build();

  /** Of its content over HTTP. */
  public static final String CONTENT_TYPE = "application/x-protobuf";

  private Otlp() {}

  /** Whose it is. */
  public static Resource resource(String service) {
    return Resource.newBuilder().addAttributes(attribute("service.name", text(service))).build();
  }

  /** By its name. */
  public static KeyValue attribute(String name, AnyValue value) {
    return KeyValue.newBuilder().setKey(name).setValue(value).build();
  }

  /** A text. */
  public static AnyValue text(String text) {
    return AnyValue.newBuilder().setStringValue(text).build();
  }

  /** A number. */
  public static AnyValue number(long number) {
    return AnyValue.newBuilder().setIntValue(number).build();
  }

  /** A text of ASCII, as many of these octets, which nobody changes from now on. */
  public static AnyValue ascii(byte[] octets, int count) {
    return AnyValue.newBuilder()
        .setStringValueBytes(UnsafeByteOperations.unsafeWrap(octets, 0, count))
        .build();
  }

  /** An id, in network byte order. */
  public static ByteString octets(long... words) {
    ByteBuffer octets = ByteBuffer.allocate(words.length * Long.BYTES);
    for (long word : words) {
      octets.putLong(word);
    }
    return ByteString.copyFrom(octets.flip());
  }

  /** Nanoseconds since the epoch. */
  public static long nanos(Instant time) {
    return ChronoUnit.NANOS.between(Instant.EPOCH, time);
  }
}

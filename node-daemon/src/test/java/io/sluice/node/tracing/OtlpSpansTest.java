package io.sluice.node.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import io.sluice.api.opentelemetry.KeyValue;
import io.sluice.api.opentelemetry.ScopeSpans;
import io.sluice.api.opentelemetry.Status;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.node.Samples;
import io.sluice.node.export.OtlpWriter;
import io.sluice.proxy.ConnectionInfo;
import io.sluice.proxy.RequestRecord;
import io.sluice.proxy.RequestRecord.End;
import io.sluice.proxy.TraceSpan;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class OtlpSpansTest {
  private static final int NANOS = 123_456_789;

  private final OtlpSpans spans = new OtlpSpans();

  /** Whatever it has kept of the connection, or of another one in its place. */
  @Test
  void eachSpanTellsOfItsOwnRequestAndConnection() throws Exception {
    Random random = new Random(1);
    List<ConnectionInfo> connections =
        LongStream.range(0, 200)
            .mapToObj(id ->
                id % 2 == 0
                    ? Samples.outbound(id)
                    : Samples.certified(id, Samples.identity(Samples.CART)))
            .toList();
    List<MeshSnapshot> snapshots =
        IntStream.range(1, 4)
            .mapToObj(i -> Samples.snapshot(i, Samples.CART, Samples.CATALOGUE))
            .toList();
    for (int turn = 0; turn < 3_000; turn++) {
      boolean again = random.nextBoolean();
      ConnectionInfo info = connections.get(again ? turn / 100 : random.nextInt(200));
      RequestRecord request = request(info, random);
      Span span =
          new Span(
              Instant.ofEpochSecond(1_700_000_000L + turn, NANOS),
              request,
              new TraceSpan(
                  turn, random.nextLong(), 7 + turn, random.nextInt(2), TraceSpan.SAMPLED));
      MeshSnapshot snapshot = snapshots.get(turn / 1_000);

      OtlpWriter written = spans.write(span, snapshot);

      assertThat(spans.service()).isEqualTo(Span.service(snapshot, info.pod()));
      requireAlike(
          ScopeSpans.parseFrom(CodedInputStream.newInstance(written.octets(), 0, written.length()))
              .getSpans(0),
          span);
    }
  }

  private static RequestRecord request(ConnectionInfo info, Random random) {
    List<String> authorities = List.of("catalogue.shop", "catalogue.shop:8080", "[fd00::1]:80");
    List<String> agents = List.of("curl/8", "caf\u00e9", "x".repeat(200));
    boolean isGrpc = random.nextInt(4) == 0;
    RequestRecord plain =
        isGrpc
            ? Samples.grpc(info, Integer.toString(random.nextInt(16)))
            : Samples.request(info, 200 + 100 * random.nextInt(4), End.WHOLE, null);
    return Samples.asking(
        plain,
        plain.verdict(),
        authorities.get(random.nextInt(10) / 4),
        "/items/" + random.nextInt(),
        random.nextInt(5) == 0 ? null : agents.get(random.nextInt(10) / 4),
        null);
  }

  private static void requireAlike(io.sluice.api.opentelemetry.Span told, Span span) {
    assertThat(told.getTraceId())
        .isEqualTo(octets(span.trace().traceHigh(), span.trace().traceLow()));
    assertThat(told.getSpanId()).isEqualTo(octets(span.trace().id()));
    assertThat(told.getParentSpanId())
        .isEqualTo(span.trace().parent() == 0 ? ByteString.EMPTY : octets(span.trace().parent()));
    assertThat(told.getName()).isEqualTo(span.name());
    assertThat(told.getKind())
        .isEqualTo(
            span.isClient()
                ? io.sluice.api.opentelemetry.Span.Kind.CLIENT
                : io.sluice.api.opentelemetry.Span.Kind.SERVER);
    assertThat(told.getEndTimeUnixNano())
        .isEqualTo(span.end().getEpochSecond() * 1_000_000_000 + NANOS);
    assertThat(told.getEndTimeUnixNano() - told.getStartTimeUnixNano())
        .isEqualTo(span.request().duration().toNanos());
    assertThat(told.getFlags()).isEqualTo(TraceSpan.SAMPLED);
    String failure = span.failure();
    assertThat(told.getStatus())
        .isEqualTo(
            failure == null
                ? Status.getDefaultInstance()
                : Status.newBuilder().setCode(Status.Code.ERROR).setMessage(failure).build());
    Map<String, Object> attributes = new TreeMap<>();
    span.tell(
        new Span.Attributes() {
          @Override
          public void text(String name, String value) {
            attributes.put(name, value);
          }

          @Override
          public void number(String name, long value) {
            attributes.put(name, value);
          }
        });
    InetSocketAddress peer = span.peer();
    if (peer != null) {
      attributes.put("network.peer.address", IpAddresses.text(peer.getAddress()));
      attributes.put("network.peer.port", (long) peer.getPort());
    }
    Map<String, Object> written = new TreeMap<>();
    for (KeyValue each : told.getAttributesList()) {
      written.put(
          each.getKey(),
          each.getValue().hasStringValue()
              ? each.getValue().getStringValue()
              : each.getValue().getIntValue());
    }
    assertThat(written).isEqualTo(attributes).hasSize(told.getAttributesCount());
  }

  private static ByteString octets(long... words) {
    ByteBuffer octets = ByteBuffer.allocate(words.length * Long.BYTES);
    for (long word : words) {
      octets.putLong(word);
    }
    return ByteString.copyFrom(octets.flip());
  }
}

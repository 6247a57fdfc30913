package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.mesh.NamedServer;
import io.sluice.mesh.Tracing;
import io.sluice.mesh.Tracing.Protocol;
import io.sluice.proxy.TraceSpan;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TraceFieldsTest {
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String SHORT = "a3ce929d0e0e4736";
  private static final String SPAN = "00f067aa0ba902b7";
  private static final String TOLD = TRACE + "-" + SPAN;
  private static final long ID = 0x42L;
  private static final String OWN = "0000000000000042";

  private static final Tracing ALL = reporting(Protocol.OTLP, 1);

  private final SplittableRandom random = new SplittableRandom(1);

  /** What came, and what goes on with another span's id; a comma between fields. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          traceparent=00-TOLD-01 | traceparent=00-TRACE-OWN-01
          traceparent=00-TOLD-00 | traceparent=00-TRACE-OWN-00
          traceparent=00-TOLD-ff | traceparent=00-TRACE-OWN-03
          traceparent=cc-TOLD-01-what-is-to-come | traceparent=00-TRACE-OWN-01
          TraceParent=00-TOLD-01,tracestate=a=b | tracestate=a=b,traceparent=00-TRACE-OWN-01
          b3=TOLD-1 | b3=TRACE-OWN-1-SPAN
          b3=TOLD-0 | b3=TRACE-OWN-0-SPAN
          b3=TOLD-d | b3=TRACE-OWN-d-SPAN
          b3=SHORT-SPAN-1-OWN | b3=SHORT-OWN-1-SPAN
          x-b3-traceid=TRACE,x-b3-spanid=SPAN,x-b3-sampled=1 | x-b3-traceid=TRACE,x-b3-spanid=OWN,x-b3-parentspanid=SPAN,x-b3-sampled=1
          x-b3-traceid=SHORT,x-b3-spanid=SPAN,x-b3-parentspanid=OWN,x-b3-sampled=false | x-b3-traceid=SHORT,x-b3-spanid=OWN,x-b3-parentspanid=SPAN,x-b3-sampled=0
          x-b3-traceid=SHORT,x-b3-spanid=SPAN,x-b3-flags=1 | x-b3-traceid=SHORT,x-b3-spanid=OWN,x-b3-parentspanid=SPAN,x-b3-flags=1
          x-b3-traceid=TRACE,x-b3-spanid=SPAN,traceparent=00-TOLD-00 | traceparent=00-TRACE-OWN-00,x-b3-traceid=TRACE,x-b3-spanid=OWN,x-b3-parentspanid=SPAN,x-b3-sampled=0
          x-b3-traceid=TRACE,x-b3-spanid=SPAN,x-b3-flags=1,traceparent=00-TOLD-00 | traceparent=00-TRACE-OWN-00,x-b3-traceid=TRACE,x-b3-spanid=OWN,x-b3-parentspanid=SPAN,x-b3-sampled=0
          traceparent=00-TOLD,b3=SHORT-SPAN-1 | traceparent=00-0000000000000000SHORT-OWN-01,b3=SHORT-OWN-1-SPAN
          """)
  void theSpanTakesThePlaceOfTheOneThatAskedInTheFormsThatCame(String came, String goesOn) {
    Fields fields = fields(came);

    TraceSpan span = TraceFields.begin(fields, reporting(Protocol.ZIPKIN, 0), random);
    TraceFields.tell(
        fields, new TraceSpan(span.traceHigh(), span.traceLow(), ID, span.parent(), span.flags()));

    assertThat(span.parent()).isEqualTo(Long.parseUnsignedLong(SPAN, 16));
    assertThat(lines(fields)).containsExactlyElementsOf(lines(fields(goesOn)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x-request-id=1",
        "traceparent=",
        "traceparent=00-TOLD",
        "traceparent=00-TOLD-0",
        "traceparent=00-TOLD-01-",
        "traceparent=00-TOLD-01-more",
        "traceparent=cc-TOLD-01.more",
        "traceparent=ff-TOLD-01",
        "traceparent=0g-TOLD-01",
        "traceparent=00-TOLD-0g",
        "traceparent=00-TOLD_01",
        "traceparent=00-4BF92F3577B34DA6A3CE929D0E0E4736-SPAN-01",
        "traceparent=00-00000000000000000000000000000000-SPAN-01",
        "traceparent=00-TRACE-0000000000000000-01",
        "traceparent=00-TOLD-01,traceparent=00-TOLD-01",
        "tracestate=a=b",
        "b3=",
        "b3=-",
        "b3=---",
        "b3=TOLD-2",
        "b3=TOLD-1-OWN-1",
        "b3=TOLD-1-own",
        "b3=TRACE0-SPAN-1",
        "b3=0000000000000000-SPAN-1",
        "b3=SHORT-0000000000000000-1",
        "b3=\u00e4\u00df-\u0660-1",
        "b3=TOLD-1,b3=TOLD-1",
        "x-b3-traceid=TRACE",
        "x-b3-spanid=SPAN",
        "x-b3-traceid=TRACE,x-b3-spanid=SPANS",
        "x-b3-traceid=TRACE,x-b3-traceid=TRACE,x-b3-spanid=SPAN",
      })
  void whatIsNotWellFormedIsReplacedByATraceThatBeginsHere(String came) {
    Fields fields = fields(came);

    TraceSpan span = TraceFields.begin(fields, ALL, random);
    TraceFields.tell(fields, span);

    assertThat(span.parent()).isZero();
    assertThat(span.isSampled()).isTrue();
    String trace = hex(span.traceHigh()) + hex(span.traceLow());
    assertThat(lines(fields))
        .filteredOn(line -> !line.startsWith("x-request-id"))
        .containsExactly("traceparent=00-" + trace + "-" + hex(span.id()) + "-01");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          b3=0 | 1 | 0
          b3=1 | 0 | 1
          x-b3-sampled=0 | 1 | 0
          x-b3-sampled=true | 0 | 1
          x-b3-flags=1 | 0 | 5
          b3=TOLD | 0 | 0
          b3=TOLD | 1 | 1
          traceparent=00-TOLD-00 | 1 | 0
          traceparent=00-TOLD-01 | 0 | 1
          """)
  void whoAsksDecidesWhetherATraceIsReportedAndElseTheFraction(
      String came, double fraction, int flags) {
    Tracing tracing = reporting(Protocol.OTLP, fraction);
    assertThat(TraceFields.begin(fields(came), tracing, random).flags()).isEqualTo(flags);
  }

  /** Whose clients know no other. */
  @Test
  void aTraceForZipkinBeginsInTheFieldsOfB3() {
    Fields fields = new Fields();
    TraceSpan span = TraceFields.begin(fields, reporting(Protocol.ZIPKIN, 0), random);
    TraceFields.tell(fields, span);

    assertThat(lines(fields))
        .containsExactly(
            "x-b3-traceid=" + hex(span.traceHigh()) + hex(span.traceLow()),
            "x-b3-spanid=" + hex(span.id()),
            "x-b3-sampled=0");
  }

  /** Both ends, and every hop, that have to decide say the same of a trace. */
  @Test
  void aFractionOfTracesIsReportedByTheirIdsAlone() {
    Tracing tenth = reporting(Protocol.OTLP, 0.1);
    int traces = 100_000;
    int reported = 0;
    for (int i = 0; i < traces; i++) {
      Fields fields = new Fields();
      TraceSpan span = TraceFields.begin(fields, tenth, random);
      reported += span.isSampled() ? 1 : 0;
      Fields undecided =
          fields("b3=" + hex(span.traceHigh()) + hex(span.traceLow()) + "-" + hex(span.id()));
      assertThat(TraceFields.begin(undecided, tenth, random).isSampled())
          .isEqualTo(span.isSampled());
    }

    assertThat(reported).isBetween(traces / 10 - 500, traces / 10 + 500);
  }

  /** As a further try does, and the other side of a call within the process. */
  @Test
  void tellingItAgainChangesNothing() {
    Fields fields = new Fields();
    TraceSpan client = TraceFields.begin(fields, ALL, random);
    TraceFields.tell(fields, client);
    List<String> once = lines(fields);
    TraceSpan server = TraceFields.begin(fields, ALL, random);
    TraceFields.tell(fields, server);

    assertThat(server.parent()).isEqualTo(client.id());
    assertThat(server.traceLow()).isEqualTo(client.traceLow());
    TraceFields.tell(fields, client);

    assertThat(lines(fields)).containsExactlyElementsOf(once);
  }

  @Test
  void whateverComesWhatGoesOnIsWellFormed() {
    String[] forms = {
      "traceparent=00-" + TOLD + "-01",
      "b3=" + TOLD + "-1-" + OWN,
      "x-b3-traceid=" + TRACE,
      "x-b3-spanid=" + SPAN,
      "x-b3-sampled=1",
      "x-b3-flags=1",
      "x-b3-parentspanid=" + SPAN
    };
    String odd = "0123456789abcdefdgzA-, \t\u00e9_";
    for (int i = 0; i < 50_000; i++) {
      Fields fields = new Fields();
      for (int n = random.nextInt(5); n >= 0; n--) {
        String[] parts = forms[random.nextInt(forms.length)].split("=", 2);
        StringBuilder value = new StringBuilder(parts[1]);
        for (int k = random.nextInt(3); k > 0 && !value.isEmpty(); k--) {
          int at = random.nextInt(value.length());
          char other = odd.charAt(random.nextInt(odd.length()));
          switch (random.nextInt(3)) {
            case 0 -> value.setCharAt(at, other);
            case 1 -> value.insert(at, other);
            default -> value.setLength(at);
          }
        }
        fields.add(parts[0], value.toString());
      }
      TraceSpan span = TraceFields.begin(fields, ALL, random);
      TraceFields.tell(fields, span);

      String trace = "(?!0+-)[0-9a-f]{32}";
      String id = "(?!0{16})[0-9a-f]{16}";
      assertThat(String.valueOf(fields.joined("traceparent")))
          .matches("null|00-" + trace + "-" + id + "-0[0-3]");
      assertThat(String.valueOf(fields.joined("b3")))
          .matches("null|([0-9a-f]{16}|[0-9a-f]{32})-" + id + "-[01d](-" + id + ")?");
      if (fields.first("x-b3-traceid") != null) {
        assertThat(fields.joined("x-b3-traceid")).matches("[0-9a-f]{16}|[0-9a-f]{32}");
        assertThat(fields.joined("x-b3-spanid")).isEqualTo(hex(span.id()));
      }
    }
  }

  private static Tracing reporting(Protocol protocol, double fraction) {
    return new Tracing(new NamedServer("jaeger", 1), protocol, protocol.endpoint(), fraction);
  }

  private static String hex(long word) {
    return "%016x".formatted(word);
  }

  private static Fields fields(String text) {
    Fields fields = new Fields();
    for (String each :
        text.replace("TOLD", TOLD)
            .replace("TRACE", TRACE)
            .replace("SHORT", SHORT)
            .replace("SPAN", SPAN)
            .replace("OWN", OWN)
            .split(",", -1)) {
      String[] parts = each.split("=", 2);
      fields.add(parts[0], parts[1]);
    }
    return fields;
  }

  private static List<String> lines(Fields fields) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < fields.size(); i++) {
      lines.add(fields.name(i) + "=" + fields.value(i));
    }
    return lines;
  }
}

package io.sluice.proxy.http;

import io.sluice.mesh.Tracing;
import io.sluice.proxy.TraceSpan;
import java.util.HexFormat;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a request that tell which trace it is of: W3C Trace Context, and B3 as one field or
 * as several. Whatever is not well formed counts as absent.
 */
final class TraceFields {
  private static final String W3C = "traceparent";
  private static final String W3C_STATE = "tracestate";
  private static final String B3 = "b3";
  private static final String B3_TRACE = "x-b3-traceid";
  private static final String B3_SPAN = "x-b3-spanid";
  private static final String B3_PARENT = "x-b3-parentspanid";
  private static final String B3_SAMPLED = "x-b3-sampled";
  private static final String B3_FLAGS = "x-b3-flags";
  private static final List<String> ALL =
      List.of(W3C, W3C_STATE, B3, B3_TRACE, B3_SPAN, B3_PARENT, B3_SAMPLED, B3_FLAGS);

  private static final HexFormat HEX = HexFormat.of();
  private static final int SPAN_DIGITS = 16;
  private static final int TRACE_DIGITS = 32;
  private static final int W3C_LENGTH = 55;
  private static final int MOST_CHARACTERS = 512; // a later version of W3C's may say more

  /** Nobody has decided yet whether the trace is reported. */
  private static final int UNDECIDED = -1;

  private TraceFields() {}

  /**
   * A span of the trace that the request is of, else of a new one, which is to be {@linkplain #tell
   * told} as the collector's own clients do it. Whether a trace is reported is decided once: by who
   * asks, else by its id.
   */
  static TraceSpan begin(Fields fields, Tracing tracing, RandomGenerator random) {
    TraceSpan told = told(fields);
    TraceSpan from = told;
    if (from == null) {
      int flags = decided(fields);
      ALL.forEach(fields::remove);
      switch (tracing.protocol()) {
        case OTLP -> fields.add(W3C, "");
        case ZIPKIN -> fields.add(B3_TRACE, "");
      }
      from = new TraceSpan(random.nextLong(), id(random), 0, 0, flags);
    }
    int flags = from.flags();
    if (flags == UNDECIDED) {
      flags =
          TraceSpan.isOfPart(from.traceLow(), tracing.sampledFraction()) ? TraceSpan.SAMPLED : 0;
    }
    return new TraceSpan(from.traceHigh(), from.traceLow(), id(random), from.id(), flags);
  }

  private static long id(RandomGenerator random) {
    long id = random.nextLong();
    return id == 0 ? 1 : id;
  }

  /** Names the span as the parent of whatever follows, in each of the forms that are there. */
  static void tell(Fields fields, TraceSpan span) {
    String low = HEX.toHexDigits(span.traceLow());
    String high = HEX.toHexDigits(span.traceHigh());
    String id = HEX.toHexDigits(span.id());
    String shortest = span.traceHigh() == 0 ? low : high + low;
    boolean debug = (span.flags() & TraceSpan.DEBUG) != 0;
    String sampled = span.isSampled() ? "1" : "0";
    if (fields.first(W3C) != null) {
      int flags = span.flags() & TraceSpan.W3C_FLAGS;
      fields.set(W3C, "00-" + high + low + "-" + id + "-0" + flags);
    }
    if (fields.first(B3) != null) {
      fields.set(
          B3,
          shortest
              + "-"
              + id
              + "-"
              + (debug ? "d" : sampled)
              + (span.parent() == 0 ? "" : "-" + HEX.toHexDigits(span.parent())));
    }
    if (fields.first(B3_TRACE) != null) {
      fields.set(B3_TRACE, shortest);
      fields.set(B3_SPAN, id);
      fields.remove(B3_PARENT);
      if (span.parent() != 0) {
        fields.add(B3_PARENT, HEX.toHexDigits(span.parent()));
      }
      if (debug) {
        fields.remove(B3_SAMPLED); // which is implied
        fields.set(B3_FLAGS, "1");
      } else {
        fields.remove(B3_FLAGS); // of who did not decide
        fields.set(B3_SAMPLED, sampled);
      }
    }
  }

  /** The span of who asks; W3C's field counts before B3's. */
  private static @Nullable TraceSpan told(Fields fields) {
    String w3c = single(fields, W3C);
    TraceSpan told = w3c == null ? null : w3c(w3c);
    if (told == null) {
      fields.remove(W3C_STATE); // which means nothing by itself
      String b3 = single(fields, B3);
      told = b3 == null ? null : b3(b3.split("-", -1));
    }
    String trace = single(fields, B3_TRACE);
    String span = single(fields, B3_SPAN);
    return told != null || trace == null || span == null
        ? told
        : span(trace, span, severalDecide(fields));
  }

  /** What B3 says of a trace that begins here. */
  private static int decided(Fields fields) {
    String b3 = single(fields, B3);
    return b3 == null ? severalDecide(fields) : flags(b3);
  }

  private static int severalDecide(Fields fields) {
    String sampled = single(fields, B3_SAMPLED);
    return "1".equals(single(fields, B3_FLAGS))
        ? flags("d")
        : flags(sampled == null ? "" : sampled);
  }

  /** As B3 writes whether a trace is reported, and as it did once. */
  private static int flags(String word) {
    return switch (word) {
      case "d" -> TraceSpan.SAMPLED | TraceSpan.DEBUG;
      case "1", "true" -> TraceSpan.SAMPLED;
      case "0", "false" -> 0;
      default -> UNDECIDED;
    };
  }

  /** What is there once, and no longer than it can be; else it counts as absent. */
  private static @Nullable String single(Fields fields, String name) {
    String value = fields.count(name) == 1 ? fields.first(name) : null;
    return value != null && value.length() <= MOST_CHARACTERS ? value : null;
  }

  private static @Nullable TraceSpan w3c(String text) {
    boolean later = !text.startsWith("00-");
    if (text.length() < W3C_LENGTH
        || text.charAt(2) != '-'
        || text.charAt(35) != '-'
        || text.charAt(52) != '-'
        || text.startsWith("ff")
        || !isHex(text.substring(0, 2))
        || !isHex(text.substring(53, W3C_LENGTH))
        || (text.length() > W3C_LENGTH && !(later && text.charAt(W3C_LENGTH) == '-'))) {
      return null;
    }
    int flags = HexFormat.fromHexDigits(text, 53, W3C_LENGTH);
    return span(text.substring(3, 35), text.substring(36, 52), flags & TraceSpan.W3C_FLAGS);
  }

  private static @Nullable TraceSpan b3(String[] parts) {
    boolean whole =
        parts.length >= 2
            && parts.length <= 4
            && (parts.length < 3 || flags(parts[2]) != UNDECIDED)
            && (parts.length < 4 || (parts[3].length() == SPAN_DIGITS && isHex(parts[3])));
    return whole ? span(parts[0], parts[1], parts.length < 3 ? UNDECIDED : flags(parts[2])) : null;
  }

  private static @Nullable TraceSpan span(String trace, String id, int flags) {
    if ((trace.length() != TRACE_DIGITS && trace.length() != SPAN_DIGITS)
        || id.length() != SPAN_DIGITS
        || !isHex(trace)
        || !isHex(id)) {
      return null;
    }
    int low = trace.length() - SPAN_DIGITS;
    TraceSpan span =
        new TraceSpan(
            low == 0 ? 0 : HexFormat.fromHexDigitsToLong(trace, 0, low),
            HexFormat.fromHexDigitsToLong(trace, low, trace.length()),
            HexFormat.fromHexDigitsToLong(id),
            0,
            flags);
    return span.id() == 0 || (span.traceHigh() | span.traceLow()) == 0 ? null : span;
  }

  private static boolean isHex(String text) {
    for (int i = 0; i < text.length(); i++) {
      char each = text.charAt(i);
      if ((each < '0' || each > '9') && (each < 'a' || each > 'f')) {
        return false;
      }
    }
    return true;
  }
}

package io.sluice.node.export;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import io.netty.handler.codec.DateFormatter;
import io.sluice.mesh.Printable;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What came of a batch.
 *
 * @param text for the log: why it was not taken, or not all of it; nothing in it is the collector's
 *     without an escape
 * @param rejected of what was taken, how many were not
 * @param pause for which the collector asks, or a handshake that came to nothing; else none
 */
record Answer(Verdict verdict, String text, long rejected, Duration pause) {
  /** Longest pause that is granted: for so long no collector's word keeps others waiting. */
  static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

  private static final Duration UNBELIEVED_PAUSE = Duration.ofMinutes(1);

  /** Characters of a collector's own words. */
  static final int MOST_CHARACTERS = 256;

  /** OTLP's, of OTLP/HTTP "Retryable Response Codes": what is answered otherwise stays so. */
  private static final Set<Integer> LATER = Set.of(429, 502, 503, 504);

  private static final int CONTENT_TOO_LARGE = 413;

  /** The same of OTLP/gRPC. */
  private static final Set<String> LATER_BY_GRPC = Set.of("1", "4", "8", "10", "11", "14", "15");

  /**
   * RESOURCE_EXHAUSTED and OUT_OF_RANGE, by which servers say that a message is too large too. No
   * field tells that from having no room now: these are the words of gRPC's own implementations.
   */
  private static final Set<String> TOO_LARGE_BY_GRPC = Set.of("8", "11");

  private static final Pattern TOO_LARGE_IN_WORDS =
      Pattern.compile("larger than max|exceeds (the )?maximum|too large", Pattern.CASE_INSENSITIVE);

  private static final String RETRY_INFO = "/google.rpc.RetryInfo"; // behind any host

  /** Characters of any date of RFC 9110 §5.6.7: what has more is refused by who reads dates. */
  private static final int LONGEST_DATE = 40;

  private static final Pattern SECONDS = Pattern.compile("[0-9]{1,9}");

  /** What it means for the batch. */
  enum Verdict {
    /** It has it. */
    TAKEN,
    /** It would take less of it. */
    TOO_LARGE,
    /** It may take it later. */
    LATER,
    /** It never will. */
    REFUSED,
    /** It was sent, and nothing came that says what became of it. */
    UNANSWERED,
    /** It was not sent: there is no connection. */
    UNREACHED
  }

  static Answer unanswered(String why) {
    return new Answer(Verdict.UNANSWERED, why, 0, Duration.ZERO);
  }

  static Answer unreached(String why) {
    return new Answer(Verdict.UNREACHED, why, 0, Duration.ZERO);
  }

  /** As when there is no connection; but each further try costs a handshake. */
  static Answer unbelieved(String why) {
    return new Answer(Verdict.UNREACHED, why, 0, UNBELIEVED_PAUSE);
  }

  /**
   * By HTTP.
   *
   * @param body what OTLP answers with; empty where it is not known, or there is none
   */
  static Answer of(int status, @Nullable CharSequence retryAfterOrNull, byte[] body) {
    if (status >= 200 && status < 300) {
      return taken(body);
    }
    boolean isForLater = LATER.contains(status);
    return new Answer(
        isForLater
            ? Verdict.LATER
            : status == CONTENT_TOO_LARGE ? Verdict.TOO_LARGE : Verdict.REFUSED,
        "it answers " + status,
        0,
        isForLater && retryAfterOrNull != null
            ? retryAfter(retryAfterOrNull.toString().strip(), Instant.now())
            : Duration.ZERO);
  }

  /** By the trailers of gRPC, each null where there is none. */
  static Answer ofGrpc(
      @Nullable CharSequence statusOrNull,
      @Nullable CharSequence messageOrNull,
      @Nullable CharSequence detailsOrNull,
      byte[] body) {
    String status = String.valueOf(statusOrNull);
    if (status.equals("0")) {
      return taken(body);
    }
    String message = messageOrNull == null ? "" : messageOrNull.toString();
    Duration pause = detailsOrNull == null ? Duration.ZERO : retryInfo(detailsOrNull.toString());
    Verdict verdict = LATER_BY_GRPC.contains(status) ? Verdict.LATER : Verdict.REFUSED;
    if (TOO_LARGE_BY_GRPC.contains(status)
        && pause.isZero()
        && TOO_LARGE_IN_WORDS.matcher(message).find()) {
      verdict = Verdict.TOO_LARGE;
    }
    return new Answer(
        verdict,
        "it answers status "
            + Printable.text(status, 16)
            + " of gRPC"
            + (message.isEmpty() ? "" : ": " + Printable.text(message, MOST_CHARACTERS)),
        0,
        verdict == Verdict.LATER ? pause : Duration.ZERO);
  }

  /** OTLP's "Partial Success": of spans and of lines it has the same fields. */
  private static Answer taken(byte[] body) {
    long rejected = 0;
    String message = "";
    try {
      UnknownFieldSet partial = message(UnknownFieldSet.parseFrom(body), 1);
      rejected = number(partial, 1);
      message = bytes(partial, 2).toStringUtf8();
    } catch (InvalidProtocolBufferException e) {
      // It has taken them, in other words than OTLP's.
    }
    return new Answer(
        Verdict.TAKEN,
        Printable.text(message, MOST_CHARACTERS),
        Math.max(0, rejected),
        Duration.ZERO);
  }

  private static UnknownFieldSet message(UnknownFieldSet in, int field)
      throws InvalidProtocolBufferException {
    return UnknownFieldSet.parseFrom(bytes(in, field));
  }

  private static ByteString bytes(UnknownFieldSet in, int field) {
    return lastOf(in.getField(field).getLengthDelimitedList()).orElse(ByteString.EMPTY);
  }

  private static long number(UnknownFieldSet in, int field) {
    return lastOf(in.getField(field).getVarintList()).orElse(0L);
  }

  private static <V> Optional<V> lastOf(List<V> values) {
    return values.isEmpty() ? Optional.empty() : Optional.of(values.getLast());
  }

  /** RFC 9110 §10.2.3: seconds, or a date. */
  static Duration retryAfter(String text, Instant now) {
    if (SECONDS.matcher(text).matches()) {
      return bounded(Duration.ofSeconds(Long.parseLong(text)));
    }
    Date date = text.length() > LONGEST_DATE ? null : DateFormatter.parseHttpDate(text);
    return date == null ? Duration.ZERO : bounded(Duration.between(now, date.toInstant()));
  }

  /**
   * Of {@code google.rpc.RetryInfo}, one of the details of a {@code google.rpc.Status}. How it is
   * padded gRPC leaves to who writes it.
   */
  private static Duration retryInfo(String details) {
    try {
      UnknownFieldSet status = UnknownFieldSet.parseFrom(Base64.getDecoder().decode(details));
      for (ByteString each : status.getField(3).getLengthDelimitedList()) {
        UnknownFieldSet any = UnknownFieldSet.parseFrom(each);
        if (bytes(any, 1).toStringUtf8().endsWith(RETRY_INFO)) {
          UnknownFieldSet delay = message(message(any, 2), 1);
          return bounded(Duration.ofSeconds(number(delay, 1), number(delay, 2)));
        }
      }
    } catch (IllegalArgumentException | ArithmeticException | InvalidProtocolBufferException e) {
      // As if it had said nothing about it.
    }
    return Duration.ZERO;
  }

  private static Duration bounded(Duration pause) {
    return pause.isNegative()
        ? Duration.ZERO
        : pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE;
  }
}

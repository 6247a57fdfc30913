package io.sluice.node.export;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;
import io.sluice.node.export.Answer.Verdict;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerTest {
  private static final byte[] NOTHING = {};

  @ParameterizedTest
  @CsvSource({
    "200, TAKEN",
    "202, TAKEN",
    "302, REFUSED",
    "400, REFUSED",
    "413, TOO_LARGE",
    "429, LATER",
    "500, REFUSED",
    "503, LATER"
  })
  void aStatusOfHttpSaysWhetherItIsWorthToAskAgain(int status, Verdict verdict) {
    assertThat(Answer.of(status, null, NOTHING).verdict()).isEqualTo(verdict);
  }

  @ParameterizedTest
  @CsvSource({
    "0, '', TAKEN",
    "3, '', REFUSED",
    "8, no room, LATER",
    "8, grpc: received message larger than max (5 vs. 4), TOO_LARGE",
    "8, gRPC message exceeds maximum size 4: 5, TOO_LARGE",
    "11, 'Error, decoded message length too large: found 5 bytes', TOO_LARGE",
    "12, , REFUSED",
    "14, '', LATER",
    ", , REFUSED"
  })
  void soDoesOneOfGrpcAndWhatIsTooLargeByItsWords(
      @Nullable String status, @Nullable String message, Verdict verdict) {
    assertThat(Answer.ofGrpc(status, message, null, NOTHING).verdict()).isEqualTo(verdict);
  }

  @ParameterizedTest
  @CsvSource({
    "7, PT7S",
    "0, PT0S",
    "301, PT5M",
    "999999999, PT5M",
    "9999999999999999999, PT0S",
    "-1, PT0S",
    "soon, PT0S",
    "'Fri, 27 Nov 2026 10:00:09 GMT', PT9S",
    "'Friday, 27-Nov-26 10:00:09 GMT', PT9S",
    "'Fri Nov 27 10:00:09 2026', PT9S",
    "'Fri, 27 Nov 2026 11:00:00 GMT', PT5M",
    "'Fri, 27 Nov 2026 09:00:00 GMT', PT0S"
  })
  void aPauseIsInSecondsOrUntilADateAndHasABound(String text, Duration pause) {
    assertThat(Answer.retryAfter(text, Instant.parse("2026-11-27T10:00:00Z"))).isEqualTo(pause);
  }

  /** Else what was to be sent would be lost as by a mistake of the daemon's own. */
  @Test
  void aPauseInTooManyWordsIsNone() {
    Answer answer = Answer.of(503, "Fri, 27 Nov 2026" + " ".repeat(50) + "10:00:09 GMT", NOTHING);

    assertThat(answer).isEqualTo(Answer.of(503, null, NOTHING));
  }

  @ParameterizedTest
  @CsvSource({
    "2, 500000000, PT2.5S",
    "1000, 0, PT5M",
    "-1, 0, PT0S",
    "9223372036854775807, 999999999, PT5M"
  })
  void grpcSaysItInDetails(long seconds, long nanos, Duration pause) {
    String details = details(seconds, nanos);

    Answer answer = Answer.ofGrpc("8", "larger than max", details, NOTHING);

    assertThat(answer.pause()).isEqualTo(pause);
    assertThat(Answer.ofGrpc("3", null, details, NOTHING).pause()).isZero();
    assertThat(Answer.ofGrpc("8", null, details.substring(3) + "!", NOTHING).pause()).isZero();
  }

  static String details(long seconds, long nanos) {
    ByteString delay =
        UnknownFieldSet.newBuilder()
            .addField(1, Field.newBuilder().addVarint(seconds).build())
            .addField(2, Field.newBuilder().addVarint(nanos).build())
            .build()
            .toByteString();
    ByteString any =
        UnknownFieldSet.newBuilder()
            .addField(1, bytes(ByteString.copyFromUtf8("type.googleapis.com/google.rpc.RetryInfo")))
            .addField(2, bytes(holding(1, delay)))
            .build()
            .toByteString();
    return Base64.getEncoder().withoutPadding().encodeToString(holding(3, any).toByteArray());
  }

  /** As OTLP says that it has taken not all of it. */
  static byte[] partly(long rejected, String message) {
    return holding(
            1,
            UnknownFieldSet.newBuilder()
                .addField(1, Field.newBuilder().addVarint(rejected).build())
                .addField(2, bytes(ByteString.copyFromUtf8(message)))
                .build()
                .toByteString())
        .toByteArray();
  }

  private static ByteString holding(int field, ByteString value) {
    return UnknownFieldSet.newBuilder().addField(field, bytes(value)).build().toByteString();
  }

  private static Field bytes(ByteString value) {
    return Field.newBuilder().addLengthDelimited(value).build();
  }

  @Test
  void whatACollectorSaysHasABoundAndNoLineOfItsOwn() {
    String hostile = "a\nspans_not_taken \u001b[2J" + "x".repeat(10_000);

    Answer partly = Answer.of(200, null, partly(3, hostile));
    Answer refused = Answer.ofGrpc("3", hostile, null, NOTHING);

    assertThat(partly.rejected()).isEqualTo(3);
    for (Answer each : new Answer[] {partly, refused}) {
      assertThat(each.text()).contains("a\\nspans").matches("[ -~]+").hasSizeLessThan(400);
    }
  }

  @Test
  void whatIsNotOtlpsSaysThatItIsTaken() {
    assertThat(Answer.of(200, null, "<html>".getBytes(StandardCharsets.US_ASCII)))
        .isEqualTo(Answer.of(200, null, NOTHING));
    assertThat(Answer.of(200, null, partly(-5, "")).rejected()).isZero();
  }
}

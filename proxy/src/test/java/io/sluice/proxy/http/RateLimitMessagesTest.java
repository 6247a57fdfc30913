package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import io.sluice.api.envoy.auth.HeaderValue;
import io.sluice.api.envoy.ratelimit.RateLimitRequest;
import io.sluice.api.envoy.ratelimit.RateLimitResponse;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.Code;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.DescriptorStatus;
import io.sluice.api.envoy.ratelimit.RateLimitResponse.RateLimit;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.Regex;
import io.sluice.mesh.SharedLimit.Descriptor;
import io.sluice.mesh.SharedLimit.Entry;
import io.sluice.mesh.SharedLimit.HeaderMatch;
import java.net.InetAddress;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RateLimitMessagesTest {
  private static final InetAddress CLIENT = IpAddresses.parse("192.0.2.1");

  private static Head request(String... fields) {
    Fields all = new Fields();
    for (int i = 0; i < fields.length; i += 2) {
      all.add(fields[i], fields[i + 1]);
    }
    return Head.request("GET", "http", "store", "/books", "?page=2", all);
  }

  private static @Nullable RateLimitRequest asked(Head request, Entry... entries) {
    return RateLimitMessages.request(
        "of_test",
        List.of(new Descriptor(List.of(entries))),
        new RateLimitMessages.Asked(request, CLIENT));
  }

  private static String text(@Nullable RateLimitRequest asked) {
    if (asked == null) {
      return "none";
    }
    return String.join(
        " ",
        asked.getDescriptors(0).getEntriesList().stream()
            .map(entry -> entry.getKey() + "=" + entry.getValue())
            .toList());
  }

  @Test
  void whatIsAskedHasTheEntriesInTheirOrder() {
    RateLimitRequest asked =
        asked(
            request("X-User", "ada", "x-user", "bob"),
            new Entry.Fixed("generic_key", "all"),
            new Entry.ClientAddress(),
            new Entry.OfHeader("user", "x-user"),
            new Entry.OfHeader("path", ":path"),
            new Entry.OfHeader("host", "host"));
    assertThat(text(asked))
        .isEqualTo(
            "generic_key=all remote_address=192.0.2.1 user=ada, bob path=/books?page=2 host=store");
    assertThat(asked).extracting(RateLimitRequest::getDomain).isEqualTo("of_test");
  }

  /** As in Envoy: that descriptor alone is left out, and without any nobody is asked. */
  @Test
  void aDescriptorWithAnEntryThatHasNoValueIsLeftOut() {
    Descriptor missing =
        new Descriptor(List.of(new Entry.Fixed("a", "b"), new Entry.OfHeader("user", "x-user")));
    Descriptor other = new Descriptor(List.of(new Entry.Fixed("c", "d")));
    assertThat(
            text(
                RateLimitMessages.request(
                    "of_test",
                    List.of(missing, other),
                    new RateLimitMessages.Asked(request(), CLIENT))))
        .isEqualTo("c=d");
    assertThat(
            RateLimitMessages.request(
                "of_test", List.of(missing), new RateLimitMessages.Asked(request(), CLIENT)))
        .isNull();
    assertThat(
            text(
                RateLimitMessages.request(
                    "of_test", List.of(other), new RateLimitMessages.Asked(null, CLIENT))))
        .as("of a connection")
        .isEqualTo("c=d");
  }

  @ParameterizedTest
  @CsvSource({
    "'10.0.0.1, 10.0.0.2', 10.0.0.2",
    "2001:db8::1, 2001:db8::1",
    "'10.0.0.1, somebody', 192.0.2.1",
    "10.0.0.1:80, 192.0.2.1",
    "'10.0.0.1,', 192.0.2.1"
  })
  void theLastAddressThatIsForwardedForCounts(String forwarded, String expected) {
    assertThat(text(asked(request("x-forwarded-for", forwarded), new Entry.ClientAddress())))
        .isEqualTo("remote_address=" + expected);
  }

  @Test
  void headersMatchAllTogetherOrNot() {
    HeaderMatch user = new HeaderMatch("x-user", true, Regex.of("a.*"));
    HeaderMatch old = new HeaderMatch("x-old", false, Regex.ANY);
    Entry both = new Entry.Matching("header_match", "yes", true, List.of(user, old));
    Entry others = new Entry.Matching("header_match", "no", false, List.of(user, old));
    assertThat(text(asked(request("x-user", "ada"), both))).isEqualTo("header_match=yes");
    assertThat(text(asked(request("x-user", "ada"), others))).isEqualTo("none");
    for (Head request :
        List.of(request(), request("x-user", "bob"), request("x-user", "ada", "x-old", ""))) {
      assertThat(text(asked(request, both))).isEqualTo("none");
      assertThat(text(asked(request, others))).isEqualTo("header_match=no");
    }
  }

  /** Work that callers bring about; what is there is told all the same. */
  @Test
  void longValuesAreNeitherComparedNorSentAndNotManyAre() {
    Head request = request("x-user", "a".repeat(RateLimitMessages.MOST_CHARACTERS + 1));
    HeaderMatch user = new HeaderMatch("x-user", true, Regex.of("a.*"));
    Entry there =
        new Entry.Matching(
            "header_match", "yes", true, List.of(new HeaderMatch("x-user", true, Regex.ANY)));
    for (boolean expected : List.of(true, false)) {
      Entry compared = new Entry.Matching("header_match", "yes", expected, List.of(user));
      assertThatThrownBy(() -> asked(request, compared))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> asked(request, new Entry.OfHeader("user", "x-user")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(text(asked(request, there))).isEqualTo("header_match=yes");

    RateLimitMessages.Asked about = new RateLimitMessages.Asked(request, CLIENT);
    List<Descriptor> one = List.of(new Descriptor(List.of(there)));
    for (int i = 0; i < RateLimitMessages.MOST_VALUES; i++) {
      assertThat(RateLimitMessages.request("of_test", one, about)).isNotNull();
    }
    assertThatThrownBy(() -> RateLimitMessages.request("of_test", one, about))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static DescriptorStatus status(int limit, RateLimit.Unit unit, String name, int left) {
    return DescriptorStatus.newBuilder()
        .setCurrentLimit(
            RateLimit.newBuilder().setRequestsPerUnit(limit).setUnit(unit).setName(name))
        .setLimitRemaining(left)
        .setDurationUntilReset(Duration.newBuilder().setSeconds(limit + 2))
        .build();
  }

  private static List<String> left(DescriptorStatus... statuses) {
    return RateLimitMessages.answer(
            RateLimitResponse.newBuilder()
                .setOverallCode(Code.OK)
                .addAllStatuses(List.of(statuses))
                .build()
                .toByteString())
        .left()
        .stream()
        .map(FieldChange::value)
        .toList();
  }

  @Test
  void whatIsLeftIsThatOfTheNearestLimit() {
    DescriptorStatus unlimited = DescriptorStatus.newBuilder().setCode(Code.OK).build();
    assertThat(left(unlimited)).isEmpty();
    assertThat(
            left(
                unlimited,
                status(4, RateLimit.Unit.HOUR, "second", 5),
                status(1, RateLimit.Unit.MINUTE, "", 2),
                status(-1, RateLimit.Unit.UNKNOWN, "", -1)))
        .containsExactly("1, 4;w=3600;name=\"second\", 1;w=60", "2", "3");
    assertThat(left(status(4, RateLimit.Unit.HOUR, "a\r\nb: c", 5))).as("no header").isEmpty();
  }

  @Test
  void anAnswerIsReadAsFarAsItCanBeUsed() {
    RateLimitResponse.Builder answer =
        RateLimitResponse.newBuilder()
            .setOverallCode(Code.OVER_LIMIT)
            .setRawBody(ByteString.copyFromUtf8("later"))
            .addResponseHeadersToAdd(HeaderValue.newBuilder().setKey("X-Why").setValue("busy"))
            .addResponseHeadersToAdd(HeaderValue.newBuilder().setKey("content-length"))
            .addRequestHeadersToAdd(
                HeaderValue.newBuilder().setKey("x-raw").setRawValue(ByteString.copyFromUtf8("r")));
    IntStream.range(0, 100)
        .forEach(i -> answer.addRequestHeadersToAdd(HeaderValue.newBuilder().setKey("x" + i)));
    RateLimitMessages.Answer read = RateLimitMessages.answer(answer.build().toByteString());

    assertThat(read.isBeyond()).isTrue();
    assertThat(read.content()).isEqualTo("later");
    assertThat(read.response()).extracting(FieldChange::name).containsExactly("x-why");
    assertThat(read.request()).hasSize(RateLimitMessages.MOST_HEADERS);
    assertThat(read.request().getFirst().value()).isEqualTo("r");
  }

  @ParameterizedTest
  @ValueSource(bytes = {0, 3, 127})
  void whatSaysNeitherYesNorNoIsNoAnswer(byte code) {
    assertThatThrownBy(() -> RateLimitMessages.answer(ByteString.copyFrom(new byte[] {8, code})))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> RateLimitMessages.answer(ByteString.copyFrom(new byte[] {1, 2})))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

package io.sluice.node.events;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Lines are octet by octet those of a JSON library that escapes all but ASCII. */
class JsonLineTest {
  private final JsonLine line = new JsonLine();

  @Test
  void textsAreEscapedAsByTheLibrary() throws IOException {
    StringBuilder every = new StringBuilder();
    for (int c = 0; c <= Character.MAX_VALUE; c++) {
      every.append((char) c);
    }
    StringWriter expected = new StringWriter();
    try (JsonGenerator json =
        JsonFactory.builder()
            .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
            .build()
            .createGenerator(expected)) {
      json.writeStartObject();
      json.writeStringField("every", every.toString());
      json.writeNumberField("none", 0);
      json.writeNumberField("least", Long.MIN_VALUE);
      json.writeNumberField("ten", 10);
      json.writeEndObject();
    }

    line.begin();
    line.text("every", every.toString());
    line.text("unknown", null);
    line.number("none", 0);
    line.number("least", Long.MIN_VALUE);
    line.number("ten", 10);

    assertThat(ended()).isEqualTo(expected + "\n");
  }

  @Test
  void timesAreThoseOfInstants() {
    for (String text :
        List.of(
            "2026-11-22T17:00:00Z",
            "2026-11-22T17:00:00.120Z",
            "2026-11-22T17:00:00.000120Z",
            "2026-11-22T17:00:00.000000001Z",
            "2026-11-22T16:59:59.999999999Z",
            "1969-12-31T23:59:59.500Z")) {
      line.begin();
      line.time("time", Instant.parse(text));

      assertThat(ended()).isEqualTo("{\"time\":\"" + Instant.parse(text) + "\"}\n");
    }
  }

  @Test
  void fieldsThatWereCutStandWhereTheyAreWantedAgain() {
    line.begin();
    line.number("one", 1);
    int mark = line.length();
    line.text("two", "2");
    byte[] cut = line.cut(mark);
    line.number("three", 3);
    line.again(cut);

    assertThat(ended()).isEqualTo("{\"one\":1,\"three\":3,\"two\":\"2\"}\n");
  }

  private String ended() {
    JsonLine ended = line.end();
    return new String(ended.octets(), 0, ended.length(), StandardCharsets.US_ASCII);
  }
}

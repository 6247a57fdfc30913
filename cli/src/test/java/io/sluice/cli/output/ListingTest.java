package io.sluice.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class ListingTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void tableAlignsCellsUnderHeadings() {
    Listing listing =
        new Listing(
            List.of("pod", "state"),
            List.of(List.of("shop/cart-0", "enrolled"), List.of("a/b", "pending")));

    assertThat(printed(listing, OutputFormat.table))
        .isEqualTo(
            """
            POD          STATE
            shop/cart-0  enrolled
            a/b          pending
            """);
  }

  @Test
  void oneVeryWideCellDoesNotWidenEveryRow() {
    String wide = "x".repeat(200);
    Listing listing =
        new Listing(List.of("what", "value"), List.of(List.of(wide, "1"), List.of("a", "2")));

    assertThat(printed(listing, OutputFormat.table).lines())
        .containsExactly(
            "WHAT" + " ".repeat(78) + "VALUE", wide + "  1", "a" + " ".repeat(81) + "2");
  }

  @Test
  void cellStaysInItsRow() {
    Listing listing =
        new Listing(List.of("pod", "state"), List.of(List.of("a\nb", "pending\u001b[2J")));

    assertThat(printed(listing, OutputFormat.table))
        .isEqualTo("POD   STATE\na\\nb  pending\\u001b[2J\n");
  }

  @Test
  void emptyTableHasItsHeadings() {
    assertThat(printed(new Listing(List.of("pod"), List.of()), OutputFormat.table))
        .isEqualTo("POD\n");
    assertThat(printed(new Listing(List.of("pod"), List.of()), OutputFormat.json).strip())
        .isEqualTo("[ ]");
  }

  @Test
  void jsonHasTheColumnsAsMembers() throws JsonProcessingException {
    Listing listing = new Listing(List.of("map", "entries"), List.of(List.of("p\"ods", "3")));

    JsonNode read = JSON.readTree(printed(listing, OutputFormat.json));

    assertThat(read).isEqualTo(JSON.readTree("[{\"map\":\"p\\\"ods\",\"entries\":\"3\"}]"));
  }

  @Test
  void membersOfObjectsBecomeCells() throws JsonProcessingException {
    List<JsonNode> objects =
        List.of(JSON.readTree("{\"pod\":\"a/b\",\"addresses\":[\"10.0.0.1\",\"fd00::1\"]}"));

    assertThat(
            printed(
                Listing.of(objects, List.of("pod", "addresses", "problem")), OutputFormat.table))
        .endsWith("\na/b  10.0.0.1,fd00::1  -\n");
  }

  @Test
  void numbersHaveUnitsAndTimesAreToTheSecond() throws JsonProcessingException {
    JsonNode status =
        JSON.readTree(
            """
            {"uptimeSeconds": 3723, "controllerLastContactSeconds": -1, "startToReadyMillis": 812,
             "residentBytes": 60293120, "bufferedBytesLimit": 512, "pid": 4711,
             "since": "2026-11-22T17:43:33.123456Z"}
            """);

    assertThat(printed(Listing.ofMembers(status), OutputFormat.table))
        .isEqualTo(
            """
            WHAT                          VALUE
            uptimeSeconds                 1 h 2 min 3 s
            controllerLastContactSeconds  never
            startToReadyMillis            812 ms
            residentBytes                 57.5 MiB
            bufferedBytesLimit            512 B
            pid                           4711
            since                         2026-11-22T17:43:33Z
            """);
  }

  @Test
  void theWidestColumnsAreShortenedUntilTheTableFits() {
    StringWriter text = new StringWriter();
    Table table =
        new Table(
            List.of("pod", "problem", "state"), new Terminal(33, false), new PrintWriter(text));

    table.print(List.of(List.of("shop/cart-0", "it has no network namespace yet", "pending")));
    table.print(List.of(List.of("a/b", "", "enrolled")));

    assertThat(text)
        .hasToString(
            """
            POD          PROBLEM      STATE
            shop/cart-0  it has no …  pending
            a/b                      enrolled
            """);
  }

  @Test
  void columnsThatWouldSayNothingAreLeftOutFromTheEnd() {
    StringWriter text = new StringWriter();
    Table table =
        new Table(
            List.of("time", "verdict", "pod", "source", "direction"),
            new Terminal(40, true),
            new PrintWriter(text));

    table.print(
        List.of(
            List.of("2026-11-22T17:43:33Z", "refused", "shop/bookbuyer", "10.83.0.2:57428", "in")));
    table.print(
        List.of(List.of("2026-11-22T17:43:34Z", "error", "shop/a", "10.83.0.2:57430", "out")));

    assertThat(text.toString().replaceAll("\u001b\\[[0-9]*m", ""))
        .isEqualTo(
            """
            TIME           VERDICT  POD  …
            …22T17:43:33Z  refused  shop/bookbuy…
            …22T17:43:34Z  error    shop/a
            """);
  }

  @Test
  void whatARowIsAboutHasNoColourOfItsOwn() throws JsonProcessingException {
    StringWriter text = new StringWriter();

    new Table(List.of("what", "value"), new Terminal(80, true), new PrintWriter(text))
        .print(List.of(List.of("missing", "expired")));

    assertThat(text.toString()).endsWith("\nmissing  \u001b[31mexpired\u001b[m\n");
  }

  @Test
  void wordsHaveColoursWhereThereAreAny() {
    StringWriter text = new StringWriter();

    new Table(List.of("verdict"), new Terminal(80, true), new PrintWriter(text))
        .print(List.of(List.of("refused"), List.of("other")));

    assertThat(text).hasToString("\u001b[1mVERDICT\u001b[m\n\u001b[31mrefused\u001b[m\nother\n");
  }

  private static String printed(Listing listing, OutputFormat format) {
    StringWriter text = new StringWriter();
    listing.print(format, new PrintWriter(text));
    return text.toString();
  }
}

package io.sluice.cli.output;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Objects to be read: as a table by people, who are shown some of their members, else as JSON. */
public final class Listing {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern FRACTION =
      Pattern.compile("(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d)\\.\\d+Z");
  private static final List<String> BYTES = List.of("B", "KiB", "MiB", "GiB", "TiB");
  private static final int NEXT_UNIT = 1024;

  /** Of a terminal (ECMA-48): to its first character, and all from there on is taken away. */
  private static final String CLEARED = "\u001b[H\u001b[J";

  private final List<String> columns;
  private final List<JsonNode> objects;

  private Listing(List<String> columns, Stream<JsonNode> objects) {
    this.columns = List.copyOf(columns);
    this.objects = objects.toList();
  }

  /** Of {@code rows} with as many texts as columns, whose names are members in JSON. */
  public Listing(List<String> columns, List<List<String>> rows) {
    this(columns, rows.stream().map(row -> object(columns, row)));
  }

  private static JsonNode object(List<String> columns, List<String> row) {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    for (int i = 0; i < columns.size(); i++) {
      object.put(columns.get(i), row.get(i));
    }
    return object;
  }

  /** Objects of which a table shows the members {@code columns}. */
  public static Listing of(List<JsonNode> objects, List<String> columns) {
    return new Listing(columns, objects.stream());
  }

  /** The members of one object, one below the other, as far as they are single values. */
  public static Listing ofMembers(JsonNode object) {
    List<List<String>> rows = new ArrayList<>();
    object
        .properties()
        .forEach(
            member -> rows.add(List.of(member.getKey(), cell(member.getKey(), member.getValue()))));
    return new Listing(List.of("what", "value"), rows);
  }

  /** Prints as {@code format}; a table fits the terminal unless all of it is asked for. */
  public void print(OutputFormat format, PrintWriter out) {
    switch (format) {
      case table, wide -> table(columns, format, out).print(rows(objects, columns));
      case json -> printJson(JsonNodeFactory.instance.arrayNode().addAll(objects), out);
    }
  }

  /** Prints objects as they come, under the same headings; in JSON each on a line of its own. */
  public static Consumer<List<JsonNode>> growing(
      List<String> columns, OutputFormat format, PrintWriter out) {
    if (format == OutputFormat.json) {
      return objects -> {
        objects.forEach(out::println);
        requireReader(out);
      };
    }
    Table table = table(columns, format, out);
    return objects -> {
      table.print(rows(objects, columns));
      requireReader(out);
    };
  }

  /** Else what goes on for ever would do so in a pod from which its terminal has gone. */
  private static void requireReader(PrintWriter out) {
    if (out.checkError()) {
      throw new UncheckedIOException(new IOException("nobody reads any more what this prints"));
    }
  }

  /**
   * Prints objects of which each call shows the present ones: on a terminal in the place of those
   * before, else below them; in JSON as an array on a line.
   */
  public static Consumer<List<JsonNode>> renewed(
      List<String> columns, OutputFormat format, PrintWriter out) {
    return objects -> {
      boolean isInPlace = format != OutputFormat.json && Terminal.current().columns() > 0;
      if (format == OutputFormat.json) {
        out.println(JsonNodeFactory.instance.arrayNode().addAll(objects));
      } else {
        out.print(isInPlace ? CLEARED : "");
        table(columns, format, out).print(rows(objects, columns));
        out.print(isInPlace ? "" : System.lineSeparator());
      }
      requireReader(out);
    };
  }

  private static Table table(List<String> columns, OutputFormat format, PrintWriter out) {
    Terminal terminal = Terminal.current();
    return new Table(columns, format == OutputFormat.wide ? terminal.withoutEnd() : terminal, out);
  }

  private static List<List<String>> rows(List<JsonNode> objects, List<String> columns) {
    return objects.stream()
        .map(object -> columns.stream().map(name -> cell(name, object.path(name))).toList())
        .toList();
  }

  /** A word in the colour that it has in tables, where colours are shown. */
  public static String toned(String word) {
    return Terminal.current().coloured(word, Terminal.Tone.of(word));
  }

  /** Pretty JSON of a value, or of a map, whose iterators are printed as they come. */
  public static void printJson(Object value, PrintWriter out) {
    try {
      JSON.writerWithDefaultPrettyPrinter()
          .without(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
          .writeValue(out, value);
      out.println();
      out.flush();
    } catch (IOException e) {
      throw new IllegalStateException("cannot print " + value.getClass(), e);
    }
  }

  /** A member for people: numbers with the unit that its name tells, times to the second. */
  public static String cell(String name, JsonNode value) {
    if (value.isArray()) {
      List<String> parts = new ArrayList<>();
      value.forEach(part -> parts.add(part.asText()));
      return String.join(",", parts);
    }
    if (value.isMissingNode()) {
      return "-";
    }
    if (value.isIntegralNumber()) {
      return number(name, value);
    }
    return toTheSecond(value.asText());
  }

  /** A text whose moments are to the second. */
  public static String toTheSecond(String text) {
    return FRACTION.matcher(text).replaceAll("$1Z");
  }

  private static String number(String name, JsonNode number) {
    long value = number.asLong();
    if (name.endsWith("Seconds")) {
      return value < 0 ? "never" : time(Duration.ofSeconds(value));
    }
    if (name.endsWith("Millis")) {
      return value + " ms";
    }
    return name.contains("Bytes") ? size(value) : number.asText();
  }

  private static String time(Duration time) {
    String minutes = time.toMinutesPart() + " min ";
    String hours = time.toHoursPart() + " h ";
    String days = time.toDays() + " d ";
    if (time.toDays() > 0) {
      return days + hours + minutes.strip();
    }
    return (time.toHours() > 0 ? hours : "")
        + (time.toMinutes() > 0 ? minutes : "")
        + time.toSecondsPart()
        + " s";
  }

  private static String size(long bytes) {
    double size = bytes;
    int unit = 0;
    while (size >= NEXT_UNIT && unit + 1 < BYTES.size()) {
      size /= NEXT_UNIT;
      unit++;
    }
    return (unit == 0 ? Long.toString(bytes) : String.format(Locale.ROOT, "%.1f", size))
        + " "
        + BYTES.get(unit);
  }
}

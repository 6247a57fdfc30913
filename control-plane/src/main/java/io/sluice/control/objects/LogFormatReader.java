package io.sluice.control.objects;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.sluice.mesh.AccessLogSetting.Collector;
import io.sluice.mesh.LogFormat;
import io.sluice.mesh.LogFormat.Literal;
import io.sluice.mesh.LogFormat.Operator;
import io.sluice.mesh.LogFormat.Piece;
import io.sluice.mesh.LogFormat.Value;
import io.sluice.mesh.Printable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads formats of the access log as Envoy has them: a text, or an object of JSON with texts. */
final class LogFormatReader {
  static final String MEND =
      "write a text or an object of JSON, with operators such as %REQ(:PATH)% of which"
          + " docs/telemetry.md has a list";

  /** Objects within each other. */
  private static final int DEEPEST = 8;

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
          .build();

  /** A word with what may stand behind it, or the sign itself. */
  private static final Pattern OPERATOR =
      Pattern.compile("%(?:([A-Z_]+(?:\\([^()%]*\\))?)(?::([0-9]{1,3}))?)?%");

  /** Envoy's for what another proxy before it has changed, which there is none of. */
  private static final String ORIGINAL = "X-ENVOY-ORIGINAL-PATH?";

  private static final Map<String, Operator> OPERATORS =
      Arrays.stream(Operator.values())
          .collect(Collectors.toMap(Operator::word, Function.identity()));

  private static final String LONG = "it has more than %d characters";

  private LogFormatReader() {}

  /** Of a line. */
  static LogFormat line(String written) {
    requireAtMost(written, LogFormat.MOST_CHARACTERS);
    String text = written.endsWith("\n") ? written.substring(0, written.length() - 1) : written;
    if (text.isBlank()) {
      throw new IllegalArgumentException("it is empty");
    }
    List<Piece> pieces = new ArrayList<>();
    if (text.stripLeading().startsWith("{")) {
      addJson(parsed(text), pieces, 0);
    } else {
      addOperators(text, UnaryOperator.identity(), pieces);
    }
    return format(pieces);
  }

  /** Of an attribute, which is a text. */
  static LogFormat attribute(String written) {
    requireAtMost(written, Collector.MOST_CHARACTERS);
    List<Piece> pieces = new ArrayList<>();
    addOperators(written, UnaryOperator.identity(), pieces);
    return format(pieces);
  }

  private static void requireAtMost(String written, int most) {
    if (written.length() > most) {
      throw new IllegalArgumentException(LONG.formatted(most));
    }
  }

  private static JsonNode parsed(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "it begins with { and is no JSON: " + Printable.text(e.getOriginalMessage(), 200), e);
    }
  }

  /** Texts beside each other as one. */
  private static LogFormat format(List<Piece> pieces) {
    List<Piece> joined = new ArrayList<>();
    for (Piece piece : pieces) {
      if (piece instanceof Literal(String text)
          && !joined.isEmpty()
          && joined.getLast() instanceof Literal(String before)) {
        joined.set(joined.size() - 1, new Literal(before + text));
      } else {
        joined.add(piece);
      }
    }
    return new LogFormat(joined);
  }

  private static void addJson(JsonNode node, List<Piece> pieces, int depth) {
    if (depth > DEEPEST) {
      throw new IllegalArgumentException("it has objects more than " + DEEPEST + " deep");
    }
    if (node.isObject()) {
      String separator = "{";
      for (Map.Entry<String, JsonNode> field : node.properties()) {
        pieces.add(new Literal(separator + json(field.getKey()) + ":"));
        addJson(field.getValue(), pieces, depth + 1);
        separator = ",";
      }
      pieces.add(new Literal(node.isEmpty() ? "{}" : "}"));
    } else if (node.isArray()) {
      pieces.add(new Literal("["));
      for (Iterator<JsonNode> items = node.iterator(); items.hasNext(); ) {
        addJson(items.next(), pieces, depth + 1);
        pieces.add(new Literal(items.hasNext() ? "," : ""));
      }
      pieces.add(new Literal("]"));
    } else if (node.isTextual()) {
      addString(node.textValue(), pieces);
    } else {
      pieces.add(new Literal(node.toString()));
    }
  }

  /** One operator alone is a value of its own type, as with Envoy. */
  private static void addString(String text, List<Piece> pieces) {
    List<Piece> inside = new ArrayList<>();
    addOperators(text, LogFormatReader::withoutQuotes, inside);
    if (inside.size() == 1 && inside.getFirst() instanceof Value(Operator one, int most, var _)) {
      pieces.add(new Value(one, most, true));
      return;
    }
    pieces.add(new Literal("\""));
    pieces.addAll(inside);
    pieces.add(new Literal("\""));
  }

  private static String withoutQuotes(String text) {
    String quoted = json(text);
    return quoted.substring(1, quoted.length() - 1);
  }

  private static String json(String text) {
    try {
      return JSON.writeValueAsString(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("'" + Printable.text(text, 80) + "' is no text", e);
    }
  }

  /** What stands between the operators is written by {@code form}. */
  private static void addOperators(String text, UnaryOperator<String> form, List<Piece> pieces) {
    Matcher operator = OPERATOR.matcher(text);
    int at = 0;
    for (int sign = text.indexOf('%'); sign >= 0; sign = text.indexOf('%', at)) {
      if (!operator.region(sign, text.length()).lookingAt()) {
        throw new IllegalArgumentException(
            "'" + Printable.text(text.substring(sign), 40) + "' begins with no operator");
      }
      if (sign > at) {
        pieces.add(new Literal(form.apply(text.substring(at, sign))));
      }
      String word = operator.group(1);
      pieces.add(word == null ? new Literal("%") : value(word, operator.group(2)));
      at = operator.end();
    }
    if (at < text.length()) {
      pieces.add(new Literal(form.apply(text.substring(at))));
    }
  }

  private static Value value(String word, @Nullable String most) {
    String plain = word.toUpperCase(Locale.ROOT).replace(ORIGINAL, "");
    Operator operator =
        OPERATORS.get(
            switch (plain) {
              case "REQ_WITHOUT_QUERY(:PATH)" -> "REQ(:PATH)"; // a path has none here
              case "RESP(GRPC-STATUS)", "TRAILER(GRPC-STATUS)" -> "GRPC_STATUS_NUMBER";
              default -> plain;
            });
    if (operator == null) {
      throw new IllegalArgumentException(
          "%" + Printable.text(word, 80) + "% is no operator that is known here");
    }
    if (most != null && !word.endsWith(")")) {
      throw new IllegalArgumentException(
          "%" + word + ":" + most + "% has a length, which is for REQ");
    }
    return new Value(operator, most == null ? 0 : Integer.parseInt(most), false);
  }
}

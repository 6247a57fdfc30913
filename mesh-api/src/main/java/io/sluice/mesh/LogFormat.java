package io.sluice.mesh;

import java.util.List;

/**
 * How a line of the access log, or an attribute of one, is written: texts, and between them what is
 * known of the request or connection. Whoever writes it needs to know nothing of JSON.
 *
 * @param pieces in their order
 */
public record LogFormat(List<Piece> pieces) {
  /** Of a format as it is written. */
  public static final int MOST_CHARACTERS = 8_192;

  /** Of {@link Value}s. */
  public static final int MOST_VALUES = 64;

  private static final int MOST_PIECES = 2 * MOST_VALUES + 1;

  public LogFormat {
    pieces = List.copyOf(pieces);
    if (pieces.size() > MOST_PIECES) {
      throw new IllegalArgumentException(
          "it has " + pieces.size() + " pieces, more than " + MOST_PIECES);
    }
    int characters = 0;
    int values = 0;
    for (Piece piece : pieces) {
      switch (piece) {
        case Literal literal -> characters += literal.text().length();
        case Value _ -> values++;
      }
    }
    if (values > MOST_VALUES) {
      throw new IllegalArgumentException(
          "it has " + values + " operators, more than " + MOST_VALUES);
    }
    if (characters > MOST_CHARACTERS) {
      throw new IllegalArgumentException("it has more than " + MOST_CHARACTERS + " characters");
    }
  }

  /** One part of a format. */
  public sealed interface Piece {}

  /**
   * A text that is always there.
   *
   * @param text ASCII that can be printed, without an end of line
   */
  public record Literal(String text) implements Piece {
    public Literal {
      if (!text.matches("[ -~]*")) {
        throw new IllegalArgumentException(
            "'" + Printable.text(text, 80) + "' holds more than ASCII that can be printed");
      }
    }
  }

  /**
   * What is known of a request or connection.
   *
   * @param most characters of it that are told; 0 for as many as there are
   * @param isJson whether it is a value of JSON by itself, a number or null too, and not a part of
   *     a text
   */
  public record Value(Operator operator, int most, boolean isJson) implements Piece {
    public Value {
      if (most < 0 || most > MOST_CHARACTERS) {
        throw new IllegalArgumentException(most + " is outside 0.." + MOST_CHARACTERS);
      }
    }
  }

  /** What can be told, by Envoy's words; of requests' fields those that are kept of each. */
  public enum Operator {
    START_TIME("START_TIME"),
    METHOD("REQ(:METHOD)"),
    PATH("REQ(:PATH)"),
    AUTHORITY("REQ(:AUTHORITY)"),
    USER_AGENT("REQ(USER-AGENT)"),
    REQUEST_ID("REQ(X-REQUEST-ID)"),
    FORWARDED_FOR("REQ(X-FORWARDED-FOR)"),
    PROTOCOL("PROTOCOL"),
    RESPONSE_CODE("RESPONSE_CODE"),
    RESPONSE_CODE_DETAILS("RESPONSE_CODE_DETAILS"),
    RESPONSE_FLAGS("RESPONSE_FLAGS"),
    RESPONSE_DURATION("RESPONSE_DURATION"),
    UPSTREAM_SERVICE_TIME("RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)"),
    GRPC_STATUS("GRPC_STATUS_NUMBER"),
    BYTES_RECEIVED("BYTES_RECEIVED"),
    BYTES_SENT("BYTES_SENT"),
    DURATION("DURATION"),
    UPSTREAM_HOST("UPSTREAM_HOST"),
    UPSTREAM_CLUSTER("UPSTREAM_CLUSTER"),
    REQUESTED_SERVER_NAME("REQUESTED_SERVER_NAME"),
    ROUTE_NAME("ROUTE_NAME"),
    HOSTNAME("HOSTNAME"),
    CLIENT("DOWNSTREAM_REMOTE_ADDRESS"),
    CLIENT_ADDRESS("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT"),
    ORIGINAL_DESTINATION("DOWNSTREAM_LOCAL_ADDRESS"),
    SOURCE_PRINCIPAL("DOWNSTREAM_PEER_URI_SAN"),
    DESTINATION_PRINCIPAL("UPSTREAM_PEER_URI_SAN");

    private final String word;

    Operator(String word) {
      this.word = word;
    }

    /** As it stands between the signs of a format. */
    public String word() {
      return word;
    }
  }
}

package io.sluice.mesh;

/**
 * Where nodes report spans of requests, and of which traces.
 *
 * @param endpoint path at the collector that takes them
 * @param sampledFraction of traces that begin in the mesh, 0 to 1
 */
public record Tracing(
    NamedServer collector, Protocol protocol, String endpoint, double sampledFraction) {
  /** Of {@link #endpoint}. */
  public static final int MOST_CHARACTERS = 256;

  /** How a collector is told, with the port and path that such ones have. */
  public enum Protocol {
    ZIPKIN(9411, "/api/v2/spans"),
    OTLP(4318, "/v1/traces");

    private final int port;
    private final String endpoint;

    Protocol(int port, String endpoint) {
      this.port = port;
      this.endpoint = endpoint;
    }

    /** Where nothing is said. */
    public int port() {
      return port;
    }

    /** Where nothing is said. */
    public String endpoint() {
      return endpoint;
    }
  }

  public Tracing {
    requirePath(endpoint);
    requireFraction(sampledFraction);
  }

  static void requirePath(String endpoint) {
    if (endpoint.length() > MOST_CHARACTERS || !endpoint.matches("/[!-~&&[^#]]*")) {
      throw new IllegalArgumentException(
          "'" + Printable.text(endpoint, 80) + "' is no path of a URL");
    }
  }

  static void requireFraction(double sampledFraction) {
    if (!(sampledFraction >= 0 && sampledFraction <= 1)) {
      throw new IllegalArgumentException(sampledFraction + " is outside 0..1");
    }
  }
}

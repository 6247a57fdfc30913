package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.ServerTls;
import io.sluice.mesh.Tracing;
import io.sluice.mesh.Tracing.Protocol;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code spec.observability.tracing} of a MeshConfig, with OSM's names and defaults. What
 * cannot be used makes the whole object unusable, and what held before goes on.
 */
final class TracingReader {
  /** Below {@code spec.observability}. */
  static final String FIELD = "tracing";

  private static final String ENABLE = "enable";
  private static final String PORT = "port";
  private static final String ENDPOINT = "endpoint";
  private static final String PROTOCOL = "protocol";

  /** Of the collector; a field of {@link RemoteLoggingReader#FIELD} too. */
  static final String ADDRESS = "address";

  /** What part is sampled; likewise. */
  static final String FRACTION = "sampledFraction";

  /** What it may have. */
  static final Set<String> FIELDS =
      Set.of(ENABLE, ADDRESS, PORT, ServerTlsReader.FIELD, ENDPOINT, PROTOCOL, FRACTION);

  private TracingReader() {}

  /**
   * Where spans go; null where it is off, or after a problem was told.
   *
   * @param namespace of the MeshConfig, where the collector is if nothing is said
   */
  static @Nullable Tracing read(Fields observability, String namespace) {
    Fields fields = observability.objectOrEmpty(FIELD);
    Protocol protocol =
        fields
            .parsed(PROTOCOL, TracingReader::protocol, "write zipkin or otlp")
            .orElse(Protocol.ZIPKIN);
    int port = fields.port(PORT).orElse(protocol.port());
    String endpoint =
        fields.text(ENDPOINT).filter(text -> !text.isEmpty()).orElse(protocol.endpoint());
    double fraction = fraction(fields);
    String address =
        fields
            .text(ADDRESS)
            .filter(text -> !text.isEmpty())
            .orElse("jaeger." + namespace + ".svc.cluster.local");
    Optional<ServerTls> tls = ServerTlsReader.read(fields);
    if (!fields.isTrue(ENABLE)) {
      return null;
    }
    NamedServer collector = collector(fields, address, port, tls);
    if (collector == null) {
      return null;
    }
    try {
      return new Tracing(collector, protocol, endpoint, fraction);
    } catch (IllegalArgumentException e) {
      fields.problem(
          ENDPOINT, String.valueOf(e.getMessage()), "write a path, such as " + protocol.endpoint());
      return null;
    }
  }

  /** Null after a problem was told. */
  static @Nullable NamedServer collector(
      Fields fields, String address, int port, Optional<ServerTls> tls) {
    try {
      return new NamedServer(address, port, tls.orElse(null));
    } catch (IllegalArgumentException e) {
      fields.problem(
          ADDRESS,
          address.isEmpty() ? "it names no collector" : String.valueOf(e.getMessage()),
          "write a host name or an IP address, without a scheme or port");
      return null;
    }
  }

  private static Protocol protocol(String word) {
    return switch (word) {
      case "zipkin" -> Protocol.ZIPKIN;
      case "otlp" -> Protocol.OTLP;
      default -> throw new IllegalArgumentException("'" + word + "' is no protocol of collectors");
    };
  }

  /** A part of all, by default the whole: a number, or text, as osm-edge and FSM have it. */
  static double fraction(Fields fields) {
    return fields.isText(FRACTION)
        ? fields.parsed(FRACTION, TracingReader::fraction, "write 0 to 1, such as 0.1").orElse(1.0)
        : Math.min(1, fields.share(FRACTION));
  }

  private static double fraction(String text) {
    if (!text.matches("[01]|0?\\.[0-9]{1,9}|1\\.0{1,9}")) {
      throw new IllegalArgumentException("'" + text + "' is outside 0..1");
    }
    return Double.parseDouble(text);
  }

  /** Paths of fields that no version of it has. */
  static List<String> unknown(Fields observability) {
    Fields fields = observability.objectOrEmpty(FIELD);
    return Stream.of(fields.unknown(FIELDS), ServerTlsReader.unknown(fields))
        .flatMap(List::stream)
        .toList();
  }
}

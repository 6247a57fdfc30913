package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.ServerTls;
import io.sluice.mesh.Tracing;
import io.sluice.mesh.Tracing.Protocol;
import java.util.Optional;
import java.util.Set;
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

  /** What it may have. */
  static final Set<String> FIELDS =
      Set.of(
          ENABLE,
          ReportingReader.ADDRESS,
          PORT,
          ServerTlsReader.FIELD,
          ENDPOINT,
          PROTOCOL,
          ReportingReader.FRACTION);

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
    double fraction = ReportingReader.fraction(fields);
    String address =
        fields
            .text(ReportingReader.ADDRESS)
            .filter(text -> !text.isEmpty())
            .orElse("jaeger." + namespace + ".svc.cluster.local");
    Optional<ServerTls> tls = ServerTlsReader.read(fields);
    if (!fields.isTrue(ENABLE)) {
      return null;
    }
    NamedServer collector = ReportingReader.collector(fields, address, port, tls);
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

  private static Protocol protocol(String word) {
    return switch (word) {
      case "zipkin" -> Protocol.ZIPKIN;
      case "otlp" -> Protocol.OTLP;
      default -> throw new IllegalArgumentException("'" + word + "' is no protocol of collectors");
    };
  }
}

package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.manifest.WrittenDuration;
import io.sluice.mesh.AccessLogSetting;
import io.sluice.mesh.AccessLogSetting.Collector;
import io.sluice.mesh.AccessLogSetting.Collector.Protocol;
import io.sluice.mesh.LogFormat;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.ServerTls;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads Telemetries and the ExtensionServices that they name. */
final class TelemetryReader {
  private static final String SELECTOR = "selector";
  private static final String FORMAT = "format";
  private static final String ATTRIBUTES = "attributes";
  private static final NamedServer UNKNOWN = new NamedServer("unknown", 1);

  private TelemetryReader() {}

  static Telemetry read(Fields document, ObjectMeta meta) {
    Fields spec = document.objectOrEmpty("spec");
    Map<String, String> selector = spec.texts(SELECTOR);
    if (selector.size() > AccessLogSetting.MOST_LABELS) {
      spec.problem(
          SELECTOR,
          "there are more than " + AccessLogSetting.MOST_LABELS + " labels",
          "select by fewer");
      selector = Map.of();
    }
    return new Telemetry(
        meta, selector, spec.object("accessLog").map(TelemetryReader::accessLog).orElse(null));
  }

  private static Telemetry.AccessLog accessLog(Fields fields) {
    LogFormat format =
        fields.parsed(FORMAT, LogFormatReader::line, LogFormatReader.MEND).orElse(null);
    Fields sent = fields.object("openTelemetry").orElse(null);
    return sent == null
        ? new Telemetry.AccessLog(format, null, Map.of())
        : new Telemetry.AccessLog(
            format,
            sent.requiredObject("extensionService").map(TelemetryReader::named).orElse(null),
            attributes(sent));
  }

  private static @Nullable NamespacedName named(Fields reference) {
    String namespace =
        reference.requiredParsed("namespace", Rfc1123::label, Rfc1123.MEND).orElse("");
    String name = reference.requiredParsed("name", Rfc1123::subdomain, Rfc1123.MEND).orElse("");
    return namespace.isEmpty() || name.isEmpty() ? null : new NamespacedName(namespace, name);
  }

  private static Map<String, LogFormat> attributes(Fields sent) {
    Map<String, String> written = sent.texts(ATTRIBUTES);
    if (written.size() > Collector.MOST_ATTRIBUTES) {
      sent.problem(
          ATTRIBUTES,
          "there are more than " + Collector.MOST_ATTRIBUTES,
          "write " + Collector.MOST_ATTRIBUTES + " at most");
      return Map.of();
    }
    Fields fields = sent.objectOrEmpty(ATTRIBUTES);
    Map<String, LogFormat> attributes = new LinkedHashMap<>();
    for (String name : written.keySet()) {
      if (name.isEmpty() || name.length() > Collector.MOST_CHARACTERS) {
        fields.problem(
            name,
            "its name has " + name.length() + " characters",
            "write 1 to " + Collector.MOST_CHARACTERS);
      } else if (fields.has(name)) {
        fields
            .parsed(name, LogFormatReader::attribute, LogFormatReader.MEND)
            .ifPresent(value -> attributes.put(name, value));
      } else {
        attributes.put(name, LogFormatReader.attribute(""));
      }
    }
    return attributes;
  }

  static ExtensionService readService(Fields document, ObjectMeta meta) {
    Fields spec = document.objectOrEmpty("spec");
    int port = spec.requiredPort("port");
    ServerTls tls = ServerTlsReader.read(spec).orElse(null);
    NamedServer server =
        spec.requiredParsed(
                "host",
                host -> SharedLimitReader.server(host, port == 0 ? 1 : port),
                SharedLimitReader.SERVER_MEND)
            .map(clear -> new NamedServer(clear.host(), clear.port(), tls))
            .orElse(UNKNOWN);
    Protocol protocol =
        spec.parsed(
                "protocol",
                TelemetryReader::protocol,
                "write h2c for OTLP over gRPC, or http1 for OTLP over HTTP; for TLS add tls.enable:"
                    + " true")
            .orElse(Protocol.GRPC);
    long millis =
        spec.parsed("connectTimeout", SharedLimitReader::millis, WrittenDuration.GO_MEND)
            .orElse(Collector.DEFAULT_CONNECT_MILLIS);
    return new ExtensionService(meta, server, protocol, millis);
  }

  private static Protocol protocol(String word) {
    return switch (word) {
      case "", "grpc", "h2c", "http2" -> Protocol.GRPC;
      case "http1" -> Protocol.HTTP;
      default -> throw new IllegalArgumentException("'" + word + "' is no protocol of collectors");
    };
  }
}

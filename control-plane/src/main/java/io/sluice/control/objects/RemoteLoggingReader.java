package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.RemoteLogging;
import io.sluice.mesh.ServerTls;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code spec.observability.remoteLogging} of a MeshConfig, with the names and defaults of
 * osm-edge and FSM. What cannot be used makes the whole object unusable, and what held before goes
 * on; the value of {@code authorization} is told nowhere.
 */
final class RemoteLoggingReader {
  /** Below {@code spec.observability}. */
  static final String FIELD = "remoteLogging";

  private static final String ENABLE = "enable";
  private static final String LEVEL = "level";
  private static final String PORT = "port";
  private static final String ENDPOINT = "endpoint";
  private static final String AUTHORIZATION = "authorization";

  /** Of osm-edge and FSM, where 2 is the default and 0 is off. */
  private static final int MOST_LEVEL = 9;

  /** What it may have. */
  static final Set<String> FIELDS =
      Set.of(
          ENABLE,
          LEVEL,
          ReportingReader.ADDRESS,
          PORT,
          ServerTlsReader.FIELD,
          ENDPOINT,
          AUTHORIZATION,
          ReportingReader.FRACTION);

  private RemoteLoggingReader() {}

  /** Where lines go; null where it is off, or after a problem was told. */
  static @Nullable RemoteLogging read(Fields observability) {
    Fields fields = observability.objectOrEmpty(FIELD);
    int port = fields.port(PORT).orElse(RemoteLogging.DEFAULT_PORT);
    String path = fields.text(ENDPOINT).filter(text -> !text.isEmpty()).orElse("/");
    String endpoint = path.startsWith("/") ? path : "/" + path;
    double fraction = ReportingReader.fraction(fields);
    String address = fields.text(ReportingReader.ADDRESS).orElse("");
    Optional<ServerTls> tls = ServerTlsReader.read(fields);
    boolean isOff =
        fields.whole(LEVEL, "a level", 0, MOST_LEVEL).filter(level -> level == 0).isPresent();
    boolean hasSecret = fields.has(AUTHORIZATION);
    if (hasSecret && !fields.isText(AUTHORIZATION)) { // what else it is would tell it
      fields.problem(AUTHORIZATION, "this is no string", "write it in quotes");
      return null;
    }
    String authorization = hasSecret ? fields.text(AUTHORIZATION).orElse("") : "";
    if (!fields.isTrue(ENABLE) || isOff) {
      return null;
    }
    NamedServer collector = ReportingReader.collector(fields, address, port, tls);
    if (collector == null) {
      return null;
    }
    try {
      RemoteLogging.requireAuthorization(authorization);
    } catch (IllegalArgumentException e) {
      fields.problem(
          AUTHORIZATION, String.valueOf(e.getMessage()), "write it in one line of ASCII");
      return null;
    }
    try {
      return new RemoteLogging(collector, endpoint, authorization, fraction);
    } catch (IllegalArgumentException e) {
      fields.problem(ENDPOINT, String.valueOf(e.getMessage()), "write a path, such as /logs");
      return null;
    }
  }
}

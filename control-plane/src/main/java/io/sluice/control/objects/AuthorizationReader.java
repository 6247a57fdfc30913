package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.manifest.WrittenDuration;
import io.sluice.mesh.ExternalAuthorization;
import io.sluice.mesh.NamedServer;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code spec.traffic.inboundExternalAuthorization} of a MeshConfig. What cannot be used
 * makes the whole object unusable, so that nobody is let in unasked by a slip.
 */
final class AuthorizationReader {
  /** Below {@code spec.traffic}. */
  static final String FIELD = "inboundExternalAuthorization";

  private static final String ENABLE = "enable";
  private static final String ADDRESS = "address";
  private static final String PORT = "port";
  private static final String PREFIX = "statPrefix";
  private static final String TIMEOUT = "timeout";
  private static final String FAIL_OPEN = "failureModeAllow";

  /** What it may have. */
  static final Set<String> FIELDS = Set.of(ENABLE, ADDRESS, PORT, PREFIX, TIMEOUT, FAIL_OPEN);

  private AuthorizationReader() {}

  /** Who is asked; nobody where it is off, or after a problem was told. */
  static @Nullable ExternalAuthorization read(Fields traffic) {
    Fields fields = traffic.objectOrEmpty(FIELD);
    String prefix = fields.text(PREFIX).orElse(ExternalAuthorization.DEFAULT_STAT_PREFIX);
    long timeout =
        fields
            .parsed(TIMEOUT, AuthorizationReader::millis, "write a duration up to 30s, as 500ms")
            .orElse(ExternalAuthorization.DEFAULT_TIMEOUT_MILLIS);
    boolean failOpen = fields.isTrue(FAIL_OPEN);
    if (!fields.isTrue(ENABLE)) {
      return null;
    }
    int port = fields.port(PORT).orElse(0);
    if (!fields.has(PORT)) {
      fields.problem(PORT, "the field is missing", "write the port where gRPC is spoken");
    }
    String address = fields.requiredText(ADDRESS);
    if (address.isEmpty() || port == 0) {
      return null;
    }
    try {
      return new ExternalAuthorization(new NamedServer(address, port), prefix, timeout, failOpen);
    } catch (IllegalArgumentException e) {
      fields.problem(
          prefix.length() > ExternalAuthorization.MOST_CHARACTERS ? PREFIX : ADDRESS,
          String.valueOf(e.getMessage()),
          "write a host name or an IP address, without a scheme or port");
      return null;
    }
  }

  private static long millis(String text) {
    long millis = WrittenDuration.parseParts(text).toMillis();
    if (millis < 1 || millis > NamedServer.MOST_TIMEOUT_MILLIS) {
      throw new IllegalArgumentException(text + " is outside 1ms..30s");
    }
    return millis;
  }

  /** Paths of fields that no version of it has. */
  static List<String> unknown(Fields traffic) {
    return traffic.objectOrEmpty(FIELD).unknown(FIELDS);
  }
}

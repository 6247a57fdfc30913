package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.ServerTls;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads {@code tls} of what names a collector. */
final class ServerTlsReader {
  /** In any object that names one. */
  static final String FIELD = "tls";

  private static final String ENABLE = "enable";
  private static final String ROOTS = "caPem";

  /** Characters of {@link #ROOTS}. */
  private static final int MOST_CHARACTERS = 65_536;

  /** What it may have. */
  static final Set<String> FIELDS = Set.of(ENABLE, ROOTS);

  private ServerTlsReader() {}

  /**
   * By what the server is believed; empty where it is asked in clear, or after a problem was told.
   */
  static Optional<ServerTls> read(Fields collector) {
    Fields fields = collector.objectOrEmpty(FIELD);
    Optional<ServerTls> roots =
        fields
            .text(ROOTS)
            .filter(text -> !text.isEmpty())
            .flatMap(_ ->
                fields.parsed(
                    ROOTS,
                    ServerTlsReader::roots,
                    "write the PEM certificates of the authorities that signed the collector's certificate"));
    if (roots.isPresent() && !fields.has(ENABLE)) { // else it would be asked in clear by mistake
      fields.problem(
          ROOTS,
          "nobody is believed by this, as enable is missing",
          "write enable: true, or enable: false where it is to be asked in clear");
    }
    return fields.isTrue(ENABLE) ? Optional.of(roots.orElse(ServerTls.PUBLIC)) : Optional.empty();
  }

  private static ServerTls roots(String text) {
    if (text.length() > MOST_CHARACTERS) {
      throw new IllegalArgumentException(
          "it has " + text.length() + " characters, more than " + MOST_CHARACTERS);
    }
    if (!text.contains("-----BEGIN CERTIFICATE-----")) {
      throw new IllegalArgumentException(
          "there is no PEM certificate in it; it is the text itself, neither a path nor base64");
    }
    return new ServerTls(FederationReader.certificates(text));
  }

  /** Paths of fields that it does not have. */
  static List<String> unknown(Fields collector) {
    return collector.objectOrEmpty(FIELD).unknown(FIELDS);
  }
}

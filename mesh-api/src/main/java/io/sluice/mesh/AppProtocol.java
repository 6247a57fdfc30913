package io.sluice.mesh;

import java.util.Locale;
import java.util.Optional;

/** Application protocol of a service port; see {@link #of} for how one is chosen. */
public enum AppProtocol {
  HTTP,
  GRPC,
  TCP,
  TCP_SERVER_FIRST,
  MQTT,
  TLS;

  /**
   * Chooses by {@code appProtocol}, which must be one of the known values, then by the port name or
   * its prefix before a dash, else {@link #HTTP}. Letter case does not matter; unknown values mean
   * the next rule.
   */
  public static AppProtocol of(String appProtocol, String portName) {
    return ofValue(appProtocol.toLowerCase(Locale.ROOT))
        .or(() -> ofPortName(portName.toLowerCase(Locale.ROOT)))
        .orElse(HTTP);
  }

  private static Optional<AppProtocol> ofValue(String value) {
    return switch (value) {
      case "http", "kubernetes.io/h2c", "kubernetes.io/ws" -> Optional.of(HTTP);
      case "grpc" -> Optional.of(GRPC);
      case "tcp" -> Optional.of(TCP);
      case "tcp-server-first" -> Optional.of(TCP_SERVER_FIRST);
      case "mqtt" -> Optional.of(MQTT);
      case "tls", "https", "kubernetes.io/wss" -> Optional.of(TLS);
      default -> Optional.empty();
    };
  }

  private static Optional<AppProtocol> ofPortName(String name) {
    if (name.startsWith(TCP_SERVER_FIRST.word() + "-")) {
      return Optional.of(TCP_SERVER_FIRST);
    }
    Optional<AppProtocol> whole = ofValue(name);
    int dash = name.indexOf('-');
    return whole.isPresent() || dash < 0 ? whole : ofValue(name.substring(0, dash));
  }

  /** The name as written in manifests. */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}

package io.sluice.mesh;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Application protocol of a service port; see {@link #of} for how one is chosen. */
public enum AppProtocol {
  /** Nobody says. */
  UNDECLARED(""),
  HTTP("http"),
  HTTP2("http2"),
  GRPC("grpc"),
  GRPC_WEB("grpc-web"),
  WS("ws"),
  TCP("tcp"),
  TCP_SERVER_FIRST("tcp-server-first"),
  MQTT("mqtt"),
  TLS("tls");

  /** Words that hold a dash themselves, which else ends the prefix of a port's name. */
  private static final List<AppProtocol> DASHED = List.of(TCP_SERVER_FIRST, GRPC_WEB);

  private final String word;

  AppProtocol(String word) {
    this.word = word;
  }

  /**
   * Chooses by {@code appProtocol}, which must be one of the known values, then by the port name or
   * its prefix before a dash, else {@link #UNDECLARED}. Letter case does not matter; unknown values
   * mean the next rule.
   */
  public static AppProtocol of(String appProtocol, String portName) {
    return ofValue(appProtocol.toLowerCase(Locale.ROOT))
        .or(() -> ofPortName(portName.toLowerCase(Locale.ROOT)))
        .orElse(UNDECLARED);
  }

  private static Optional<AppProtocol> ofValue(String value) {
    return switch (value) {
      case "http" -> Optional.of(HTTP);
      case "http2", "h2c", "kubernetes.io/h2c" -> Optional.of(HTTP2);
      case "grpc" -> Optional.of(GRPC);
      case "grpc-web" -> Optional.of(GRPC_WEB);
      case "ws", "kubernetes.io/ws" -> Optional.of(WS);
      case "tcp" -> Optional.of(TCP);
      case "tcp-server-first" -> Optional.of(TCP_SERVER_FIRST);
      case "mqtt" -> Optional.of(MQTT);
      case "tls", "https", "kubernetes.io/wss" -> Optional.of(TLS);
      default -> Optional.empty();
    };
  }

  private static Optional<AppProtocol> ofPortName(String name) {
    Optional<AppProtocol> dashed =
        DASHED.stream().filter(one -> name.startsWith(one.word + "-")).findFirst();
    int dash = name.indexOf('-');
    return dashed
        .or(() -> ofValue(name))
        .or(() -> dash < 0 ? Optional.empty() : ofValue(name.substring(0, dash)));
  }

  /** Whether it is declared to be HTTP of some version, without TLS. */
  public boolean isHttp() {
    return switch (this) {
      case HTTP, HTTP2, GRPC, GRPC_WEB, WS -> true;
      case UNDECLARED, TCP, TCP_SERVER_FIRST, MQTT, TLS -> false;
    };
  }

  /** Whether nothing says that it is not HTTP. */
  public boolean mayBeHttp() {
    return isHttp() || this == UNDECLARED;
  }

  /** The name as written in manifests; empty for {@link #UNDECLARED}. */
  public String word() {
    return word;
  }
}

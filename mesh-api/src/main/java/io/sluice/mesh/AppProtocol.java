package io.sluice.mesh;

import java.util.Locale;

/** Application protocol of a service port; see {@link #of} for how one is chosen. */
public enum AppProtocol {
  HTTP,
  GRPC,
  TCP,
  TCP_SERVER_FIRST,
  MQTT,
  TLS;

  /**
   * Chooses by {@code appProtocol}, then by the port name's prefix, else {@link #HTTP}. Unknown
   * values mean the next rule.
   */
  public static AppProtocol of(String appProtocol, String portName) {
    for (String candidate : new String[] {appProtocol, portName}) {
      String text = candidate.toLowerCase(Locale.ROOT);
      for (AppProtocol protocol :
          new AppProtocol[] {TCP_SERVER_FIRST, HTTP, GRPC, TCP, MQTT, TLS}) {
        String word = protocol.word();
        if (text.equals(word) || text.startsWith(word + "-")) {
          return protocol;
        }
      }
      if (text.equals("https") || text.startsWith("https-")) {
        return TLS;
      }
    }
    return HTTP;
  }

  /** The name as written in manifests. */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}

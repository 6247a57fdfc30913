package io.sluice.mesh;

/** Where the proxy looks for the application that a connection to its pod is meant for. */
public enum LocalProxyMode {
  /**
   * At the address called. Where nobody listens there, at the same port of loopback, if a Service
   * leads to it.
   */
  LOCALHOST("Localhost"),
  /** At the address called alone. */
  POD_IP("PodIP");

  private final String word;

  LocalProxyMode(String word) {
    this.word = word;
  }

  /** How OSM writes it. */
  public String word() {
    return word;
  }
}

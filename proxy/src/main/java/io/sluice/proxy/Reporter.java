package io.sluice.proxy;

import java.util.Locale;

/** Which end of a mesh connection observed it. */
public enum Reporter {
  /** The client's side: an outbound listener accepted the connection. */
  SOURCE,
  /** The server's side: an inbound listener accepted the connection. */
  DESTINATION;

  private final String label = name().toLowerCase(Locale.ROOT);

  /** Value of the metric label {@code reporter}. */
  public String label() {
    return label;
  }
}

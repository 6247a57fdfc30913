package io.sluice.control.limit;

import java.util.Locale;

/** Why a connection to the control port was closed. */
public enum ConnectionRefusal {
  /** Its address has too many whose handshake is under way. */
  HANDSHAKES_OF_ADDRESS("look who opens them; a node tries again"),
  /** Too many handshakes are under way. */
  HANDSHAKES("look who opens them; a node tries again"),
  /** TCP, TLS and HTTP/2 were not set up in time. */
  HANDSHAKE_TOO_SLOW("look at the network between node and controller"),
  /** Its address has too many strangers. */
  STRANGERS_OF_ADDRESS("where many nodes join from one address, raise --strangers-per-address"),
  /** Too many strangers are there. */
  STRANGERS("where many nodes join at once, raise --strangers"),
  /** A stranger was not admitted in time. */
  NO_PROOF("a node joins at once; look who else connects"),
  /** One node, or one workload's identity, has too many. */
  CONNECTIONS_OF_IDENTITY(
      "a node needs two; look who holds its key, and put its certificate on the deny list"),
  /** Too many nodes and xDS clients are connected. */
  CONNECTIONS("let nodes use other controllers too");

  private final String mend;

  ConnectionRefusal(String mend) {
    this.mend = mend;
  }

  /** As metrics and the log write it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** What an operator can do. */
  public String mend() {
    return mend;
  }
}

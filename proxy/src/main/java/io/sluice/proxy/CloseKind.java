package io.sluice.proxy;

import java.util.Locale;

/** How a connection ended. */
public enum CloseKind {
  FIN("both ends finished sending"),
  RESET_BY_CLIENT("the client reset it, or its host vanished"),
  RESET_BY_UPSTREAM("the upstream reset it, or its host vanished"),
  IDLE("nothing was sent for too long"),
  DRAIN("the node daemon is stopping, or the pod was released"),
  CONNECT_FAILURE("no upstream could be reached"),
  REFUSED(
      "policy, a limit or a missing fact was against it, or it was no HTTP where that is asked"),
  DENIED("the other end's identity or certificate came onto the deny list"),
  REVOKED("policy allowed it and refuses it now"),
  BECAME_HTTP("policy asks for requests now, and its client's next one is carried as such"),
  STALLED("what it sent was not taken, and there was no memory for more"),
  ERROR("the proxy failed");

  private final String explanation;
  private final String label = name().toLowerCase(Locale.ROOT);

  CloseKind(String explanation) {
    this.explanation = explanation;
  }

  /** Half a sentence for people. */
  public String explanation() {
    return explanation;
  }

  /** Value of a metric label. */
  public String label() {
    return label;
  }
}

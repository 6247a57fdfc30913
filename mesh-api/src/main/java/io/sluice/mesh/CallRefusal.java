package io.sluice.mesh;

/** How the controller says to a node why it refuses a call; {@code identity.proto} has the rest. */
public final class CallRefusal {
  /** Name of the trailer that holds the reason, in a word. */
  public static final String REASON = "sluice-reason";

  /** That word for the older of two calls by which a node would follow. */
  public static final String SUPERSEDED = "superseded";

  private CallRefusal() {}
}

package io.sluice.cni.membership;

import java.nio.file.Path;

/** The membership file could not be written. */
public final class MembershipFileException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What the file says after the failure. */
  public enum Aftermath {
    /** It was not touched; it lets nothing start that may not. */
    KEPT("it stays as it is, for it lets nothing start that may not"),

    /** There is none any more: while no daemon answers, no pod starts on this node. */
    REMOVED("there is no such file now: while no daemon answers, no pod starts on this node"),

    /** It could not be removed and is empty now, which means the same. */
    EMPTIED("it was emptied: while no daemon answers, no pod starts on this node"),

    /** It could be neither removed nor emptied: it may let pods start that may not. */
    OUTDATED(
        "it could be neither removed nor emptied, so it is outdated: without a daemon, pods may "
            + "start outside the mesh; remove it by hand");

    private final String text;

    Aftermath(String text) {
      this.text = text;
    }
  }

  private final Aftermath aftermath;

  MembershipFileException(Path file, Throwable cause, Aftermath aftermath) {
    super(
        file
            + " was not written ("
            + cause.getMessage()
            + "); "
            + aftermath.text
            + "; free space on that disk or make it writable",
        cause);
    this.aftermath = aftermath;
  }

  /** What the file says now. */
  public Aftermath aftermath() {
    return aftermath;
  }
}

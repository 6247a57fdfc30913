package io.sluice.node.fault;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Between these points the daemon may die. Of a CNI call: whatever was done by then, the repeated
 * call must end in the same state. Of a snapshot that is saved: the next start has the former one
 * or this one. The system property {@code sluice.halt-at} names the one at which the process ends
 * as if it were killed, or is the path of a file that may come to name it; without it nothing
 * happens.
 */
public enum FaultPoint {
  /** What the daemon before this one left is here, and nothing of it is used yet. */
  PLACE_TAKEN,
  /** Every pod is in force, the daemon before this one accepts no more, and neither does this. */
  ALONE,
  /** The request was read. */
  CALL_RECEIVED,
  /** The sandbox is noted, nothing is done yet. */
  SANDBOX_RECORDED,
  /** The pod's listeners accept. */
  POD_PREPARED,
  /** The pod is in force. */
  POD_ACTIVE,
  /** The caller knows that the pod is in force, the answer is not sent yet. */
  SANDBOX_ATTACHED,
  /** A sandbox that goes is noted as leaving, its pod still in force. */
  SANDBOX_FORGOTTEN,
  /** The pod of a sandbox that goes is released. */
  POD_RELEASED,
  /** The answer is ready. */
  CALL_ANSWERED,
  /** The file that is to become the snapshot exists and is empty. */
  SNAPSHOT_BEGUN,
  /** The snapshot has its name. */
  SNAPSHOT_SAVED;

  private static final String PROPERTY = "sluice.halt-at";

  /** What the kernel reports of a process that SIGKILL ended: 128 + 9. */
  private static final int KILLED = 137;

  private static final String HALT_AT = System.getProperty(PROPERTY, "");

  /** Ends the process if this is the point named. */
  public void reached() {
    if (!HALT_AT.isEmpty() && named().equals(name().toLowerCase(Locale.ROOT))) {
      Runtime.getRuntime().halt(KILLED);
    }
  }

  private static String named() {
    if (!HALT_AT.startsWith("/")) {
      return HALT_AT;
    }
    try {
      return Files.readString(Path.of(HALT_AT));
    } catch (IOException e) {
      return ""; // not yet
    }
  }
}

package io.sluice.node.cni;

import io.sluice.cni.protocol.CniCommand;
import java.time.Duration;
import java.util.Locale;

/** Told of every call of the CNI client when its answer is known; any thread, must not block. */
public interface CallListener {
  /**
   * A call ended.
   *
   * @param duration from its first byte's wait to the answer, which is not sent yet
   */
  void served(CniCommand command, CallResult result, Duration duration);

  /** Something ended that was no call: not even its command was understood. */
  void undecodable();

  /** How a call of the CNI client ended. */
  public enum CallResult {
    /** As it asked. */
    OK,
    /** With an error document that says why not; the runtime tries again. */
    REFUSED,
    /** Without a decision: by a fault of the daemon, or the client had left. */
    FAILED;

    /** As metrics name it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}

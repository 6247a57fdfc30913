package io.sluice.control.admission;

import io.sluice.control.admission.AdmissionException.Reason;
import java.security.PublicKey;

/**
 * Finds out which node a token proves. One implementation for each kind of token.
 *
 * <p>Any thread, several at once; may block on disk or network, so never called from an event loop.
 */
public interface NodeAttestor {
  /**
   * The node that {@code token} proves, where it says that it is called so. A token that may be
   * used once has been used up when this returns, durably: a crash afterwards costs the node a new
   * token, never a second certificate.
   *
   * @param token as the node sent it; not checked yet, at most 8 KiB
   * @param claimedName looked at before a token of single use is used up
   * @param key of which the node has proven that it holds the private one. A token of single use
   *     may admit it again: the node may never have heard the answer
   * @throws AdmissionException with the reason where it proves none, or one of another name
   */
  AdmittedNode admit(String token, String claimedName, PublicKey key);

  /** Refuses a node that says it is another than its token proves. */
  static void requireName(String proven, String claimed) {
    if (!proven.equals(claimed)) {
      throw new AdmissionException(
          Reason.WRONG_ACCOUNT,
          "the token is for node '" + proven + "', and the node says it is '" + claimed + "'",
          "start it with --node-name " + proven + ", or get a token for its name");
    }
  }
}

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
   * The node that {@code token} proves. A token that may be used once has been used up when this
   * returns, durably: a crash afterwards costs the node a new token, never a second certificate.
   *
   * @param token as the node sent it; not checked yet, at most 8 KiB
   * @throws AdmissionException with the reason where it proves none
   */
  AdmittedNode admit(String token);

  /**
   * As {@link #admit(String)}, for a node that says what it is called. A token of single use should
   * look at the name before it is used up.
   *
   * @param key of which the node has proven that it holds the private one. A token of single use
   *     may admit it again: the node may never have heard the answer
   * @throws AdmissionException also where the token is for another name
   */
  default AdmittedNode admit(String token, String claimedName, PublicKey key) {
    AdmittedNode node = admit(token);
    if (!node.nodeName().equals(claimedName)) {
      throw otherName(node.nodeName(), claimedName);
    }
    return node;
  }

  /** The refusal of a node that says it is another than its token proves. */
  static AdmissionException otherName(String proven, String claimed) {
    return new AdmissionException(
        Reason.WRONG_ACCOUNT,
        "the token is for node '" + proven + "', and the node says it is '" + claimed + "'",
        "start it with --node-name " + proven + ", or get a token for its name");
  }
}

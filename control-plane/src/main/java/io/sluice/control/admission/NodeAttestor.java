package io.sluice.control.admission;

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
}

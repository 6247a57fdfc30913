package io.sluice.control.admission;

import io.sluice.control.admission.AdmissionException.Reason;
import java.util.Optional;

/**
 * Join tokens, and whatever else this site admits nodes by: the form of a token tells which is
 * meant.
 *
 * @param joinTokens for tokens of the form {@code <id>.<secret>}
 * @param others for every other token, where the site has such
 */
public record AttestorChoice(JoinTokens joinTokens, Optional<NodeAttestor> others)
    implements NodeAttestor {
  @Override
  public AdmittedNode admit(String token) {
    return attestor(token).admit(token);
  }

  @Override
  public AdmittedNode admit(String token, String claimedName) {
    return attestor(token).admit(token, claimedName);
  }

  private NodeAttestor attestor(String token) {
    if (JoinTokens.isOne(token)) {
      return joinTokens;
    }
    return others.orElseThrow(() ->
        new AdmissionException(
            Reason.MALFORMED,
            "this is no join token, and the controller admits by nothing else",
            "make one with 'sluice control token'"));
  }
}

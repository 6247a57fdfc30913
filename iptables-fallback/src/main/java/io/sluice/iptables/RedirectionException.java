package io.sluice.iptables;

/** Rules could not be read or written. What was written before has been taken back. */
public final class RedirectionException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /**
   * Makes an error an operator can act on.
   *
   * @param subject variant and family, such as {@code iptables-nft IPV4}
   * @param rule line of the restore file that was refused, empty when none is known
   * @param diagnosis what the program printed
   * @param advice what to do
   */
  public RedirectionException(String subject, String rule, String diagnosis, String advice) {
    super(
        subject
            + (rule.isEmpty() ? "" : " refused '" + rule + "'")
            + ": "
            + diagnosis
            + " ("
            + advice
            + ")");
  }
}

package io.sluice.proxy.http;

/** A message that breaks a rule, or a limit: it is not passed on. */
final class BadMessage extends Exception {
  private static final long serialVersionUID = 1;

  /** Of the answer where the message is a request (RFC 9110 §15.5). */
  final int status;

  /**
   * Without a stack trace: strangers make many of them.
   *
   * @param what says for people which rule
   */
  BadMessage(int status, String what) {
    super(what, null, false, false);
    this.status = status;
  }
}

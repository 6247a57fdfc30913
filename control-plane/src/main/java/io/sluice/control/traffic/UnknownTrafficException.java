package io.sluice.control.traffic;

/** That there is no answer, and what Kubernetes calls that. */
final class UnknownTrafficException extends Exception {
  private static final long serialVersionUID = 1L;
  private final int code;
  private final String reason;

  UnknownTrafficException(int code, String reason, String message) {
    super(message);
    this.code = code;
    this.reason = reason;
  }

  int code() {
    return code;
  }

  String reason() {
    return reason;
  }
}

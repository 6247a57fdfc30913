package io.sluice.linux;

/**
 * A system call or a libbpf call that failed. Carries data, so that callers may branch on {@link
 * #errno()} and operators may act on {@link #hint()}.
 */
public final class LinuxException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String operation;
  private final Errno errno;
  private final String subject;
  private final String hint;

  /**
   * @param operation the call, such as {@code bpf(MAP_UPDATE_ELEM)}
   * @param errno what the kernel answered
   * @param subject what it was called on, such as {@code map workload_by_addr}
   * @param hint what the operator can do; may be empty when there is nothing to do
   */
  public LinuxException(String operation, Errno errno, String subject, String hint) {
    super(message(operation, errno, subject, hint));
    this.operation = operation;
    this.errno = errno;
    this.subject = subject;
    this.hint = hint;
  }

  /** The call that failed. */
  public String operation() {
    return operation;
  }

  /** What the kernel answered. */
  public Errno errno() {
    return errno;
  }

  /** What the call was made on. */
  public String subject() {
    return subject;
  }

  /** What the operator can do. */
  public String hint() {
    return hint;
  }

  private static String message(String operation, Errno errno, String subject, String hint) {
    var text = operation + " on " + subject + " failed: " + errno + " (" + errno.text() + ")";
    return hint.isEmpty() ? text : text + "; " + hint;
  }
}

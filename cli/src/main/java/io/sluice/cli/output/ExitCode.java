package io.sluice.cli.output;

/** How commands end; the table of docs/commands.md. */
public enum ExitCode {
  /** What was asked for is done, or was so already. */
  OK(0),
  /** The work failed, or a check found a fault; standard error says which. */
  FAILED(1),
  /** The arguments cannot be used; nothing was begun. */
  USAGE(2);

  private final int code;

  ExitCode(int code) {
    this.code = code;
  }

  /** What the process ends with. */
  public int code() {
    return code;
  }
}

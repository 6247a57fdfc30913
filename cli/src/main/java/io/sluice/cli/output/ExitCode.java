package io.sluice.cli.output;

/** How commands end; the table of docs/commands.md. */
public enum ExitCode {
  OK(0, "what was asked for is done, or was so already"),
  FAILED(1, "the work failed, or a check found a fault; standard error says which"),
  USAGE(2, "the arguments, or files that they name, cannot be used; nothing was begun"),
  INTERRUPTED(130, "ended by Ctrl-C; what was begun is cleaned up");

  private final int code;
  private final String meaning;

  ExitCode(int code, String meaning) {
    this.code = code;
    this.meaning = meaning;
  }

  /** Of a check: whether it found what it should. */
  public static ExitCode of(boolean isGood) {
    return isGood ? OK : FAILED;
  }

  /** What the process ends with. */
  public int code() {
    return code;
  }

  /** What that means, for people. */
  public String meaning() {
    return meaning;
  }
}

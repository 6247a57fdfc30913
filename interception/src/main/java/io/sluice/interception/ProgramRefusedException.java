package io.sluice.interception;

import io.sluice.bpf.InterceptionProgram;

/** A program that cannot be had here: the kernel refuses it, or the operator left it out. */
public final class ProgramRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final InterceptionProgram program;
  private final String verifierLog;

  /**
   * @param verifierLog everything that the verifier said; empty when it was not asked
   */
  ProgramRefusedException(InterceptionProgram program, String message, String verifierLog) {
    super(message);
    this.program = program;
    this.verifierLog = verifierLog;
  }

  /** Which. */
  public InterceptionProgram program() {
    return program;
  }

  /** Everything that the verifier said about it; empty when it was not asked. */
  public String verifierLog() {
    return verifierLog;
  }
}

package io.sluice.linux.process;

import io.sluice.linux.syscall.SystemCalls;
import java.util.OptionalInt;

/** What reads or writes at a descriptor of this process. */
public final class Terminals {
  private static final int STANDARD_OUTPUT = 1;

  private Terminals() {}

  /** Characters of a line of the terminal at standard output; empty where none is there. */
  public static OptionalInt columnsOfOutput() {
    int columns = SystemCalls.terminalColumns(STANDARD_OUTPUT);
    return columns < 0 ? OptionalInt.empty() : OptionalInt.of(columns);
  }
}

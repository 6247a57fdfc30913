package io.sluice.fuzz;

/** What a target holds the code to. */
public final class Promises {
  private Promises() {}

  /** Throws {@link AssertionError} with {@code otherwise} unless it holds. */
  public static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }
}

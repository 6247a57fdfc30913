package io.sluice.kernel;

/**
 * Whether there is time for what a promise's short test leaves out: {@code ./sluice test --long}.
 */
public final class LongRun {
  /** Unless the tests are left out that are tagged so. */
  public static final boolean ON = !System.getProperty("excludedGroups", "").contains("long");

  private LongRun() {}
}

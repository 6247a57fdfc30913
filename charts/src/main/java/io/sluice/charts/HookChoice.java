package io.sluice.charts;

/** Which hooks of a chart are printed, as {@code helm template} has them. */
enum HookChoice {
  /** All of them: what {@code helm template} does without an option. */
  ALL,
  /** All but those of {@code helm test}: {@code --skip-tests}. */
  WITHOUT_TESTS,
  /** {@code --no-hooks}. */
  NONE;

  boolean includes(PrintedObject object) {
    return switch (this) {
      case ALL -> true;
      case WITHOUT_TESTS -> !object.isTest();
      case NONE -> !object.isHook();
    };
  }
}

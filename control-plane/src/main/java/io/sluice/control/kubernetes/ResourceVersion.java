package io.sluice.control.kubernetes;

/**
 * Order of resource versions. The API promises that those of one kind are decimal numbers that grow
 * with each change (KEP-5504, and in fact before); of others nothing is said.
 */
final class ResourceVersion {
  private ResourceVersion() {}

  /** Whether {@code version} is surely from before {@code other}. */
  static boolean isBefore(String version, String other) {
    return isNumber(version)
        && isNumber(other)
        && (version.length() != other.length()
            ? version.length() < other.length()
            : version.compareTo(other) < 0);
  }

  private static boolean isNumber(String text) {
    return text.matches("[1-9][0-9]{0,39}");
  }
}

package io.sluice.mesh;

import org.jspecify.annotations.Nullable;

/** A resource that cannot be used; the message names it, the field, the problem and the mend. */
public final class UnusableResourceException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int LONGEST_NAME = 80;

  /**
   * @param field as the protobuf names it; empty where the resource as a whole is meant
   */
  UnusableResourceException(ResourceKey key, String field, String problem, String mend) {
    this(key, field, problem, mend, null);
  }

  UnusableResourceException(
      ResourceKey key, String field, String problem, String mend, @Nullable Throwable cause) {
    super(
        shortened(key) + (field.isEmpty() ? "" : " " + field) + ": " + problem + "; " + mend,
        cause);
  }

  private static String shortened(ResourceKey key) {
    String name = key.toString();
    return name.length() > LONGEST_NAME ? name.substring(0, LONGEST_NAME) + "..." : name;
  }
}

package io.sluice.mesh;

import org.jspecify.annotations.Nullable;

/** A resource that cannot be used; the message names it, the field, the problem and the mend. */
public final class UnusableResourceException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int LONGEST_NAME = 80;

  /** Which one; not in serialised form, which nobody uses. */
  private final transient ResourceKey key;

  /** Empty where the resource as a whole is meant. */
  private final String field;

  UnusableResourceException(ResourceKey key, String field, String problem, String mend) {
    this(key, field, problem, mend, null);
  }

  UnusableResourceException(
      ResourceKey key, String field, String problem, String mend, @Nullable Throwable cause) {
    super(
        shortened(key) + (field.isEmpty() ? "" : " " + field) + ": " + problem + "; " + mend,
        cause);
    this.key = key;
    this.field = field;
  }

  private static String shortened(ResourceKey key) {
    String name = key.toString();
    return name.length() > LONGEST_NAME ? name.substring(0, LONGEST_NAME) + "..." : name;
  }

  /** The resource that is meant. */
  public ResourceKey key() {
    return key;
  }

  /** The field of the message, as the protobuf names it; empty for the whole. */
  public String field() {
    return field;
  }
}

package io.sluice.mesh;

/** Which release this is. */
public final class Release {
  /** As people write it. */
  public static final String VERSION = "0.1.0";

  private Release() {}
}

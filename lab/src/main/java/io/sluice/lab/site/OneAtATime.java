package io.sluice.lab.site;

/** What of the machine only one test class may use at a time: names for {@code @ResourceLock}. */
public final class OneAtATime {
  /** The demonstration, whose namespaces have the same names in every run. */
  public static final String DEMO = "demo";

  /** The engine of containers, which is started where none runs, and its images. */
  public static final String CONTAINER_ENGINE = "container engine";

  private OneAtATime() {}
}

package io.sluice.proxy;

/** What became of one request that the mesh's authoriser was to be asked about. */
public enum Authorized {
  /** It may go on. */
  OK("ok"),
  /** It may not. */
  DENIED("denied"),
  /** There was no answer that could be used, so it may not. */
  ERROR("error"),
  /** There was none, and it goes on all the same. */
  FAILURE_MODE_ALLOWED("failure_mode_allowed");

  private final String word;

  Authorized(String word) {
    this.word = word;
  }

  /** In metrics. */
  public String word() {
    return word;
  }
}

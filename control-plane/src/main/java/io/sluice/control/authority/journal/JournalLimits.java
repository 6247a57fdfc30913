package io.sluice.control.authority.journal;

/**
 * How much of the disk the journal may take: {@code files} times {@code fileBytes}.
 *
 * @param fileBytes size at which the current file is closed
 * @param files the current one and its older parts
 */
public record JournalLimits(long fileBytes, int files) {
  /** 64 MiB, some 200,000 entries: a week of 1,000 workloads at the shortest usual life of 1 h. */
  public static final JournalLimits DEFAULT = new JournalLimits(8L << 20, 8);

  private static final long LEAST_BYTES = 4096;
  private static final int MOST_FILES = 1000;

  public JournalLimits {
    if (fileBytes < LEAST_BYTES || files < 2 || files > MOST_FILES) {
      throw new IllegalArgumentException(
          "a journal needs 2 to " + MOST_FILES + " files of at least " + LEAST_BYTES + " bytes");
    }
  }
}

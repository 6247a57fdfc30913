package io.sluice.cli.check;

/**
 * One look at one subject.
 *
 * @param subject a few words, for the progress
 */
record Check(String subject, Look look) {
  /** Where findings go. */
  interface Sink {
    /** Something was found. */
    void add(Code code, String subject, String seen);
  }

  /** What a check does: a pure function of the facts. */
  interface Look {
    /**
     * @throws NotThereException where what it looks at is not to be had
     */
    void at(Facts facts, Sink found) throws NotThereException;
  }

  /** Something cannot be looked at, and that is no fault: the message says why. */
  static final class NotThereException extends Exception {
    private static final long serialVersionUID = 1;

    NotThereException(String message) {
      super(message);
    }
  }
}

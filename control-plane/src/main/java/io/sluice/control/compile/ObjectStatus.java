package io.sluice.control.compile;

import io.sluice.control.objects.ObjectRef;
import io.sluice.mesh.Printable;

/**
 * What the compiler has to say about one object. Objects that are used as written have none; an
 * object may have several.
 *
 * @param object the object that is meant
 * @param file file it came from
 * @param line line where it starts, from 1; 0 where it came without lines
 * @param severity how much of it has no effect
 * @param reason why
 * @param mend what its author can do, empty when nothing needs doing
 */
public record ObjectStatus(
    ObjectRef object, String file, int line, Severity severity, String reason, String mend) {
  /** Longest reason, in characters: it may quote what the object holds. */
  static final int MAX_LENGTH = 2_000;

  public ObjectStatus {
    reason = Printable.line(reason);
    mend = Printable.line(mend);
    reason = reason.length() <= MAX_LENGTH ? reason : reason.substring(0, MAX_LENGTH) + "…";
  }

  /** {@code file:line: object: reason; mend}, without a line of 0 and its file. */
  @Override
  public String toString() {
    return (line > 0 ? Printable.line(file) + ":" + line + ": " : "")
        + object
        + ": "
        + reason
        + (mend.isEmpty() ? "" : "; " + mend);
  }
}

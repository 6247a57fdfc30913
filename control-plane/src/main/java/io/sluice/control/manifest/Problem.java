package io.sluice.control.manifest;

import io.sluice.mesh.Printable;
import io.sluice.mesh.Spelling;
import java.util.Collection;
import java.util.TreeSet;

/**
 * One thing in a manifest that cannot be used, told so that its author can mend it.
 *
 * @param file name of the file, without its folder
 * @param line line of the offending value, from 1; 0 when the file as a whole is meant
 * @param field path such as {@code spec.ports[0].port}, empty when no field is meant
 * @param reason what is wrong
 * @param mend what to write instead
 */
public record Problem(String file, int line, String field, String reason, String mend) {
  /** The reason of a field that is in no definition. */
  public static final String UNKNOWN_FIELD = "no such field is known";

  /** Of so few, all are named. */
  private static final int FEW = 6;

  /** Longest field path and reason, in characters: both may quote what the file holds. */
  static final int MAX_LENGTH = 400;

  public Problem {
    field = clipped(field);
    reason = clipped(reason);
    mend = clipped(mend);
  }

  /** What its author can do about a field {@code name} where there are only {@code known} ones. */
  public static String mendOfUnknown(String name, Collection<String> known) {
    return Spelling.nearest(name, known)
        .map(field -> "did you mean '" + field + "'?")
        .orElse(
            known.isEmpty() || known.size() > FEW
                ? "check its spelling, or remove it"
                : "remove it, or use " + String.join(", ", new TreeSet<>(known)));
  }

  /** The same on another line. */
  Problem at(int otherLine) {
    return new Problem(file, otherLine, field, reason, mend);
  }

  /** Both go to logs, terminals and statuses. */
  private static String clipped(String text) {
    String line = Printable.line(text);
    return line.length() <= MAX_LENGTH ? line : line.substring(0, MAX_LENGTH) + "…";
  }

  /** {@code file:line: field: reason; mend}, with the absent parts left out. */
  @Override
  public String toString() {
    return Printable.line(file)
        + (line > 0 ? ":" + line : "")
        + ": "
        + (field.isEmpty() ? "" : field + ": ")
        + reason
        + "; "
        + mend;
  }
}

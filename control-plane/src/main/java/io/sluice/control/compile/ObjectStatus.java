package io.sluice.control.compile;

import io.sluice.control.objects.ObjectRef;
import io.sluice.mesh.Printable;
import org.jspecify.annotations.Nullable;

/**
 * What the compiler has to say about one object. Objects that are used as written have none; an
 * object may have several.
 *
 * @param object the object that is meant
 * @param file file it came from
 * @param line line where it starts, or where the field stands, from 1; 0 where it came without
 *     lines
 * @param severity how much of it has no effect
 * @param field path such as {@code spec.rules[0].kind}; empty when no single field is meant
 * @param reason why
 * @param mend what its author can do, empty when nothing needs doing
 * @param word the Gateway API's own for it, which conditions of routes have; empty where it has
 *     none
 * @param rivalOrNull where it contradicts another object, that one, which may be itself; where it
 *     contradicts several that are for one Service, the Service
 * @param ground why, for programs
 */
public record ObjectStatus(
    ObjectRef object,
    String file,
    int line,
    Severity severity,
    String field,
    String reason,
    String mend,
    String word,
    @Nullable ObjectRef rivalOrNull,
    Ground ground) {
  /** Longest field and longest reason, in characters: they may quote what the object holds. */
  static final int MAX_LENGTH = 2_000;

  public ObjectStatus {
    field = limited(Printable.line(field));
    reason = limited(Printable.line(reason));
    mend = Printable.line(mend);
  }

  private static String limited(String text) {
    return text.length() <= MAX_LENGTH ? text : text.substring(0, MAX_LENGTH) + "…";
  }

  /** The same on another line. */
  public ObjectStatus at(int otherLine) {
    return new ObjectStatus(
        object, file, otherLine, severity, field, reason, mend, word, rivalOrNull, ground);
  }

  /** {@code field: reason; mend}, with the absent parts left out. */
  public String sentence() {
    return (field.isEmpty() ? "" : field + ": ") + reason + (mend.isEmpty() ? "" : "; " + mend);
  }

  /** {@code file:line: object: sentence}, without a line of 0 and its file. */
  @Override
  public String toString() {
    return (line > 0 ? Printable.line(file) + ":" + line + ": " : "") + object + ": " + sentence();
  }
}

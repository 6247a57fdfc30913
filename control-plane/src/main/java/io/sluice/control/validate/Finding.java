package io.sluice.control.validate;

import io.sluice.control.compile.Ground;
import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.manifest.Problem;
import io.sluice.mesh.Printable;
import java.util.Comparator;
import java.util.Locale;

/**
 * One thing about a manifest that its author should know.
 *
 * @param file file it is in
 * @param line line of the value, or where the object starts, from 1; 0 when the whole file is meant
 * @param object {@code Kind namespace/name}, empty when it cannot be told
 * @param field path such as {@code spec.rules[0].kind}, empty when no single field is meant
 * @param level how bad it is
 * @param reason what is wrong
 * @param mend what to write instead, empty when nothing needs doing
 * @param rival {@code Kind namespace/name} of what it contradicts, as {@link
 *     ObjectStatus#rivalOrNull} says; empty where it contradicts nothing
 * @param ground why, for programs
 */
public record Finding(
    String file,
    int line,
    String object,
    String field,
    Level level,
    String reason,
    String mend,
    String rival,
    Ground ground)
    implements Comparable<Finding> {
  private static final Comparator<Finding> ORDER =
      Comparator.comparing(Finding::file)
          .thenComparing(Finding::line)
          .thenComparing(Finding::object)
          .thenComparing(Finding::level)
          .thenComparing(Finding::field)
          .thenComparing(Finding::reason)
          .thenComparing(Finding::mend)
          .thenComparing(Finding::rival);

  public Finding {
    object = Printable.line(object); // its name may be the very thing that is wrong
  }

  /** One that contradicts nothing. */
  public Finding(
      String file, int line, String object, String field, Level level, String reason, String mend) {
    this(file, line, object, field, level, reason, mend, "", Ground.SAID);
  }

  /** How bad a finding is. */
  public enum Level {
    /** The object has no effect, or holds a field that nobody knows. */
    ERROR,
    /** A part of the object has no effect. */
    WARNING,
    /** Worth knowing. */
    INFO;

    /** As printed. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** The same on another line. */
  Finding at(int otherLine) {
    return new Finding(file, otherLine, object, field, level, reason, mend, rival, ground);
  }

  /** A problem of {@code object}, of which nothing is used; empty when it cannot be told. */
  public static Finding of(Problem problem, String object) {
    return of(problem, object, Level.ERROR);
  }

  static Finding of(Problem problem, String object, Level level) {
    return new Finding(
        problem.file(),
        problem.line(),
        object,
        problem.field(),
        level,
        problem.reason(),
        problem.mend(),
        "",
        Ground.MISTAKEN);
  }

  /** What the compiler says of an object. */
  public static Finding of(ObjectStatus status) {
    Level level =
        switch (status.severity()) {
          case UNUSABLE -> Level.ERROR;
          case WARNING -> status.ground() == Ground.MISTAKEN ? Level.ERROR : Level.WARNING;
          case INFO -> Level.INFO;
        };
    return new Finding(
        status.file(),
        status.line(),
        status.object().toString(),
        status.field(),
        level,
        status.reason(),
        status.mend(),
        status.rivalOrNull() == null ? "" : status.rivalOrNull().toString(),
        status.ground());
  }

  @Override
  public int compareTo(Finding other) {
    return ORDER.compare(this, other);
  }

  /**
   * {@code file:line: }; {@code file: } of what is about the whole file; nothing where an object
   * came without lines.
   */
  public String place() {
    return line > 0
        ? Printable.line(file) + ":" + line + ": "
        : object.isEmpty() ? Printable.line(file) + ": " : "";
  }

  /** {@code file:line: level: sentence}. */
  @Override
  public String toString() {
    return place() + level.word() + ": " + sentence();
  }

  /** {@code Object: field: reason; mend}, with the absent parts left out. */
  public String sentence() {
    return (object.isEmpty() ? "" : object + ": ")
        + (field.isEmpty() ? "" : field + ": ")
        + reason
        + (mend.isEmpty() ? "" : "; " + mend);
  }
}

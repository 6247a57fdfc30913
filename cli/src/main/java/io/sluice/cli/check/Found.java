package io.sluice.cli.check;

import io.sluice.mesh.Printable;
import java.util.Comparator;

/**
 * One finding.
 *
 * @param subject what it is about: a file, pod, object or setting
 * @param seen with the values
 */
record Found(Code code, String subject, String seen) implements Comparable<Found> {
  private static final Comparator<Found> ORDER =
      Comparator.comparing((Found found) -> found.code().severity())
          .thenComparing(Found::code)
          .thenComparing(Found::subject)
          .thenComparing(Found::seen);

  Found {
    subject = Printable.line(subject);
    seen = Printable.line(seen);
  }

  @Override
  public int compareTo(Found other) {
    return ORDER.compare(this, other);
  }
}

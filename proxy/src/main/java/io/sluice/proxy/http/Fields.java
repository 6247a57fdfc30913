package io.sluice.proxy.http;

import io.sluice.mesh.HttpFilters.FieldChange;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a message in their order (RFC 9110 §5). Names are compared without regard to case
 * and kept as they were written; values are ISO 8859-1, one character an octet.
 */
final class Fields {
  private static final int USUAL = 24;

  private String[] lines = new String[USUAL]; // name, value, name, value
  private int used; // of it
  private long kinds; // of names that are or were there, by bit: most names are not asked for

  /** How many field lines there are. */
  int size() {
    return used / 2;
  }

  String name(int index) {
    return lines[2 * index];
  }

  String value(int index) {
    return lines[2 * index + 1];
  }

  void add(String name, String value) {
    if (used == lines.length) {
      lines = Arrays.copyOf(lines, 2 * used);
    }
    lines[used++] = name;
    lines[used++] = value;
    kinds |= kind(name);
  }

  /** A bit by length and last letter: the same for names that {@link #removeLike} takes for one. */
  private static long kind(String name) {
    int length = name.length();
    char last = length == 0 ? '-' : name.charAt(length - 1);
    return 1L << (length * 5 + ((last == '_' ? '-' : last) & 0x1f));
  }

  private boolean mayHave(String name) {
    return (kinds & kind(name)) != 0;
  }

  private boolean isNamed(int line, String name) {
    String there = lines[line];
    return there.length() == name.length() && there.equalsIgnoreCase(name);
  }

  private void removeLine(int line) {
    used -= 2;
    System.arraycopy(lines, line + 2, lines, line, used - line);
    lines[used] = "";
    lines[used + 1] = "";
  }

  /** The first value of that name. */
  @Nullable String first(String name) {
    for (int i = mayHave(name) ? 0 : used; i < used; i += 2) {
      if (isNamed(i, name)) {
        return lines[i + 1];
      }
    }
    return null;
  }

  /** All values of that name, as one list (RFC 9110 §5.3); null where there is none. */
  @Nullable String joined(String name) {
    String joined = null;
    for (int i = mayHave(name) ? 0 : used; i < used; i += 2) {
      if (isNamed(i, name)) {
        joined = joined == null ? lines[i + 1] : joined + ", " + lines[i + 1];
      }
    }
    return joined;
  }

  /** How many field lines have that name. */
  int count(String name) {
    int count = 0;
    for (int i = mayHave(name) ? 0 : used; i < used; i += 2) {
      if (isNamed(i, name)) {
        count++;
      }
    }
    return count;
  }

  /** Removes every field line of that name. */
  void remove(String name) {
    for (int i = mayHave(name) ? used - 2 : -1; i >= 0; i -= 2) {
      if (isNamed(i, name)) {
        removeLine(i);
      }
    }
  }

  /**
   * Removes every field line whose name some readers take for that one: CGI and what follows it
   * write hyphens as underscores (RFC 3875 §4.1.18).
   */
  void removeLike(String name) {
    if (!mayHave(name)) {
      return;
    }
    String read = name.replace('_', '-');
    for (int i = used - 2; i >= 0; i -= 2) {
      if (lines[i].length() == read.length() && lines[i].replace('_', '-').equalsIgnoreCase(read)) {
        removeLine(i);
      }
    }
  }

  /** Removes every field line of that name and adds this one. */
  void set(String name, String value) {
    remove(name);
    add(name, value);
  }

  /** Changes them one after the other; none that reads like one that goes stays beside it. */
  void change(List<FieldChange> changes) {
    for (FieldChange change : changes) {
      switch (change.action()) {
        case SET -> {
          removeLike(change.name());
          add(change.name(), change.value());
        }
        case ADD -> add(change.name(), change.value());
        case REMOVE -> removeLike(change.name());
      }
    }
  }

  /** The same lines, to be changed without these. */
  Fields copy() {
    Fields copy = new Fields();
    copy.lines = lines.clone();
    copy.used = used;
    copy.kinds = kinds;
    return copy;
  }

  /** Octets of names and values, with the 32 for each that RFC 9113 §6.5.2 counts. */
  int octets() {
    int octets = 0;
    for (int i = 0; i < used; i += 2) {
      octets += lines[i].length() + lines[i + 1].length() + 32;
    }
    return octets;
  }
}

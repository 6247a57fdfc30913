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

  /**
   * A bit by length, first and last letter: the same for names that {@link #removeLike} takes for
   * one. By these factors no name that is looked for in every message shares it with one that most
   * messages have.
   */
  private static long kind(String name) {
    int length = name.length();
    return length == 0
        ? 1
        : 1L << (3 * length + 13 * letter(name.charAt(0)) + 12 * letter(name.charAt(length - 1)));
  }

  private static int letter(char c) {
    return (c == '_' ? '-' : c) & 0x1f;
  }

  /** The bits of several names, for {@link #mayHaveAny}. */
  static long kinds(String... names) {
    long kinds = 0;
    for (String name : names) {
      kinds |= kind(name);
    }
    return kinds;
  }

  /** False where it has none of them for certain. */
  boolean mayHaveAny(long kindsOfNames) {
    return (kinds & kindsOfNames) != 0;
  }

  private boolean mayHave(String name) {
    return mayHaveAny(kind(name));
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

  /** Takes the one field line of that name out, and says its value; null where there is none. */
  @Nullable String take(String name) throws BadMessage {
    int found = -1;
    for (int i = mayHave(name) ? 0 : used; i < used; i += 2) {
      if (isNamed(i, name)) {
        if (found >= 0) {
          throw new BadMessage(400, "it has more than one " + name);
        }
        found = i;
      }
    }
    if (found < 0) {
      return null;
    }
    String value = lines[found + 1];
    removeLine(found);
    return value;
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
}

package io.sluice.proxy.http;

import io.sluice.mesh.HttpFilters.FieldChange;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a message in their order (RFC 9110 §5). Names are compared without regard to case
 * and kept as they were written; values are ISO 8859-1, one character an octet.
 */
final class Fields {
  private final List<String> lines = new ArrayList<>(24); // name, value, name, value
  private long lengths; // those that names have or had, by bit: most names are not asked for

  /** How many field lines there are. */
  int size() {
    return lines.size() / 2;
  }

  String name(int index) {
    return lines.get(2 * index);
  }

  String value(int index) {
    return lines.get(2 * index + 1);
  }

  void add(String name, String value) {
    lines.add(name);
    lines.add(value);
    lengths |= 1L << name.length();
  }

  private boolean mayHave(String name) {
    return (lengths & 1L << name.length()) != 0;
  }

  private boolean isNamed(int line, String name) {
    return lines.get(line).length() == name.length() && lines.get(line).equalsIgnoreCase(name);
  }

  /** The first value of that name. */
  @Nullable String first(String name) {
    for (int i = 0; mayHave(name) && i < lines.size(); i += 2) {
      if (isNamed(i, name)) {
        return lines.get(i + 1);
      }
    }
    return null;
  }

  /** All values of that name, as one list (RFC 9110 §5.3); null where there is none. */
  @Nullable String joined(String name) {
    String joined = null;
    for (int i = 0; mayHave(name) && i < lines.size(); i += 2) {
      if (isNamed(i, name)) {
        joined = joined == null ? lines.get(i + 1) : joined + ", " + lines.get(i + 1);
      }
    }
    return joined;
  }

  /** How many field lines have that name. */
  int count(String name) {
    int count = 0;
    for (int i = 0; mayHave(name) && i < lines.size(); i += 2) {
      if (isNamed(i, name)) {
        count++;
      }
    }
    return count;
  }

  /** Removes every field line of that name. */
  void remove(String name) {
    for (int i = lines.size() - 2; mayHave(name) && i >= 0; i -= 2) {
      if (isNamed(i, name)) {
        lines.remove(i + 1);
        lines.remove(i);
      }
    }
  }

  /**
   * Removes every field line whose name some readers take for that one: CGI and what follows it
   * write hyphens as underscores (RFC 3875 §4.1.18).
   */
  void removeLike(String name) {
    for (int i = lines.size() - 2; mayHave(name) && i >= 0; i -= 2) {
      if (lines.get(i).length() == name.length()
          && lines.get(i).replace('_', '-').equalsIgnoreCase(name)) {
        lines.remove(i + 1);
        lines.remove(i);
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
    copy.lines.addAll(lines);
    copy.lengths = lengths;
    return copy;
  }

  /** Octets of names and values, with the 32 for each that RFC 9113 §6.5.2 counts. */
  int octets() {
    int octets = 0;
    for (int i = 0; i < lines.size(); i += 2) {
      octets += lines.get(i).length() + lines.get(i + 1).length() + 32;
    }
    return octets;
  }
}

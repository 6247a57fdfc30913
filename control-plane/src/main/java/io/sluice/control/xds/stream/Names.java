package io.sluice.control.xds.stream;

import io.sluice.control.issuing.RefusalReason;
import io.sluice.control.issuing.RefusedException;
import io.sluice.control.xds.stream.Ask.Wish;
import io.sluice.control.xds.translate.XdsType;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which resources of one type a client wants: those that it names, or all. A client that never
 * named one of a type which Envoy fetches as a whole wants all. One thread at a time.
 */
final class Names {
  /** As many services as the largest mesh that is planned for, twice. */
  static final int MOST = 4_096;

  private static final int LONGEST = 512;
  private static final String EVERYTHING = "*";

  private final XdsType type;
  private final Set<String> named = new TreeSet<>();
  private boolean begun;
  private boolean everNamed;
  private boolean everything;

  Names(XdsType type) {
    this.type = type;
  }

  void take(Wish wish) {
    switch (wish) {
      case Wish.Exactly(var names) -> {
        named.clear();
        everything = false;
        everNamed |= !names.isEmpty();
        everything = !everNamed && type.isWhole();
        add(names);
      }
      case Wish.Change(var added, var removed, _) -> {
        everything |= !begun && added.isEmpty() && type.isWhole();
        removed.forEach(this::remove);
        add(added);
      }
    }
    begun = true;
  }

  private void add(Collection<String> names) {
    for (String name : names) {
      if (name.equals(EVERYTHING)) {
        everything = true;
      } else if (name.length() > LONGEST || (named.size() >= MOST && !named.contains(name))) {
        throw new RefusedException(
            RefusalReason.TOO_MUCH_ASKED,
            "a stream names at most "
                + MOST
                + " resources of a type, of at most "
                + LONGEST
                + " characters each",
            "ask for those that the client calls");
      } else {
        named.add(name);
      }
    }
  }

  private void remove(String name) {
    if (name.equals(EVERYTHING)) {
      everything = false;
    } else {
      named.remove(name);
    }
  }

  /** Those that it names. */
  Set<String> named() {
    return named;
  }

  boolean isEverything() {
    return everything;
  }

  boolean isNothing() {
    return !everything && named.isEmpty();
  }

  boolean wants(String name) {
    return everything || named.contains(name);
  }
}

package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectRef;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Collects statuses during one compilation. */
final class Statuses {
  private static final Comparator<ObjectStatus> ORDER =
      Comparator.comparing(ObjectStatus::object)
          .thenComparing(ObjectStatus::severity)
          .thenComparing(ObjectStatus::file)
          .thenComparing(ObjectStatus::line)
          .thenComparing(ObjectStatus::field)
          .thenComparing(ObjectStatus::reason);

  private final List<ObjectStatus> statuses;
  private final Ground ground;

  Statuses() {
    this(new ArrayList<>(), Ground.SAID);
  }

  private Statuses(List<ObjectStatus> statuses, Ground ground) {
    this.statuses = statuses;
    this.ground = ground;
  }

  /** The same; what is added through it has this ground. */
  Statuses on(Ground other) {
    return new Statuses(statuses, other);
  }

  void info(KubernetesObject object, String reason) {
    add(object, Severity.INFO, "", reason, "");
  }

  void warning(KubernetesObject object, String reason, String mend) {
    add(object, Severity.WARNING, "", reason, mend);
  }

  void unusable(KubernetesObject object, String reason, String mend) {
    add(object, Severity.UNUSABLE, "", reason, mend);
  }

  /** What concerns one field. */
  void add(KubernetesObject object, Severity severity, String field, String reason, String mend) {
    add(object, severity, field, reason, mend, "");
  }

  /** What the Gateway API has a word for. */
  void add(
      KubernetesObject object,
      Severity severity,
      String field,
      String reason,
      String mend,
      String word) {
    add(object, severity, field, reason, mend, word, null);
  }

  /** What contradicts {@code rival}. */
  void conflict(
      KubernetesObject object,
      Severity severity,
      String field,
      String reason,
      String mend,
      ObjectRef rival) {
    add(object, severity, field, reason, mend, "", rival);
  }

  /** What the Gateway API has a word for, and what contradicts another object too, or nothing. */
  void add(
      KubernetesObject object,
      Severity severity,
      String field,
      String reason,
      String mend,
      String word,
      @Nullable ObjectRef rivalOrNull) {
    statuses.add(
        new ObjectStatus(
            object.ref(),
            object.meta().file(),
            object.meta().line(),
            severity,
            field,
            reason,
            mend,
            word,
            rivalOrNull,
            ground));
  }

  /** A warning of one field. */
  void warning(KubernetesObject object, String field, String reason, String mend) {
    add(object, Severity.WARNING, field, reason, mend);
  }

  /** For one field, why the object is not used. */
  void unusable(KubernetesObject object, String field, String reason, String mend) {
    add(object, Severity.UNUSABLE, field, reason, mend);
  }

  /** Takes statuses over. */
  void addAll(List<ObjectStatus> others) {
    statuses.addAll(others);
  }

  void addAll(Statuses others) {
    addAll(others.statuses);
  }

  /**
   * Takes over what {@code parts} says of parts of {@code object}. Where none of these can be used,
   * the first of them says so too; one about which nothing is said has none, which {@code field}
   * says.
   *
   * @param loss what follows, as half a sentence
   * @param mend what to do where it has none
   */
  void addParts(
      Statuses parts,
      boolean areLost,
      KubernetesObject object,
      String field,
      String loss,
      String mend) {
    if (!areLost) {
      addAll(parts);
      return;
    }
    List<ObjectStatus> told = parts.sorted();
    if (told.isEmpty()) {
      add(object, Severity.UNUSABLE, field, loss, mend);
      return;
    }
    ObjectStatus first = told.getFirst();
    boolean isGeneral = first.ground() == Ground.SAID || first.ground() == Ground.NOT_ENFORCED;
    statuses.add(
        new ObjectStatus(
            first.object(),
            first.file(),
            first.line(),
            Severity.UNUSABLE,
            first.field(),
            first.reason() + ", so " + loss,
            first.mend(),
            first.word(),
            first.rivalOrNull(),
            isGeneral ? ground : first.ground()));
    addAll(told.subList(1, told.size()));
  }

  /** Forgets all, to begin again. */
  void clear() {
    statuses.clear();
  }

  List<ObjectStatus> sorted() {
    return statuses.stream().sorted(ORDER).toList();
  }

  /** The statuses of every object, kept from one compilation to the next. */
  static final class StatusBook {
    private final Map<ObjectRef, List<ObjectStatus>> byObject = new TreeMap<>();
    private final Map<ObjectRef, List<ObjectStatus>> duplicates = new TreeMap<>();
    private List<ObjectStatus> sorted = List.of();
    private boolean changed;

    /** Replaces what is said of {@code object}. */
    void put(ObjectRef object, Statuses found) {
      put(byObject, object, found.sorted());
    }

    /** Replaces what is said of {@code objects}, which {@code found} speaks of and of no others. */
    void put(Collection<ObjectRef> objects, Statuses found) {
      Map<ObjectRef, List<ObjectStatus>> each = new HashMap<>();
      for (ObjectStatus status : found.sorted()) {
        each.computeIfAbsent(status.object(), _ -> new ArrayList<>()).add(status);
      }
      objects.forEach(
          object -> put(byObject, object, List.copyOf(each.getOrDefault(object, List.of()))));
    }

    /** Replaces what is said of those that are {@code object} as well and do not count. */
    void putDuplicates(ObjectRef object, Statuses found) {
      put(duplicates, object, found.sorted());
    }

    /** Forgets what was said of {@code object}, but not of its duplicates. */
    void remove(ObjectRef object) {
      put(byObject, object, List.of());
    }

    private void put(
        Map<ObjectRef, List<ObjectStatus>> book, ObjectRef object, List<ObjectStatus> now) {
      List<ObjectStatus> before = now.isEmpty() ? book.remove(object) : book.put(object, now);
      changed |= !now.equals(before == null ? List.of() : before);
    }

    /** All statuses in order; the same list as long as nothing has changed. */
    List<ObjectStatus> sorted() {
      if (changed) {
        Statuses all = new Statuses();
        byObject.values().forEach(all::addAll);
        duplicates.values().forEach(all::addAll);
        sorted = List.copyOf(all.sorted());
        changed = false;
      }
      return sorted;
    }
  }
}

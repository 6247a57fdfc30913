package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Collects statuses during one compilation. */
final class Statuses {
  private static final Comparator<ObjectStatus> ORDER =
      Comparator.comparing(ObjectStatus::object)
          .thenComparing(ObjectStatus::severity)
          .thenComparing(ObjectStatus::file)
          .thenComparing(ObjectStatus::line)
          .thenComparing(ObjectStatus::field)
          .thenComparing(ObjectStatus::reason);

  private final List<ObjectStatus> statuses = new ArrayList<>();

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
    statuses.add(
        new ObjectStatus(
            object.ref(),
            object.meta().file(),
            object.meta().line(),
            severity,
            field,
            reason,
            mend));
  }

  /** A warning of one field. */
  void warning(KubernetesObject object, String field, String reason, String mend) {
    add(object, Severity.WARNING, field, reason, mend);
  }

  /** Takes statuses over. */
  void addAll(List<ObjectStatus> others) {
    statuses.addAll(others);
  }

  List<ObjectStatus> sorted() {
    return statuses.stream().sorted(ORDER).toList();
  }
}

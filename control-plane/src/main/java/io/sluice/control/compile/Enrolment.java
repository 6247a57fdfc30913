package io.sluice.control.compile;

import io.sluice.control.objects.EnrolmentWords;
import io.sluice.control.objects.MeshKey;
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.ObjectMeta;
import io.sluice.control.objects.Pod;
import io.sluice.mesh.NamespaceMembership;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether a Pod belongs to the mesh. In order: what can never be enrolled; the namespace's ignore
 * label; the Pod's own label, then its OSM annotation; the namespace's label, then its OSM label
 * and annotation. Wherever two words of the same rank contradict, the one that keeps out wins, as
 * in OSM.
 */
final class Enrolment {
  private Enrolment() {}

  static boolean isEnrolled(Pod pod, @Nullable Namespace namespaceOrNull) {
    if (isImpossible(pod) || (namespaceOrNull != null && isIgnored(namespaceOrNull))) {
      return false;
    }
    Optional<Boolean> own = word(pod.meta().labels().get(MeshKey.MESH.key()));
    if (own.isPresent()) {
      return own.get();
    }
    Optional<Boolean> injection = injection(pod.meta());
    if (injection.equals(Optional.of(false))) {
      return false;
    }
    if (namespaceOrNull == null) {
      return false; // OSM's annotation asks for injection only within a monitored namespace
    }
    ObjectMeta namespace = namespaceOrNull.meta();
    Optional<Boolean> whole = word(namespace.labels().get(MeshKey.MESH.key()));
    if (whole.isPresent()) {
      return whole.get();
    }
    return isMonitored(namespace) && injection.or(() -> injection(namespace)).orElse(false);
  }

  /**
   * What holds for the pods of a namespace of which only this is known.
   *
   * @param anyEnrolled whether one of the Pods that are known there is enrolled
   */
  static NamespaceMembership membership(
      @Nullable Namespace namespaceOrNull, BooleanSupplier anyEnrolled) {
    if (namespaceOrNull != null) {
      ObjectMeta namespace = namespaceOrNull.meta();
      if (EnrolmentWords.SYSTEM_NAMESPACES.contains(namespace.name())
          || isIgnored(namespaceOrNull)) {
        return NamespaceMembership.OUTSIDE;
      }
      Optional<Boolean> whole = word(namespace.labels().get(MeshKey.MESH.key()));
      if (whole.or(() -> injection(namespace).filter(_ -> isMonitored(namespace))).orElse(false)) {
        return NamespaceMembership.INSIDE;
      }
      if (whole.isEmpty() && isMonitored(namespace)) {
        return NamespaceMembership.MIXED; // a Pod's own annotation enrols it
      }
    }
    return anyEnrolled.getAsBoolean() ? NamespaceMembership.MIXED : NamespaceMembership.OUTSIDE;
  }

  /** Whether no word can enrol the Pod. */
  static boolean isImpossible(Pod pod) {
    return pod.hostNetwork()
        || pod.finished()
        || EnrolmentWords.SYSTEM_NAMESPACES.contains(pod.meta().namespace());
  }

  private static boolean isIgnored(Namespace namespace) {
    return EnrolmentWords.isIgnored(namespace.meta().labels());
  }

  private static boolean isMonitored(ObjectMeta namespace) {
    return MeshKey.MONITORED_BY.keys().stream().anyMatch(namespace.labels()::containsKey);
  }

  private static Optional<Boolean> injection(ObjectMeta meta) {
    List<Boolean> words = new ArrayList<>();
    for (String key : MeshKey.INJECTION.keys()) {
      word(meta.annotations().get(key)).ifPresent(words::add);
    }
    return words.isEmpty() ? Optional.empty() : Optional.of(!words.contains(false));
  }

  private static Optional<Boolean> word(@Nullable String text) {
    return Optional.ofNullable(text).flatMap(EnrolmentWords::enrols);
  }
}

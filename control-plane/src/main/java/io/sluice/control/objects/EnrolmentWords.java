package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.SystemIdentity;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The words that enrol a Pod or a Namespace or keep it out. OSM reads a few synonyms in its
 * annotation, so the mesh does too.
 */
public final class EnrolmentWords {
  /** Namespaces whose pods are never in the mesh: it needs them itself to come up. */
  public static final Set<String> SYSTEM_NAMESPACES =
      Set.of("kube-system", SystemIdentity.NAMESPACE);

  private static final String MEND = "write enabled or disabled";

  private EnrolmentWords() {}

  /** Whether {@code word} enrols; empty when it is not one of the words. */
  public static Optional<Boolean> enrols(String word) {
    return switch (word.toLowerCase(Locale.ROOT)) {
      case "enabled", "yes", "true" -> Optional.of(true);
      case "disabled", "no", "false" -> Optional.of(false);
      default -> Optional.empty();
    };
  }

  /** Whether a Namespace with these labels is kept out, under one name of the label or another. */
  public static boolean isIgnored(Map<String, String> labels) {
    return MeshKey.IGNORE.keys().stream().anyMatch(key -> "true".equals(labels.get(key)));
  }

  /** Reports words that say neither: a typing error must not quietly leave a pod unprotected. */
  static void check(Fields labels, Fields annotations) {
    labels.parsed(MeshKey.MESH.key(), EnrolmentWords::required, MEND);
    for (String key : MeshKey.INJECTION.keys()) {
      annotations.parsed(key, EnrolmentWords::required, MEND);
    }
  }

  private static Boolean required(String word) {
    return enrols(word)
        .orElseThrow(() ->
            new IllegalArgumentException(
                "'" + word + "' says neither that the mesh is wanted nor that it is not"));
  }
}

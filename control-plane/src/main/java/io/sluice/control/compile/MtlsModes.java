package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.MeshKey;
import io.sluice.mesh.MtlsMode;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether workloads take plaintext from outside the mesh: the word of the Pod, else of its
 * Namespace, else of the MeshConfig, else STRICT. A word that is none counts as STRICT and is told:
 * a typing error must not open anything.
 */
final class MtlsModes {
  private static final String ANNOTATION =
      "metadata.annotations[\"" + MeshKey.MTLS_MODE.key() + "\"]";

  private MtlsModes() {}

  /** What holds where neither a Pod nor its Namespace says anything. */
  static MtlsMode meshWide(Optional<MeshConfig> config, Statuses statuses) {
    return config
        .flatMap(chosen -> mode(chosen, "spec.traffic.mtlsMode", chosen.mtlsModeOrNull(), statuses))
        .orElse(MtlsMode.STRICT);
  }

  /** The word of a Pod or a Namespace; a wrong one goes to {@code statuses}. */
  static Optional<MtlsMode> annotated(KubernetesObject object, Statuses statuses) {
    return mode(
        object, ANNOTATION, object.meta().annotations().get(MeshKey.MTLS_MODE.key()), statuses);
  }

  private static Optional<MtlsMode> mode(
      KubernetesObject object, String field, @Nullable String word, Statuses statuses) {
    if (word == null) {
      return Optional.empty();
    }
    Optional<MtlsMode> known = MtlsMode.ofWord(word);
    if (known.isEmpty()) {
      statuses.warning(
          object,
          field + ": '" + word + "' is no mode, so STRICT holds",
          "write STRICT or PERMISSIVE");
    }
    return Optional.of(known.orElse(MtlsMode.STRICT));
  }
}

package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.MeshKeys;
import io.sluice.control.objects.Namespace;
import io.sluice.control.objects.Pod;
import io.sluice.mesh.MtlsMode;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether workloads take plaintext from outside the mesh: the word of the Pod, else of its
 * Namespace, else of the MeshConfig, else STRICT. A word that is none counts as STRICT and is told:
 * a typing error must not open anything.
 */
final class MtlsModes {
  private static final String ANNOTATION = "metadata.annotations[\"" + MeshKeys.MTLS_MODE + "\"]";

  private final Statuses statuses;
  private final MtlsMode meshWide;
  private final Map<String, MtlsMode> byNamespace = new HashMap<>();

  MtlsModes(Optional<MeshConfig> config, Objects objects, Statuses statuses) {
    this.statuses = statuses;
    this.meshWide =
        config
            .flatMap(chosen -> mode(chosen, "spec.traffic.mtlsMode", chosen.mtlsModeOrNull()))
            .orElse(MtlsMode.STRICT);
    for (Namespace namespace : objects.of(Namespace.class)) {
      annotated(namespace).ifPresent(mode -> byNamespace.put(namespace.meta().name(), mode));
    }
  }

  /** To be asked once for each Pod, since it tells what is wrong with its word. */
  MtlsMode of(Pod pod) {
    return annotated(pod)
        .orElseGet(() -> byNamespace.getOrDefault(pod.meta().namespace(), meshWide));
  }

  private Optional<MtlsMode> annotated(KubernetesObject object) {
    return mode(object, ANNOTATION, object.meta().annotations().get(MeshKeys.MTLS_MODE));
  }

  private Optional<MtlsMode> mode(KubernetesObject object, String field, @Nullable String word) {
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

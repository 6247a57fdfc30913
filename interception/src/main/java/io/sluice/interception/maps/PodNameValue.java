package io.sluice.interception.maps;

import io.sluice.interception.maps.StructCodec.Field;
import java.util.List;

/**
 * Name of a pod, for tools that read the pins without the daemon.
 *
 * @param namespace Kubernetes namespace
 * @param name of the Pod
 */
public record PodNameValue(String namespace, String name) {
  /** {@code namespace/name}. */
  String text() {
    return namespace + "/" + name;
  }

  /** Mirrors {@code struct pod_name}. */
  public static final StructCodec<PodNameValue> CODEC =
      new StructCodec<>(
          "pod_name",
          320,
          List.of(new Field("namespace_name", 0, 64), new Field("name", 64, 256)),
          (value, struct) -> {
            Wire.putText(struct, 0, 64, value.namespace);
            Wire.putText(struct, 64, 256, value.name);
          },
          struct -> new PodNameValue(Wire.text(struct, 0, 64), Wire.text(struct, 64, 256)));
}
